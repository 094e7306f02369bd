//! New ones are made many at a time, and nothing shows it: the same accounts, revisions and refusals as one by one.

use jackfield_abi::ops::DirectoryEntry;
use serde_json::{Value, json};

use super::bench::*;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Entry, Precondition};
use crate::engine::objects::{ACCOUNTS, Page, Turn, make_in_order, text};
use crate::engine::{login, revisions};

fn called(extension: &str, entry: DirectoryEntry) -> DirectoryEntry {
    DirectoryEntry { extension: Some(extension.to_owned()), ..entry }
}

fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap()
}

fn comparable(mut account: Object) -> Object {
    for own in ["id", "login_id", "revision", "created_at", "changed_at"] {
        assert!(account.remove(own).is_some_and(|value| !value.is_null()), "{own}");
    }
    account
}

fn newest(bench: &Bench) -> i64 {
    bench.count("SELECT max(n) FROM revision")
}

/// An account as a revision says that it was made.
fn told(bench: &Bench, n: i64, id: &str) -> Object {
    let (parts, _) = bench.engine.db.read(|read| revisions::list_parts(read, n, 0, 100, &[])).unwrap();
    let of_it =
        |part: &&Object| part["object"] == id && part["action"] == "create" && part["before"].is_null();
    object(parts.iter().find(of_it).map(|part| part["after"].clone()).unwrap())
}

/// Makes accounts as one revision, none of them alone; whose turn it was.
fn in_bulk(change: &Change<'_>, common: &Object, accounts: &[&str]) -> Result<Vec<String>, Problem> {
    let mut turns = Vec::new();
    let bulk = Entry { kind: "accounts", object: "x", before: None, after: None, event: "accounts.changed" };
    change.in_bulk(&bulk, None, || {
        make_in_order(change, common, accounts, |turn| {
            turns.push(match turn {
                Turn::Made(places) => format!("made {places:?}"),
                Turn::Alone(place) => format!("alone {place}"),
            });
            Ok(())
        })?;
        Ok(Object::new())
    })?;
    Ok(turns)
}

#[test]
fn made_among_many_is_as_made_alone() {
    let bench = bench();
    let common = object(json!({
        "enterprise": "acme", "peer": null, "profile": "profile-teams", "origin": "manual", "deployed": true,
        "last_name": "O'Neil \"x\"", "first_name": "Zoé", "show_presence": false, "folder": "Sales/Paris",
    }));
    let (alone, many) = bench
        .change(move |change| {
            let mut whole = common.clone();
            whole.insert("login_id".to_owned(), "alone".into());
            for (field, value) in [("email", json!("a@b.example")), ("extension", json!("77"))] {
                whole.insert(field.to_owned(), value);
            }
            let alone = ACCOUNTS.create(change, whole, &Default::default())?;
            let many = json!([
                {"id": "acc-1", "login_id": "many", "email": "a@b.example", "extension": "77"},
                {"id": "acc-2", "login_id": "second"},
            ]);
            let (first, second) = (many[0].to_string(), many[1].to_string());
            let turns = in_bulk(change, &common, &[&first, &second])?;
            assert_eq!(turns, ["made 0..2"]);
            Ok((alone, ACCOUNTS.get(change.tx, "acc-1")?))
        })
        .unwrap();
    assert_eq!(comparable(alone), comparable(many.clone()));
    let told = |id: &str| told(&bench, newest(&bench), id);
    assert_eq!(told("acc-1"), many, "the revision has it as it is");
    assert_eq!((&told("acc-2")["email"], &told("acc-2")["pbx_node"]), (&json!(""), &json!(null)));
    let page = Page { limit: 9, words: "zoé second".to_owned(), ..Page::default() };
    let (found, _) = bench.engine.db.read(|read| ACCOUNTS.list(read, &page)).unwrap();
    assert_eq!(field(&found[0], "id"), "acc-2", "and it is found by its words");
}

