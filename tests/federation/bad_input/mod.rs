//! What no server of good will says, over real sockets: the answer that is due, nothing kept, the process alive.

mod dialback;
mod ends;
mod external;
mod header;
mod outbound;
mod presence;
mod stanzas;

use std::time::Duration;

use serde_json::json;

use super::friend::Friend;
use super::*;

pub const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' \
     xmlns:db='jabber:server:dialback' from='far.example' to='home.example' version='1.0'>";

fn alone(body: impl Fn(&Appliance, &Client) + Send + Sync) {
    within(HOSTS, |_| {
        let row = json!({"domain": "far.example", "policy": "plain_dialback", "confirm_plain": true});
        let (appliance, admin) = home(&[row]);
        let pid = plugin(&admin, "federation")["pid"].clone();
        body(&appliance, &admin);
        let after = plugin(&admin, "federation");
        assert_eq!((&after["pid"], &after["state"]), (&pid, &json!("up")), "{after:#}");
        assert_eq!(kept(&admin), 0);
    });
}

/// Memory of the plugin, in KiB.
fn resident(admin: &Client) -> u64 {
    let pid = plugin(admin, "federation")["pid"].as_u64().expect("a process");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

fn line() -> Line {
    Line::connect("127.0.1.1:5269")
}

/// Says it, and hears the stream's end with that condition.
#[track_caller]
fn ends(text: &[u8], condition: &str) {
    let mut line = line();
    line.say_bytes(text);
    let heard = line.hear_out();
    let error = format!("<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
    let shown: String = String::from_utf8_lossy(text).chars().take(200).collect();
    assert!(heard.contains(&error) && heard.ends_with("</stream:stream>"), "{shown}: {heard}");
}

fn opened(text: &str) -> Vec<u8> {
    format!("{OPEN}{text}").into_bytes()
}

#[test]
fn what_is_no_stream_is_ended() {
    alone(|_, _| {
        ends(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not-well-formed");
        ends(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "not-well-formed");
        ends(b"<a><b/></a>", "invalid-namespace");
        ends(OPEN.replace("jabber:server'", "jabber:client'").as_bytes(), "invalid-namespace");
        ends(OPEN.replace("to='home", "to='other").as_bytes(), "host-unknown");
        ends(OPEN.replace("to='home.example'", "").as_bytes(), "improper-addressing");
        ends(OPEN.replace("from='far", "from='home").as_bytes(), "invalid-from");
        ends(OPEN.replace("from='far", "from='a@far").as_bytes(), "invalid-from");
        ends(OPEN.replace("from='far", "from='stranger").as_bytes(), "policy-violation");
        ends(OPEN.replace("version='1.0'>", "version='2.0'>").as_bytes(), "unsupported-version");
        ends(format!("<!DOCTYPE a [<!ENTITY b 'b'>]>{OPEN}").as_bytes(), "not-well-formed");
        ends(format!("{OPEN}<!-- x -->").as_bytes(), "restricted-xml");
        ends(format!("<a b='{}'/>", "x".repeat(1 << 20)).as_bytes(), "policy-violation");
    });
}

#[test]
fn nothing_is_taken_of_somebody_unknown() {
    alone(|_, _| {
        let stanza = "<message from='x@far.example' to='ann@home.example'><body>hi</body></message>";
        ends(&opened(stanza), "not-authorized");
        ends(&opened("<presence/>"), "not-authorized");
        ends(&opened(&format!("<a>{}</a>", "x".repeat(9000))), "policy-violation");
        ends(&opened(&"<a>".repeat(3000)), "policy-violation");
        ends(&opened(&format!("<a>{}</a>", "<b/>".repeat(40))), "policy-violation");
        ends(&opened("<a>&nope;</a>"), "not-well-formed");
        ends(&opened("<a>&#0;</a>"), "not-well-formed");
        ends(&opened("<x xmlns='urn:x'/>"), "unsupported-stanza-type");
        let mut forged = line();
        forged.say(OPEN);
        forged.hear("</stream:features>");
        forged.say("<db:result from='far.example' to='home.example' type='valid'/>");
        forged.say("<db:verify from='far.example' to='home.example' id='1' type='valid'/>");
        forged.say(stanza);
        assert!(
            forged.hear_out().contains("<not-authorized "),
            "an answer that nobody asked for says nothing"
        );
        let mut smuggled = line();
        smuggled.say(OPEN);
        smuggled.hear("</stream:features>");
        smuggled.say(&format!("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>{stanza}"));
        assert!(
            !smuggled.hear_out().contains("message"),
            "what comes behind <starttls/> ends the connection"
        );
        let mut spaces = line();
        spaces.say(OPEN);
        spaces.hear("</stream:features>");
        spaces.say(&" ".repeat(100_000));
        spaces.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
        spaces.hear("<encryption-required/>");
    });
}

#[test]
fn strangers_are_bounded_and_silence_ends() {
    alone(|_, _| {
        let silent: Vec<Line> = (0..16).map(|_| line()).collect();
        assert_eq!(line().hear_out(), "", "the seventeenth is not let in");
        let begun = std::time::Instant::now();
        for mut line in silent {
            assert!(line.hear_out().contains("<connection-timeout "));
        }
        assert!(begun.elapsed() < Duration::from_secs(38), "{:?}", begun.elapsed());
        let mut next = line();
        next.say(OPEN);
        next.hear("</stream:features>");
    });
}
