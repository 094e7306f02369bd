//! Runs with a real slapd: what is brought, changed, removed and left alone; folders, pages, addresses, schedules, undo,
//! and signing in with the directory's password.

use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::slapd::{BASE, Slapd, people, person, unit};
use super::{begin, counts, ended, logins, set_up, site_with_peer, standing, synchronize, synchronize_with};
use crate::harness::*;

#[test]
fn contacts_come_change_and_go_with_their_directory() {
    let entries = unit("Paris")
        + &unit("Sales,ou=Paris")
        + &person("jo", "Sales,ou=Paris", "givenName: Jo\nmail: jo@ocs.example\n")
        + &person("al", "", "")
        + &people(0..20);
    let slapd = Slapd::start(&entries);
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({"page_size": 7})));
    let first = synchronize(&admin, &peer);
    assert_eq!(counts(&first), [22, 0, 0, 0, 0], "{first:#}");
    let found = admin.get("/directory?enterprise=acme&q=jo@ocs").expect(200);
    let jo = &found.items()[0];
    assert_eq!(
        (&jo["folder"], &jo["first_name"], &jo["login_id"]),
        (&json!("OCS/Paris/Sales"), &json!("Jo"), &json!("jo"))
    );
    assert_eq!(counts(&synchronize(&admin, &peer)), [0, 0, 0, 22, 0]);
    slapd.modify(&format!("dn: uid=al,{BASE}\nchangetype: modify\nreplace: sn\nsn: Other\n\n"));
    slapd.modify(&format!("dn: uid=jo,ou=Sales,ou=Paris,{BASE}\nchangetype: modrdn\nnewrdn: uid=joe\ndeleteoldrdn: 1\nnewsuperior: ou=Paris,{BASE}\n\n"));
    slapd.modify(&format!(
        "{}\n",
        person("new", "", "changetype: add\n")
            .replacen("objectClass", "changetype: add\nobjectClass", 1)
            .replace("changetype: add\n\n", "\n")
    ));
    slapd.delete(&["p0".to_owned()]);
    let next = synchronize(&admin, &peer);
    assert_eq!(counts(&next), [1, 2, 1, 19, 0], "{next:#}");
    let shown = logins(&admin, &peer);
    assert!(shown.contains(&"joe".to_owned()) && !shown.contains(&"p0".to_owned()), "{shown:?}");
    let status = admin.get(&format!("{peer}/status")).expect(200).json;
    assert_eq!(status["synchronization"], "synchronized", "{status:#}");
    let undo = admin.call("POST", &format!("/revisions/{}:undo", next["revision"])).send();
    undo.expect(201);
    let back = logins(&admin, &peer);
    assert!(back.contains(&"jo".to_owned()) && back.contains(&"p0".to_owned()), "{back:?}");
}

#[test]
fn scope_context_and_filter_say_who_is_meant() {
    let entries = unit("Paris")
        + &unit("Sales,ou=Paris")
        + &person("top", "", "")
        + &person("mid", "Paris", "")
        + &person("low", "Sales,ou=Paris", "");
    let slapd = Slapd::start(&entries);
    let (_appliance, admin, peer) = site_with_peer();
    for (fields, meant) in [
        (json!({}), &["low", "mid", "top"][..]),
        (json!({"scope": "one"}), &["top"]),
        (json!({"search_context": "ou=Paris"}), &["low", "mid"]),
        (json!({"search_context": "ou=Paris", "scope": "one"}), &["mid"]),
        (json!({"search_context": "uid=mid,ou=Paris", "scope": "base"}), &["mid"]),
        (json!({"filter": "(&(objectClass=inetOrgPerson)(!(uid=mid)))"}), &["low", "top"]),
    ] {
        set_up(&admin, &peer, &slapd.synchronizer(&fields));
        let dry = synchronize_with(&admin, &peer, "?dry_run=1");
        let adds = dry["list"]["adds"].as_array().expect("a list").iter();
        let mut found: Vec<_> = adds.map(|one| one["login_id"].as_str().expect("a login")).collect();
        found.sort_unstable();
        assert_eq!(found, meant, "{fields}: {dry:#}");
    }
}

#[test]
fn a_dry_run_lists_what_would_be_done_and_does_nothing() {
    let slapd = Slapd::start(&people(0..3));
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    let dry = synchronize_with(&admin, &peer, "?dry_run=1");
    assert_eq!(counts(&dry), [3, 0, 0, 0, 0], "{dry:#}");
    let names: Vec<_> =
        dry["list"]["adds"].as_array().unwrap().iter().map(|one| one["login_id"].clone()).collect();
    assert_eq!((names.len(), logins(&admin, &peer).len()), (3, 0), "{names:?}");
    let standing = standing(&admin, &peer);
    assert_eq!((&standing["state"], &standing["latest"]), (&json!("never_synchronized"), &Value::Null));
}