/// What each of many was like when it was made is not written down a second time, and still told whatever follows.
#[test]
fn a_revision_tells_how_each_was_made_whatever_follows() {
    let bench = bench();
    let entries = [entry("k1", "v1", "ann"), entry("k2", "v1", "eve"), entry("k3", "v1", "joe")];
    let n = bench.run(own(), &entries).revision.unwrap();
    let ids = ["ann", "eve", "joe"].map(|login| text(&bench.own(login), "id").to_owned());
    let made = ids.each_ref().map(|id| told(&bench, n, id));
    for account in &made {
        assert_eq!(field(account, "revision"), n);
        assert_eq!(
            (field(account, "created_at"), field(account, "can_sign_in")),
            (&account["changed_at"], &json!("directory"))
        );
    }
    let id = ids[0].clone();
    bench.change(move |change| login::set(change, &id, &Precondition::Exists, b"sealed")).unwrap();
    assert_eq!(told(&bench, n, &ids[0]), made[0], "a password is no part of it");
    let renamed = DirectoryEntry { last_name: "Other".to_owned(), ..entry("k2", "v2", "eve") };
    bench.run(own(), &[entries[0].clone(), renamed, entries[2].clone()]);
    let id = ids[1].clone();
    bench.change(move |change| ACCOUNTS.remove(change, &id, &Precondition::Exists)).unwrap();
    let id = ids[2].clone();
    bench.change(move |change| ACCOUNTS.remove(change, &id, &Precondition::Exists)).unwrap();
    let again = ids.each_ref().map(|id| told(&bench, n, id));
    assert_eq!(again, made, "whether a password was set, it was changed and deleted, or deleted at once");
}

#[test]
fn whoever_breaks_a_rule_is_left_to_be_judged_alone() {
    let bench = bench();
    let turns = bench.change(|change| {
        let common = object(json!({"enterprise": "acme", "deployed": true, "peer": null, "last_name": "x"}));
        let usual = ("profile-default", "manual");
        let accounts = [
            ("zero", usual),
            ("one", usual),
            ("ONE", usual),
            ("three", ("none", "manual")),
            ("four", ("profile-default", "nowhere")),
            ("five", usual),
        ];
        let accounts = accounts.map(|(login, (profile, origin))| {
            let id = format!("acc-{login}");
            json!({"id": id, "login_id": login, "profile": profile, "origin": origin}).to_string()
        });
        in_bulk(change, &common, &accounts.each_ref().map(String::as_str))
    });
    let expected = ["made 0..1", "alone 1", "alone 2", "alone 3", "alone 4", "alone 5"];
    assert_eq!(
        turns.unwrap(),
        expected,
        "the fifth breaks a rule that only the table knows, and takes none with it"
    );
    assert_eq!(bench.count("SELECT count(*) FROM account"), 2);
    assert_eq!(bench.count("SELECT count(*) FROM account_search"), 2);
}

#[test]
fn whoever_is_in_the_way_is_judged_in_the_order_of_the_source() {
    let bench = bench();
    let mut entries: Vec<_> = (0..2500).map(|n| entry(&format!("k{n}"), "v1", &format!("user{n}"))).collect();
    // A manual account's login and extension, and two that are in each other's way, in both orders.
    entries[7].login_id = "Bob".to_owned();
    entries[1000].login_id = "200".to_owned();
    entries[20] = called("555", entries[20].clone());
    entries[30].login_id = "555".to_owned();
    entries[1040].login_id = "666".to_owned();
    entries[1050] = called("666", entries[1050].clone());
    // Called by the own login is no collision.
    entries[2000] = called("777", DirectoryEntry { login_id: "777".to_owned(), ..entries[2000].clone() });
    let closed = bench.run(own(), &entries);
    let refused: Vec<_> = closed.refusals.iter().map(|one| (one.key.as_str(), one.field.as_str())).collect();
    let expected = [("k7", "login_id"), ("k30", "login_id"), ("k1000", "login_id"), ("k1050", "extension")];
    assert_eq!(refused, expected, "{:?}", closed.refusals);
    assert_eq!((closed.adds, closed.refused), (2496, 4));
    assert_eq!(bench.count("SELECT count(*) FROM account WHERE synchronizer IS NOT NULL"), 2496);
    let n = closed.revision.unwrap();
    assert_eq!(bench.count(&format!("SELECT parts FROM revision WHERE n = {n}")), 2496);
    let ordered = "SELECT count(*) FROM account a JOIN account b ON b.seq = a.seq + 1
        WHERE CAST(substr(a.directory_key, 2) AS INTEGER) > CAST(substr(b.directory_key, 2) AS INTEGER)";
    assert_eq!(bench.count(ordered), 0, "made in the source's order");
    assert_eq!(bench.run(own(), &entries).unchanged, 2496, "the next run finds them as they are");
    bench.undo(n).unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM account"), 1, "and all of it is undone as one");
}
