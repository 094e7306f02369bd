//! The rule of every field: what is taken comes back as it was, and what is refused is refused with the
//! words that `rule_tables` lists.

use serde_json::{Value, json};

use super::rule_tables::*;
use crate::harness::*;

/// Tries every value of every field; nothing of it stays.
fn check(admin: &Client, kind: &str, usual: &Value, rules: &[Rule]) {
    let list = format!("/{kind}");
    let before = all_pages(admin, &list);
    for (field, good, bad) in rules {
        let body = |value: &Value| with(usual, &json!({*field: value}));
        good.iter().for_each(|value| assert_taken(admin, &list, &body(value), field, value));
        for (value, words) in bad {
            let refused = admin.post(&list, &body(value)).problem(422, "request/invalid");
            assert!(blames_below(&refused, field, words), "{field} = {value}: not {words:?}: {refused}");
            // What is never shown again is not shown in its error either.
            assert!(*field == "password" || is_named(&refused, field, value), "{field} = {value}: {refused}");
        }
    }
    assert_eq!(all_pages(admin, &list), before, "something refused was kept");
}

/// Makes the object, reads it again, and deletes it, so that its name is free for the next one.
fn assert_taken(admin: &Client, list: &str, body: &Value, field: &str, value: &Value) {
    let made = admin.post(list, body);
    assert_eq!((made.status, &made.json[field]), (201, value), "{field}: {made}");
    let path = format!("{list}/{}", made.id());
    assert_eq!(admin.get(&path).expect(200).json[field], *value, "{field} is stored as it was given");
    admin.delete(&path, "*").expect(204);
}

/// Whether an error at the field, or at an element of its list, says this.
fn blames_below(refused: &Answer, field: &str, words: &str) -> bool {
    let errors = refused.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().any(|error| {
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        text("pointer").split('/').nth(1) == Some(field) && text("detail").contains(words)
    })
}

/// Whether an error at the field says which value it is about: the value itself or, where that would not help, its
/// length, its kind, or that there is none.
fn is_named(refused: &Answer, field: &str, value: &Value) -> bool {
    let shown = match value {
        Value::Null => vec!["missing".to_owned(), "needs one".to_owned()],
        Value::String(text) => {
            vec![format!("{text:?}"), format!("this has {}", text.chars().count()), "not text".to_owned()]
        }
        Value::Number(number) => vec![number.to_string(), "not a number".to_owned()],
        Value::Array(items) => {
            let mut shown: Vec<_> = items.iter().map(ToString::to_string).collect();
            shown.extend(["not a list", "this has", "not text", "not a number"].map(str::to_owned));
            shown
        }
        other => vec![other.to_string(), "not a truth value".to_owned()],
    };
    // A field that is not the caller's needs no value: any would be refused.
    shown.iter().any(|words| blames_below(refused, field, words))
        || blames_below(refused, field, "is set by the appliance")
}

#[test]
fn enterprises_keep_their_rules() {
    let appliance = Appliance::start();
    check(&appliance.admin(), "enterprises", &enterprise_body("acme"), &enterprise_rules());
}

#[test]
fn a_domain_is_kept_in_lower_case() {
    let appliance = Appliance::start();
    let body = with(&enterprise_body("acme"), &json!({"domain": "Acme.Example.COM"}));
    assert_eq!(appliance.admin().post("/enterprises", &body).expect(201).text("domain"), "acme.example.com");
}

#[test]
fn nodes_keep_their_rules() {
    let appliance = Appliance::start();
    site(&appliance.admin());
    check(&appliance.admin(), "pbx-nodes", &node("acme", "Third", &json!({})), &node_rules());
}

#[test]
fn accounts_keep_their_rules() {
    let appliance = Appliance::start();
    site(&appliance.admin());
    check(&appliance.admin(), "accounts", &account("acme", "jo", &json!({})), &account_rules());
}

#[test]
fn profiles_keep_their_rules() {
    let appliance = Appliance::start();
    check(&appliance.admin(), "profiles", &json!({"name": "Sales"}), &profile_rules());
}

