//! `federation/servers/{domain}:test`: whom it takes, and for which domain of ours it speaks. The steps are seen where there
//! are real servers.

use jackfield_bench::complaint;
use jackfield_sdk::{Value, json};

use crate::{Appliance, appliance};

const TEST: &str = "federation/servers/far.example:test";
const OTHER: &str = "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at)
    VALUES ('other', '', 'other.example', 1, '', '')";

/// An appliance that federates with far.example, whose server refuses connections.
fn federated(core: &[&str]) -> Appliance {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let appliance = appliance();
    core.iter().for_each(|sql| appliance.core(sql));
    let row = json!({"domain": "far.example", "nextplane": true, "server": "127.0.0.1", "port": nobody});
    assert_eq!(appliance.post("federation/servers", row).status, 201);
    appliance.put("federation", json!({"enabled": true, "open": false}));
    appliance
}

/// For which domain it spoke, and why.
fn spoke_for(outcome: &Value) -> (&str, &str) {
    assert_eq!(outcome["steps"][1]["outcome"], "failed", "{outcome:#}");
    (outcome["own"].as_str().unwrap(), outcome["own_reason"].as_str().unwrap())
}

#[test]
fn with_one_domain_it_speaks_for_that() {
    let outcome = federated(&[]).post(TEST, json!(null)).body;
    assert_eq!(spoke_for(&outcome), ("home.example", "it is our only domain"));
}

#[test]
fn of_several_domains_it_speaks_for_the_one_that_most_users_have() {
    let account = "INSERT INTO account (id, enterprise, login_id, first_name, last_name, email, extension, origin,
        deployed, revision, created_at, changed_at) VALUES ('a', 'other', 'ann', '', 'A', '', '', 'manual', 1, 1, '', '')";
    let outcome = federated(&[OTHER, account]).post(TEST, json!(null)).body;
    assert_eq!(spoke_for(&outcome), ("other.example", "of our domains it has the most users"));
}

#[test]
fn the_domain_of_an_external_peer_is_tested_for_the_peers_enterprise() {
    let peer = "INSERT INTO peer (id, enterprise, kind, description, dialing_prefix, domain, revision, created_at, changed_at)
        VALUES ('p', 'other', 'external', 'Far', '', 'Far.example', 1, '', '')";
    let outcome = federated(&[OTHER, peer]).post(TEST, json!(null)).body;
    assert_eq!(spoke_for(&outcome), ("other.example", "its enterprise has the external peer of far.example"));
}

#[test]
fn a_domain_that_is_named_must_be_ours_and_the_server_a_partner() {
    let appliance = federated(&[OTHER]);
    let named = |own: &str| {
        let query = json!({ "own": own }).as_object().cloned().unwrap();
        let request = Appliance::request("POST", TEST, json!(null));
        appliance.bench.http(&jackfield_sdk::HttpRequest { query, ..request })
    };
    assert_eq!(spoke_for(&named("OTHER.example").body), ("other.example", "it was asked for"));
    let refused = named("far.example");
    let (pointer, detail) = complaint(&refused);
    assert_eq!(pointer, "?own");
    assert!(detail.contains("(home.example, other.example)"), "{detail}");
    assert_eq!(appliance.post("federation/servers/strange.example:test", json!(null)).status, 404);
}
