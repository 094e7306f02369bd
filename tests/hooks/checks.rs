//! The shipped checks, unchanged, from the script through the probes to state, API and command line: real time
//! servers, and ports of every sort, on this machine's loopback.

use std::time::Duration;

use serde_json::{Value, json};

use crate::checks::chrony::{From, Servers};
use crate::checks::ports::Stub;
use crate::checks::web::page;
use crate::harness::*;

const SYNCHRONISED_WITHIN: Duration = Duration::from_secs(60);
const CLOCKS: &str = "same_ntp_source.clocks";
const PORTS: &str = "csta_ports.ports";

/// An appliance with an enterprise and nothing that could be probed.
fn bare() -> (Appliance, Client) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    appliance.await_up(&["scripts"]);
    let is_there = || (admin.get("/checks").expect(200).items().len() == 2).then_some(());
    awaited(Duration::from_secs(20), is_there).expect("the shipped checks are there");
    (appliance, admin)
}

fn set(admin: &Client, name: &str, value: Value) {
    admin.put(&format!("/settings/{name}"), "*", &json!({"value": value})).expect(200);
}

/// Runs a check now.
#[track_caller]
fn run(admin: &Client, name: &str) -> Value {
    admin.call("POST", &format!("/checks/{name}:run")).send().expect(200).json
}

#[track_caller]
fn says(run: &Value, field: &str, words: &str) {
    let text = run["last_run"][field].as_str().unwrap_or_default();
    assert!(text.contains(words), "{field} does not say {words:?}: {run:#}");
}

#[test]
fn with_nothing_to_look_at_they_are_ok_and_say_so() {
    let (appliance, admin) = bare();
    let clocks = run(&admin, CLOCKS);
    assert_eq!(clocks["last_run"]["outcome"], "ok", "{clocks:#}");
    says(&clocks, "detail", "there is no clock to compare");
    assert!(
        clocks["place"].as_str().is_some_and(|place| place.starts_with("site/same_ntp_source.lua:")),
        "{clocks:#}"
    );
    let ports = run(&admin, PORTS);
    assert_eq!(ports["last_run"]["outcome"], "ok", "{ports:#}");
    says(&ports, "detail", "there is no MiVoice 5000 to look at");
    let listed = appliance.cli(&["checks", "list"], "");
    assert!(listed.stdout.contains(CLOCKS) && listed.stdout.contains(PORTS), "{}", listed.stdout);
}

