//! What a partner that was let in might still say. Another stream of its stands all the while.

use super::*;

/// A stream that was let in says it; it ends with that condition, and another stream of the same partner stands.
#[track_caller]
fn known_ends(steady: &mut Steady, text: &[u8], condition: &str) {
    let mut line = Friend::stream();
    line.say_bytes(text);
    let heard = line.hear_out();
    let shown: String = String::from_utf8_lossy(text).chars().take(120).collect();
    assert!(heard.contains(&format!("<stream:error><{condition} ")), "{shown}: {heard}");
    steady.stands();
}

/// A stream that must not feel what happens on others.
struct Steady {
    friend: Friend,
    line: Line,
    count: u32,
}

impl Steady {
    fn new() -> Self {
        let friend = Friend::at("127.0.1.2");
        Self { friend, line: Friend::stream(), count: 0 }
    }

    #[track_caller]
    fn stands(&mut self) {
        self.count += 1;
        let id = format!("steady-{}", self.count);
        self.line.say(&format!(
            "<iq type='get' from='far.example' to='home.example' id='{id}'><ping xmlns='urn:xmpp:ping'/></iq>"
        ));
        self.friend.hears(&id);
    }
}

fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn addresses_that_do_not_fit_end_the_stream() {
    alone(|_, _| {
        let mut steady = Steady::new();
        let mut ends = |text: &str, condition: &str| known_ends(&mut steady, text.as_bytes(), condition);
        ends("<message to='ann@home.example'><body>a</body></message>", "improper-addressing");
        ends("<message from='x@far.example'><body>a</body></message>", "improper-addressing");
        ends("<message from='' to='ann@home.example'><body>a</body></message>", "improper-addressing");
        ends(
            "<message from='@far.example' to='ann@home.example'><body>a</body></message>",
            "improper-addressing",
        );
        ends("<message from='x@far.example' to='ann@third.example'><body>a</body></message>", "host-unknown");
        ends(
            "<message from='x@third.example' to='ann@home.example'><body>a</body></message>",
            "invalid-from",
        );
        ends(
            &format!("<message from='x@far.example' to='{}@home.example'/>", "n".repeat(1100)),
            "improper-addressing",
        );
    });
}

#[test]
fn what_is_no_xml_ends_the_stream() {
    alone(|_, _| {
        let mut steady = Steady::new();
        let within = |inside: &[u8]| {
            bytes(&[
                b"<message from='x@far.example' to='ann@home.example'><body>",
                inside,
                b"</body></message>",
            ])
        };
        for inside in [
            &b"\xff"[..],
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"&#xD800;",
            b"&#0;",
            b"&nope;",
            b"<a></b>",
            b"<q:a/>",
            b"<a x='1' x='2'/>",
            b"\x08",
        ] {
            known_ends(&mut steady, &within(inside), "not-well-formed");
        }
        for inside in [&b"<!-- x -->"[..], b"<?x y?>"] {
            known_ends(&mut steady, &within(inside), "restricted-xml");
        }
        known_ends(&mut steady, b"<?xml version='1.0'?>", "restricted-xml");
    });
}

#[test]
fn what_is_too_much_ends_the_stream_and_is_forgotten() {
    alone(|_, admin| {
        let mut steady = Steady::new();
        let resident = || resident(admin);
        let body = |inside: &str| {
            format!("<message from='x@far.example' to='ann@home.example'><body>{inside}</body></message>")
        };
        let all = [
            (body(&"<a>".repeat(3000)), "policy-violation"),
            (body(&"x".repeat(600_000)), "policy-violation"),
            (body(&"<a/>".repeat(50_000)), "policy-violation"),
            (
                body(&format!("<a {}/>", (0..100).map(|n| format!("b{n}='' ")).collect::<String>())),
                "policy-violation",
            ),
            // A single word that is too long.
            (format!("<message x='{}'/>", "x".repeat(200_000)), "restricted-xml"),
            (format!("<{}/>", "x".repeat(200_000)), "restricted-xml"),
        ];
        let round = |steady: &mut Steady| {
            for (text, condition) in &all {
                known_ends(steady, text.as_bytes(), condition);
            }
        };
        // Once for what is taken and kept the first time.
        round(&mut steady);
        let before = resident();
        for _ in 0..8 {
            round(&mut steady);
        }
        let after = resident();
        assert!(after < before + 4096, "{before} KiB before 48 floods, {after} KiB afterwards");
    });
}

#[test]
fn a_stanza_at_the_limit_is_taken_and_one_byte_more_is_not() {
    alone(|_, _| {
        let mut steady = Steady::new();
        let sized = |bytes: usize| {
            let around = "<iq type='get' from='x@far.example' to='home.example' id='at-limit'><q xmlns='urn:x'></q></iq>".len();
            format!(
                "<iq type='get' from='x@far.example' to='home.example' id='at-limit'><q xmlns='urn:x'>{}</q></iq>",
                "x".repeat(bytes - around)
            )
        };
        let mut line = Friend::stream();
        for part in sized(160 * 1024).as_bytes().chunks(1399) {
            line.say_bytes(part);
        }
        steady.friend.hears("at-limit");
        known_ends(&mut steady, sized(160 * 1024 + 1).as_bytes(), "policy-violation");
    });
}

