//! `teams/users`: whether Teams status is on for an account, and who it is in Teams.

use jackfield_bench::complaint;
use jackfield_sdk::{Value, json};

use crate::{Appliance, appliance};

const OBJECT: &str = "11111111-2222-4333-8444-555555555555";

fn with_accounts() -> Appliance {
    let appliance = appliance();
    appliance.account(["ann", "ann"], ["Ann", "Ek"], "ann@ex.org", true);
    appliance.account(["bob", "bob@corp.ex.org"], ["Bob", "Oe"], "bob@ex.org", true);
    appliance.account(["cy", "cy"], ["Cy", "Fu"], "", true);
    appliance
}

fn tries(shown: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    shown["match_order"].as_array().unwrap().iter().map(|t| (text(&t["by"]), text(&t["value"]))).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(by, value)| ((*by).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_account_is_listed_with_its_switch_off() {
    let shown = with_accounts().get("teams/users").body;
    let items = shown["items"].as_array().unwrap();
    let all: Vec<_> = items.iter().map(|item| (&item["account"], &item["enabled"], &item["state"])).collect();
    let (off, word) = (json!(false), json!("off"));
    assert_eq!(
        all,
        [(&json!("ann"), &off, &word), (&json!("bob"), &off, &word), (&json!("cy"), &off, &word)]
    );
    assert_eq!((&items[0]["revision"], &shown["next"]), (&json!(0), &Value::Null));
}

#[test]
fn an_account_is_matched_by_upn_then_mail_then_proxy_address() {
    let appliance = with_accounts();
    let read = |account: &str| tries(&appliance.get(&format!("teams/users/{account}")).body);
    let ann = [("upn", "ann@ex.org"), ("mail", "ann@ex.org"), ("proxy_address", "smtp:ann@ex.org")];
    assert_eq!(read("ann"), pairs(&ann));
    let bob = [("upn", "bob@corp.ex.org"), ("mail", "bob@ex.org"), ("proxy_address", "smtp:bob@ex.org")];
    assert_eq!(read("bob"), pairs(&bob), "a login in UPN form is the UPN");
    assert_eq!(read("cy"), pairs(&[]), "nothing to look for");
    appliance.put("teams/users/cy", json!({"upn": "cy.fu@ex.org"}));
    assert_eq!(read("cy"), pairs(&[("upn", "cy.fu@ex.org")]));
    appliance.put("teams/users/cy", json!({"upn": "cy.fu@ex.org", "object_id": OBJECT}));
    assert_eq!(read("cy"), pairs(&[("object_id", OBJECT)]), "an object id decides alone");
}

#[test]
fn teams_status_is_the_account_s_or_its_profile_s() {
    let appliance = with_accounts();
    appliance.core("UPDATE account SET teams_status = 1 WHERE id = 'ann'");
    appliance.core("UPDATE account SET profile = 'profile-teams' WHERE id = 'bob'");
    let read = |account: &str| appliance.get(&format!("teams/users/{account}")).body;
    for (account, own, by_profile, state) in [
        ("ann", true, false, "not_read_yet"),
        ("bob", false, true, "not_read_yet"),
        ("cy", false, false, "off"),
    ] {
        let shown = read(account);
        assert_eq!(
            (&shown["teams_status"], &shown["profile_teams_status"]),
            (&json!(own), &json!(by_profile))
        );
        assert_eq!(
            (&shown["enabled"], &shown["state"]),
            (&json!(own || by_profile), &json!(state)),
            "{shown}"
        );
    }
    let answer = appliance.put("teams/users/cy", json!({"enabled": true}));
    let (at, said) = complaint(&answer);
    assert!(at == "/enabled" && said.contains("at the account (its field teams_status)"), "{said}");
}

#[test]
fn who_an_account_is_in_teams_is_kept() {
    let appliance = with_accounts();
    let version = appliance.version("teams/users/ann");
    let done = appliance.change("PUT", "teams/users/ann", &version, json!({"upn": "ann@corp.ex.org"}));
    assert_eq!((done.status, &done.body["upn"]), (200, &json!("ann@corp.ex.org")), "{}", done.body);
    let appliance = appliance.restarted();
    assert_eq!(appliance.get("teams/users/ann"), done);
    let listed = &appliance.get("teams/users").body["items"][0];
    for field in ["enabled", "upn", "object_id", "state", "match_order", "revision", "changed_at"] {
        assert_eq!(listed[field], done.body[field], "{field}");
    }
    let same = appliance.put("teams/users/ann", done.body.clone());
    assert_eq!((same, appliance.revisions().len()), (done, 1));
    assert_eq!(appliance.revisions()[0].what, "teams/users ann");
    assert_eq!(appliance.change("PUT", "teams/users/ann", &version, json!({})).status, 412);
}

#[test]
fn nobody_in_teams_is_two_accounts() {
    let appliance = with_accounts();
    appliance.put("teams/users/ann", json!({"upn": "Ann@ex.org", "object_id": OBJECT}));
    for (field, value) in [("upn", "ann@EX.org"), ("object_id", OBJECT)] {
        let answer = appliance.put("teams/users/bob", json!({ field: value }));
        let (at, said) = complaint(&answer);
        assert!(at == format!("/{field}") && said.contains("it is account \"ann\" already"), "{said}");
    }
    assert_eq!(appliance.put("teams/users/ann", json!({"upn": "ann@ex.org"})).status, 200);
    // Somebody else takes it between reading and writing.
    appliance.interrupt("INSERT INTO teams_user VALUES ('cy', '{\"upn\": \"BOB@x.org\"}', 1, '')");
    assert_eq!(appliance.put("teams/users/bob", json!({"upn": "bob@x.org"})).status, 409);
}

#[test]
fn every_field_of_a_user_says_what_it_must_be() {
    let appliance = with_accounts();
    for (body, pointer, says) in [
        (json!({"enabled": 1}), "/enabled", "enabled must be true or false; 1 is not"),
        (json!({"upn": "ann"}), "/upn", "an e-mail address such as name@example.com; \"ann\" is not"),
        (json!({"object_id": "7"}), "/object_id", "a GUID such as"),
        (json!({"oid": OBJECT}), "/oid", "known: `enabled`, `upn`, `object_id`"),
    ] {
        let answer = appliance.put("teams/users/ann", body);
        let (at, said) = complaint(&answer);
        assert!(at == pointer && said.contains(says), "{at}: {said}");
    }
    assert_eq!(appliance.revisions(), []);
}

#[test]
fn an_account_that_is_not_there_is_told_by_name() {
    let appliance = with_accounts();
    for answer in [appliance.get("teams/users/nobody"), appliance.put("teams/users/nobody", json!({}))] {
        assert_eq!(answer.status, 404);
        assert!(answer.body["detail"].as_str().unwrap().starts_with("\"nobody\" is no account's id"));
    }
    appliance.put("teams/users/ann", json!({"upn": "a@ex.org"}));
    appliance.core("DELETE FROM account WHERE id = 'ann'");
    assert_eq!(appliance.get("teams/users/ann").status, 404);
    assert_eq!(appliance.get("teams/users").body["items"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_list_is_read_in_pages_and_a_dry_run_keeps_nothing() {
    let appliance = with_accounts();
    let first = appliance.get_with("teams/users", json!({"limit": "2"})).body;
    assert_eq!((&first["items"][1]["account"], &first["next"]), (&json!("bob"), &json!("bob")));
    let second = appliance.get_with("teams/users", json!({"limit": "2", "cursor": first["next"]})).body;
    assert_eq!((&second["items"][0]["account"], &second["next"]), (&json!("cy"), &Value::Null));
    let limit = appliance.get_with("teams/users", json!({"limit": "501"}));
    assert_eq!((limit.status, &limit.body["errors"][0]["pointer"]), (422, &json!("?limit")));
    let shown = appliance.rehearse("PUT", "teams/users/ann", Some("*"), json!({"upn": "a@ex.org"}));
    assert_eq!((shown.status, &shown.body["upn"]), (200, &json!("a@ex.org")));
    assert_eq!((appliance.stored().len(), appliance.count("db.tx")), (0, 0));
}