#[test]
fn clocks_of_one_source_are_ok_and_others_are_told_with_the_effect() {
    let mut servers = Servers::new();
    servers.start(&["127.0.0.21"], &From::Clock(0.0, "GPS1"));
    servers.start(&["127.0.0.22"], &From::Server("127.0.0.21"));
    servers.start(&["127.0.0.23"], &From::Server("127.0.0.21"));
    servers.start(&["127.0.0.28"], &From::Server("127.0.0.23"));
    servers.start(&["127.0.0.24"], &From::Clock(90.0, "DCF7"));
    servers.start(&["127.0.0.25"], &From::Clock(0.0, "MSF1"));
    let (appliance, admin) = bare();
    set(&admin, "checks.ntp_port", json!(servers.port));
    for address in ["127.0.0.21", "127.0.0.22", "127.0.0.23", "127.0.0.28", "127.0.0.24", "127.0.0.25"] {
        let question = json!({"op": "ntp.query", "args": {"address": address, "port": servers.port}});
        let ask = || admin.post("/checks:probe", &question).expect(200).json;
        // Right after it is synchronised, a server still says that it may be seconds from the truth.
        let is_sure = |result: &Value| result["error_ms"].as_f64().is_some_and(|error| error < 300.0);
        let is_ok = || Some(ask()).filter(|result| result["verdict"] == "ok" && is_sure(result));
        assert!(awaited(SYNCHRONISED_WITHIN, is_ok).is_some(), "{address}: {:#}\n{}", ask(), servers.logs());
    }
    let pbx = json!({"kind": "mivoice_business", "address": "127.0.0.22", "ntp_address": ""});
    admin.post("/pbx-nodes", &node("acme", "Main", &pbx)).expect(201);
    set(&admin, "checks.uc_ntp_address", json!("127.0.0.21"));
    set(&admin, "checks.gateway_address", json!("127.0.0.23"));
    set(&admin, "checks.ntp_source", json!("127.0.0.21"));
    let good = run(&admin, CLOCKS);
    assert_eq!((&good["state"], &good["last_run"]["outcome"]), (&json!("ok"), &json!("ok")), "{good:#}");
    let source = &good["last_run"]["data"]["source"];
    assert_eq!(source, &json!({"verdict": "same", "confidence": "proved"}), "{good:#}");
    for name in ["UC server", "PBX node Main", "CloudLink Gateway"] {
        says(&good, "detail", name);
    }
    // It follows the source through another host, which may be asked.
    set(&admin, "checks.gateway_address", json!("127.0.0.28"));
    set(&admin, "checks.ntp_walk", json!(["127.0.0.0/8"]));
    let chained = run(&admin, CLOCKS);
    assert_eq!(chained["last_run"]["outcome"], "ok", "{chained:#}");
    assert_eq!(chained["last_run"]["data"]["source"]["verdict"], "chained", "{chained:#}");
    // Another source with the right time: they agree by luck.
    set(&admin, "checks.gateway_address", json!("127.0.0.25"));
    let other = run(&admin, CLOCKS);
    assert_eq!(other["last_run"]["outcome"], "warning", "{other:#}");
    assert_eq!(other["last_run"]["data"]["clocks"]["state"], "ok", "{other:#}");
    says(&other, "advice", "CloudLink Gateway");
    // A wrong time: an error once a second run has seen it as well.
    set(&admin, "checks.gateway_address", json!("127.0.0.24"));
    let confirmed = (0..3).map(|_| run(&admin, CLOCKS)).find(|check| check["state"] == "error");
    let skewed =
        confirmed.unwrap_or_else(|| panic!("it is no error: {}", admin.get(&format!("/checks/{CLOCKS}"))));
    says(&skewed, "detail", "CloudLink Gateway");
    let doctor = admin.get("/doctor").expect(200);
    assert!(doctor.items().iter().any(|one| one["name"].to_string().contains(CLOCKS)), "{doctor}");
    let told = appliance.cli(&["checks", "run", CLOCKS], "");
    assert!(told.code == 1 && told.stdout.contains("CloudLink Gateway"), "{}{}", told.stdout, told.stderr);
}

#[test]
fn a_pbx_without_ntp_is_not_measurable_unless_its_page_has_a_date() {
    let (_appliance, admin) = bare();
    let quiet = std::net::UdpSocket::bind("127.0.0.26:0").expect("a port that never answers");
    set(&admin, "checks.ntp_port", json!(quiet.local_addr().expect("bound").port()));
    // Nothing listens there either.
    set(&admin, "checks.web_port", json!(quiet.local_addr().expect("bound").port()));
    admin.post("/pbx-nodes", &node("acme", "Silent", &json!({"address": "127.0.0.26"}))).expect(201);
    let silent = run(&admin, CLOCKS);
    assert_eq!(silent["last_run"]["outcome"], "not_measurable", "{silent:#}");
    says(&silent, "detail", "PBX node Silent: no clock seen");
    says(&silent, "advice", "Silent");
    // Its page has a date, which tells its clock to the second.
    let page = page("127.0.0.26", 90.0);
    set(&admin, "checks.web_port", json!(page.address.port()));
    let seen = (0..3).map(|_| run(&admin, CLOCKS)).find(|check| check["state"] == "error");
    let seen =
        seen.unwrap_or_else(|| panic!("its page is not read: {}", admin.get(&format!("/checks/{CLOCKS}"))));
    says(&seen, "detail", "PBX node Silent");
    let host = &seen["last_run"]["data"]["hosts"][0];
    assert!((host["offset_ms"].as_f64().unwrap_or_default() - 90_000.0).abs() < 1500.0, "{seen:#}");
}

