//! The test of a server: every way in which a partner is not reached has its own words and advice.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};

use serde_json::{Value, json};

use super::*;

const HOSTS: &[(&str, &str)] = &[
    ("home.example", "127.0.1.1"),
    ("far.example", "127.0.1.2"),
    ("strange.example", "127.0.1.2"),
    ("wrong.example", "127.0.1.2"),
    ("old.example", "127.0.1.2"),
    ("closed.example", "127.0.1.3"),
    ("clear.example", "127.0.1.4"),
    ("web.example", "127.0.1.5"),
    ("lost.example", "127.0.1.6"),
];

/// A server that says that once to everybody who connects.
fn saying(address: &str, text: &'static str) {
    let listener = TcpListener::bind((address, 5269)).expect("the port is free");
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(mut socket) = socket else { return };
            let mut bytes = [0; 1024];
            // Whoever connects says something first.
            let _ = socket.read(&mut bytes);
            let _ = socket.write_all(text.as_bytes());
            let _ = socket.read(&mut bytes);
        }
    });
}

/// A host whose answer is lost on the way: its queue of connections is full, so it drops whoever else connects.
fn lost(address: &str) -> (TcpListener, Vec<TcpStream>) {
    let place = (address, 5269).to_socket_addrs().expect("an address").next().expect("one");
    let listener = TcpListener::bind(place).expect("the port is free");
    rustix::net::listen(&listener, 0).expect("a queue of none");
    let connects = || TcpStream::connect_timeout(&place, Duration::from_millis(300)).ok();
    (listener, std::iter::from_fn(connects).collect())
}

fn test(admin: &Client, domain: &str) -> Value {
    admin.post(&format!("/federation/servers/{domain}:test"), &json!({})).expect(200).json
}

#[track_caller]
fn fails(outcome: &Value, step: &str, words: &str, advice: &str) {
    let steps = outcome["steps"].as_array().expect("steps");
    let failed: Vec<_> = steps.iter().filter(|step| step["outcome"] == "failed").collect();
    assert_eq!((failed.len(), &outcome["ok"]), (1, &json!(false)), "{outcome:#}");
    assert_eq!(failed[0]["step"], step, "{outcome:#}");
    assert!(failed[0]["detail"].as_str().unwrap().contains(words), "{words}: {outcome:#}");
    assert!(failed[0]["advice"].as_str().unwrap().contains(advice), "{advice}: {outcome:#}");
}

#[test]
fn every_failure_has_its_own_words_and_advice() {
    within(HOSTS, |network| {
        let (authority, other) = (Authority::new(), Authority::new());
        let hosts = [
            ("far.example", authority.leaf("far.example", 2090)),
            ("strange.example", other.leaf("strange.example", 2090)),
            ("wrong.example", authority.leaf("other.example", 2090)),
            ("old.example", authority.leaf("old.example", 2021)),
        ];
        let _prosody = Prosody::start(network, "127.0.1.2", &hosts, &authority.pem(), true);
        saying(
            "127.0.1.4",
            "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' id='1' version='1.0'>\
             <stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>",
        );
        let _lost = lost("127.0.1.6");
        saying("127.0.1.5", "HTTP/1.1 400 Bad Request\r\n\r\n");
        let mut rows: Vec<_> = HOSTS[1..].iter().map(|(domain, _)| json!({"domain": domain})).collect();
        rows.push(json!({"domain": "missing.example"}));
        rows.push(json!({"domain": "hub.example", "nextplane": true, "server": "127.0.1.2", "port": 5269}));
        let (_appliance, admin) = home(&rows);
        certify(&admin, &authority);
        let good = test(&admin, "far.example");
        assert_eq!(good["ok"], true, "{good:#}");
        let all: Vec<_> =
            good["steps"].as_array().unwrap().iter().map(|step| step["outcome"].clone()).collect();
        assert_eq!(all, vec![json!("ok"); 6], "{good:#}");
        fails(&test(&admin, "missing.example"), "dns", "DNS knows no missing.example", "spelling");
        fails(&test(&admin, "closed.example"), "tcp", "refuses connections", "XMPP service runs");
        fails(&test(&admin, "lost.example"), "tcp", "did not answer within 10 seconds", "firewall");
        fails(&test(&admin, "clear.example"), "tls", "offers no TLS", "TLS switched on there");
        fails(&test(&admin, "web.example"), "stream", "it is not XML", "host and port");
        fails(&test(&admin, "strange.example"), "certificate", "not trusted here", "Add its authority");
        fails(
            &test(&admin, "wrong.example"),
            "certificate",
            "it is for other.example, and wrong.example is expected",
            "tls_name",
        );
        fails(
            &test(&admin, "old.example"),
            "certificate",
            "has expired: it was valid until 2021-01-01",
            "renew",
        );
        // A static route leads to the right machine, which does not know the domain.
        let hub = test(&admin, "hub.example");
        fails(&hub, "stream", "host-unknown", "reason");
    });
}

#[test]
fn a_key_that_is_not_believed_is_told() {
    within(&[("home.example", "127.0.1.9"), ("far.example", "127.0.1.2")], |network| {
        let hosts = [("far.example", Authority::new().leaf("far.example", 2090))];
        let _prosody = Prosody::start(network, "127.0.1.2", &hosts, &Authority::new().pem(), false);
        let (_appliance, admin) = home(&[json!({"domain": "far.example", "policy": "tls_dialback"})]);
        // DNS leads to another address than ours, so the server cannot ask us.
        let outcome = test(&admin, "far.example");
        fails(&outcome, "authentication", "", "SRV record leads here");
    });
}

#[test]
fn nothing_is_tested_while_federation_is_off() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    admin.post("/federation/servers", &json!({"domain": "far.example"})).expect(201);
    let answer = admin.post("/federation/servers/far.example:test", &json!({}));
    assert_eq!(answer.status, 409, "{answer}");
    assert_eq!(admin.get("/federation/links").expect(200).items().len(), 0);
}
