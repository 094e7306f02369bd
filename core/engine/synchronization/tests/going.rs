//! Those that are gone: hidden for a while, back in time, deleted at last; and what is put back.

use std::sync::{Arc, Mutex};

use jackfield_abi::ops::{DirectoryEntry, DirectoryForget, DirectoryOpen};
use serde_json::json;

use super::bench::*;
use crate::engine::change::Precondition;
use crate::engine::objects::{ACCOUNTS, Hidden, PEERS, text};
use crate::engine::synchronization::expire;

#[test]
fn one_that_is_gone_is_hidden_and_back_as_before() {
    let bench = bench();
    let both = [entry("a", "1", "anna"), entry("b", "1", "bert")];
    bench.run(own(), &both);
    bench.sql("UPDATE account SET in_directory = 0 WHERE login_id = 'anna'");
    let before = bench.own("anna");
    let closed = bench.run(own(), &both[1..]);
    assert_eq!(closed.removals, 1);
    let hidden = bench.own("anna");
    assert_eq!((field(&hidden, "deployed"), field(&hidden, "in_directory")), (&json!(false), &json!(false)));
    assert!(
        !text(&hidden, "removed_at").is_empty() && text(&hidden, "kept_until") > text(&hidden, "removed_at")
    );
    assert_eq!(bench.run(own(), &both[1..]).removals, 0, "it is gone already");
    let closed = bench.run(own(), &both);
    assert_eq!((closed.changes, closed.unchanged), (1, 1));
    let back = bench.own("anna");
    for name in ["id", "deployed", "in_directory", "removed_at", "kept_until", "before_removal"] {
        assert_eq!(field(&back, name), field(&before, name), "{name}");
    }
}

#[test]
fn without_a_grace_period_one_is_deleted_at_once() {
    let bench = bench();
    let order = DirectoryOpen { grace_days: 0, ..own() };
    bench.run(order.clone(), &[entry("a", "1", "anna"), entry("b", "1", "bert")]);
    let closed = bench.run(order, &[entry("b", "1", "bert")]);
    assert_eq!((closed.removals, bench.account("anna", None)), (1, None));
}

#[test]
fn the_grace_period_ends_and_the_deletion_can_be_put_back() {
    let bench = bench();
    bench.run(lyon(), &[entry("a", "1", "anna"), entry("b", "1", "bert")]);
    bench.run(lyon(), &[entry("b", "1", "bert")]);
    assert_eq!(expire(&bench.engine).unwrap(), 0);
    bench.sql("UPDATE account SET kept_until = '2020-01-02T00:00:00.000Z', changed_at = '2020-01-01T00:00:00.000Z' WHERE login_id = 'anna'");
    let told = events(&bench);
    assert_eq!(expire(&bench.engine).unwrap(), 1);
    assert!(told.lock().unwrap().contains(&"directory.changed peer-lyon".to_owned()));
    assert_eq!(bench.account("anna", Some("peer-lyon")), None);
    bench.undo(bench.count("SELECT max(n) FROM revision")).unwrap();
    assert!(bench.account("anna", Some("peer-lyon")).is_some());
    assert_eq!(expire(&bench.engine).unwrap(), 0, "somebody wanted it back");
}

#[test]
fn one_revision_puts_the_whole_run_back() {
    let bench = bench();
    let first: Vec<_> = (0..700).map(|n| entry(&format!("k{n}"), "1", &format!("user{n}"))).collect();
    bench.run(own(), &first);
    let before = bench.everything();
    let kept = (200..700).map(|n| match n {
        ..400 => entry(&format!("k{n}"), "2", &format!("renamed{n}")),
        _ => first[n].clone(),
    });
    let new = (700..1200).map(|n| entry(&format!("k{n}"), "1", &format!("user{n}")));
    let second: Vec<_> = kept.chain(new).collect();
    let closed = bench.run(own(), &second);
    assert_eq!((closed.adds, closed.changes, closed.removals), (500, 200, 200), "{closed:?}");
    let told = events(&bench);
    bench.undo(closed.revision.unwrap()).unwrap();
    assert_eq!(bench.everything(), before);
    let told = told.lock().unwrap().clone();
    assert!(told.contains(&"directory.changed acme".to_owned()) && told.len() < 10, "{told:?}");
    // The next run brings what the source says again.
    assert_eq!(bench.run(own(), &first[..699]).removals, 1);
}

