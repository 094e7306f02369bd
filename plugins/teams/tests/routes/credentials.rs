//! Secrets and certificates: kept, never shown, and watched until they end.

use jackfield_bench::complaint;
use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::{HttpResponse, Value, json};

use crate::{Appliance, appliance, day, whole};

/// A certificate with its key as PEM that ends on that day.
fn pem(last: Date) -> String {
    let mut params = rcgen::CertificateParams::new(vec!["jackfield.example".to_owned()]).unwrap();
    let (year, month, day) = (last.year(), last.month(), last.day());
    params.not_after = rcgen::date_time_ymd(year.into(), month.unsigned_abs(), day.unsigned_abs());
    let key = rcgen::KeyPair::generate().unwrap();
    format!("{}{}", params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn with_certificate(certificate: &str, expires: Value) -> Value {
    let mut body = whole("bi_directional");
    body["credential"] = json!("certificate");
    body["certificate"] = json!(certificate);
    body["certificate_expires"] = expires;
    body
}

fn tokens(appliance: &Appliance) -> Vec<Value> {
    appliance.get("teams/tokens").body["items"].as_array().unwrap().clone()
}

#[test]
fn the_client_secret_is_kept_by_the_host_and_never_shown() {
    let appliance = appliance();
    let done = appliance.put("teams", whole("uni_directional"));
    let state = &done.body["secrets"]["client_secret"];
    assert!(state["set"] == true && state["since"].as_str().unwrap().ends_with('Z'), "{state}");
    assert_eq!(appliance.secrets().into_values().collect::<Vec<_>>(), ["hush-hush"]);
    let mut renewed = done.body.clone();
    renewed["client_secret"] = json!("hush-anew");
    renewed["client_secret_expires"] = json!(day(200));
    assert_eq!(appliance.put("teams", renewed).status, 200);
    assert_eq!(appliance.secrets().into_values().collect::<Vec<_>>(), ["hush-anew"]);
    let all =
        format!("{:?}{:?}{:?}{}", appliance.revisions(), appliance.stored(), tokens(&appliance), done.body);
    assert!(!all.contains("hush-"), "{all}");
}

#[test]
fn a_secret_needs_the_day_on_which_it_ends() {
    for (secret, expires, says) in [
        (json!("hush"), Value::Null, "must be given with client_secret"),
        (Value::Null, json!(day(9)), "must be null where there is no client_secret"),
        (json!("hush"), json!(day(0)), "must be after today"),
        (json!("hush"), json!(day(-3)), "must be after today"),
    ] {
        let appliance = appliance();
        let body = json!({"client_secret": secret, "client_secret_expires": expires});
        let answer = appliance.put("teams", body);
        let (at, said) = complaint(&answer);
        assert!(at == "/client_secret_expires" && said.contains(says) && !said.contains("hush"), "{said}");
        assert_eq!(appliance.secrets().len(), 0);
    }
}

#[test]
fn a_certificate_says_itself_when_it_ends() {
    let appliance = appliance();
    let done = appliance.put("teams", with_certificate(&pem(day(40)), json!(day(999))));
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(done.body["certificate_expires"], json!(day(40)));
    assert!(!done.body.to_string().contains("BEGIN"), "{}", done.body);
    assert_eq!(appliance.secrets().len(), 2);
    let token = tokens(&appliance).into_iter().find(|token| token["name"] == "certificate").unwrap();
    assert_eq!(
        (&token["days_left"], &token["state"], &token["is_used"]),
        (&json!(40), &json!("ok"), &json!(true))
    );
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_in_words() {
    let whole_pem = pem(day(40));
    let (certificate, key) = whole_pem.split_at(whole_pem.find("-----BEGIN PRIVATE").unwrap());
    let encrypted = format!("{certificate}{}", key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"));
    let damaged = whole_pem.replacen("MII", "AAA", 1);
    for (text, expires, at, says) in [
        (certificate, Value::Null, "/certificate", "there is no unencrypted private key"),
        (&encrypted, Value::Null, "/certificate", "there is no unencrypted private key"),
        (key, Value::Null, "/certificate", "there is no certificate"),
        (&damaged, Value::Null, "/certificate", "cannot be read"),
        ("hello", Value::Null, "/certificate", "it is neither"),
        (&"AB+/".repeat(100), Value::Null, "/certificate_expires", "must be given with certificate"),
        (&pem(day(-1)), Value::Null, "/certificate_expires", "must be after today"),
    ] {
        let answer = appliance().put("teams", with_certificate(text, expires));
        let (pointer, said) = complaint(&answer);
        assert!(pointer == at && said.contains(says), "{pointer}: {said}");
    }
    let pkcs12 = appliance().put("teams", with_certificate(&"AB+/".repeat(100), json!(day(50))));
    assert_eq!(
        (pkcs12.status, &pkcs12.body["certificate_expires"]),
        (200, &json!(day(50))),
        "{}",
        pkcs12.body
    );
}

/// An appliance whose client secret ends so many days from now.
fn ending(days: i32, direction: &str) -> Appliance {
    let appliance = appliance();
    let done: HttpResponse = appliance.put("teams", whole(direction));
    assert_eq!(done.status, 200, "{}", done.body);
    let sql = format!(
        "UPDATE teams_document SET value = json_set(value, '$.client_secret_expires', '{}')",
        day(days)
    );
    appliance.core(&sql);
    appliance
}

#[test]
fn a_credential_is_watched_until_it_ends() {
    for (days, state, doctor) in
        [(15, "ok", "ok"), (14, "warning", "warning"), (0, "warning", "warning"), (-1, "expired", "problem")]
    {
        let appliance = ending(days, "uni_directional");
        let token = tokens(&appliance).remove(0);
        assert_eq!((&token["state"], &token["days_left"]), (&json!(state), &json!(days)), "{token}");
        assert_eq!(token["expires"], json!(day(days)));
        let found = appliance.doctor();
        assert_eq!((&found[1]["name"], &found[1]["state"]), (&json!("tokens"), &json!(doctor)), "{found:?}");
        if state != "ok" {
            let said = token["consequence"].as_str().unwrap();
            assert!(said.contains("Teams presence stops for all users"), "{said}");
            assert!(token["what_to_do"].as_str().unwrap().contains("new client secret"), "{token}");
        }
    }
}

#[test]
fn an_expired_credential_that_nothing_uses_is_no_problem() {
    let found = ending(-1, "off").doctor();
    assert_eq!(found[1]["state"], "warning", "presence is off");
    let appliance = ending(-1, "uni_directional");
    let mut body = appliance.get("teams").body;
    body["credential"] = json!("certificate");
    body["certificate"] = json!(pem(day(40)));
    assert_eq!(appliance.put("teams", body).status, 200);
    assert_eq!(appliance.doctor()[1]["state"], "ok");
    let token = tokens(&appliance).remove(0);
    assert_eq!((&token["is_used"], &token["state"]), (&json!(false), &json!("expired")));
    assert!(token["consequence"].as_str().unwrap().starts_with("none"), "{token}");
}

#[test]
fn a_credential_that_is_not_there_is_listed_as_such() {
    let token = tokens(&appliance()).remove(0);
    assert_eq!(
        (&token["name"], &token["state"], &token["since"]),
        (&json!("client_secret"), &json!("not_set"), &Value::Null)
    );
}

#[test]
fn an_expired_secret_does_not_stop_other_changes() {
    let appliance = ending(-5, "uni_directional");
    let mut body = appliance.get("teams").body;
    body["name"] = json!("Fabrikam");
    let done = appliance.put("teams", body);
    assert_eq!((done.status, &done.body["name"]), (200, &json!("Fabrikam")), "{}", done.body);
}
