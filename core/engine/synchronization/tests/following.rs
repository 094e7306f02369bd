//! Accounts that were changed, for who follows them.

use jackfield_abi::ops::{DirectoryEntry, DirectoryNews};

use super::bench::*;
use crate::engine::change::Precondition;
use crate::engine::objects::{ACCOUNTS, text};
use crate::engine::synchronization::since;

fn news(bench: &Bench, after: Option<&str>) -> DirectoryNews {
    bench.engine.db.read(|read| since(read, after)).unwrap_or_else(|problem| panic!("{}", problem.detail))
}

fn ids(bench: &Bench, logins: &[&str]) -> Vec<String> {
    let mut ids: Vec<_> = logins.iter().map(|login| text(&bench.own(login), "id").to_owned()).collect();
    ids.sort();
    ids
}

#[test]
fn who_follows_accounts_is_told_each_that_was_made_changed_or_deleted() {
    let bench = bench();
    let begin = news(&bench, None);
    assert_eq!(news(&bench, Some(&begin.next)), begin, "nothing has happened");
    bench.run(own(), &[entry("k1", "v1", "ann"), entry("k2", "v1", "eve")]);
    bench.run(lyon(), &[entry("k1", "v1", "jean")]);
    let made = news(&bench, Some(&begin.next));
    assert_eq!((&made.accounts, made.more), (&ids(&bench, &["ann", "eve"]), false), "and no contact");
    let renamed = DirectoryEntry { last_name: "Other".to_owned(), ..entry("k2", "v2", "eve") };
    bench.run(own(), &[entry("k1", "v1", "ann"), renamed]);
    let changed = news(&bench, Some(&made.next));
    assert_eq!(changed.accounts, ids(&bench, &["eve"]));
    let bob = ids(&bench, &["bob"]);
    bench.change(|change| ACCOUNTS.remove(change, "acc-bob", &Precondition::Exists)).unwrap();
    let deleted = news(&bench, Some(&changed.next));
    assert_eq!(deleted.accounts, bob, "by itself, not as one of many");
    assert_eq!(news(&bench, Some(&deleted.next)), DirectoryNews { accounts: Vec::new(), ..deleted });
}

#[test]
fn very_many_changes_come_in_several_answers() {
    let bench = bench();
    let begin = news(&bench, None);
    let entries: Vec<_> = (0..5200).map(|n| entry(&format!("k{n}"), "v1", &format!("user{n}"))).collect();
    bench.run(own(), &entries);
    let first = news(&bench, Some(&begin.next));
    let second = news(&bench, Some(&first.next));
    assert_eq!((first.more, second.more), (true, false));
    let all: std::collections::BTreeSet<_> = first.accounts.iter().chain(&second.accounts).collect();
    assert_eq!((all.len(), first.accounts.len() + second.accounts.len()), (5200, 5200));
}

#[test]
fn a_place_that_nobody_was_given_is_refused() {
    let bench = bench();
    for wrong in ["", "7", "a.b", "1.", "1.2.3"] {
        assert!(bench.engine.db.read(|read| since(read, Some(wrong))).is_err(), "{wrong:?}");
    }
}
