//! The scripts that come with the appliance do their work unchanged.

use serde_json::{Value, json};

use super::*;

#[test]
fn they_are_there_from_the_first_start_and_only_checks_serve_unasked() {
    let ground = ground();
    let list = ground.admin.get("/hooks").expect(200);
    let told: Vec<_> = list
        .items()
        .iter()
        .map(|hook| (hook["name"].as_str().unwrap_or_default(), hook["state"].as_str().unwrap_or_default()))
        .collect();
    let expected =
        [("csta_ports", "active"), ("peer_prefix", "not_published"), ("same_ntp_source", "active")];
    assert_eq!(told, expected, "{list}");
    for name in ["csta_ports", "same_ntp_source"] {
        let hook = ground.await_hook(name, |hook| hook["registers"] != json!([]));
        let registered = hook["registers"].as_array().expect("a list");
        assert!(registered.iter().all(|one| one["kind"] == "check"), "{hook}");
    }
}

#[test]
fn what_the_site_decided_about_them_holds_after_a_restart() {
    let mut ground = ground();
    ground.admin.delete("/hooks/csta_ports", "*").expect(204);
    let own = format!(
        "-- our own\n{}",
        ground.admin.get("/hooks/same_ntp_source/versions/1").expect(200).text("source")
    );
    ground.publish("same_ntp_source", &own);
    ground.appliance.restart();
    ground.admin = ground.appliance.admin();
    let list = ground.admin.get("/hooks").expect(200);
    assert_eq!(list.column("name"), ["peer_prefix", "same_ntp_source"], "{list}");
    assert_eq!(list.items()[1]["active"], 2, "{list}");
}

fn set(ground: &Ground, name: &str, value: Value) {
    ground.admin.put(&format!("/settings/{name}"), "*", &json!({"value": value})).expect(200);
}

/// What the American node dials for a contact on the peer Lyon.
fn from_boston(ground: &Ground, number: &str) -> Value {
    let to = json!({"peer": ground.site.peer, "number": number});
    ground.admin.post("/dialing/preview", &json!({"node": ground.site.us, "to": to})).expect(200).json
}

#[test]
fn a_prefix_by_node_takes_the_place_of_the_peers_own_and_of_nothing_else() {
    let ground = ground();
    ground.swap("peer_prefix", "publish", None).expect(200);
    assert_eq!(from_boston(&ground, "4001")["dialed"], "9774001", "without an entry nothing changes");
    for (entry, number, dialed) in [
        ("Boston > Lyon: 8571", "4001", "985714001"),
        ("Boston > Lyon: 8571", "ext. 4001", "985714001"),
        ("Boston > Lyon: -85", "4001", "854001"),
        ("Boston > Lyon: -", "4001", "4001"),
        ("Boston > Lyon: --85", "4001", "-854001"),
        ("Boston > Lyon: ", "4001", "4001"),
        ("Boston > Lyon: 8-1", "4001", "98-14001"),
        ("Boston > Lyon: *72 é", "4001", "9*72 é4001"),
        ("Boston > Lyon: 8571", "+33 1 42 76 49 78", "901133142764978"),
        ("Boston > Lyon: 8571", "911", "911"),
        ("Paris > Lyon: 8571", "4001", "9774001"),
        ("Boston > Nice: 8571", "4001", "9774001"),
        ("boston > Lyon: 8571", "4001", "9774001"),
    ] {
        set(&ground, "dialing.prefix_by_node", json!(["Nowhere > Lyon: 1", entry]));
        let answer = from_boston(&ground, number);
        // Also what no PBX dials: a prefix is dialed as it was typed.
        assert_eq!(answer["dialed"], dialed, "{entry}: {answer}");
        assert!(!lints(&answer).contains(&"script.failed"), "{entry}: {answer}");
    }
}

#[test]
fn an_entry_that_is_none_is_refused_when_it_is_saved() {
    let ground = ground();
    let save =
        |value: Value| ground.admin.put("/settings/dialing.prefix_by_node", "*", &json!({"value": value}));
    for entry in ["Boston", "Boston > Lyon", "Boston > Lyon: 123456789012345678901", " > Lyon: 1"] {
        save(json!([entry])).problem(422, "request/invalid").says("NODE > PEER: PREFIX");
    }
    save(json!("Boston > Lyon: 1")).problem(422, "request/invalid");
}

#[test]
fn what_ships_uses_only_what_scripts_are_given_and_nothing_in_vain() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tree");
    let mut look = std::process::Command::new("luacheck");
    look.current_dir(root).args(["--no-color", "--config", "scripts/.luacheckrc"]);
    let good = look.arg("scripts").output().expect("luacheck runs; tests/run installs it");
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    // It would notice.
    let bad = tempfile::NamedTempFile::with_suffix(".lua").expect("a file");
    std::fs::write(bad.path(), "hook('dial.rewrite', function() return os.time() end)").expect("written");
    let seen = look.arg(bad.path()).output().expect("luacheck runs");
    assert!(!seen.status.success() && String::from_utf8_lossy(&seen.stdout).contains("os"), "{seen:?}");
}
