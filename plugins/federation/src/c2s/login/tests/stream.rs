//! Header, TLS, and the end of a stream.

use super::*;

#[test]
fn a_header_that_is_none_of_a_client_ends_the_stream() {
    for (attributes, condition) in [
        ("to='home.example'", "unsupported-version"),
        ("to='home.example' version='2.0'", "unsupported-version"),
        ("to='home.example' version='x'", "unsupported-version"),
        ("version='1.0'", "improper-addressing"),
        ("to='' version='1.0'", "improper-addressing"),
        ("to='far.example' version='1.0'", "host-unknown"),
        ("to='ann@home.example' version='1.0'", "host-unknown"),
    ] {
        Line::open(attributes).ended(condition);
    }
    let mut servers = Line::new();
    servers.raw_header(&head(OPEN).replace("jabber:client", "jabber:server"));
    servers.ended("invalid-namespace");
    let mut strange = Line::new();
    strange.raw_header("<a>");
    strange.ended("invalid-namespace");
    let mut twice = Line::open(OPEN);
    twice.header(OPEN);
    twice.ended("not-well-formed");
}

#[test]
fn nothing_but_tls_goes_without_tls() {
    let line = Line::open("to='HOME.example.' version='1.0' from='ann@home.example'");
    line.says("from='home.example'");
    line.says("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>");
    assert!(!line.said.contains("mechanism"), "{}", line.said);
    let mut early = Line::open(OPEN);
    early.auth("PLAIN", "\0ann\0secret");
    early.fails("encryption-required");
    assert!(!early.outs.iter().any(|out| matches!(out, Out::Ask(_))), "no password is even looked at");
    for (text, condition) in [
        ("<message to='ben@home.example'><body>x</body></message>", "not-authorized"),
        ("<presence/>", "not-authorized"),
        ("<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>", "not-authorized"),
        ("<x xmlns='urn:x'/>", "unsupported-stanza-type"),
    ] {
        let mut line = Line::open(OPEN);
        line.put(text);
        line.ended(condition);
    }
    let mut line = Line::open(OPEN);
    let starttls = format!("<starttls xmlns='{}'/>", ns::TLS);
    line.put(&starttls);
    assert_eq!(line.outs.last(), Some(&Out::StartTls));
    line.login.secured(vec![]);
    line.put(&starttls);
    line.ended("not-authorized");
    let mut again = Line::secure(&[]);
    again.put(&starttls);
    assert!(again.outs.contains(&Out::Close));
    again.says("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
}

#[test]
fn after_tls_the_domain_is_still_the_same() {
    let mut line = Line::open(OPEN);
    line.login.secured(vec![]);
    line.header("to='other.example' version='1.0'");
    line.ended("improper-addressing");
}

#[test]
fn bound_mechanisms_are_offered_where_there_is_a_binding() {
    let bare = Line::secure(&[]);
    bare.says(
        "<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism>",
    );
    assert!(!bare.said.contains("PLUS") && !bare.said.contains("channel-binding"), "{}", bare.said);
    let bound = Line::secure(&["tls-exporter", "tls-server-end-point"]);
    bound.says(
        "<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism><mechanism>SCRAM",
    );
    bound.says("<channel-binding type='tls-exporter'/><channel-binding type='tls-server-end-point'/>");
}

#[test]
fn an_end_before_our_header_brings_it_first() {
    let mut line = Line::new();
    let outs = line.login.end(Condition::ConnectionTimeout, "too long");
    line.note(outs);
    line.says("<stream:stream ");
    line.ended("connection-timeout");
    let outs = line.login.closed();
    assert_eq!(outs, [Out::Close]);
    // What is written is read back as a client reads it.
    assert!(written_to_client(&Element::new(ns::SERVER, "iq")).starts_with("<iq"));
}
