//! How long clients are waited for: to resume a session, and to say anything at all. What did not arrive waits longer.

use serde_json::{Value, json};

use super::super::scram::Prover;
use super::super::secure::Secure;
use super::super::user::User;
use super::super::{kept, set};
use super::{Home, PASSWORD};
use crate::harness::awaited;

/// Signs in at a raw line, is there, and counts stanzas as XEP-0198 has it; what says by which name it is resumed.
fn present(home: &Home, login: &str) -> (Secure, String) {
    let mut line = Secure::opened(home.direct);
    line.proves(&mut Prover::new(login, PASSWORD), "n,,", &[]);
    line.binds("desk");
    line.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    line.hear("<enabled");
    let enabled = line.hear(">");
    line.say("<presence/>");
    // Its own presence: it is there for others now.
    line.hear("<presence");
    (line, enabled)
}

/// ann at a usual client, before anything that waits for her was passed over.
fn arrives(home: &Home) -> User {
    let mut ann = User::begin("ann@home.example", PASSWORD, home.port, &[]);
    ann.hears("started");
    ann.does(&json!({"do": "presence"}));
    ann
}

fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let quoted = tag.split_once(&format!(" {name}='")).expect("the attribute").1;
    quoted.split_once('\'').expect("its end").0
}

#[test]
fn after_its_time_a_session_cannot_be_resumed_and_what_waited_comes_once() {
    let home = Home::new();
    set(&home.admin, "c2s_resume_seconds", json!(2));
    let (mut ben, _) = home.user("ben", &[]);
    let (line, enabled) = present(&home, "ann");
    assert_eq!(attribute(&enabled, "max"), "2", "{enabled}");
    drop(line);
    home.awaits_session("ann", |session| session["state"] == "asleep");
    ben.does(&json!({"do": "message", "to": "ann@home.example", "body": "are you there?"}));
    ben.pings();
    home.awaits(|clients| clients["connected"] == 1);
    assert_eq!(kept(&home.admin), 1);
    let mut late = Secure::opened(home.direct);
    late.proves(&mut Prover::new("ann", PASSWORD), "n,,", &[]);
    late.open();
    let name = attribute(&enabled, "id");
    late.say(&format!("<resume xmlns='urn:xmpp:sm:3' previd='{name}' h='1'/>"));
    let refused = late.hear("</failed>");
    assert!(refused.contains("<failed xmlns='urn:xmpp:sm:3'><item-not-found "), "{refused}");
    drop(late);
    let mut ann = arrives(&home);
    assert_eq!(ann.hears("message")["body"], "are you there?");
    let arrived = || (kept(&home.admin) == 0).then_some(());
    assert!(awaited(super::super::SOON, arrived).is_some(), "it has arrived");
    drop(ann);
    home.awaits(|clients| clients["connected"] == 1);
    let mut again = arrives(&home);
    again.does(&json!({"do": "message", "to": "ann@home.example", "body": "to myself"}));
    assert_eq!(again.hears("message")["body"], "to myself", "it comes once");
}

#[test]
fn a_client_resumes_in_time_or_begins_anew_by_itself() {
    let home = Home::new();
    set(&home.admin, "c2s_resume_seconds", json!(1));
    let (mut ann, started) = home.user("ann", &["--resume"]);
    ann.does(&json!({"do": "break"}));
    ann.hears("disconnected");
    home.awaits(|clients| clients["connected"] == 0);
    ann.does(&json!({"do": "again"}));
    ann.hears("not resumed");
    let anew = ann.hears("started");
    assert_ne!(anew["jid"], Value::Null);
    assert_ne!(anew["jid"], started["jid"], "it is another session");
    ann.pings();
}

#[test]
fn who_says_nothing_is_asked_and_then_cut_off_and_its_messages_wait() {
    let home = Home::new();
    let (mut ben, _) = home.user("ben", &[]);
    for (name, seconds) in [("c2s_resume_seconds", 5), ("c2s_silence_seconds", 2), ("c2s_answer_seconds", 2)]
    {
        set(&home.admin, name, json!(seconds));
    }
    let (mut silent, _) = present(&home, "ann");
    ben.does(&json!({"do": "message", "to": "ann@home.example", "body": "say something"}));
    let end = silent.hear("</stream:stream>");
    let asked = end.find("<r xmlns='urn:xmpp:sm:3'/>");
    assert!(asked.is_some() && asked < end.find("<connection-timeout "), "{end}");
    home.awaits_session("ann", |session| session["state"] == "asleep");
    assert_eq!(kept(&home.admin), 1, "it was not acknowledged, so it waits");
    home.awaits(|clients| clients["connected"] == 1);
    assert_eq!(arrives(&home).hears("message")["body"], "say something");
}

#[test]
fn who_answers_stays() {
    let home = Home::new();
    for name in ["c2s_silence_seconds", "c2s_answer_seconds"] {
        set(&home.admin, name, json!(1));
    }
    let mut line = Secure::opened(home.direct);
    line.proves(&mut Prover::new("ann", PASSWORD), "n,,", &[]);
    line.binds("desk");
    for _ in 0..3 {
        line.hear("<iq ");
        let ping = line.hear("</iq>");
        assert!(ping.contains("urn:xmpp:ping"), "{ping}");
        line.say(&format!("<iq type='result' id='{}'/>", attribute(&format!(" {ping}"), "id")));
    }
    line.hear("urn:xmpp:ping");
    let end = line.hear("</stream:stream>");
    assert!(end.contains("<connection-timeout "), "it has stopped answering: {end}");
    home.awaits(|clients| clients["connected"] == 0);
}
