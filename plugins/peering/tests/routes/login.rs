//! `login.bind`: whose password it is asked about, and what is never asked of a directory.

use jackfield_sdk::{Code, json};

use crate::appliance::Appliance;
use crate::fields::{usual, with};

const OWN: &str = "enterprises/home/synchronizer";

/// `jo` came from the directory of the enterprise `home`, `ann` was made by hand.
fn site() -> Appliance {
    let appliance = Appliance::new();
    appliance.core(
        "INSERT INTO account (id, enterprise, login_id, first_name, last_name, email, extension, origin, deployed,
            revision, created_at, changed_at, synchronizer, directory_key, directory_hash) VALUES
            ('acc-jo', 'home', 'jo', '', 'Jo', '', '', 'synchronizer', 1, 1, '', '', 'peering/enterprise/home', 'k1', 'h'),
            ('acc-ann', 'home', 'ann', '', 'Ann', '', '', 'manual', 1, 1, '', '', NULL, NULL, NULL)",
    );
    appliance
}

fn asked(appliance: &Appliance, account: &str, password: &str) -> (Code, String) {
    let failure = appliance.bench.request("login.bind", json!({"account": account, "password": password}));
    let failure = failure.unwrap_err();
    (failure.code, failure.msg)
}

#[test]
fn only_who_came_from_a_directory_is_asked_about_and_never_with_an_empty_password() {
    let appliance = site();
    assert_eq!(appliance.put(OWN, usual()).status, 201);
    assert_eq!(asked(&appliance, "acc-jo", "").0, Code::Denied);
    for account in ["acc-ann", "acc-nobody"] {
        assert_eq!(asked(&appliance, account, "secret").0, Code::NotFound, "{account}");
    }
}

#[test]
fn a_directory_that_cannot_be_asked_says_no_to_nobody() {
    let appliance = site();
    assert_eq!(asked(&appliance, "acc-jo", "secret").0, Code::NotFound, "there is no synchronizer");
    let clear = with(json!({"path": "ldap://127.0.0.1/DC=ocs,DC=example", "tls": "none"}));
    assert_eq!(appliance.put(OWN, clear).status, 201);
    let (code, words) = asked(&appliance, "acc-jo", "secret");
    assert!(code == Code::Unavailable && words.contains("in clear"), "{words}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed =
        with(json!({"path": format!("ldap://127.0.0.1:{port}/DC=ocs,DC=example"), "tls": "starttls"}));
    assert_eq!(appliance.change("PUT", OWN, "*", closed).status, 200);
    let (code, words) = asked(&appliance, "acc-jo", "secret");
    assert!(code == Code::Unavailable && words.contains("takes no connection"), "{words}");
    assert!(!words.contains("secret"));
}
