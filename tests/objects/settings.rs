//! Settings: declared ones with a default each; a value keeps its rule and takes effect at once.

use serde_json::{Value, json};

use crate::harness::*;

fn set(admin: &Client, name: &str, value: &Value) -> Answer {
    admin.put(&format!("/settings/{name}"), "*", &json!({"value": value}))
}

#[test]
fn every_setting_has_a_default_and_says_what_it_does() {
    let appliance = Appliance::start();
    let list = appliance.admin().get("/settings").expect(200);
    assert!(list.items().len() >= 8, "{list}");
    for setting in list.items() {
        let name = setting["name"].as_str().unwrap();
        assert_eq!((&setting["value"], &setting["revision"]), (&setting["default"], &json!(0)), "{name}");
        assert!(setting["help"].as_str().is_some_and(|help| help.len() > 10), "{name}");
        let read = appliance.admin().get(&format!("/settings/{name}")).expect(200);
        assert_eq!((&read.json, read.etag()), (setting, "\"0\"".to_owned()));
    }
}

#[test]
fn a_value_keeps_its_rule() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for (name, good, bad, words) in [
        ("site.name", json!("Zürich | 1"), json!("a\nb"), "without control characters"),
        ("site.name", json!(""), json!("a".repeat(65)), "0 to 64 characters"),
        ("http.connections_total", json!(16), json!(15), "must be 16 to 10000; 15 is not"),
        ("http.connections_per_address", json!(10_000), json!(0), "must be 1 to 10000; 0 is not"),
        ("http.head_seconds", json!(120), json!(121), "must be 1 to 120"),
        ("http.body_seconds", json!(1), json!(-1), "must be 1 to 3600"),
        ("http.idle_seconds", json!(3600), json!("60"), "must be a whole number, not text"),
        ("session.idle_minutes", json!(5), json!(4), "must be 5 to 1440; 4 is not"),
        ("session.max_hours", json!(168), Value::Null, "must be a whole number, not null"),
    ] {
        assert_eq!(set(&admin, name, &good).expect(200).json["value"], good);
        set(&admin, name, &bad).problem(422, "request/invalid").says(name).blames("/value", words);
        assert_eq!(admin.get(&format!("/settings/{name}")).expect(200).json["value"], good, "{name}");
    }
}

#[test]
fn a_setting_says_what_its_value_must_be() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let schema = |name: &str| admin.get(&format!("/settings/{name}")).expect(200).json["schema"].clone();
    assert_eq!(
        schema("site.deployment"),
        json!({"type": "string", "enum": ["on_premise", "micloud_flex_gcp"]})
    );
    assert_eq!(schema("messages.archived"), json!({"type": "boolean"}));
    let minutes = schema("session.idle_minutes");
    assert_eq!(minutes["type"], "integer");
    let too_many = minutes["maximum"].as_i64().expect("a bound") + 1;
    let refused = set(&admin, "session.idle_minutes", &json!(too_many)).problem(422, "request/invalid");
    refused.blames("/value", "must be");
    assert_eq!(schema("checks.ntp_walk")["type"], "array");
}

#[test]
fn a_mistyped_setting_is_told_the_nearest_one() {
    let appliance = Appliance::start();
    let refused = set(&appliance.admin(), "site.nmae", &json!("x")).problem(404, "request/not_found");
    refused.says("There is no setting \"site.nmae\". Did you mean \"site.name\"?");
}

#[test]
fn what_was_read_of_a_setting_can_be_put_back_but_not_altered() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let read = admin.get("/settings/site.name").expect(200);
    let put = admin.put("/settings/site.name", &read.etag(), &read.json).expect(200);
    let altered = with(&put.json, &json!({"default": "x"}));
    let refused = admin.put("/settings/site.name", &put.etag(), &altered).problem(422, "request/invalid");
    refused.blames("/default", "is set by the appliance");
}

#[test]
fn a_setting_takes_effect_at_once_and_stays_over_a_restart() {
    let mut appliance = Appliance::start();
    let site = |appliance: &Appliance| appliance.anonymous().get("/claim").expect(200).text("site");
    set(&appliance.admin(), "site.name", &json!("Paris")).expect(200);
    assert_eq!(site(&appliance), "Paris");
    appliance.restart();
    assert_eq!(site(&appliance), "Paris");
    let unset = appliance.admin().delete("/settings/site.name", "*").expect(200);
    assert_eq!((&unset.json["value"], unset.etag()), (&json!(""), "\"0\"".to_owned()));
    assert_eq!(site(&appliance), "");
}