#[test]
fn a_run_without_changes_writes_no_row_of_anybody() {
    let slapd = Slapd::start(&people(0..600));
    let (mut appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    assert_eq!(
        counts(&synchronize(&admin, &peer)),
        [600, 0, 0, 0, 0],
        "more than one page and the server's own limit"
    );
    let rows = |appliance: &mut Appliance| -> (i64, String) {
        appliance.stop();
        let db = Connection::open(appliance.state().join("jackfield.db")).expect("the database");
        let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
        let newest =
            db.query_row("SELECT max(changed_at) FROM account", [], |row| row.get(0)).expect("a time");
        let seen = (one("SELECT count(*) FROM revision"), newest);
        drop(db);
        appliance.resume();
        appliance.await_up(&["peering"]);
        seen
    };
    let before = rows(&mut appliance);
    assert_eq!(counts(&synchronize(&appliance.admin(), &peer)), [0, 0, 0, 600, 0]);
    assert_eq!(rows(&mut appliance), before);
}

#[test]
fn the_address_of_a_contact_is_at_the_peer_s_domain_or_what_is_mapped() {
    let slapd = Slapd::start(&person("jo", "", "mail: jo.martin@chat.ocs.example\n"));
    let (mut appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    synchronize(&admin, &peer);
    let address = |appliance: &mut Appliance| -> String {
        appliance.stop();
        let db = Connection::open(appliance.state().join("jackfield.db")).expect("the database");
        let found =
            db.query_row("SELECT address FROM core_contacts", [], |row| row.get(0)).expect("one contact");
        drop(db);
        appliance.resume();
        appliance.await_up(&["peering"]);
        found
    };
    assert_eq!(address(&mut appliance), "jo@ocs.example");
    let admin = appliance.admin();
    let mapping = json!({"mapping": {"user_id": "entryUUID", "login": "uid", "address": "mail"}});
    set_up(&admin, &peer, &slapd.synchronizer(&mapping));
    assert_eq!(counts(&synchronize(&admin, &peer)), [0, 1, 0, 0, 0]);
    assert_eq!(address(&mut appliance), "jo.martin@chat.ocs.example");
}

#[test]
fn accounts_of_an_enterprise_come_from_its_own_directory_with_their_node() {
    let slapd = Slapd::start(&person("jo", "", "telephoneNumber: 2001\ndepartmentNumber: Paris\n"));
    let (_appliance, admin, _) = site_with_peer();
    let owner = "/enterprises/acme";
    set_up(
        &admin,
        owner,
        &slapd.synchronizer(
            &json!({"mapping": {"user_id": "entryUUID", "login": "uid", "home_element": "departmentNumber"}}),
        ),
    );
    assert_eq!(counts(&synchronize(&admin, owner)), [1, 0, 0, 0, 0]);
    let jo = admin.get("/accounts?login_id=jo").expect(200).items()[0].clone();
    assert_eq!(
        (&jo["origin"], &jo["extension"], &jo["deployed"]),
        (&json!("synchronizer"), &json!("2001"), &json!(true)),
        "{jo:#}"
    );
    assert!(jo["pbx_node"].is_string(), "{jo:#}");
    // Whoever came from a directory goes with it.
    let etag = admin.get(&format!("{owner}/synchronizer")).expect(200).etag();
    admin.delete(&format!("{owner}/synchronizer"), &etag).expect(204);
    assert_eq!(logins(&admin, owner), Vec::<String>::new());
}

#[test]
fn a_run_is_due_by_the_clock_and_one_at_a_time() {
    let slapd = Slapd::start(&people(0..3));
    let (mut appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    admin
        .patch(
            &peer,
            "*",
            &json!({"sync_every_days": 2, "sync_hour": 3, "sync_minute": 30, "sync_half": "AM"}),
        )
        .expect(200);
    let planned = || {
        Some(standing(&admin, &peer))
            .filter(|now| now["next_at"].as_str().is_some_and(|at| at.ends_with("T03:30:00.000Z")))
    };
    awaited(Duration::from_secs(20), planned).unwrap_or_else(|| panic!("{:#}", standing(&admin, &peer)));
    appliance.stop();
    let db = Connection::open(appliance.state().join("jackfield.db")).expect("the database");
    db.execute("UPDATE plan SET next_on = '2026-01-01'", []).expect("a day that was missed");
    drop(db);
    appliance.resume();
    appliance.await_up(&["peering"]);
    let admin = appliance.admin();
    let done = || Some(standing(&admin, &peer)).filter(|now| now["state"] == "synchronized");
    let now = awaited(super::SOON, done).unwrap_or_else(|| panic!("{:#}", standing(&admin, &peer)));
    assert_eq!(now["latest"]["counts"]["adds"], 3, "{now:#}");
    let job = admin.get(&format!("/jobs/{}", now["latest"]["job"].as_str().unwrap())).expect(200).json;
    assert_eq!(job["who"], "schedule", "{job:#}");
    // Without days nothing is planned any more.
    admin.patch(&peer, "*", &json!({"sync_every_days": 0})).expect(200);
    let unplanned = || Some(standing(&admin, &peer)).filter(|now| now["next_at"].is_null());
    assert!(awaited(Duration::from_secs(20), unplanned).is_some(), "{:#}", standing(&admin, &peer));
}

#[test]
fn what_a_run_did_outlives_a_kill_in_the_middle_of_the_next_one() {
    let slapd = Slapd::start(&people(0..3));
    let (mut appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    synchronize(&admin, &peer);
    let stub = super::stub::Stub::start(|asked| {
        if asked.is_base { vec![super::stub::Turn::Done("")] } else { vec![super::stub::Turn::Hang] }
    });
    set_up(&admin, &peer, &super::with(&stub.synchronizer(), &json!({})));
    let job = begin(&admin, &peer, "");
    let running = || Some(standing(&admin, &peer)).filter(|now| now["state"] == "synchronizing");
    assert!(awaited(super::SOON, running).is_some());
    appliance.kill9();
    appliance.resume();
    let admin = appliance.admin();
    await_that(&admin, "peering", super::SOON, "serving", |status| status["state"] == "up");
    assert_eq!(ended(&admin, &job)["state"], "interrupted");
    assert_eq!(standing(&admin, &peer)["state"], "synchronized");
    assert_eq!(logins(&admin, &peer).len(), 3);
}
