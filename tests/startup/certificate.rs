//! A certificate of the site's own: missing, no PEM, not fitting, expired.

use std::fs;

use super::*;

fn laid_out(pair: &Pair) -> Appliance {
    let appliance = Appliance::laid_out(|config| with_certificate(&quietly(config)));
    pair.write(appliance.folder());
    appliance
}

#[test]
fn a_certificate_that_is_not_there_is_named() {
    let appliance = laid_out(&Pair::new());
    for name in ["cert.pem", "key.pem"] {
        let kept = fs::read(appliance.folder().join(name)).unwrap();
        fs::remove_file(appliance.folder().join(name)).unwrap();
        refused(&appliance, &["Cannot read", name, "No such file", "[http] cert and key"]);
        fs::write(appliance.folder().join(name), kept).unwrap();
    }
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let appliance = laid_out(&Pair { key: Pair::new().key, ..Pair::new() });
    refused(&appliance, &["the private key does not belong to the certificate", "load the certificate"]);
}

#[test]
fn files_that_are_no_pem_are_refused_each_with_its_own_words() {
    let bad_cert = laid_out(&Pair { cert: "hello\n".to_owned(), ..Pair::new() });
    refused(&bad_cert, &["the certificate was not accepted", "BEGIN CERTIFICATE"]);
    let bad_key = laid_out(&Pair { key: "hello\n".to_owned(), ..Pair::new() });
    refused(&bad_key, &["the private key was not accepted", "openssl pkey"]);
}

#[test]
fn check_says_beforehand_what_the_start_will_say() {
    let appliance = laid_out(&Pair { key: Pair::new().key, ..Pair::new() });
    let checked = appliance.cli(&["check"], "");
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.contains("the private key does not belong to the certificate"),
        "{}",
        checked.stdout
    );
}

#[test]
fn an_expired_certificate_is_served_and_the_doctor_says_so() {
    let expired = Pair::until(2021);
    let mut appliance = laid_out(&expired);
    appliance.resume();
    let found = appliance.admin().get("/doctor").expect(200);
    let certificate = found.items().iter().find(|item| item["name"] == "certificate").expect("a check");
    assert_eq!(certificate["state"], "problem", "{found}");
    assert_eq!(certificate["detail"], "the certificate has expired");
    assert!(
        certificate["advice"].as_str().is_some_and(|advice| advice.contains("new certificate")),
        "{found}"
    );
    appliance.anonymous().root("GET", "/readyz").send().expect(200);
    let doctor = appliance.cli(&["doctor"], "");
    assert_eq!(doctor.code, 1, "{}", doctor.stdout);
}
