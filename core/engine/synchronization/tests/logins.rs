//! Logins that collide: with manual accounts, with one another, with those that are gone.

use jackfield_abi::ops::DirectoryEntry;
use serde_json::json;

use super::bench::*;

#[test]
fn a_manual_account_is_never_taken_over() {
    let bench = bench();
    let closed = bench.run(own(), &[entry("k1", "v1", "Bob"), entry("k2", "v1", "cid")]);
    assert_eq!((closed.adds, closed.refused), (1, 1));
    let refusal = &closed.refusals[0];
    assert_eq!((refusal.key.as_str(), refusal.field.as_str()), ("k1", "login_id"));
    assert!(
        refusal.detail.contains("\"k1\"") && refusal.detail.contains("manual account acc-bob"),
        "{refusal:?}"
    );
    assert_eq!(field(&bench.own("bob"), "last_name"), "Manual");
    // The rules of accounts hold: a number somebody else is called at is no login.
    let closed = bench.run(own(), &[entry("k2", "v1", "cid"), entry("k3", "v1", "200")]);
    assert!(closed.refusals[0].detail.contains("is the extension of account \"bob\""), "{closed:?}");
}

#[test]
fn contacts_have_logins_of_their_own() {
    let bench = bench();
    let closed = bench.run(lyon(), &[entry("k1", "v1", "bob"), entry("k2", "v1", "200")]);
    assert_eq!((closed.adds, closed.refused), (2, 0), "{closed:?}");
    let contact = bench.account("bob", Some("peer-lyon")).unwrap();
    assert_eq!((field(&contact, "origin"), field(&contact, "deployed")), (&json!("peer"), &json!(false)));
    let ocs = jackfield_abi::ops::DirectoryOwner { synchronizer: "peer/ocs".to_owned() };
    let order = jackfield_abi::ops::DirectoryOpen { owner: ocs, peer: Some("peer-ocs".to_owned()), ..lyon() };
    assert_eq!(bench.run(order, &[entry("k1", "v1", "bob")]).adds, 1);
    assert_eq!(bench.count("SELECT count(*) FROM account WHERE login_id = 'bob'"), 3);
    let made = bench.change(|change| {
        let body = json!({"enterprise": "acme", "login_id": "BOB", "last_name": "x", "first_name": "", "email": "",
            "extension": "", "folder": "", "pbx_node": null, "profile": null, "teams_status": false,
            "show_presence": true, "in_directory": true, "deployed": true});
        let body = body.as_object().cloned().unwrap();
        crate::engine::objects::ACCOUNTS.create(change, body, &Default::default())
    });
    let problem = made.unwrap_err();
    assert_eq!((problem.kind.status, problem.errors[0].pointer.as_str()), (409, "/login_id"));
    assert!(problem.detail.contains("in this enterprise"), "{}", problem.detail);
}

#[test]
fn logins_that_move_among_entries_end_where_the_source_has_them() {
    let bench = bench();
    bench.run(own(), &[entry("a", "1", "anna"), entry("b", "1", "bert"), entry("c", "1", "carl")]);
    let ids = ["anna", "bert", "carl"].map(|login| field(&bench.own(login), "id").clone());
    // a chain: each gets what the next gives up
    let closed =
        bench.run(own(), &[entry("a", "2", "bert"), entry("b", "2", "carl"), entry("c", "2", "dora")]);
    assert_eq!((closed.changes, closed.refused), (3, 0), "{closed:?}");
    let now = ["bert", "carl", "dora"].map(|login| field(&bench.own(login), "id").clone());
    assert_eq!(now, ids);
    // a ring
    let closed =
        bench.run(own(), &[entry("a", "3", "carl"), entry("b", "3", "dora"), entry("c", "3", "bert")]);
    assert_eq!((closed.changes, closed.refused), (3, 0), "{closed:?}");
    let now = ["carl", "dora", "bert"].map(|login| field(&bench.own(login), "id").clone());
    assert_eq!(now, ids);
    // and all of it is put back
    bench.undo(closed.revision.unwrap()).unwrap();
    let now = ["bert", "carl", "dora"].map(|login| field(&bench.own(login), "id").clone());
    assert_eq!(now, ids);
}

#[test]
fn a_new_entry_gets_the_login_that_another_gives_up() {
    let bench = bench();
    bench.run(own(), &[entry("a", "1", "anna")]);
    let closed = bench.run(own(), &[entry("b", "1", "anna"), entry("a", "2", "anne")]);
    assert_eq!((closed.adds, closed.changes, closed.refused), (1, 1, 0), "{closed:?}");
    assert_eq!(field(&bench.own("anna"), "directory_key"), "b");
}

#[test]
fn who_was_made_anew_in_the_source_keeps_the_account() {
    let bench = bench();
    bench.run(own(), &[entry("old", "1", "anna"), entry("x", "1", "xavier")]);
    let id = field(&bench.own("anna"), "id").clone();
    let closed = bench.run(own(), &[entry("new", "1", "anna"), entry("x", "1", "xavier")]);
    assert_eq!((closed.adds, closed.changes, closed.removals), (0, 1, 0), "{closed:?}");
    assert_eq!(
        (field(&bench.own("anna"), "id"), field(&bench.own("anna"), "directory_key")),
        (&id, &json!("new"))
    );
    // also when it was gone for a while
    bench.run(own(), &[entry("x", "1", "xavier")]);
    bench.run(own(), &[entry("newer", "1", "anna"), entry("x", "1", "xavier")]);
    let anna = bench.own("anna");
    assert_eq!((field(&anna, "id"), field(&anna, "removed_at")), (&id, &json!(null)));
}

#[test]
fn the_login_of_one_that_is_gone_is_free_for_another() {
    let bench = bench();
    bench.run(own(), &[entry("a", "1", "anna"), entry("b", "1", "bert")]);
    let id = field(&bench.own("bert"), "id").clone();
    let closed = bench.run(own(), &[entry("b", "2", "anna")]);
    assert_eq!((closed.changes, closed.removals, closed.refused), (1, 1, 0), "{closed:?}");
    assert_eq!(field(&bench.own("anna"), "id"), &id);
}

#[test]
fn an_extension_that_another_entry_gives_up_is_no_hindrance() {
    let bench = bench();
    let called = |extension: &str, entry| DirectoryEntry { extension: Some(extension.to_owned()), ..entry };
    bench.run(own(), &[called("300", entry("b", "1", "bert"))]);
    let closed = bench.run(own(), &[entry("a", "1", "300"), called("301", entry("b", "2", "bert"))]);
    assert_eq!((closed.adds, closed.changes, closed.refused), (1, 1, 0), "{closed:?}");
}
