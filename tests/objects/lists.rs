//! Lists: pages that neither lose nor repeat an object, filters, and limits.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::*;

fn with_accounts(count: usize) -> (Appliance, Client) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    (0..count).for_each(|n| drop(admin.post("/accounts", &numbered(n)).expect(201)));
    (appliance, admin)
}

fn numbered(n: usize) -> serde_json::Value {
    account("acme", &format!("user{n:03}"), &json!({}))
}

fn logins(items: &[serde_json::Value]) -> Vec<String> {
    items.iter().map(|item| item["login_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_neither_lose_nor_repeat_an_object_while_others_are_made() {
    let (_appliance, admin) = with_accounts(250);
    let mut seen = Vec::new();
    let mut next = String::new();
    for page in 0.. {
        let answer = admin.get(&format!("/accounts?limit=40&cursor={next}")).expect(200);
        seen.extend(logins(answer.items()));
        admin.post("/accounts", &numbered(500 + page)).expect(201);
        let Some(more) = answer.json["next"].as_str() else { break };
        assert_eq!(answer.items().len(), 40);
        more.clone_into(&mut next);
    }
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "an object came twice");
    assert!(seen.is_sorted(), "the order in which they were made");
    let expected: Vec<_> = (0..250).map(|n| format!("user{n:03}")).collect();
    assert_eq!(seen[..250], expected);
}

#[test]
fn the_last_page_has_no_next_even_when_it_is_full() {
    let (_appliance, admin) = with_accounts(4);
    let first = admin.get("/accounts?limit=2").expect(200);
    let second = admin.get(&format!("/accounts?limit=2&cursor={}", first.text("next"))).expect(200);
    assert_eq!((second.items().len(), &second.json["next"]), (2, &json!(null)));
    assert_eq!(admin.get("/accounts").expect(200).items().len(), 4);
}

#[test]
fn an_object_made_after_the_newest_were_deleted_is_not_skipped() {
    let (_appliance, admin) = with_accounts(3);
    let first = admin.get("/accounts?limit=2").expect(200);
    for item in admin.get("/accounts").expect(200).items().iter().skip(1) {
        admin.delete(&format!("/accounts/{}", item["id"].as_str().unwrap()), "*").expect(204);
    }
    admin.post("/accounts", &numbered(900)).expect(201);
    let second = admin.get(&format!("/accounts?limit=2&cursor={}", first.text("next"))).expect(200);
    assert_eq!(logins(second.items()), ["user900"], "it was made after the first page was read");
}

#[test]
fn lists_can_be_narrowed() {
    let (_appliance, admin) = with_accounts(3);
    let other = site_named(&admin, "beta");
    let jo = account("beta", "jo", &json!({"pbx_node": other.fr, "extension": "2001"}));
    admin.post("/accounts", &jo).expect(201);
    for (query, count) in [
        ("enterprise=acme", 3),
        ("enterprise=beta", 1),
        ("enterprise=nobody", 0),
        ("login_id=user001", 1),
        ("login_id=USER001", 1),
        ("extension=2001", 1),
        ("extension=2001&enterprise=acme", 0),
        (&format!("pbx_node={}", other.fr), 1),
    ] {
        assert_eq!(admin.get(&format!("/accounts?{query}")).expect(200).items().len(), count, "{query}");
    }
    assert_eq!(admin.get("/pbx-nodes?enterprise=beta").expect(200).column("name"), ["Paris", "Boston"]);
    assert_eq!(admin.get("/peers?enterprise=beta").expect(200).items().len(), 1);
    assert_eq!(admin.get("/tokens?name=suite").expect(200).items().len(), 1);
}

#[test]
fn a_filter_finds_an_enterprise_however_it_is_spelled() {
    let (_appliance, admin) = with_accounts(1);
    admin.get("/enterprises/ACME").expect(200);
    assert_eq!(admin.get("/accounts?enterprise=ACME").expect(200).items().len(), 1);
}

#[test]
fn a_narrowed_list_keeps_its_filter_from_page_to_page() {
    let (_appliance, admin) = with_accounts(5);
    site_named(&admin, "beta");
    admin.post("/accounts", &account("beta", "jo", &json!({}))).expect(201);
    assert_eq!(all_pages(&admin, "/accounts?limit=2&enterprise=acme").len(), 5);
}

#[test]
fn limits_and_cursors_have_bounds() {
    let (_appliance, admin) = with_accounts(2);
    for (query, words) in [
        ("limit=0", "must be 1 to 500; 0 is not"),
        ("limit=501", "must be 1 to 500; 501 is not"),
        ("limit=-1", "must be 1 to 500"),
        ("limit=many", "must be a whole number"),
        ("limit=", "must be a whole number"),
        ("limit=99999999999999999999", "must be a whole number"),
        ("cursor=nonsense", "not one that this list gave"),
        (&format!("cursor={}", "x".repeat(65)), "0 to 64 characters"),
    ] {
        admin.get(&format!("/accounts?{query}")).problem(400, "request/query").says(words);
    }
    admin.get("/accounts?limit=500").expect(200);
    let foreign = admin.get("/accounts?limit=1").expect(200).text("next");
    admin
        .get(&format!("/peers?cursor={foreign}"))
        .problem(400, "request/query")
        .says("Begin again without it");
}
