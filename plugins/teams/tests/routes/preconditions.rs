//! `teams/preconditions`: each ok, not ok or unknown, and what to do.

use jackfield_sdk::Value;

use crate::{Appliance, appliance, day, whole};

fn found(appliance: &Appliance, name: &str) -> Value {
    let shown = appliance.get("teams/preconditions").body;
    let items = shown["items"].as_array().unwrap();
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name}: {shown}")).clone()
}

#[test]
fn a_new_appliance_knows_only_what_it_sees() {
    let appliance = appliance();
    for (name, state) in [
        ("contract", "not_ok"),
        ("microsoft_365_administrator", "unknown"),
        ("cloudlink_administrator", "unknown"),
        ("same_time_source", "unknown"),
        ("csta_ports", "ok"),
    ] {
        let item = found(&appliance, name);
        assert_eq!(item["state"], state, "{item}");
        assert_eq!(item["what_to_do"] == "", state == "ok", "{item}");
    }
    assert_eq!(appliance.get("teams/preconditions").body["bi_directional_allowed"], false);
}

#[test]
fn what_was_entered_is_ok_until_it_ends() {
    let appliance = appliance();
    appliance.put("teams", whole("bi_directional"));
    for name in ["contract", "microsoft_365_administrator", "cloudlink_administrator"] {
        assert_eq!(found(&appliance, name)["state"], "ok", "{name}");
    }
    let ended = day(-1);
    appliance.core(&format!(
        "UPDATE teams_document SET value = json_set(value, '$.contract.active_until', '{ended}')"
    ));
    let contract = found(&appliance, "contract");
    assert_eq!(contract["state"], "not_ok");
    assert!(contract["detail"].as_str().unwrap().ends_with(&format!("it ended on {ended}")), "{contract}");
}

#[test]
fn a_mivoice_5000_needs_its_ports() {
    let appliance = appliance();
    appliance.core(
        "INSERT INTO pbx_node (id, enterprise, name, kind, address, outgoing_digit, country, international_prefix,
            emergency_numbers, extension_ranges, transparent, csta_ports, x25_ports, ntp_address, revision,
            created_at, changed_at)
        VALUES ('n1', 'home', 'Paris', 'mivoice_5000', '10.0.0.1', '0', 'FR', '00', '[]', '[]', 0, '[]', '[]', '',
            1, '', '')",
    );
    let csta = found(&appliance, "csta_ports");
    assert_eq!(csta["state"], "unknown");
    assert!(csta["detail"].as_str().unwrap().contains("Paris"), "{csta}");
    assert!(csta["what_to_do"].as_str().unwrap().contains("3211 (default), 3212, 3213"), "{csta}");
}
