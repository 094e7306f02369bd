//! Keys that nobody of good will gives, and answers that nobody asked for (XEP-0220; the forged answers of 2012).

use super::outbound::{plain, saying};
use super::*;

const STANZA: &str =
    "<message from='x@far.example' to='ann@home.example' type='chat'><body>forged</body></message>";

fn begun() -> Line {
    let mut line = line();
    line.say(OPEN);
    line.hear("</stream:features>");
    line
}

/// Says it on a stream that is not let in, and hears an error of dialback with that condition; the stream stands.
#[track_caller]
fn is_refused(element: &str, condition: &str) {
    let mut line = begun();
    line.say(element);
    let answer = line.hear(&format!("<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"));
    assert!(answer.contains("type='error'"), "{element}: {answer}");
    line.say(STANZA);
    assert!(line.hear_out().contains("<not-authorized "), "{element} has let the stream in");
}

#[test]
fn keys_that_say_nothing_are_refused() {
    alone(|_, _| {
        for name in ["result", "verify"] {
            let said = |attributes: &str| opened(&format!("<db:{name} {attributes}>k</db:{name}>"));
            ends(&said("to='home.example' id='1'"), "improper-addressing");
            ends(&said("from='far.example' id='1'"), "improper-addressing");
            ends(&said("from='a b' to='home.example' id='1'"), "improper-addressing");
            is_refused(
                &format!("<db:{name} from='far.example' to='other.example' id='1'>k</db:{name}>"),
                "item-not-found",
            );
            is_refused(&format!("<db:{name} from='far.example' to='home.example' id='1'/>"), "bad-request");
        }
        is_refused("<db:verify from='far.example' to='home.example'>k</db:verify>", "bad-request");
        is_refused("<db:result from='home.example' to='home.example'>k</db:result>", "forbidden");
        is_refused("<db:result from='stranger.example' to='home.example'>k</db:result>", "forbidden");
        ends(
            &opened(&format!(
                "<db:result from='far.example' to='home.example'>{}</db:result>",
                "k".repeat(1 << 20)
            )),
            "policy-violation",
        );
    });
}

#[test]
fn a_key_of_ours_is_known_and_any_other_is_not() {
    alone(|_, _| {
        let mut line = begun();
        line.say("<db:verify from='far.example' to='home.example' id='x'>0123abcd</db:verify>");
        assert!(line.hear("/>").contains("type='invalid'"), "a key that is not ours");
        line.say(STANZA);
        assert!(line.hear_out().contains("<not-authorized "), "who asks about keys has proved nothing");
    });
}

#[test]
fn answers_that_nobody_asked_for_say_nothing() {
    alone(|_, _| {
        // It takes the question and never answers.
        let friend = Friend::at("127.0.1.2");
        friend.falls_silent();
        let mut asked = begun();
        asked.say("<db:result from='far.example' to='home.example'>k</db:result>");
        let mut other = begun();
        for id in ["1", "", "f1"] {
            let forged = format!("<db:verify from='far.example' to='home.example' id='{id}' type='valid'/>");
            asked.say(&forged);
            other.say(&forged);
        }
        for line in [&mut asked, &mut other] {
            line.say("<db:result from='far.example' to='home.example' type='valid'/>");
            line.say(STANZA);
            assert!(line.hear_out().contains("<not-authorized "));
        }
    });
}

#[test]
fn an_authority_that_never_answers_is_given_up() {
    alone(|_, _| {
        let friend = Friend::at("127.0.1.2");
        friend.falls_silent();
        let mut line = begun();
        line.say("<db:result from='far.example' to='home.example'>k</db:result>");
        line.hear("<remote-server-timeout ");
        // Who asked has gone before the answer could come.
        let mut gone = begun();
        gone.say("<db:result from='far.example' to='home.example'>k</db:result>");
        drop(gone);
    });
}

#[test]
fn an_answer_in_another_name_is_no_answer() {
    alone(|_, _| {
        // It has the right id, which only who was asked knows.
        let friend = Friend::at("127.0.1.2");
        friend.answers_as("other.example");
        let mut line = begun();
        line.say("<db:result from='far.example' to='home.example'>k</db:result>");
        line.hear("<remote-server-timeout ");
        line.say(STANZA);
        assert!(line.hear_out().contains("<not-authorized "));
    });
}

#[test]
fn an_authority_that_talks_nonsense_or_is_ourselves_vouches_for_nobody() {
    let ours = "--srv-host=_xmpp-server._tcp.ours.example,home.example,5269".to_owned();
    within_names(HOSTS, &[ours], |_| {
        let rows = ["far.example", "ours.example"].map(plain);
        let (_appliance, admin) = home(&rows);
        saying("127.0.1.2", &["a server that likes plain words better"]);
        for domain in ["far.example", "ours.example"] {
            let named = |text: &str| text.replace("far.example", domain);
            let mut line = line();
            line.say(&named(OPEN));
            line.hear("</stream:features>");
            line.say(&named("<db:result from='far.example' to='home.example'>k</db:result>"));
            let answer = line.hear("</db:result>");
            assert!(answer.contains("type='error'"), "{domain}: {answer}");
            line.say(&named(STANZA));
            assert!(line.hear_out().contains("<not-authorized "), "{domain}");
        }
        assert_eq!((&plugin(&admin, "federation")["state"], kept(&admin)), (&json!("up"), 0));
    });
}

#[test]
fn no_stream_has_us_ask_for_a_crowd_of_domains() {
    within(HOSTS, |_| {
        let (_appliance, admin) = home(&[]);
        admin.put("/federation", "*", &json!({"enabled": true, "open": true})).expect(200);
        let mut line = line();
        line.say(&OPEN.replace(" from='far.example'", ""));
        line.hear("</stream:features>");
        // Without TLS nobody is asked at all.
        for n in 0..1000 {
            line.say(&format!("<db:result from='d{n}.example' to='home.example'>k</db:result>"));
        }
        for _ in 0..1000 {
            line.hear("<policy-violation ");
        }
        assert_eq!(admin.get("/federation/links").expect(200).items().len(), 0);
    });
}

#[test]
fn a_proof_is_for_one_domain_alone() {
    within(HOSTS, |_| {
        let row = json!({"domain": "far.example", "policy": "plain_dialback", "confirm_plain": true});
        let (_appliance, admin) = home(&[row]);
        let friend = Friend::at("127.0.1.2");
        let from = |domain: &str| {
            format!("<message from='x@{domain}' to='ann@home.example' type='chat'><body>a</body></message>")
        };
        // Domains are compared as they are prepared (RFC 7622): a full-width letter is the plain one, a Cyrillic one is not.
        for other in ["sub.far.example", "example", "home.example", "f\u{430}r.example"] {
            let mut line = Friend::stream();
            line.say(&from(other));
            assert!(line.hear_out().contains("<invalid-from "), "{other}");
        }
        for (n, same) in ["FAR.example", "far.example.", "\u{FF46}ar.example"].into_iter().enumerate() {
            let mut line = Friend::stream();
            line.say(&from(same));
            let kept_now = awaited(SOON, || (kept(&admin) == i64::try_from(n).unwrap() + 1).then_some(()));
            assert!(kept_now.is_some(), "{same}");
        }
        drop(friend);
    });
}
