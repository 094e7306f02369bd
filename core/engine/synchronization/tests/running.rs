//! What a run does to accounts: new ones, changed ones, and nothing where nothing is new.

use jackfield_abi::ops::{DirectoryEntry, DirectoryOpen, DirectoryOutcome};
use serde_json::json;

use super::bench::*;

#[test]
fn new_ones_are_made_as_the_synchronizer_says() {
    let bench = bench();
    let whole = DirectoryEntry {
        first_name: Some("Ann".to_owned()),
        email: Some("ann@acme.example.com".to_owned()),
        extension: Some("201".to_owned()),
        folder: Some("Sales/Paris".to_owned()),
        ..entry("guid-1", "v1", "ann")
    };
    let order = DirectoryOpen { profile: Some("profile-teams".to_owned()), ..own() };
    let closed = bench.run(order, &[whole, entry("guid-2", "v1", "cid")]);
    assert_eq!((closed.adds, closed.changes, closed.removals, closed.refused), (2, 0, 0, 0), "{closed:?}");
    assert!(closed.revision.is_some() && closed.held.is_none() && closed.list.is_none());
    let ann = bench.own("ann");
    for (name, value) in [
        ("origin", json!("synchronizer")),
        ("peer", json!(null)),
        ("deployed", json!(true)),
        ("profile", json!("profile-teams")),
        ("first_name", json!("Ann")),
        ("folder", json!("Sales/Paris")),
        ("synchronizer", json!("peering/enterprise/acme")),
        ("directory_key", json!("guid-1")),
        ("directory_hash", json!("v1")),
        ("removed_at", json!(null)),
    ] {
        assert_eq!(field(&ann, name), &value, "{name}");
    }
    let order = DirectoryOpen { deploy: false, ..own() };
    bench.run(
        order,
        &[entry("guid-1", "v1", "ann"), entry("guid-2", "v1", "cid"), entry("guid-3", "v1", "dan")],
    );
    assert_eq!(field(&bench.own("dan"), "deployed"), false);
}

#[test]
fn the_first_account_of_all_may_come_from_a_directory() {
    let bench = bench();
    bench.sql("DELETE FROM account");
    assert_eq!(bench.run(own(), &[entry("k", "v1", "ann")]).adds, 1);
}

#[test]
fn an_unchanged_run_writes_nothing_at_all() {
    let bench = bench();
    let entries: Vec<_> = (0..600).map(|n| entry(&format!("k{n}"), "v1", &format!("user{n}"))).collect();
    bench.run(own(), &entries);
    let before = bench.commits();
    let closed = bench.run(own(), &entries);
    assert_eq!((closed.unchanged, closed.adds, closed.changes, closed.revision), (600, 0, 0, None));
    assert_eq!(bench.commits(), before);
}

#[test]
fn what_the_source_does_not_say_stays_and_what_it_clears_is_cleared() {
    let bench = bench();
    let first = DirectoryEntry {
        email: Some("ann@acme.example.com".to_owned()),
        folder: Some("Sales".to_owned()),
        ..entry("k", "v1", "ann")
    };
    bench.run(own(), &[first]);
    let id = field(&bench.own("ann"), "id").clone();
    bench.sql("UPDATE account SET extension = '299', teams_status = 1 WHERE login_id = 'ann'");
    let second = DirectoryEntry { email: Some(String::new()), ..entry("k", "v2", "Anna") };
    let closed = bench.run(own(), &[second]);
    assert_eq!((closed.changes, closed.adds), (1, 0));
    let anna = bench.own("anna");
    let said = ["id", "email", "folder", "extension", "teams_status"].map(|name| field(&anna, name).clone());
    assert_eq!(said, [id, json!(""), json!("Sales"), json!("299"), json!(true)]);
}

#[test]
fn a_new_version_that_says_the_same_is_no_change() {
    let bench = bench();
    bench.run(own(), &[entry("k", "v1", "ann")]);
    let closed = bench.run(own(), &[entry("k", "v2", "ann")]);
    assert_eq!((closed.changes, closed.unchanged, closed.revision), (0, 1, None));
    assert_eq!(field(&bench.own("ann"), "directory_hash"), "v2");
}

#[test]
fn a_wrong_entry_is_refused_and_the_rest_goes_on() {
    let bench = bench();
    bench.run(own(), &[entry("k1", "v1", "ann")]);
    let wrong = DirectoryEntry { email: Some("no address".to_owned()), ..entry("k1", "v2", "ann") };
    let nameless = DirectoryEntry { last_name: String::new(), ..entry("k2", "v1", "cid") };
    let run = bench.open(own());
    let taken = bench.put(&run, &[wrong, nameless, entry("", "v1", "x"), entry("k3", "v1", "dan")]);
    let told: Vec<_> = taken.refused.iter().map(|one| (one.key.as_str(), one.field.as_str())).collect();
    assert_eq!(told, [("k1", "email"), ("k2", "last_name"), ("", "key")]);
    let closed = bench.close(&run, DirectoryOutcome::Complete).unwrap();
    assert_eq!((closed.adds, closed.removals, closed.refused), (1, 0, 3), "one that is wrong is not gone");
    assert_eq!(closed.refusals.len(), 3);
    assert_eq!(bench.shown(), ["ann", "bob", "dan"]);
}

