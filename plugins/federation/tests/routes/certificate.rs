//! `federation/certificate` and `federation/certificates`: what is shown to others, and the keys that never are.

use jackfield_sdk::json;

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
    let (certificate, key) = pair("home.example");
    let again = appliance.put(OF_HOME, json!({"certificate": certificate, "key": key}));
    assert_eq!((again.status, keys(&appliance)), (200, 2), "the key of the one before is forgotten");
    assert_eq!(appliance.change("DELETE", OF_HOME, "2", json!(null)).status, 204);
    assert_eq!((listed(), keys(&appliance)), (by_default, 1));
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
