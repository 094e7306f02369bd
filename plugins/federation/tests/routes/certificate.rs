//! `federation/certificate` and `federation/certificates`: what is shown to others, and the keys that never are.

use std::time::{Duration, Instant};

use jackfield_sdk::{Value, json};

use crate::{Appliance, appliance};

const OF_HOME: &str = "federation/certificates/home.example";

fn keys(appliance: &Appliance) -> usize {
    appliance.secrets().into_keys().filter(|name| name.starts_with("certificate_key")).count()
}

fn pair(name: &str) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn one_is_made_when_federation_is_first_switched_on() {
    let appliance = appliance();
    assert_eq!(appliance.get("federation/certificate").body["origin"], "none");
    appliance.put("federation", json!({"enabled": true, "open": false}));
    let shown = appliance.get("federation/certificate").body;
    assert_eq!(
        (&shown["origin"], &shown["certificates"][0]["names"]),
        (&json!("self_signed"), &json!(["home.example"]))
    );
    let appliance = appliance.restarted();
    assert_eq!(appliance.get("federation/certificate").body, shown, "it is made once");
}

#[test]
fn one_is_given_with_its_key_which_is_never_shown() {
    let appliance = appliance();
    let (certificate, key) = pair("home.example");
    let body = json!({"certificate": certificate, "key": key, "trusted": [certificate]});
    let answer = appliance.put("federation/certificate", body);
    assert_eq!((answer.status, &answer.body["origin"]), (200, &json!("uploaded")), "{}", answer.body);
    assert!(!answer.body.to_string().contains("PRIVATE"), "{}", answer.body);
    assert_eq!(answer.body["authorities"].as_array().map(Vec::len), Some(1));
    let noted = appliance.revisions().pop().unwrap();
    assert!(noted.what.starts_with("federation/certificate") && !noted.after.to_string().contains("PRIVATE"));
    appliance.put("federation", json!({"enabled": true, "open": false}));
    let none = appliance.put("federation/certificate", json!({"trusted": []}));
    assert_eq!(
        (none.status, &none.body["authorities"], &none.body["origin"]),
        (200, &json!([]), &json!("uploaded"))
    );
    assert_eq!(keys(&appliance), 1, "the key of the one before is forgotten");
}

#[test]
fn what_does_not_fit_together_is_refused_by_name() {
    let appliance = appliance();
    let ((certificate, key), (_, other)) = (pair("home.example"), pair("home.example"));
    for (body, pointer, words) in [
        (
            json!({"certificate": certificate, "key": other}),
            "/certificate",
            "the key is not the certificate's",
        ),
        (json!({"certificate": certificate}), "/key", "comes with its key"),
        (json!({"key": key}), "/certificate", "comes with its certificate"),
        (json!({"certificate": key, "key": key}), "/certificate", "no block BEGIN CERTIFICATE"),
        (json!({"certificate": "x", "key": key}), "/certificate", "PEM"),
        (
            json!({"trusted": ["-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"]}),
            "/trusted",
            "no certificate",
        ),
    ] {
        let answer = appliance.put("federation/certificate", body);
        let error = &answer.body["errors"][0];
        assert_eq!((answer.status, &error["pointer"]), (422, &json!(pointer)), "{}", answer.body);
        assert!(error["detail"].as_str().unwrap().contains(words), "{error}");
    }
    assert_eq!(appliance.revisions(), []);
}

#[test]
fn a_domain_goes_by_its_own_certificate_until_that_is_taken_away() {
    let appliance = appliance();
    appliance.put("federation", json!({"enabled": true, "open": false}));
    let listed = || appliance.get("federation/certificates").body["items"][0].clone();
    let by_default = listed();
    assert_eq!((&by_default["domain"], &by_default["origin"]), (&json!("home.example"), &json!("default")));
    assert_eq!(by_default["certificates"][0]["names"], json!(["home.example"]));
    let (certificate, key) = pair("home.example");
    let body = json!({"certificate": certificate, "key": key});
    let rehearsed = appliance.rehearse("PUT", OF_HOME, Some("0"), body.clone());
    assert_eq!(
        (rehearsed.status, &rehearsed.body["origin"]),
        (200, &json!("uploaded")),
        "{}",
        rehearsed.body
    );
    assert_eq!(listed(), by_default, "a rehearsal changes nothing");
    let put = appliance.change("PUT", OF_HOME, "0", body.clone());
    assert_eq!((put.status, &put.body["revision"]), (200, &json!(1)), "{}", put.body);
    assert!(!put.body.to_string().contains("PRIVATE"), "{}", put.body);
    assert_eq!(appliance.change("PUT", OF_HOME, "0", body).status, 412, "somebody was faster");
    let noted = appliance.revisions().pop().unwrap();
    assert!(
        noted.what.starts_with("federation/certificates") && !noted.after.to_string().contains("PRIVATE")
    );
    assert_eq!(keys(&appliance), 2);
    for _ in 0..2 {
        let (certificate, key) = pair("home.example");
        let again = appliance.put(OF_HOME, json!({"certificate": certificate, "key": key}));
        assert_eq!((again.status, keys(&appliance)), (200, 3), "of those before one is kept, for undo");
    }
    assert_eq!(appliance.change("DELETE", OF_HOME, "3", json!(null)).status, 204);
    assert_eq!((listed(), keys(&appliance)), (by_default, 2));
}

/// Gives a certificate of home.example, and what is shown of it.
fn give(appliance: &Appliance, path: &str) -> Value {
    let (certificate, key) = pair("home.example");
    let body = json!({"certificate": certificate, "key": key});
    appliance.put(path, body).body["certificates"].clone()
}

