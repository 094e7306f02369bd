//! The store on a real database: what is kept, refused, read and dropped.

use std::sync::Arc;

use jackfield_abi::ops::{MessageHistory, NewMessage};
use jackfield_db::params;
use serde_json::json;

use super::*;
use crate::catalog::problems::Problem;
use crate::catalog::settings::MESSAGES_WAITING_MOST;
use crate::engine::change::{Origin, Precondition};
use crate::engine::state::StateDir;
use crate::engine::{Engine, Mode, clock, settings};

struct Bench {
    engine: Arc<Engine>,
    _folder: tempfile::TempDir,
}

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(Engine::open(StateDir::open(folder.path()).unwrap()).unwrap());
    let sql = [
        "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at)
         VALUES ('acme', 'Acme', 'acme.example.com', 1, '', '')",
        "INSERT INTO account (id, enterprise, login_id, first_name, last_name, email, extension, origin, deployed,
             revision, created_at, changed_at)
         VALUES ('acc-ann', 'acme', 'ann@acme.com', '', 'A', '', '', 'manual', 1, 1, '', ''),
                ('acc-bob', 'acme', 'bob', '', 'B', '', '', 'manual', 1, 1, '', ''),
                ('acc-eve', 'acme', 'eve', '', 'E', '', '', 'manual', 0, 1, '', '')",
    ];
    engine
        .db
        .write(move |tx| sql.iter().try_for_each(|sql| Ok::<_, Problem>(tx.execute(sql, []).map(drop)?)))
        .unwrap();
    Bench { engine, _folder: folder }
}

const ANN: &str = "ann\\40acme.com@acme.example.com";
const BOB: &str = "bob@acme.example.com";
const ZOE: &str = "zoe@elsewhere.example";

fn message(from: &str, to: &str, body: &str, origin: Option<&str>) -> NewMessage {
    NewMessage { from: from.into(), to: to.into(), body: body.into(), origin_id: origin.map(str::to_owned) }
}

impl Bench {
    fn say(&self, from: &str, to: &str, body: &str) -> Result<(String, bool), Problem> {
        accept(&self.engine, message(from, to, body, None))
    }

    fn set(&self, name: &str, value: serde_json::Value) {
        let origin = Origin { who: "test".into(), from: "test".into(), via: "api", request: String::new() };
        let setting = settings::declared(name).unwrap();
        let engine = Arc::clone(&self.engine);
        let set = move |change: &crate::engine::change::Change<'_>| {
            settings::set(change, &engine.keyring, setting, &value, &Precondition::Exists).map(drop)
        };
        self.engine.change(origin, Mode::Commit, set).unwrap();
    }

    fn waiting(&self, whom: Waiting) -> Vec<String> {
        let found = pending(&self.engine, whom, 0, 100).unwrap();
        found.messages.into_iter().map(|message| message.body).collect()
    }

    fn read(&self, before: Option<i64>, limit: usize) -> (Vec<String>, Option<i64>) {
        let asked = MessageHistory { of: ANN.into(), with: BOB.into(), before, limit };
        let found = history(&self.engine, &asked).unwrap();
        (found.messages.into_iter().map(|message| message.body).collect(), found.next)
    }
}

fn for_account(id: &str) -> Waiting {
    Waiting::Account(id.to_owned())
}

#[test]
fn a_message_waits_until_it_has_arrived() {
    let bench = bench();
    let (first, _) = bench.say(ANN, BOB, "one").unwrap();
    bench.say(ZOE, BOB, "two").unwrap();
    assert_eq!(bench.waiting(for_account("acc-bob")), ["one", "two"]);
    assert_eq!(bench.waiting(Waiting::Address(BOB.into())), ["one", "two"]);
    assert_eq!(delivered(&bench.engine, vec![first.clone(), first, "msg-x".into()]).unwrap(), 1);
    assert_eq!(bench.waiting(for_account("acc-bob")), ["two"]);
    bench.say(BOB, ZOE, "three").unwrap();
    assert_eq!(bench.waiting(Waiting::Domain("elsewhere.example".into())), ["three"]);
    assert!(bench.waiting(for_account("acc-ann")).is_empty());
}

#[test]
fn the_direction_is_kept_and_somebody_here_must_take_part() {
    let bench = bench();
    for (from, to, direction) in [(ANN, BOB, "local"), (ZOE, BOB, "in"), (BOB, ZOE, "out")] {
        let (id, _) = bench.say(from, to, "x").unwrap();
        let sql = "SELECT direction FROM message WHERE id = ?1";
        let kept = bench
            .engine
            .db
            .read(|read| Ok::<_, Problem>(read.one(sql, params![id], |row| row.get::<_, String>(0))?));
        assert_eq!(kept.unwrap().as_deref(), Some(direction));
    }
    for (from, to) in
        [(ZOE, "max@elsewhere.example"), (ZOE, "nobody@acme.example.com"), (ZOE, "eve@acme.example.com")]
    {
        assert_eq!(bench.say(from, to, "x").unwrap_err().kind.status, 404, "{to}");
    }
}