#[test]
fn trusted_servers_keep_their_rules() {
    let appliance = Appliance::start();
    site(&appliance.admin());
    let usual = json!({"enterprise": "acme", "description": "IM", "address": "im.example.com", "type": "im"});
    check(&appliance.admin(), "trusted-servers", &usual, &trusted_server_rules());
}

#[test]
fn peers_keep_their_rules() {
    let appliance = Appliance::start();
    site(&appliance.admin());
    let usual = json!({"enterprise": "acme", "description": "Nice"});
    check(&appliance.admin(), "peers", &usual, &peer_rules());
    let external = with(&usual, &json!({"kind": "external"}));
    check(&appliance.admin(), "peers", &external, &external_rules());
    check(&appliance.admin(), "peers", &sister("Nice", "uc.nice.example", "Nice-01"), &sister_rules());
}

#[test]
fn administrators_keep_their_rules() {
    let appliance = Appliance::start();
    crate::access::admin_named(&appliance.admin(), "first", "admin");
    let usual = json!({"name": "alice", "role": "viewer", "password": crate::access::PASSWORD});
    check(&appliance.admin(), "admins", &usual, &admin_rules());
}

#[test]
fn tokens_keep_their_rules() {
    let appliance = Appliance::start();
    check(&appliance.admin(), "tokens", &json!({"name": "job", "role": "viewer"}), &token_rules());
}

#[test]
fn the_same_rules_hold_for_a_replacement() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let path = format!("/peers/{}", site(&admin).peer);
    let long = json!({"dialing_prefix": "9".repeat(21)});
    admin
        .patch(&path, "*", &long)
        .problem(422, "request/invalid")
        .blames("/dialing_prefix", "0 to 20 characters");
    let put = with(&long, &json!({"description": ""}));
    let refused = admin
        .put(&path, "*", &put)
        .problem(422, "request/invalid")
        .says("2 fields break a rule; nothing was changed");
    refused.blames("/description", "1 to 64").blames("/dialing_prefix", "0 to 20");
    assert_eq!(admin.get(&path).expect(200).text("dialing_prefix"), "77");
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_known_one() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let typo = with(&enterprise_body("acme"), &json!({"descripton": "x"}));
    let refused = admin.post("/enterprises", &typo).problem(422, "request/invalid");
    refused.blames("/descripton", "is not a field of Enterprise; did you mean \"description\"?");
    let odd = with(&enterprise_body("acme"), &json!({"a/b~c": 1}));
    admin.post("/enterprises", &odd).problem(422, "request/invalid").blames("/a~1b~0c", "is not a field");
}

#[test]
fn only_an_object_is_an_object() {
    let appliance = Appliance::start();
    for (body, words) in [
        (json!([]), "not a list"),
        (json!("x"), "not text"),
        (json!(1), "not a number"),
        (Value::Null, "not null"),
    ] {
        let refused = appliance.admin().post("/enterprises", &body).problem(422, "request/invalid");
        refused.blames("", "must be a JSON object").blames("", words);
    }
}

#[test]
fn csta_ports_default_to_3211_on_a_mivoice_5000_only() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    for (kind, ports) in
        [("mivoice_5000", json!([3211])), ("mx_one", json!([])), ("mivoice_business", json!([]))]
    {
        let made = admin.post("/pbx-nodes", &node("acme", kind, &json!({"kind": kind}))).expect(201);
        assert_eq!(made.json["csta_ports"], ports, "{kind}");
    }
}

#[test]
fn an_x25_port_must_be_a_csta_port() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let path = format!("/pbx-nodes/{}", site(&admin).fr);
    admin.patch(&path, "*", &json!({"x25_ports": [3211]})).expect(200);
    let refused = admin.patch(&path, "*", &json!({"csta_ports": [3212]})).problem(422, "request/invalid");
    refused.blames("/x25_ports", "maps 3211, which is not one of csta_ports");
    let both = admin.patch(&path, "*", &json!({"csta_ports": [3212], "x25_ports": [3212]})).expect(200);
    assert_eq!(both.json["x25_ports"], json!([3212]));
}
