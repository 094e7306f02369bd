//! What can be wrong before a stream stands.

use super::*;

/// Says it, and hears the stream's end for what is no XML or not XML that streams may have.
#[track_caller]
fn is_no_xml(text: &[u8]) {
    let mut line = line();
    line.say_bytes(text);
    let heard = line.hear_out();
    let is_named =
        ["not-well-formed", "restricted-xml"].iter().any(|word| heard.contains(&format!("<{word} ")));
    assert!(
        is_named && heard.ends_with("</stream:stream>"),
        "{}: {heard}",
        String::from_utf8_lossy(&text[..text.len().min(100)])
    );
}

#[test]
fn headers_of_all_kinds_get_what_is_due() {
    alone(|_, _| {
        let changed = |old: &str, new: &str| OPEN.replace(old, new).into_bytes();
        ends(&changed("http://etherx.jabber.org/streams", "http://example.org/streams"), "invalid-namespace");
        ends(&changed("stream:stream ", "stream:streams "), "invalid-namespace");
        ends(&changed("from='far.example'", &format!("from='{}'", "f".repeat(5000))), "invalid-from");
        ends(&changed("from='far.example'", "from='xn--\u{e9}.example'"), "invalid-from");
        // The reader may find that it is no XML before it finds what streams must not have; both end the stream.
        let declared = |text: &str| is_no_xml(&changed("<?xml version='1.0'?>", text));
        declared("<?xml version='1.0'?><?xml version='1.0'?>");
        declared("<?xml version='1.0' standalone='no'?>");
        declared("<?xml version='1.0' encoding='ISO-8859-1'?>");
        declared("<!-- hello -->");
        declared("<?xml-stylesheet href='x'?>");
        declared("<!DOCTYPE a [<!ENTITY b 'bbbbbbbbbb'><!ENTITY c '&b;&b;&b;&b;'>]>");
        declared("<!DOCTYPE a SYSTEM 'file:///etc/passwd'>");
        is_no_xml(&[b"\xff\xfe", OPEN.as_bytes()].concat());
        is_no_xml(&OPEN.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
        ends(format!("<{}>", "x".repeat(1 << 20)).as_bytes(), "policy-violation");
        let many: String = (0..100_000).map(|n| format!(" a{n}='1'")).collect();
        ends(&changed(" to=", &format!("{many} to=")), "policy-violation");
        let spaces: String = (0..100_000).map(|n| format!(" xmlns:a{n}='u'")).collect();
        ends(&changed(" to=", &format!("{spaces} to=")), "policy-violation");
    });
}

#[test]
fn what_is_odd_and_harmless_is_taken() {
    alone(|_, _| {
        for header in [
            OPEN.replace("from='far.example'", "from='FAR.Example.'"),
            OPEN.replace("from='far.example'", "from=''"),
            OPEN.replace("from='far.example'", ""),
            OPEN.replace("<?xml version='1.0'?>", ""),
            OPEN.replace("to='home", "id='' xmlns:x='urn:x' x:y='z' to='home"),
        ] {
            let mut line = line();
            line.say(&header);
            line.hear("</stream:features>");
        }
        // Older servers say no version, and get no features.
        let mut old = line();
        old.say(&OPEN.replace("version='1.0'>", ">"));
        assert!(!old.hear(">").is_empty());
    });
}

#[test]
fn one_byte_a_second_is_not_waited_for() {
    alone(|_, _| {
        let mut slow = line();
        let begun = std::time::Instant::now();
        let heard = slow.drip(OPEN.as_bytes(), Duration::from_secs(1));
        assert!(heard.contains("<connection-timeout "), "{heard}");
        assert!(begun.elapsed() < Duration::from_secs(38), "{:?}", begun.elapsed());
    });
}

#[test]
fn tls_is_begun_once_and_where_it_is_due() {
    within(HOSTS, |_| {
        let (_appliance, _admin) = home(&[json!({"domain": "far.example"})]);
        // Where TLS is asked for, a stream without it gets nowhere.
        for said in
            ["<db:result from='far.example' to='home.example'>k</db:result>", "<iq type='get' id='1'/>"]
        {
            let mut line = line();
            line.say(OPEN);
            assert!(line.hear("</stream:features>").contains("<required/>"));
            line.say(said);
            line.say("<a xmlns='urn:x'/>");
            assert!(!line.hear_out().contains("valid"), "{said}");
        }
        let mut twice = line();
        twice.say(OPEN);
        twice.hear("</stream:features>");
        twice.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        twice.hear("<proceed ");
        // Clear text where TLS begins now.
        twice.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        assert!(!twice.hear_out().contains("<proceed "));
        for mechanism in ["PLAIN", "SCRAM-SHA-256", ""] {
            let mut line = line();
            line.say(OPEN);
            line.hear("</stream:features>");
            let auth = format!(
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{}</auth>",
                "A".repeat(64)
            );
            line.say(&auth);
            line.hear("<invalid-mechanism/>");
            line.say(&auth);
            line.say(&auth);
            assert!(line.hear_out().contains("<policy-violation "), "three attempts are the most");
        }
    });
}