#[test]
fn two_entries_of_one_key_or_one_login_are_told_apart() {
    let bench = bench();
    bench.run(own(), &[entry("k1", "v1", "ann")]);
    let run = bench.open(own());
    let taken =
        bench.put(&run, &[entry("k1", "v1", "ann"), entry("k1", "v2", "anna"), entry("k2", "v1", "dan")]);
    assert!(taken.refused[0].detail.contains("\"ann\"") && taken.refused[0].detail.contains("\"anna\""));
    let taken =
        bench.put(&run, &[entry("k2", "v1", "dan"), entry("k3", "v1", "Dan"), entry("k4", "v1", "ANN")]);
    let told: Vec<_> = taken.refused.iter().map(|one| one.detail.as_str()).collect();
    assert!(told[0].contains("\"k2\" is the key of two entries"), "{told:?}");
    assert!(told[1].contains("\"k2\"") && told[1].contains("\"k3\""), "{told:?}");
    let closed = bench.close(&run, DirectoryOutcome::Complete).unwrap();
    assert_eq!((closed.adds, closed.refused, closed.unchanged), (1, 4, 1));
    let last = closed.refusals.last().unwrap();
    assert!(last.detail.contains("\"k4\"") && last.detail.contains("\"k1\""), "{}", last.detail);
}

#[test]
fn an_incremental_run_leaves_alone_what_it_does_not_name() {
    let bench = bench();
    bench.run(own(), &[entry("k1", "v1", "ann"), entry("k2", "v1", "cid"), entry("k3", "v1", "dan")]);
    let run = bench.open(DirectoryOpen { full: false, ..own() });
    bench.put(&run, &[entry("k4", "v1", "eve"), entry("k3", "v2", "dana")]);
    let keys = ["k1", "k9", "k3"].map(str::to_owned);
    bench.engine.runs.gone(&bench.engine, PLUGIN, &run, &keys).unwrap();
    let closed = bench.close(&run, DirectoryOutcome::Complete).unwrap();
    assert_eq!((closed.adds, closed.changes, closed.removals), (1, 1, 1), "what is put is not gone");
    assert_eq!(bench.shown(), ["bob", "cid", "dana", "eve"]);
    let run = bench.open(own());
    let refused = bench.engine.runs.gone(&bench.engine, PLUGIN, &run, &keys).unwrap_err();
    assert!(refused.detail.contains("not full"), "{}", refused.detail);
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let bench = bench();
    bench.run(own(), &[entry("k1", "v1", "ann"), entry("k2", "v1", "cid")]);
    let (before, revisions) = (bench.everything(), bench.count("SELECT max(n) FROM revision"));
    let order = DirectoryOpen { dry_run: true, ..own() };
    let closed = bench.run(order, &[entry("k1", "v2", "anna"), entry("k3", "v1", "dan")]);
    assert_eq!((closed.adds, closed.changes, closed.removals, closed.revision), (1, 1, 1, None));
    let list = closed.list.unwrap();
    let told = [&list.adds, &list.changes, &list.removals].map(|all| all[0].login_id.as_str());
    assert_eq!(told, ["dan", "anna", "cid"]);
    assert_eq!(list.removals[0].name, "Last cid");
    assert_eq!((bench.everything(), bench.count("SELECT max(n) FROM revision")), (before, revisions));
}

#[test]
fn one_run_of_a_synchronizer_at_a_time() {
    let bench = bench();
    let run = bench.open(own());
    let second = bench.engine.runs.open(&bench.engine, PLUGIN, own()).unwrap_err();
    assert_eq!(second.kind.status, 409);
    bench.open(lyon());
    assert!(bench.engine.runs.put(&bench.engine, "other", &run, &[]).is_err(), "another plugin's");
    bench.engine.runs.drop_of("other");
    bench.put(&run, &[entry("k", "v1", "ann")]);
    bench.engine.runs.drop_of(PLUGIN);
    assert_eq!(bench.engine.runs.put(&bench.engine, PLUGIN, &run, &[]).unwrap_err().kind.status, 404);
    assert!(bench.close(&run, DirectoryOutcome::Complete).is_err());
    bench.run(own(), &[entry("k2", "v1", "cid")]);
    assert_eq!(bench.shown(), ["bob", "cid"], "nothing of the first one stays");
}

#[test]
fn an_order_that_fits_nothing_is_refused_with_the_field() {
    let bench = bench();
    let owner = |id: &str| jackfield_abi::ops::DirectoryOwner { synchronizer: id.to_owned() };
    for (order, field) in [
        (DirectoryOpen { owner: owner("a b"), ..own() }, "synchronizer"),
        (DirectoryOpen { enterprise: "none".to_owned(), ..own() }, "enterprise"),
        (DirectoryOpen { peer: Some("peer-none".to_owned()), ..own() }, "peer"),
        (DirectoryOpen { enterprise: "beta".to_owned(), ..lyon() }, "peer"),
        (DirectoryOpen { profile: Some("none".to_owned()), ..own() }, "profile"),
        (DirectoryOpen { who: String::new(), ..own() }, "who"),
        (DirectoryOpen { removal_share: 101, ..own() }, "removal_share"),
        (DirectoryOpen { grace_days: 366, ..own() }, "grace_days"),
    ] {
        let problem = bench.engine.runs.open(&bench.engine, PLUGIN, order).unwrap_err();
        assert_eq!(problem.errors[0].pointer, format!("/{field}"));
    }
    bench.run(own(), &[entry("k", "v1", "ann")]);
    let moved = DirectoryOpen { enterprise: "beta".to_owned(), ..own() };
    assert_eq!(bench.engine.runs.open(&bench.engine, PLUGIN, moved).unwrap_err().kind.status, 409);
}
