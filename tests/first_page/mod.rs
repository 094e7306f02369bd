//! The console in a real browser: stories told in `tests/console/*.mjs`. Leaves out what the stories check, which
//! stands there.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;

use crate::federation::scram::Prover;
use crate::federation::secure::Secure;
use crate::harness::{
    Appliance, Client, account, await_plugin, awaited, enterprise_body, free_port, sister, site, with,
    workspace,
};
use crate::peering::sister::{MINUTE, Sister};

/// Longest that a story may take, in seconds: the longest takes one or two minutes on a machine that is busy with others.
const STORY_SECONDS: &str = "600";

#[test]
fn a_first_visitor_claims_the_appliance_and_finds_their_way_by_keyboard() {
    let appliance = Appliance::start();
    said_well("the browser's packages", &timed(console("install")).output().expect("timeout runs"));
    let rehearsal = workspace().join("packaging/rehearsal");
    let socket = appliance.state().join("control.sock");
    said_well("the rehearsal site", &timed(rehearsal).arg(socket).output().expect("timeout runs"));
    let base = format!("https://{}/", appliance.address());
    let story = timed("node").arg(console("first_page.mjs")).args([&base, &appliance.claim_code()]).output();
    said_well("the story", &story.expect("timeout runs"));
}

#[test]
fn an_operator_looks_after_plugins_and_sets_federation_up_by_keyboard() {
    const PASSWORD: &str = "plum-tree under 7 stars";
    let appliance = Appliance::with_plugins(&["echo", "faulty", "federation"]);
    said_well("the browser's packages", &timed(console("install")).output().expect("timeout runs"));
    let made = appliance.cli(&["admin", "create", "alice", "--role", "admin", "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    let loopback = serde_json::json!({"value": ["127.0.0.1:0"]});
    appliance.admin().put("/settings/federation.s2s_listen", "*", &loopback).expect(200);
    let _connected = connected(&appliance.admin());
    let base = format!("https://{}/", appliance.address());
    let story = timed("node").arg(console("plugins.mjs")).args([&base, "alice", PASSWORD]).output();
    said_well("the story", &story.expect("timeout runs"));
}

/// Two of our users with a client each, for as long as they are held, and enterprises without users.
fn connected(admin: &Client) -> [Secure; 2] {
    const PASSWORD: &str = "correct horse battery";
    let home = with(&enterprise_body("home"), &json!({"domain": "home.example"}));
    admin.post("/enterprises", &home).expect(201);
    let port = free_port();
    for (name, value) in [("c2s_listen", json!([])), ("c2s_tls_listen", json!([format!("127.0.0.1:{port}")]))]
    {
        admin.put(&format!("/settings/federation.{name}"), "*", &json!({ "value": value })).expect(200);
    }
    for id in (0..13).map(|n| format!("site{n}")) {
        let body = with(&enterprise_body(&id), &json!({"domain": format!("{id}.example")}));
        admin.post("/enterprises", &body).expect(201);
    }
    ["ann", "ben"].map(|login| {
        let id = admin.post("/accounts", &account("home", login, &json!({}))).expect(201).id();
        admin.put(&format!("/accounts/{id}/password"), "*", &json!({"password": PASSWORD})).expect(204);
        let listens = || TcpStream::connect(("127.0.0.1", port)).ok();
        assert!(awaited(Duration::from_secs(20), listens).is_some(), "nobody waits for clients");
        let mut line = Secure::opened(port);
        line.proves(&mut Prover::new(login, PASSWORD), "n,,", &[]);
        line.binds("desk");
        line
    })
}

/// An appliance with the rehearsal site, and an administrator alice with that password.
fn rehearsed(password: &str) -> Appliance {
    let appliance = Appliance::with_plugins(&["echo"]);
    said_well("the browser's packages", &timed(console("install")).output().expect("timeout runs"));
    let socket = appliance.state().join("control.sock");
    let site = timed(workspace().join("packaging/rehearsal")).arg(socket).output();
    said_well("the rehearsal site", &site.expect("timeout runs"));
    let made = appliance.cli(&["admin", "create", "alice", "--role", "admin", "--password-stdin"], password);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    appliance
}

fn tell(appliance: &Appliance, story: &str, password: &str) {
    tell_more(appliance, story, password, &[]);
}

fn tell_more(appliance: &Appliance, story: &str, password: &str, more: &[&str]) {
    let base = format!("https://{}/", appliance.address());
    let told = timed("node").arg(console(story)).args([&base, "alice", password]).args(more).output();
    said_well(story, &told.expect("timeout runs"));
}

#[test]
fn an_operator_keeps_a_site_its_people_and_its_scripts_by_keyboard() {
    const PASSWORD: &str = "plum-tree under 7 stars";
    let appliance = rehearsed(PASSWORD);
    for story in ["objects.mjs", "import.mjs", "scripts.mjs"] {
        tell(&appliance, story, PASSWORD);
    }
}

#[test]
fn an_administrator_says_who_may_do_what_by_keyboard() {
    const PASSWORD: &str = "plum-tree under 7 stars";
    let appliance = Appliance::start();
    said_well("the browser's packages", &timed(console("install")).output().expect("timeout runs"));
    let made = appliance.cli(&["admin", "create", "alice", "--role", "admin", "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    tell(&appliance, "access.mjs", PASSWORD);
}

#[test]
fn every_page_is_fit_for_everybody() {
    const PASSWORD: &str = "plum-tree under 7 stars";
    tell(&rehearsed(PASSWORD), "pages.mjs", PASSWORD);
}

#[test]
fn an_administrator_sets_peering_cloudlink_and_teams_up_by_keyboard() {
    const PASSWORD: &str = "plum-tree under 7 stars";
    let appliance = Appliance::with_plugins(&["peering", "cloudlink", "teams"]);
    said_well("the browser's packages", &timed(console("install")).output().expect("timeout runs"));
    let made = appliance.cli(&["admin", "create", "alice", "--role", "admin", "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    let admin = appliance.admin();
    let acme = json!({"id": "acme", "description": "Acme", "domain": "acme.example"});
    admin.post("/enterprises", &acme).expect(201);
    let ann = json!({"enterprise": "acme", "login_id": "ann", "first_name": "Ann", "last_name": "Ek"});
    admin.post("/accounts", &ann).expect(201);
    let base = format!("https://{}/", appliance.address());
    let story = timed("node").arg(console("worlds.mjs")).args([&base, "alice", PASSWORD]).output();
    said_well("the story", &story.expect("timeout runs"));
}

#[test]
fn an_administrator_makes_a_sister_appliance_a_peer_and_looks_after_it_by_keyboard() {
    const PASSWORD: &str = "plum-tree under 7 stars";
    let (north, south) = (Sister::new("north.example", "north"), Sister::new("south.example", "south"));
    said_well("the browser's packages", &timed(console("install")).output().expect("timeout runs"));
    let create = ["admin", "create", "alice", "--role", "admin", "--password-stdin"];
    let made = north.appliance.cli(&create, PASSWORD);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    south.admin.post("/enterprises", &enterprise_body("second")).expect(201);
    let people: Vec<String> = (0..5).map(|n| south.account(&format!("bob-{n}"))).collect();
    let code = south.invite()["code"].as_str().expect("a code").to_owned();
    tell_more(&north.appliance, "sisters.mjs", PASSWORD, &["accept", &code]);
    for id in &people[1..] {
        south.admin.delete(&format!("/accounts/{id}"), "*").expect(204);
    }
    let peer = north.peer();
    let asks = || (!north.status(&peer)["link"]["last_sync"]["held"].is_null()).then_some(());
    assert!(awaited(MINUTE, asks).is_some(), "{:#}", north.status(&peer));
    for story in ["held", "mismatch"] {
        tell_more(&north.appliance, "sisters.mjs", PASSWORD, &[story]);
    }
}

#[test]
fn an_administrator_of_micloud_flex_takes_away_what_it_does_not_support_by_keyboard() {
    const PASSWORD: &str = "plum-tree under 7 stars";
    let appliance = Appliance::with_plugins(&["federation", "peering"]);
    said_well("the browser's packages", &timed(console("install")).output().expect("timeout runs"));
    let made = appliance.cli(&["admin", "create", "alice", "--role", "admin", "--password-stdin"], PASSWORD);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    let admin = appliance.admin();
    site(&admin);
    admin.post("/peers", &sister("Nice", "uc.nice.example", "Nice-01")).expect(201);
    let loopback = json!({"value": ["127.0.0.1:0"]});
    admin.put("/settings/federation.s2s_listen", "*", &loopback).expect(200);
    admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    admin.put("/federation", "*", &json!({"enabled": true, "open": false})).expect(200);
    admin.put("/settings/site.deployment", "*", &json!({"value": "micloud_flex_gcp"})).expect(200);
    await_plugin(&admin, "federation", "degraded");
    tell(&appliance, "deployment.mjs", PASSWORD);
}

#[test]
fn the_console_lets_nothing_be_loaded_from_elsewhere() {
    let appliance = Appliance::start();
    let page = appliance.anonymous().root("GET", "/").send().expect(200);
    let policy = page.header("content-security-policy").unwrap_or_default().to_owned();
    for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{rule} is not in {policy:?}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

fn console(file: &str) -> PathBuf {
    workspace().join("tests/console").join(file)
}

/// A program that is ended when it takes too long, together with what it started.
fn timed(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", STORY_SECONDS]).arg(program);
    command
}

fn said_well(what: &str, output: &Output) {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(output.status.success(), "{what}: {}\n{out}{err}", output.status);
}
