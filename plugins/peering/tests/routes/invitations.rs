//! Invitations: codes shown once, kept as hashes, with an end.

use jackfield_sdk::{Value, json};

use crate::appliance::Appliance;

const PATH: &str = "peering/invitations";

#[test]
fn a_code_is_shown_once_and_kept_nowhere() {
    let appliance = Appliance::new();
    let made = appliance.post(PATH, json!({"enterprise": "HOME", "note": "for Lyon", "expires_in_hours": 1}));
    assert_eq!(made.status, 201, "{}", made.body);
    let code = made.body["code"].as_str().unwrap();
    assert_eq!((&made.body["enterprise"], &made.body["state"]), (&json!("home"), &json!("open")));
    let body = code.strip_prefix("jackfield1-").unwrap().rsplit_once('-').unwrap().0;
    let inside: Value =
        serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(body.as_bytes()).unwrap()).unwrap();
    assert_eq!((&inside["h"], &inside["a"]), (&json!("uc.home.example"), &json!("uc.home.example:8444")));
    let secret = inside["s"].as_str().unwrap();
    let path = format!("{PATH}/{}", made.body["id"].as_str().unwrap());
    let mut shown = made.body.clone();
    for once in ["code", "warning"] {
        shown.as_object_mut().unwrap().remove(once);
    }
    assert_eq!(appliance.get(&path).body, shown);
    assert_eq!(appliance.get(PATH).body, json!({"items": [shown], "next": null}));
    let everything = format!(
        "{:?} {:?} {:?}",
        appliance.table("peering_invitation"),
        appliance.revisions(),
        appliance.secrets()
    );
    assert!(!everything.contains(code) && !everything.contains(secret), "{everything}");
    let gone = appliance.change("DELETE", &path, "*", Value::Null);
    assert_eq!((gone.status, appliance.get(&path).status), (204, 404));
    let what: Vec<_> = appliance.revisions().into_iter().map(|r| (r.what, r.after.is_null())).collect();
    let name = format!("peering/invitations {}", shown["id"].as_str().unwrap());
    assert_eq!(what, [(name.clone(), false), (name, true)]);
}

#[test]
fn each_field_keeps_its_rule_and_says_it() {
    let appliance = Appliance::new();
    for (body, field, words) in [
        (json!({}), "enterprise", "it is missing"),
        (json!({"enterprise": "abc"}), "enterprise", "text of 4 to 32 characters"),
        (json!({"enterprise": "nobody"}), "enterprise", "the id of one of ours; \"nobody\" is not"),
        (json!({"enterprise": "home", "note": "a\nb"}), "note", "without control characters"),
        (json!({"enterprise": "home", "note": "a".repeat(65)}), "note", "0 to 64 characters"),
        (json!({"enterprise": "home", "expires_in_hours": 0}), "expires_in_hours", "from 1 to 168; 0 is not"),
        (json!({"enterprise": "home", "expires_in_hours": 169}), "expires_in_hours", "169 is not"),
    ] {
        let answer = appliance.post(PATH, body.clone());
        let error = &answer.body["errors"][0];
        assert_eq!(
            (answer.status, &error["pointer"]),
            (422, &json!(format!("/{field}"))),
            "{body}: {}",
            answer.body
        );
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("{field} must be ")) && detail.contains(words), "{detail}");
    }
    assert_eq!(appliance.table("peering_invitation").len(), 0);
}

#[test]
fn an_invitation_ends() {
    let appliance = Appliance::new();
    let made = appliance.post(PATH, json!({"enterprise": "home"}));
    let path = format!("{PATH}/{}", made.body["id"].as_str().unwrap());
    appliance.core(
        "UPDATE peering_invitation SET expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 seconds')",
    );
    assert_eq!(appliance.get(&path).body["state"], "expired");
    let week = "UPDATE peering_invitation SET expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-8 days')";
    let appliance = appliance.restarted_after(week);
    assert_eq!(appliance.get(&path).status, 404);
}

#[test]
fn a_dry_run_gives_no_code() {
    let appliance = Appliance::new();
    let shown = appliance.rehearse("POST", PATH, None, json!({"enterprise": "home"}));
    assert_eq!((shown.status, &shown.body["code"]), (201, &Value::Null));
    assert_eq!(appliance.table("peering_invitation").len(), 0);
}

#[test]
fn a_hundred_wait_and_no_more() {
    let appliance = Appliance::new();
    for _ in 0..100 {
        assert_eq!(appliance.post(PATH, json!({"enterprise": "home"})).status, 201);
    }
    let full = appliance.post(PATH, json!({"enterprise": "home"}));
    assert_eq!(full.status, 409, "{}", full.body);
    let first = appliance.get_with(PATH, json!({"limit": "60"}));
    let rest = appliance.get_with(PATH, json!({"cursor": first.body["next"], "limit": "60"}));
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    assert_eq!((count(&first.body), count(&rest.body), &rest.body["next"]), (60, 40, &Value::Null));
}
