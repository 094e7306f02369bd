//! `federation/certificate`: what is shown to others, and the key that never is.

use jackfield_sdk::json;

use crate::appliance;

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
    let keys = appliance.secrets().into_keys().filter(|name| name.starts_with("certificate_key")).count();
    assert_eq!(keys, 1, "the key of the one before is forgotten");
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
