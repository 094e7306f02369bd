//! `cloudlink` and `cloudlink/chat`: set up, kept, refused, and honest about it.

use jackfield_sdk::{Value, json};

use crate::{Appliance, appliance, whole};
use jackfield_bench::complaint;

const NOT_CONNECTED: &str = "configured, not connected: this version does not talk to CloudLink";

#[test]
fn a_new_appliance_is_not_set_up_and_says_what_is_missing() {
    let appliance = appliance();
    let shown = appliance.get("cloudlink");
    assert_eq!((shown.status, &shown.body["state"]), (200, &json!("not_configured")), "{}", shown.body);
    let missing: Vec<_> = shown.body["missing"].as_array().unwrap().iter().map(|m| &m["field"]).collect();
    assert_eq!(missing, ["client_id", "redirect_uri", "terms_agreed", "integrated_mode"]);
    assert_eq!((&shown.body["revision"], &shown.body["changed_at"]), (&json!(0), &Value::Null));
    assert_eq!(appliance.told("state.report"), json!({"state": "up", "reason": "CloudLink is not set up"}));
}

#[test]
fn a_whole_set_up_is_kept_and_says_that_nothing_is_connected() {
    let appliance = appliance();
    let version = appliance.version("cloudlink");
    let done = appliance.change("PUT", "cloudlink", &version, whole());
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!((&done.body["state"], &done.body["reason"]), (&json!("not_connected"), &json!(NOT_CONNECTED)));
    assert_eq!((&done.body["missing"], &done.body["revision"]), (&json!([]), &json!(1)));
    let appliance = appliance.restarted();
    assert_eq!(appliance.get("cloudlink"), done);
    assert_eq!(appliance.told("state.report"), json!({"state": "degraded", "reason": NOT_CONNECTED}));
    let same = appliance.change("PUT", "cloudlink", &done.etag.clone().unwrap(), done.body.clone());
    assert_eq!((same, appliance.revisions().len()), (done, 1), "what reading gave can be sent back");
}

#[test]
fn half_a_set_up_is_kept_and_says_what_is_missing() {
    let appliance = appliance();
    let done = appliance.put("cloudlink", json!({"client_id": "x", "terms_agreed": true}));
    assert_eq!((done.status, &done.body["state"]), (200, &json!("not_configured")));
    let reason = done.body["reason"].as_str().unwrap();
    assert!(reason.contains("redirect address is missing") && reason.contains("integrated mode"), "{reason}");
    assert_eq!(appliance.told("state.report")["state"], "degraded");
}

