//! The store on a real database: what is kept, refused, read and dropped.

use std::sync::Arc;

use jackfield_abi::ops::{MessageHistory, MessagePending, MessageSearch, MessagesFound, NewMessage};
use jackfield_db::params;
use serde_json::json;

use super::*;
use crate::catalog::problems::{INVALID, NOT_FOUND, Problem};
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
    let (from, to, body) = (from.into(), to.into(), body.into());
    NewMessage { from, to, body, origin_id: origin.map(str::to_owned), envelope: None }
}

impl Bench {
    fn say(&self, from: &str, to: &str, body: &str) -> Result<(String, bool), Problem> {
        accept(&self.engine, "test", message(from, to, body, None)).map(|taken| (taken.id, taken.duplicate))
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

    fn at(&self, address: &str) -> Waiting {
        let asked = MessagePending { to: Some(address.into()), ..MessagePending::default() };
        self.engine.db.read(|read| Waiting::of(read, &asked)).unwrap()
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
    assert_eq!(bench.waiting(bench.at(BOB)), ["one", "two"]);
    assert_eq!(delivered(&bench.engine, vec![first.clone(), first, "msg-x".into()]).unwrap(), 1);
    assert_eq!(bench.waiting(for_account("acc-bob")), ["two"]);
    let three = NewMessage { envelope: Some("<x/>".into()), ..message(BOB, ZOE, "three", None) };
    accept(&bench.engine, "test", three).unwrap();
    assert_eq!(bench.waiting(Waiting::Elsewhere), ["three"]);
    let kept = pending(&bench.engine, Waiting::Elsewhere, 0, 1).unwrap().messages.remove(0);
    assert_eq!(kept.envelope.as_deref(), Some("<x/>"));
    assert_eq!(bench.waiting(bench.at(ZOE)), ["three"]);
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
    let again = || accept(&bench.engine, "test", message(ZOE, BOB, "hello", Some("o1")));
    let first = again().unwrap();
    assert!(!first.duplicate);
    assert_eq!(again().unwrap(), Accepted { duplicate: true, ..first });
    // Another sender may use the same id.
    assert!(!accept(&bench.engine, "test", message(ANN, BOB, "hello", Some("o1"))).unwrap().duplicate);
    let other = accept(&bench.engine, "test", message(ZOE, BOB, "other", Some("o1"))).unwrap_err();
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
fn a_number_is_never_given_twice_and_an_id_leads_to_its_own_message_alone() {
    let bench = bench();
    let ids: Vec<_> = (0..3).map(|n| bench.say(ANN, BOB, &n.to_string()).unwrap().0).collect();
    assert_eq!(ids.iter().map(|id| numbers::number(id)).collect::<Vec<_>>(), [1, 2, 3]);
    let forged = format!("{}x", ids[0]);
    for wrong in [&forged, "msg-1", "msg--1-a", "msg-zz-a", "1", ""] {
        assert_eq!(delivered(&bench.engine, vec![wrong.to_owned()]).unwrap(), 0, "{wrong}");
    }
    bench.set("messages.retention_days", json!(1));
    let sql = "UPDATE message SET at = 0";
    bench.engine.db.write(move |tx| Ok::<_, Problem>(tx.execute(sql, [])?)).unwrap();
    assert_eq!(sweep(&bench.engine).unwrap(), 3);
    assert_eq!(numbers::number(&bench.say(ANN, BOB, "new").unwrap().0), 4);
}

#[test]
fn what_is_no_message_is_refused_by_its_field() {
    let bench = bench();
    let field = |from: &str, to: &str, body: &str, origin| {
        let refused = accept(&bench.engine, "test", message(from, to, body, origin)).unwrap_err();
        refused.errors.first().map(|error| error.pointer.clone()).unwrap_or_default()
    };
    assert_eq!(field("ann", BOB, "x", None), "/from");
    assert_eq!(field(ANN, "bob@", "x", None), "/to");
    assert_eq!(field(ANN, BOB, "", None), "/body");
    assert_eq!(field(ANN, BOB, &"x".repeat(BODY_BYTES + 1), None), "/body");
    assert_eq!(field(ANN, BOB, "x", Some("")), "/origin_id");
}

#[test]
fn several_share_one_write_and_each_is_taken_or_refused_by_itself() {
    let bench = bench();
    bench.set(MESSAGES_WAITING_MOST, json!(2));
    let given = vec![
        message(ANN, BOB, "1", Some("o1")),
        message(ANN, BOB, "1", Some("o1")),
        message(ANN, "nobody@acme.example.com", "2", None),
        message(ZOE, BOB, "3", None),
        message(ANN, BOB, "", None),
        message(ANN, BOB, "4", None),
        message(BOB, ZOE, "5", None),
    ];
    let commits = || bench.engine.db.stats().commits;
    let before = commits();
    let taken = accept_all(&bench.engine, "test", given).unwrap();
    assert_eq!(commits() - before, 1);
    let told: Vec<_> = taken
        .iter()
        .map(|one| match one {
            Ok(accepted) if accepted.duplicate => "again",
            Ok(_) => "taken",
            Err(problem) => problem.kind.code,
        })
        .collect();
    let refused = [NOT_FOUND.code, "taken", INVALID.code, "messages/queue_full", "taken"];
    assert_eq!(told, [&["taken", "again"][..], &refused].concat());
    assert_eq!(bench.waiting(for_account("acc-bob")), ["1", "3"]);
    let ids: Vec<_> = taken.iter().flatten().map(|accepted| accepted.id.clone()).collect();
    assert_eq!(ids[0], ids[1]);
    let many = (0..=ACCEPTED_AT_ONCE).map(|_| message(ANN, BOB, "x", None)).collect();
    assert_eq!(accept_all(&bench.engine, "test", many).unwrap_err().errors[0].pointer, "/messages");
}

#[test]
fn news_of_messages_is_told_once_a_write_and_not_to_the_plugin_that_brought_them() {
    let bench = bench();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    bench.engine.bus.listen_by(move |fired, by| {
        heard.lock().unwrap().push(format!("{} {} {}", fired.event, fired.object, by.unwrap_or_default()));
    });
    let given = ["1", "2", "3"].map(|body| message(ANN, BOB, body, None));
    accept_all(&bench.engine, "carrier", given.to_vec()).unwrap();
    let told = told.lock().unwrap().clone();
    assert_eq!(told, ["message.received acc-bob carrier", "message.sent acc-ann carrier"]);
}

#[test]
fn what_will_not_arrive_waits_no_more_and_history_says_why() {
    let bench = bench();
    let (id, _) = bench.say(BOB, ZOE, "hello").unwrap();
    assert_eq!(failed(&bench.engine, vec![id.clone()], " ").unwrap_err().errors[0].pointer, "/reason");
    assert_eq!(failed(&bench.engine, vec![id.clone(), "msg-x".into()], "no such server").unwrap(), 1);
    assert!(bench.waiting(Waiting::Domain("elsewhere.example".into())).is_empty());
    assert_eq!(delivered(&bench.engine, vec![id.clone()]).unwrap(), 0, "it is told once how it ended");
    assert_eq!(failed(&bench.engine, vec![id], "again").unwrap(), 0);
    let asked = MessageHistory { of: BOB.into(), with: ZOE.into(), before: None, limit: 10 };
    let found = history(&bench.engine, &asked).unwrap().messages.remove(0);
    assert_eq!((found.failure.as_deref(), found.delivered_at), (Some("no such server"), None));
    assert!(found.failed_at.is_some());
    assert_eq!(summary(&bench.engine).unwrap()["waiting"], 0);
}

impl Bench {
    /// Twenty messages of ann's with bob and zoe in turns, a minute apart from midnight on, and others' between them.
    fn archive(&self) -> Vec<String> {
        let ids = (0..20).map(|n| {
            let with = if n % 2 == 0 { BOB } else { ZOE };
            let (from, to) = if n % 3 == 0 { (with, ANN) } else { (ANN, with) };
            self.say(BOB, ZOE, "not ann's").unwrap();
            self.say(from, to, &n.to_string()).unwrap().0
        });
        let ids: Vec<_> = ids.collect();
        let sql = "UPDATE message SET at = 1767225600000 + (seq / 2 - 1) * 60000 + seq % 2";
        self.engine.db.write(move |tx| Ok::<_, Problem>(tx.execute(sql, [])?)).unwrap();
        ids
    }

    fn find(&self, asked: MessageSearch) -> MessagesFound {
        search(&self.engine, &asked).unwrap()
    }
}

fn bodies(found: &MessagesFound) -> Vec<&str> {
    found.messages.iter().map(|message| message.body.as_str()).collect()
}

#[test]
fn an_archive_is_paged_both_ways_and_says_when_it_is_complete() {
    let bench = bench();
    let ids = bench.archive();
    let all = |limit| MessageSearch { of: ANN.into(), limit, ..MessageSearch::default() };
    let first = bench.find(all(8));
    assert_eq!(bodies(&first), ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!((first.complete, first.count), (false, Some(20)));
    let next = bench.find(MessageSearch { after: Some(ids[7].clone()), ..all(100) });
    assert_eq!((bodies(&next).first(), next.messages.len(), next.complete), (Some(&"8"), 12, true));
    let last = bench.find(MessageSearch { last: true, ..all(3) });
    assert_eq!((bodies(&last), last.complete), (vec!["17", "18", "19"], false));
    let before = bench.find(MessageSearch { before: Some(ids[3].clone()), ..all(3) });
    assert_eq!((bodies(&before), before.complete), (vec!["0", "1", "2"], true));
    let none = bench.find(all(0));
    assert_eq!(
        (none.messages.len(), none.complete, none.count),
        (0, false, Some(20)),
        "only the number is asked for"
    );
    let foreign = bench.say(BOB, ZOE, "not ann's").unwrap().0;
    let refused = search(&bench.engine, &MessageSearch { after: Some(foreign), ..all(3) }).unwrap_err();
    assert_eq!(refused.kind.status, 404);
    let stranger = MessageSearch { of: ZOE.into(), ..all(3) };
    assert_eq!(search(&bench.engine, &stranger).unwrap_err().kind.status, 404);
}

#[test]
fn an_archive_is_filtered_by_time_and_by_person() {
    let bench = bench();
    let ids = bench.archive();
    let all = MessageSearch { of: ANN.into(), limit: 100, ..MessageSearch::default() };
    let time = |minute: u32| Some(format!("2026-01-01T00:{minute:02}:00Z"));
    let found = bench.find(MessageSearch { start: time(5), end: time(8), ..all.clone() });
    assert_eq!((bodies(&found), found.count), (vec!["5", "6", "7", "8"], Some(4)));
    let zoe = MessageSearch { with: Some(ZOE.into()), ..all.clone() };
    let found = bench.find(MessageSearch { start: time(10), limit: 2, ..zoe.clone() });
    assert_eq!((bodies(&found), found.complete, found.count), (vec!["11", "13"], false, Some(5)));
    let after = MessageSearch { start: time(10), after: Some(ids[13].clone()), ..zoe.clone() };
    assert_eq!(bodies(&bench.find(after)), ["15", "17", "19"]);
    assert!(bench.find(MessageSearch { start: time(50), ..all.clone() }).messages.is_empty());
    assert_eq!(bench.find(MessageSearch { end: time(50), ..all.clone() }).messages.len(), 20);
    let nobody = bench.find(MessageSearch { with: Some("max@elsewhere.example".into()), ..all.clone() });
    assert_eq!((nobody.messages.len(), nobody.complete, nobody.count), (0, true, Some(0)));
    let wrong = search(&bench.engine, &MessageSearch { start: Some("yesterday".into()), ..all }).unwrap_err();
    assert_eq!(wrong.errors[0].pointer, "/start");
}

#[test]
fn a_clock_that_is_set_back_does_not_disturb_the_order() {
    let bench = bench();
    bench.say(ANN, BOB, "1").unwrap();
    let soon = clock::millis() + 60_000;
    let sql = "UPDATE message SET at = ?1";
    bench.engine.db.write(move |tx| Ok::<_, Problem>(tx.execute(sql, params![soon])?)).unwrap();
    let next = accept(&bench.engine, "test", message(ANN, BOB, "2", None)).unwrap();
    assert_eq!(next.at, soon);
    let sql = "UPDATE message SET at = at + 86400000";
    bench.engine.db.write(move |tx| Ok::<_, Problem>(tx.execute(sql, [])?)).unwrap();
    let next = accept(&bench.engine, "test", message(ANN, BOB, "3", None)).unwrap();
    assert!(next.at < soon, "a day is a clock that was wrong");
}

/// What makes a search fast is that no part of it walks the table.
#[test]
fn every_way_into_the_store_goes_by_an_index() {
    let bench = bench();
    let waits = "delivered_at IS NULL AND failed_at IS NULL";
    for sql in [
        "SELECT seq FROM message WHERE sender_account = 'a' AND seq > 1 AND seq < 9
         UNION SELECT seq FROM message WHERE recipient_account = 'a' AND seq > 1 AND seq < 9 ORDER BY seq LIMIT 5",
        "SELECT seq FROM message WHERE conversation = 1 AND seq > 1 ORDER BY seq DESC LIMIT 5",
        "SELECT seq FROM message WHERE at >= 5 ORDER BY at, seq LIMIT 1",
        "SELECT id FROM message WHERE sender = 'a' AND origin_id = 'b'",
        &format!("SELECT count(*) FROM message WHERE recipient_account = 'a' AND {waits}"),
        &format!("SELECT count(*) FROM message WHERE recipient_account IS NULL AND recipient = 'a' AND {waits}"),
        "SELECT seq FROM message WHERE seq = 1 AND id = 'a' AND 'b' IN (sender_account, recipient_account)",
        &format!("SELECT seq FROM message WHERE recipient_account = 'a' AND {waits} AND seq > 1 ORDER BY seq LIMIT 5"),
        &format!(
            "SELECT seq FROM message WHERE recipient_account IS NULL AND recipient_domain = 'a' AND {waits}
             AND seq > 1 ORDER BY seq LIMIT 5"
        ),
    ] {
        let plan = bench.engine.db.read(|read| {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            Ok::<_, Problem>(read.all(&explain, [], |row| row.get::<_, String>(3))?)
        });
        let plan = plan.unwrap().join("\n");
        assert!(!plan.contains("SCAN message") && !plan.contains("TEMP B-TREE"), "{sql}:\n{plan}");
    }
}