#[test]
fn what_is_no_stanza_ends_the_stream() {
    alone(|_, _| {
        let mut steady = Steady::new();
        let client = "<message xmlns='jabber:client' from='x@far.example' to='ann@home.example'><body>a</body></message>";
        for text in [
            "<a xmlns='urn:x'/>",
            "<stream:features/>",
            "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            client,
        ] {
            known_ends(&mut steady, text.as_bytes(), "unsupported-stanza-type");
        }
        let within = format!("{}</stream:stream>", OPEN.split_once("?>").unwrap().1);
        known_ends(&mut steady, within.as_bytes(), "unsupported-stanza-type");
    });
}

#[test]
fn errors_and_answers_make_no_storm() {
    alone(|_, _| {
        let mut steady = Steady::new();
        let mut line = Friend::stream();
        for text in [
            "<message type='error' from='x@far.example' to='nobody@home.example' id='quiet'><body>a</body></message>",
            "<message type='error' from='x@far.example' to='nobody@home.example' id='quiet'/>",
            "<iq type='result' from='x@far.example' to='home.example' id='quiet'/>",
            "<iq type='error' from='x@far.example' to='ann@home.example' id='quiet'/>",
            "<presence type='error' from='x@far.example' to='ann@home.example' id='quiet'/>",
            "<presence type='subscribed' from='x@far.example' to='ann@home.example' id='quiet'/>",
        ] {
            line.say(text);
        }
        for (text, condition) in [
            (
                "<iq type='get' from='x@far.example' to='home.example'><ping xmlns='urn:xmpp:ping'/></iq>",
                "bad-request",
            ),
            ("<iq type='get' from='x@far.example' to='home.example' id='q1'/>", "bad-request"),
            (
                "<iq type='get' from='x@far.example' to='home.example' id='q2'><a xmlns='urn:a'/><b xmlns='urn:b'/></iq>",
                "bad-request",
            ),
            (
                "<iq type='bogus' from='x@far.example' to='home.example' id='q3'><a xmlns='urn:a'/></iq>",
                "bad-request",
            ),
            (
                "<iq type='set' from='x@far.example' to='home.example' id='q4'><a xmlns='urn:a'/></iq>",
                "service-unavailable",
            ),
            ("<presence type='bogus' from='x@far.example' to='ann@home.example' id='q5'/>", "bad-request"),
            (
                "<message type='chat' from='x@far.example' to='nobody@home.example' id='q6'><body>a</body></message>",
                "service-unavailable",
            ),
            (
                "<message type='groupchat' from='x@far.example' to='ann@home.example' id='q7'><body>a</body></message>",
                "service-unavailable",
            ),
        ] {
            line.say(text);
            steady.friend.hears(condition);
        }
        let many: String = (0..400).map(|_| "<iq type='get' from='x@far.example' to='home.example' id='same'><ping xmlns='urn:xmpp:ping'/></iq>").collect();
        line.say(&many);
        steady.stands();
        let answers = || steady.friend.heard().matches("id='same'").count();
        assert!(awaited(SOON, || (answers() == 400).then_some(())).is_some(), "{} of 400 answers", answers());
        assert!(!steady.friend.heard().contains("quiet"), "{}", steady.friend.heard());
    });
}

#[test]
fn what_is_smuggled_in_stays_what_it_is() {
    within(HOSTS, |_| {
        let (_appliance, admin) =
            home(&[json!({"domain": "far.example", "policy": "plain_dialback", "confirm_plain": true})]);
        let friend = Friend::at("127.0.1.2");
        let mut line = Friend::stream();
        let inner = "<message xmlns='jabber:client' from='boss@home.example' to='ann@home.example'><body>pay</body></message>";
        for inside in [
            format!("<body>a{inner}</body>"),
            "<body><![CDATA[</body></message><message from='boss@home.example' to='ann@home.example'><body>pay]]></body>".to_owned(),
            format!("<body>c</body><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></received>"),
            "<body>d</body><delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:00Z' from='home.example'/><stanza-id xmlns='urn:xmpp:sid:0' by='ann@home.example' id='1'/>".to_owned(),
            "<body>e</body><x xmlns='jabber:x:oob'><url>javascript:alert(1)</url></x>".to_owned(),
        ] {
            line.say(&format!("<message type='chat' from='x@far.example' x:from='boss@home.example' xmlns:x='urn:x' to='ann@home.example'>{inside}</message>"));
        }
        assert!(
            awaited(SOON, || (kept(&admin) == 5).then_some(())).is_some(),
            "{} of 5 are kept",
            kept(&admin)
        );
        drop(friend);
    });
}

#[test]
fn a_partner_that_breaks_off_breaks_nothing() {
    alone(|_, admin| {
        let mut steady = Steady::new();
        // In the middle of a stanza.
        let mut line = Friend::stream();
        line.say("<message from='x@far.example' to='ann@home.example'><body>ha");
        drop(line);
        steady.stands();
        // What is sent to it breaks off too, and begins again with the next answer.
        link(admin, "out", |link| link["state"] == "up");
        steady.friend.hangs_up();
        link(admin, "out", |link| link["state"] == "down");
        steady.stands();
        link(admin, "out", |link| link["state"] == "up");
    });
}