#[test]
fn the_latest_change_of_a_certificate_is_undone_and_done_again() {
    let appliance = appliance();
    appliance.put("federation", json!({"enabled": true, "open": false}));
    for path in ["federation/certificate", OF_HOME] {
        let shown = || appliance.get(path).body["certificates"].clone();
        let first = shown();
        let second = give(&appliance, path);
        for wanted in [&first, &second] {
            appliance.undo_latest().unwrap();
            assert_eq!(&shown(), wanted, "{path}");
        }
        let third = give(&appliance, path);
        for wanted in [&second, &third, &second] {
            appliance.undo_latest().unwrap();
            assert_eq!(&shown(), wanted, "{path}");
        }
    }
    let own = appliance.get(OF_HOME).body["certificates"].clone();
    assert_eq!(appliance.change("DELETE", OF_HOME, "*", json!(null)).status, 204);
    appliance.undo_latest().unwrap();
    assert_eq!(appliance.get(OF_HOME).body["certificates"], own, "one that was removed is back");
    let kept = appliance.get(OF_HOME);
    assert_eq!(appliance.restarted().get(OF_HOME), kept, "its key is there");
}

#[test]
fn authorities_that_were_trusted_are_put_back_with_the_certificate() {
    let appliance = appliance();
    let trusted = |certificates: &[&str]| {
        appliance.put("federation/certificate", json!({"trusted": certificates})).body["authorities"].clone()
    };
    let first = trusted(&[&pair("one.example").0]);
    trusted(&[&pair("two.example").0, &pair("three.example").0]);
    appliance.undo_latest().unwrap();
    assert_eq!(appliance.get("federation/certificate").body["authorities"], first);
}

#[test]
fn what_was_replaced_more_than_a_week_ago_is_forgotten_and_not_put_back() {
    let appliance = appliance();
    appliance.put("federation", json!({"enabled": true, "open": false}));
    for path in ["federation/certificate", OF_HOME, OF_HOME] {
        give(&appliance, path);
    }
    assert_eq!(keys(&appliance), 4);
    let days = |days: u32, which: &str| {
        format!(
            "UPDATE federation_former_certificate SET replaced_at = replaced_at - {days} * 86400 WHERE domain {which} ''"
        )
    };
    let appliance = appliance.restarted_after(&[&days(8, "="), &days(6, "<>")]);
    let until = Instant::now() + Duration::from_secs(30);
    while keys(&appliance) != 3 {
        assert!(Instant::now() < until, "there are {} keys", keys(&appliance));
        std::thread::sleep(Duration::from_millis(5));
    }
    appliance.undo_latest().unwrap();
    give(&appliance, "federation/certificate");
    appliance.core("DELETE FROM federation_former_certificate");
    let refused = appliance.undo_latest().unwrap_err();
    assert!(refused.msg.contains("give federation that certificate with its key again"), "{refused}");
}

#[test]
fn a_certificate_of_a_domain_that_is_ours_no_more_is_not_put_back() {
    let appliance = appliance();
    give(&appliance, OF_HOME);
    appliance.change("DELETE", OF_HOME, "*", json!(null));
    appliance.core("UPDATE enterprise SET domain = 'other.example'");
    let refused = appliance.undo_latest().unwrap_err();
    assert!(refused.msg.contains("is not the domain of an enterprise"), "{refused}");
}

#[test]
fn a_key_that_two_certificates_have_in_common_stays_with_the_other() {
    let appliance = appliance();
    let (certificate, key) = pair("home.example");
    let body = json!({"certificate": certificate, "key": key});
    appliance.put("federation/certificate", body.clone());
    appliance.put(OF_HOME, body);
    assert_eq!(keys(&appliance), 1);
    assert_eq!(appliance.change("DELETE", OF_HOME, "*", json!(null)).status, 204);
    assert_eq!(keys(&appliance), 1, "the default still has it");
}

#[test]
fn one_that_has_expired_or_another_name_is_told_to_the_doctor() {
    let appliance = appliance();
    appliance.put("federation", json!({"enabled": true, "open": false}));
    let told = || {
        let finding = appliance.doctor().into_iter().find(|one| one["name"] == "certificates").unwrap();
        (finding["state"].as_str().unwrap().to_owned(), finding["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(told().0, "ok");
    let (other, key) = pair("other.example");
    appliance.put("federation/certificate", json!({"certificate": other, "key": key}));
    let (state, detail) = told();
    assert!(state == "warning" && detail.contains("home.example does not do"), "{state}: {detail}");
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["home.example".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let old = params.self_signed(&key).unwrap().pem();
    let put = appliance.put(OF_HOME, json!({"certificate": old, "key": key.serialize_pem()}));
    assert!(put.body["note"].as_str().unwrap().starts_with("it has expired"), "{}", put.body);
    assert_eq!(told(), ("problem".to_owned(), "the certificate of home.example has expired".to_owned()));
}

#[test]
fn a_certificate_of_a_domain_is_of_that_domain_and_of_ours() {
    let appliance = appliance();
    let (certificate, key) = pair("other.example");
    let body = json!({"certificate": certificate, "key": key});
    assert_eq!(appliance.put("federation/certificates/other.example", body.clone()).status, 404);
    let wrong = appliance.put(OF_HOME, body);
    assert_eq!((wrong.status, &wrong.body["errors"][0]["pointer"]), (422, &json!("/certificate")));
    let keyless = appliance.put(OF_HOME, json!({"certificate": certificate}));
    assert_eq!((keyless.status, &keyless.body["errors"][0]["pointer"]), (422, &json!("/key")));
    assert_eq!(appliance.change("DELETE", OF_HOME, "*", json!(null)).status, 404);
    assert_eq!(appliance.revisions(), []);
}