#[test]
fn a_run_is_one_piece_of_news() {
    let bench = bench();
    let told = events(&bench);
    let entries: Vec<_> = (0..300).map(|n| entry(&format!("k{n}"), "1", &format!("user{n}"))).collect();
    let closed = bench.run(lyon(), &entries);
    let n = closed.revision.unwrap();
    assert_eq!(
        *told.lock().unwrap(),
        [format!("accounts.changed {n}"), "directory.changed peer-lyon".to_owned()]
    );
}

#[test]
fn a_deleted_peer_takes_its_contacts_along_and_brings_them_back() {
    let bench = bench();
    let entries: Vec<_> = (0..1300).map(|n| entry(&format!("k{n}"), "1", &format!("user{n}"))).collect();
    bench.run(lyon(), &entries);
    bench.run(DirectoryOpen { removal_share: 0, ..lyon() }, &entries[..1299]);
    assert_eq!(bench.count("SELECT count(*) FROM directory_question"), 1);
    let before = bench.everything();
    let told = events(&bench);
    bench.change(|change| PEERS.remove(change, "peer-lyon", &Precondition::Exists)).unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM account WHERE peer IS NOT NULL"), 0);
    assert_eq!(bench.count("SELECT count(*) FROM directory_question"), 0);
    let news = told.lock().unwrap().clone();
    assert!(news.contains(&"directory.changed peer-lyon".to_owned()) && news.len() < 10, "{news:?}");
    let n = bench.count("SELECT max(n) FROM revision");
    told.lock().unwrap().clear();
    bench.undo(n).unwrap();
    assert_eq!(bench.everything(), before);
    assert!(told.lock().unwrap().len() < 10, "{told:?}");
    assert_eq!(bench.run(lyon(), &entries).unchanged, 1300);
}

#[test]
fn a_deleted_synchronizer_takes_what_it_brought() {
    let bench = bench();
    bench.run(own(), &[entry("a", "1", "anna"), entry("b", "1", "bert")]);
    let before = bench.everything();
    let forget = |dry_run| {
        let asked = DirectoryForget { owner: own().owner, who: "admin alice".to_owned(), dry_run };
        bench.engine.runs.forget(&bench.engine, PLUGIN, &asked).unwrap()
    };
    assert_eq!((forget(true).removals, bench.everything()), (2, before.clone()));
    let forgotten = forget(false);
    assert_eq!((forgotten.removals, bench.shown()), (2, vec!["bob".to_owned()]));
    assert_eq!(forget(false).revision, None);
    bench.undo(forgotten.revision.unwrap()).unwrap();
    assert_eq!(bench.everything(), before);
}

#[test]
fn writing_by_hand_into_one_that_was_brought_works_as_ever() {
    let bench = bench();
    let with_email =
        DirectoryEntry { email: Some("a@acme.example.com".to_owned()), ..entry("a", "1", "anna") };
    bench.run(own(), std::slice::from_ref(&with_email));
    let anna = bench.own("anna");
    let changed = bench.change(move |change| {
        let mut after = anna.clone();
        after.insert("extension".to_owned(), "333".into());
        ACCOUNTS.replace(change, &anna, after, &Hidden::default())
    });
    assert_eq!(field(&changed.unwrap(), "directory_hash"), "1");
    assert_eq!(bench.run(own(), &[with_email]).unchanged, 1);
    assert_eq!(field(&bench.own("anna"), "extension"), "333");
}

fn events(bench: &Bench) -> Arc<Mutex<Vec<String>>> {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&told);
    bench
        .engine
        .bus
        .listen(move |fired| heard.lock().unwrap().push(format!("{} {}", fired.event, fired.object)));
    told
}
