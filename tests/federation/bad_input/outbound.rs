//! What servers that we connect to, and name servers, might say.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};

use super::*;

const HEADER: &str = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' \
     xmlns:db='jabber:server:dialback' id='1' version='1.0'>";

/// A server that says one part after each thing that it hears, on as many connections as come.
pub fn saying(address: &str, parts: &'static [&'static str]) {
    let listener = TcpListener::bind((address, 5269)).expect("the port is free");
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let mut bytes = [0; 4096];
            for part in parts {
                if !matches!(socket.read(&mut bytes), Ok(1..)) {
                    break;
                }
                let _ = socket.write_all(part.as_bytes());
            }
            while matches!(socket.read(&mut bytes), Ok(1..)) {}
        }
    });
}

/// The step at which the test of a server ends, and its words.
fn failed(admin: &Client, domain: &str) -> (String, String) {
    let outcome = admin.post(&format!("/federation/servers/{domain}:test"), &json!({})).expect(200).json;
    assert_eq!(outcome["ok"], false, "{outcome:#}");
    let steps = outcome["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["outcome"] == "failed").expect("one has failed");
    let word = |name: &str| step[name].as_str().expect("words").to_owned();
    assert!(!word("advice").is_empty(), "{outcome:#}");
    (word("step"), word("detail"))
}

/// A row of a partner whose word is taken without TLS.
pub fn plain(domain: &str) -> Value {
    json!({"domain": domain, "policy": "plain_dialback", "confirm_plain": true})
}

#[test]
fn name_servers_lead_nowhere_that_they_should_not() {
    let mut records: Vec<String> = vec![
        "--srv-host=_xmpp-server._tcp.none.example".to_owned(),
        "--srv-host=_xmpp-server._tcp.ours.example,home.example,5269".to_owned(),
        "--host-record=within.example,127.0.0.1".to_owned(),
        "--host-record=wire.example,169.254.1.1".to_owned(),
        "--host-record=dead.example,192.0.2.1".to_owned(),
    ];
    records.extend(
        (0..100).map(|n| format!("--srv-host=_xmpp-server._tcp.crowd.example,h{n}.example,5269,{n}")),
    );
    within_names(HOSTS, &records, |_| {
        let rows: Vec<_> = ["none", "ours", "within", "wire", "crowd"]
            .iter()
            .map(|name| plain(&format!("{name}.example")))
            .collect();
        let (_appliance, admin) = home(&rows);
        set(&admin, "local_targets", json!(false));
        let none = failed(&admin, "none.example");
        assert!(none.0 == "dns" && none.1.contains("no XMPP server"), "{none:?}");
        for (domain, address) in
            [("within.example", "127.0.0.1"), ("wire.example", "169.254.1.1"), ("ours.example", "127.0.1.1")]
        {
            let (step, words) = failed(&admin, domain);
            assert!(
                step == "dns" && words.contains(address) && words.contains("no other machine"),
                "{step}: {words}"
            );
        }
        let crowd = failed(&admin, "crowd.example");
        assert_eq!(crowd.0, "dns", "{crowd:?}");
        // Where it is allowed, a record that leads to ourselves is found out by what is said there.
        set(&admin, "local_targets", json!(true));
        let ours = failed(&admin, "ours.example");
        assert!(ours.0 == "stream" && ours.1.contains("host-unknown"), "{ours:?}");
        assert_eq!(plugin(&admin, "federation")["state"], "up");
    });
}

#[test]
fn a_name_server_that_fails_is_not_one_that_says_no() {
    within(HOSTS, |_| {
        let (_appliance, admin) = home(&[plain("far.example"), plain("missing.example")]);
        let (step, words) = failed(&admin, "missing.example");
        assert!(step == "dns" && words.contains("DNS knows no missing.example"), "{step}: {words}");
        let socket = UdpSocket::bind("127.0.1.54:53").expect("the port is free");
        std::thread::spawn(move || {
            let mut bytes = [0; 512];
            while let Ok((count, from)) = socket.recv_from(&mut bytes) {
                // RFC 1035 section 4.1.1: an answer (QR), and the failure of the server (RCODE 2).
                (bytes[2], bytes[3]) = (bytes[2] | 0x80, 2);
                let _ = socket.send_to(&bytes[..count], from);
            }
        });
        set(&admin, "dns_servers", json!(["127.0.1.54"]));
        let (step, words) = failed(&admin, "far.example");
        assert!(step == "dns" && words.contains("the name servers do not say where"), "{words}");
    });
}

#[test]
fn an_address_that_is_dead_does_not_hide_one_that_lives() {
    let records = [
        "--host-record=both.example,127.0.1.2,2001:db8::1".to_owned(),
        "--srv-host=_xmpp-server._tcp.far.example,both.example,5269".to_owned(),
    ];
    within_names(&HOSTS[..1], &records, |_| {
        let (_appliance, admin) = home(&[plain("far.example")]);
        let _friend = Friend::at("127.0.1.2");
        let outcome = admin.post("/federation/servers/far.example:test", &json!({})).expect(200).json;
        assert_eq!(outcome["ok"], true, "{outcome:#}");
    });
}

#[test]
fn servers_that_break_their_word_are_given_up_in_words() {
    let hosts = [
        ("home.example", "127.0.1.1"),
        ("elsewhere.example", "127.0.1.11"),
        ("bloated.example", "127.0.1.12"),
        ("fickle.example", "127.0.1.13"),
        ("forward.example", "127.0.1.14"),
        ("bare.example", "127.0.1.15"),
    ];
    within(&hosts, |_| {
        let see = "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:22</see-other-host></stream:error></stream:stream>";
        let bloated: &'static str =
            format!("{HEADER}<stream:features>{}", "<a xmlns='urn:a'/>".repeat(60_000)).leak();
        let tls = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
        saying("127.0.1.11", vec![&*format!("{HEADER}{see}").leak()].leak());
        saying("127.0.1.12", vec![bloated].leak());
        saying(
            "127.0.1.13",
            vec![
                &*format!("{HEADER}{tls}").leak(),
                "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>",
            ]
            .leak(),
        );
        saying(
            "127.0.1.14",
            vec![
                &*format!("{HEADER}{tls}").leak(),
                "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><stream:features/>",
            ]
            .leak(),
        );
        saying("127.0.1.15", vec![&*format!("{HEADER}<stream:features/>").leak()].leak());
        let rows: Vec<_> = hosts[1..].iter().map(|(domain, _)| plain(domain)).collect();
        let (_appliance, admin) = home(&rows);
        for (domain, step, words) in [
            ("elsewhere.example", "stream", "see-other-host"),
            ("bloated.example", "stream", ""),
            ("fickle.example", "tls", "refuses it"),
            ("forward.example", "tls", ""),
            ("bare.example", "authentication", "neither EXTERNAL nor dialback"),
        ] {
            let (at, said) = failed(&admin, domain);
            assert!(at == step && said.contains(words), "{domain}: {at}: {said}");
        }
        assert_eq!(plugin(&admin, "federation")["state"], "up");
    });
}