#[test]
fn a_node_with_an_address_that_is_no_hosts_hides_no_other() {
    let (_appliance, admin) = bare();
    let page = page("127.0.0.29", 90.0);
    set(&admin, "checks.ntp_port", json!(page.address.port()));
    set(&admin, "checks.web_port", json!(page.address.port()));
    let fields = |address: &str| json!({"kind": "mivoice_5000", "address": address});
    admin.post("/pbx-nodes", &node("acme", "Group", &fields("224.0.0.1"))).expect(201);
    let alone = run(&admin, CLOCKS);
    assert_eq!(alone["last_run"]["outcome"], "unknown", "{alone:#}");
    says(&alone, "detail", "224.0.0.1 is not the address of one host");
    admin.post("/pbx-nodes", &node("acme", "Main", &fields("127.0.0.29"))).expect(201);
    admin.post("/pbx-nodes", &node("acme", "Nameless", &fields("pbx.invalid"))).expect(201);
    let clocks = run(&admin, CLOCKS);
    assert_eq!(clocks["last_run"]["outcome"], "error", "{clocks:#}");
    says(&clocks, "detail", "s ahead of this appliance");
    let ports = run(&admin, PORTS);
    assert_eq!(ports["last_run"]["outcome"], "error", "{ports:#}");
    says(&ports, "detail", "Group: 0 of 1 expected CSTA ports are open");
    says(
        &ports,
        "detail",
        "no address: tcp.probe: 224.0.0.1 is not the address of one host; name the host to probe",
    );
    says(&ports, "advice", "Group: Correct the address of the PBX node");
    says(&ports, "detail", "Main: 0 of 1 expected CSTA ports are open; 3211 (the default port) refused");
}

#[test]
fn csta_ports_are_compared_as_a_set_with_both_places_to_configure() {
    let (_appliance, admin) = bare();
    let hold = |stream: std::net::TcpStream| {
        let mut stream = stream;
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    };
    let on = |address: &str| Stub::on(std::net::TcpListener::bind(address).expect("a free port"), hold);
    let default = on("127.0.0.27:3211");
    let added = on("127.0.0.27:3212");
    let pbx = json!({"kind": "mivoice_5000", "address": "127.0.0.27", "csta_ports": [3211, 3212], "x25_ports": [3212]});
    let pbx = admin.post("/pbx-nodes", &node("acme", "Main", &pbx)).expect(201);
    let good = run(&admin, PORTS);
    assert_eq!(good["last_run"]["outcome"], "ok", "{good:#}");
    says(&good, "detail", "2 of 2 expected CSTA ports are open");
    let judged = &good["last_run"]["data"][pbx.id().as_str()];
    assert_eq!((&judged["open"], &judged["missing"]), (&json!([3211, 3212]), &json!([])), "{good:#}");
    // Another service was added, and only one of the two places was told.
    let path = format!("/pbx-nodes/{}", pbx.id());
    admin.patch(&path, "*", &json!({"csta_ports": [3211, 3212, 3214]})).expect(200);
    let missing = run(&admin, PORTS);
    assert_eq!(missing["last_run"]["outcome"], "error", "{missing:#}");
    says(&missing, "detail", "3214 refused");
    says(&missing, "advice", "CSTA Settings in the PBX Node tab");
    says(&missing, "advice", "X25 gateway");
    // One is open that nobody declared.
    admin.patch(&path, "*", &json!({"csta_ports": [3211], "x25_ports": []})).expect(200);
    let extra = run(&admin, PORTS);
    assert_eq!(extra["last_run"]["outcome"], "notice", "{extra:#}");
    says(&extra, "detail", "open though not declared: 3212");
    // Added ports without the default one.
    drop(default);
    admin.patch(&path, "*", &json!({"csta_ports": [3211, 3212], "x25_ports": [3212]})).expect(200);
    let without = run(&admin, PORTS);
    says(&without, "advice", "Added ports are open but 3211 is refused");
    drop(added);
    set(&admin, "checks.csta_probe", json!(false));
    let off = run(&admin, PORTS);
    assert_eq!(off["last_run"]["outcome"], "not_measurable", "{off:#}");
}