#[test]
fn every_field_says_what_it_must_be() {
    let appliance = appliance();
    let long = "x".repeat(129);
    for (pointer, value, says) in [
        ("region", json!("de"), "region must be one of \"\", \"us\", \"eu\", \"ap\"; \"de\" is not"),
        ("account_number", json!("12 34"), "digits only; \"12 34\" is not"),
        ("account_number", json!(123_456_789), "digits only; 123456789 is not"),
        ("account_number", json!("1".repeat(21)), "text of 0 to 20 characters"),
        ("client_id", json!(long), "text of 0 to 128 characters"),
        ("client_id", json!("a\tb"), "without control characters"),
        ("redirect_uri", json!("http://uc.example.com/"), "an https address"),
        ("pkce", json!("no"), "true or false; \"no\" is not"),
        ("terms_agreed", json!(1), "true or false; 1 is not"),
        ("integrated_mode", json!("yes"), "true or false; \"yes\" is not"),
        ("base_urls", json!([]), "an object; a list is not"),
        ("base_urls/admin", json!("https://a.example/x?y"), "query"),
        ("base_urls/adnim", json!("https://a.example"), "known: `portal`, `authentication`, `admin`"),
        ("proxy", json!("proxy:8080"), "an object"),
        ("proxy/host", json!("a b"), "a host name or an IP address; \"a b\" is not"),
        ("proxy/port", json!(0), "from 1 to 65535; 0 is not"),
        ("proxy/user", json!(" u"), "without a space at either end"),
        ("proxy_exceptions", json!("*.mitel.io"), "a list of at most 64"),
        ("proxy_exceptions", json!(vec!["a"; 65]), "at most 64 entries; 65 are given"),
        ("proxy_exceptions/1", json!("*.*.io"), "such as *.mitel.io; \"*.*.io\" is not"),
        ("client_secret", json!("s".repeat(513)), "not repeated"),
        ("proxy_password", json!(["hush"]), "not repeated"),
        ("clientid", json!("x"), "known: `region`"),
    ] {
        let answer = appliance.put("cloudlink", body(pointer, value));
        let (at, said) = complaint(&answer);
        assert_eq!(at, format!("/{pointer}"));
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(appliance.revisions(), []);
}

/// A whole set-up with one field changed.
fn body(pointer: &str, value: Value) -> Value {
    let mut body = whole();
    body["client_id"] = json!("x");
    match pointer.split_once('/') {
        Some(("proxy", field)) => {
            body["proxy"] = json!({"host": "proxy.example.com", "port": 8080});
            body["proxy"][field] = value;
        }
        Some(("proxy_exceptions", _)) => {
            body["proxy"] = json!({"host": "proxy.example.com", "port": 8080});
            body["proxy_exceptions"] = json!(["mitel.io", value]);
        }
        Some((part, field)) => body[part] = json!({ field: value }),
        None => body[pointer] = value,
    }
    body
}

#[test]
fn fields_that_need_each_other_say_so() {
    let appliance = appliance();
    for (pointer, body) in [
        ("/proxy_password", json!({"proxy_password": "hush"})),
        ("/proxy_password", json!({"proxy": {"host": "p", "port": 1}, "proxy_password": "hush"})),
        ("/proxy_exceptions", json!({"proxy_exceptions": ["mitel.io"]})),
        ("/client_secret", json!({"client_secret": "hush"})),
    ] {
        let answer = appliance.put("cloudlink", body);
        let (at, said) = complaint(&answer);
        assert!(at == pointer && said.starts_with(&pointer[1..]) && !said.contains("hush"), "{said}");
    }
    assert_eq!(appliance.secrets().len(), 0, "a refused secret is not kept");
}

fn with_secrets(client: Value, proxy: Value) -> Value {
    let mut body = whole();
    body["proxy"] = json!({"host": "P.example.com", "port": 3128, "user": "jack"});
    body["proxy_exceptions"] = json!(["*.Mitel.io", "10.0.0.1"]);
    body["client_secret"] = client;
    body["proxy_password"] = proxy;
    body
}

#[test]
fn secrets_are_kept_by_the_host_and_never_shown() {
    let appliance = appliance();
    let first = appliance.put("cloudlink", with_secrets(json!("hush-1"), json!("hush-2")));
    let states = &first.body["secrets"];
    assert_eq!(
        (&states["client_secret"]["set"], &states["proxy_password"]["set"]),
        (&json!(true), &json!(true))
    );
    assert!(states["client_secret"]["since"].as_str().unwrap().ends_with('Z'), "{states}");
    let values: Vec<_> = appliance.secrets().into_values().collect();
    assert_eq!(values, ["hush-1", "hush-2"]);

    // Sending back what reading gave keeps them; null forgets one.
    let kept = appliance.put("cloudlink", first.body.clone());
    assert_eq!(kept, first);
    let mut one = first.body.clone();
    one["client_secret"] = Value::Null;
    let forgotten = appliance.put("cloudlink", one);
    assert_eq!(forgotten.body["secrets"]["client_secret"], json!({"set": false, "since": null}));
    assert_eq!(appliance.secrets().into_values().collect::<Vec<_>>(), ["hush-2"]);

    let everything =
        format!("{:?}{:?}{}{}", appliance.revisions(), appliance.stored(), first.body, forgotten.body);
    assert!(!everything.contains("hush"), "{everything}");
    assert_eq!(appliance.revisions().len(), 2);
}

#[test]
fn a_new_secret_replaces_the_old_one_only_if_the_change_is_kept() {
    let appliance = appliance();
    appliance.put("cloudlink", with_secrets(json!("old"), Value::Null));
    appliance.interrupt("UPDATE cloudlink_document SET revision = revision + 1");
    let late = appliance.put("cloudlink", with_secrets(json!("late"), Value::Null));
    assert_eq!(late.status, 409, "{}", late.body);
    assert_eq!(appliance.secrets().into_values().collect::<Vec<_>>(), ["old"]);
    assert_eq!(appliance.put("cloudlink", with_secrets(json!("new"), Value::Null)).status, 200);
    assert_eq!(appliance.secrets().into_values().collect::<Vec<_>>(), ["new"]);
}

#[test]
fn a_dry_run_answers_the_same_and_keeps_nothing() {
    let appliance = appliance();
    let version = appliance.version("cloudlink");
    let told = appliance.count("state.report");
    let shown =
        appliance.rehearse("PUT", "cloudlink", Some(&version), with_secrets(json!("hush"), Value::Null));
    assert_eq!((shown.status, &shown.body["state"]), (200, &json!("not_connected")), "{}", shown.body);
    assert_eq!(shown.body["secrets"]["client_secret"]["set"], true);
    assert_eq!((appliance.stored().len(), appliance.secrets().len()), (0, 0));
    assert_eq!((appliance.count("db.tx"), appliance.count("state.report")), (0, told));
}

#[test]
fn a_stale_or_overtaken_change_is_refused() {
    let appliance = appliance();
    let old = appliance.version("cloudlink");
    assert_eq!(appliance.change("PUT", "cloudlink", &old, whole()).status, 200);
    assert_eq!(appliance.change("PUT", "cloudlink", &old, json!({})).status, 412);
    appliance.interrupt("UPDATE cloudlink_document SET revision = revision + 1");
    let version = appliance.version("cloudlink");
    assert_eq!(appliance.change("PUT", "cloudlink", &version, json!({})).status, 412);
    assert_eq!(appliance.revisions().len(), 1);
}

#[test]
fn each_change_is_one_revision() {
    let appliance = appliance();
    appliance.put("cloudlink", whole());
    appliance.put("cloudlink", json!({}));
    let noted = appliance.revisions();
    let what: Vec<_> = noted.iter().map(|n| (n.what.as_str(), n.before.is_null(), n.who.as_str())).collect();
    assert_eq!(
        what,
        [("cloudlink cloudlink", true, "admin alice"), ("cloudlink cloudlink", false, "admin alice")]
    );
    assert_eq!(
        (&noted[1].before["client_id"], &noted[1].after["client_id"]),
        (&json!("jackfield-site-1"), &json!(""))
    );
}

/// URL and source of a service.
fn address(appliance: &Appliance, service: &str) -> (String, String) {
    let shown = appliance.get("cloudlink").body;
    let all = shown["addresses"].as_array().unwrap();
    let one = all.iter().find(|address| address["service"] == service).unwrap();
    (one["url"].as_str().unwrap().to_owned(), one["source"].as_str().unwrap().to_owned())
}

#[test]
fn addresses_follow_the_region_and_say_where_they_are_known_from() {
    let appliance = appliance();
    let told = |url: &str, source: &str| (url.to_owned(), source.to_owned());
    assert_eq!(address(&appliance, "admin"), told("https://admin.api.mitel.io/2017-09-01", "documented"));
    for (region, source) in [("us", "documented"), ("eu", "seen_in_public_code"), ("ap", "proposed")] {
        appliance.put("cloudlink", json!({"region": region}));
        let url = format!("https://admin.{region}.api.mitel.io/2017-09-01");
        assert_eq!(address(&appliance, "admin"), told(&url, source));
        assert_eq!(address(&appliance, "portal"), told("https://auth.mitel.io", "documented"));
        assert_eq!(address(&appliance, "presence").1, "proposed");
    }
    appliance.put("cloudlink", json!({"base_urls": {"admin": "http://127.0.0.1:9000/admin"}}));
    assert_eq!(address(&appliance, "admin").0, "http://127.0.0.1:9000/admin");
    assert_eq!(appliance.get("cloudlink").body["base_urls"], json!({"admin": "http://127.0.0.1:9000/admin"}));
}

#[test]
fn chat_cannot_be_switched_on_while_nothing_is_connected() {
    let appliance = appliance();
    appliance.put("cloudlink", whole());
    let shown = appliance.get("cloudlink/chat");
    assert_eq!((&shown.body["enabled"], &shown.body["legacy_chat"]), (&json!(false), &json!(true)));
    let refused = appliance.put("cloudlink/chat", json!({"enabled": true}));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(refused.status == 409 && detail.contains(NOT_CONNECTED), "{detail}");
    let rehearsed = appliance.rehearse("PUT", "cloudlink/chat", Some("*"), json!({"enabled": true}));
    assert_eq!(rehearsed, refused);
    let off = appliance.change("PUT", "cloudlink/chat", &shown.etag.clone().unwrap(), shown.body.clone());
    assert_eq!(off, shown);
    assert_eq!(complaint(&appliance.put("cloudlink/chat", json!({}))).0, "/enabled");
    assert_eq!(appliance.change("PUT", "cloudlink/chat", "7", json!({"enabled": false})).status, 412);
    assert_eq!(appliance.count("event.publish"), 0);
}
