//! What servers that we connect to, and name servers, might say.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;

const HEADER: &str = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' \
     xmlns:db='jabber:server:dialback' id='1' version='1.0'>";

/// A server that says one part after each thing that it hears, on as many connections as come.
fn saying(address: &str, parts: &'static [&'static str]) {
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

fn plain(domain: &str) -> Value {
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
