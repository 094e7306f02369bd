//! `cloudlink/network-check`: what must be open, and nothing claimed about it.

use jackfield_sdk::{Value, json};

use crate::{Appliance, appliance};

fn ways(appliance: &Appliance) -> Vec<Value> {
    appliance.get("cloudlink/network-check").body["items"].as_array().unwrap().clone()
}

fn way(ways: &[Value], host: &str, port: u16) -> Value {
    let found = ways.iter().find(|way| way["host"] == host && way["port"] == port);
    found.unwrap_or_else(|| panic!("{host}:{port} is not listed")).clone()
}

#[test]
fn every_host_and_port_of_the_prerequisites_is_listed_and_none_is_checked() {
    let ways = ways(&appliance());
    for (host, port, protocol) in [
        ("mitel.io", 443, "tcp"),
        ("*.mitel.io", 443, "tcp"),
        ("*.mitel.io", 5061, "tcp"),
        ("*.mitel.io", 3478, "udp"),
        ("*.mitel.io", 3479, "udp"),
        ("*.mitel.pool.ntp.org", 123, "udp"),
        ("auth.mitel.io", 443, "tcp"),
        ("admin.api.mitel.io", 443, "tcp"),
    ] {
        assert_eq!(way(&ways, host, port)["protocol"], protocol, "{host}:{port}");
    }
    assert!(ways.iter().all(|way| way["state"] == "not_checked"), "{ways:?}");
}

#[test]
fn the_list_follows_region_addresses_and_proxy() {
    let appliance = appliance();
    let setup = json!({"region": "eu", "base_urls": {"admin": "http://[::1]:9000/admin"},
        "proxy": {"host": "proxy.example.com", "port": 3128}, "proxy_exceptions": ["auth.mitel.io", "::1"]});
    assert_eq!(appliance.put("cloudlink", setup).status, 200);
    let ways = ways(&appliance);
    assert_eq!(way(&ways, "authentication.eu.api.mitel.io", 443)["through_proxy"], true);
    assert_eq!(way(&ways, "authentication.eu.api.mitel.io", 443)["source"], "seen_in_public_code");
    assert_eq!(way(&ways, "auth.mitel.io", 443)["through_proxy"], false);
    assert_eq!(way(&ways, "::1", 9000)["through_proxy"], false);
    assert_eq!(way(&ways, "*.mitel.io", 3478)["through_proxy"], false, "a web proxy carries no UDP");
}
