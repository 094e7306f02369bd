//! The corporate directory: its folders, who is hidden, and finding people by any part of what they are called.

use serde_json::{Value, json};

use crate::harness::*;

/// Jérôme Durand and Ann Smith of acme, each in a folder, and Bob of beta at the top.
fn people() -> (Appliance, Client) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    site_named(&admin, "beta");
    for (enterprise, login, fields) in [
        (
            "acme",
            "jdurand@acme.example.com",
            json!({"first_name": "Jérôme", "last_name": "Durand", "extension": "2047", "folder": "Sales/Paris"}),
        ),
        (
            "acme",
            "ann",
            json!({"first_name": "Ann", "last_name": "Smith", "email": "ann.smith@mail.example", "folder": "Sales"}),
        ),
        ("beta", "bob", json!({"first_name": "Bob", "last_name": "Durant"})),
    ] {
        admin.post("/accounts", &account(enterprise, login, &fields)).expect(201);
    }
    (appliance, admin)
}

fn found(admin: &Client, path: &str) -> Vec<String> {
    admin.get(path).expect(200).column("first_name")
}

#[test]
fn people_are_found_by_any_part_of_name_number_or_address() {
    let (_appliance, admin) = people();
    for (words, who) in [
        ("uran", vec!["Jérôme", "Bob"]),
        ("jerome", vec!["Jérôme"]),
        ("J%C3%89R%C3%94ME", vec!["Jérôme"]),
        ("durand+jer", vec!["Jérôme"]),
        ("204", vec!["Jérôme"]),
        ("47", vec!["Jérôme"]),
        ("MAIL.EXAMPLE", vec!["Ann"]),
        ("nn+sm", vec!["Ann"]),
        ("durand+ann", vec![]),
        ("%22", vec![]),
        ("%25", vec![]),
        ("a%22+OR+%22b", vec![]),
        ("", vec!["Jérôme", "Ann", "Bob"]),
    ] {
        for list in ["directory", "accounts"] {
            assert_eq!(found(&admin, &format!("/{list}?q={words}")), who, "{list} {words:?}");
        }
    }
    assert_eq!(found(&admin, "/directory?q=uran&enterprise=beta"), ["Bob"]);
}

#[test]
fn a_person_is_found_by_the_new_name_only() {
    let (_appliance, admin) = people();
    let ann = admin.get("/accounts?login_id=ann").expect(200).items()[0]["id"].as_str().unwrap().to_owned();
    admin.patch(&format!("/accounts/{ann}"), "*", &json!({"last_name": "Taylor"})).expect(200);
    assert_eq!(found(&admin, "/directory?q=taylor"), ["Ann"]);
    assert_eq!(found(&admin, "/directory?q=smith+ann").len(), 1, "the address still says smith");
    admin.delete(&format!("/accounts/{ann}"), "*").expect(204);
    assert_eq!(found(&admin, "/directory?q=taylor"), Vec::<String>::new());
}

#[test]
fn folders_are_a_tree_with_one_for_each_peer() {
    let (_appliance, admin) = people();
    let folders = admin.get("/directory/folders?enterprise=acme").expect(200);
    let told: Vec<_> = folders
        .items()
        .iter()
        .map(|f| (f["folder"].clone(), f["kind"].clone(), f["entries"].clone()))
        .collect();
    let expected = [("", "top", 0), ("Lyon", "peer", 0), ("Sales", "unit", 1), ("Sales/Paris", "unit", 1)];
    assert_eq!(told, expected.map(|(folder, kind, entries)| (json!(folder), json!(kind), json!(entries))));
    assert_eq!(found(&admin, "/directory?enterprise=acme&folder=Sales"), ["Jérôme", "Ann"]);
    assert_eq!(found(&admin, "/directory?enterprise=acme&folder=sales/paris"), ["Jérôme"]);
    assert_eq!(found(&admin, "/directory?enterprise=acme&folder=Sal"), Vec::<String>::new());
    assert_eq!(found(&admin, "/directory?folder=/"), ["Bob"]);
    admin.get("/directory/folders").problem(400, "request/query").says("?enterprise is missing");
}

#[test]
fn a_hidden_entry_stays_an_account_and_can_be_shown_again() {
    let (_appliance, admin) = people();
    let bob = admin.get("/accounts?login_id=bob").expect(200).items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/accounts/{bob}");
    admin.patch(&path, "*", &json!({"in_directory": false})).expect(200);
    assert_eq!(found(&admin, "/directory?enterprise=beta"), Vec::<String>::new());
    let hidden = admin.get("/directory?enterprise=beta&hidden=1").expect(200);
    assert_eq!(
        (hidden.column("account"), &hidden.items()[0]["in_directory"]),
        (vec![bob], &Value::Bool(false))
    );
    admin.patch(&path, "*", &json!({"in_directory": true})).expect(200);
    assert_eq!(found(&admin, "/directory?enterprise=beta"), ["Bob"]);
}

#[test]
fn the_directory_comes_in_pages() {
    let (_appliance, admin) = people();
    assert_eq!(all_pages(&admin, "/directory?limit=1&q=dur").len(), 2);
    assert_eq!(all_pages(&admin, "/directory/folders?enterprise=acme&limit=1").len(), 4);
}