#[test]
fn what_is_sent_again_is_stored_once() {
    let bench = bench();
    let again = || accept(&bench.engine, message(ZOE, BOB, "hello", Some("o1")));
    let (id, duplicate) = again().unwrap();
    assert!(!duplicate);
    assert_eq!(again().unwrap(), (id, true));
    // Another sender may use the same id.
    assert!(!accept(&bench.engine, message(ANN, BOB, "hello", Some("o1"))).unwrap().1);
    let other = accept(&bench.engine, message(ZOE, BOB, "other", Some("o1"))).unwrap_err();
    assert_eq!(other.kind.code, "change/conflict");
    assert_eq!(bench.waiting(for_account("acc-bob")).len(), 2);
}

#[test]
fn what_overflows_is_refused_with_the_reason_and_room_is_made_by_delivery() {
    let bench = bench();
    bench.set(MESSAGES_WAITING_MOST, json!(2));
    let (first, _) = bench.say(ANN, BOB, "1").unwrap();
    bench.say(ANN, BOB, "2").unwrap();
    let refused = bench.say(ANN, BOB, "3").unwrap_err();
    assert_eq!(refused.kind.code, "messages/queue_full");
    assert!(refused.detail.contains("2 messages wait for bob@acme.example.com"), "{}", refused.detail);
    bench.say(BOB, ANN, "others are not concerned").unwrap();
    delivered(&bench.engine, vec![first]).unwrap();
    bench.say(ANN, BOB, "3").unwrap();
}

#[test]
fn an_archive_takes_nothing_and_can_be_read() {
    let bench = bench();
    bench.say(ANN, BOB, "before").unwrap();
    bench.set(crate::catalog::settings::MESSAGES_ARCHIVED, json!(true));
    let refused = bench.say(ANN, BOB, "after").unwrap_err();
    assert_eq!(refused.kind.code, "messages/archived");
    assert!(refused.detail.contains("read-only"), "{}", refused.detail);
    assert_eq!(bench.read(None, 10).0, ["before"]);
    assert_eq!(bench.waiting(for_account("acc-bob")), ["before"], "what waits is still delivered");
    bench.set(crate::catalog::settings::MESSAGES_ARCHIVED, json!(false));
    bench.say(ANN, BOB, "after").unwrap();
}

#[test]
fn a_conversation_is_read_from_its_newest_message_in_parts() {
    let bench = bench();
    for n in 0..5 {
        let (from, to) = if n % 2 == 0 { (ANN, BOB) } else { (BOB, ANN) };
        bench.say(from, to, &n.to_string()).unwrap();
    }
    bench.say(ZOE, BOB, "another conversation").unwrap();
    let (newest, next) = bench.read(None, 3);
    assert_eq!(newest, ["4", "3", "2"]);
    assert_eq!(bench.read(next, 3), (vec!["1".to_owned(), "0".to_owned()], None));
}

#[test]
fn what_is_old_enough_goes_with_its_conversation_and_nothing_else() {
    let bench = bench();
    for (from, body) in [(ANN, "old"), (ZOE, "old too"), (ANN, "new")] {
        bench.say(from, BOB, body).unwrap();
    }
    let old = clock::millis() - 11 * 24 * 3600 * 1000;
    let sql = "UPDATE message SET at = ?1 WHERE body LIKE 'old%'";
    bench.engine.db.write(move |tx| Ok::<_, Problem>(tx.execute(sql, params![old])?)).unwrap();
    bench.set("messages.retention_days", json!(0));
    assert_eq!(sweep(&bench.engine).unwrap(), 0, "0 is for ever");
    bench.set("messages.retention_days", json!(10));
    assert_eq!(sweep(&bench.engine).unwrap(), 2);
    assert_eq!(bench.waiting(for_account("acc-bob")), ["new"]);
    let numbers = summary(&bench.engine).unwrap();
    assert_eq!((&numbers["messages"], &numbers["conversations"]), (&json!(1), &json!(1)));
}

#[test]
fn what_is_no_message_is_refused_by_its_field() {
    let bench = bench();
    let field = |from: &str, to: &str, body: &str, origin| {
        let refused = accept(&bench.engine, message(from, to, body, origin)).unwrap_err();
        refused.errors.first().map(|error| error.pointer.clone()).unwrap_or_default()
    };
    assert_eq!(field("ann", BOB, "x", None), "/from");
    assert_eq!(field(ANN, "bob@", "x", None), "/to");
    assert_eq!(field(ANN, BOB, "", None), "/body");
    assert_eq!(field(ANN, BOB, &"x".repeat(BODY_BYTES + 1), None), "/body");
    assert_eq!(field(ANN, BOB, "x", Some("")), "/origin_id");
}
