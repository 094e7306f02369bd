//! Federation with real servers of other companies: unmodified Prosody in a network of its own, and a raw line for what
//! no server would say. Who may talk to whom and the sentences of single fields are the plugin's own tests.

mod addresses;
pub mod authority;
mod bad_input;
mod chat;
mod clients;
mod directory;
mod ejabberd;
mod external;
mod friend;
mod links;
pub mod network;
pub mod person;
mod photos;
mod presence;
mod presence_worlds;
mod prosody;
mod reached;
pub mod scram;
pub mod secure;
mod user;
mod wire;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;
use authority::Authority;
use ejabberd::Ejabberd;
use network::{NAMES, within, within_names};
use prosody::Prosody;
use wire::Line;

const HOSTS: &[(&str, &str)] = &[("home.example", "127.0.1.1"), ("far.example", "127.0.1.2")];
/// For what needs a connection and no back-off.
const SOON: Duration = Duration::from_secs(30);

/// An appliance at home.example with the account `ann`, that federates with these rows.
fn home(rows: &[Value]) -> (Appliance, Client) {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    settle(&admin, rows);
    (appliance, admin)
}

/// The same at an appliance that is there.
fn settle(admin: &Client, rows: &[Value]) {
    let mut enterprise = enterprise_body("home");
    enterprise["domain"] = json!("home.example");
    admin.post("/enterprises", &enterprise).expect(201);
    admin.post("/accounts", &account("home", "ann", &json!({}))).expect(201);
    set(admin, "s2s_listen", json!(["127.0.1.1:5269"]));
    set(admin, "dns_servers", json!([NAMES]));
    set(admin, "local_targets", json!(true));
    for row in rows {
        admin.post("/federation/servers", row).expect(201);
    }
    admin.put("/federation", "*", &json!({"enabled": true, "open": false})).expect(200);
    assert_eq!(admin.get("/federation").expect(200).json["state"], "listening");
}

fn set(admin: &Client, name: &str, value: Value) {
    admin.put(&format!("/settings/federation.{name}"), "*", &json!({ "value": value })).expect(200);
}

/// Takes servers' ports away, which a test beside others cannot have.
fn listen_nowhere(admin: &Client) {
    set(admin, "s2s_listen", json!([]));
}

/// Gives the appliance a certificate of that authority's, and trust in it.
fn certify(admin: &Client, authority: &Authority) {
    let leaf = authority.leaf("home.example", 2090);
    let body = json!({"certificate": leaf.cert, "key": leaf.key, "trusted": [authority.pem()]});
    admin.put("/federation/certificate", "*", &body).expect(200);
}

/// The link of that direction with far.example, once it is as it should be.
#[track_caller]
fn link(admin: &Client, direction: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let all = || admin.get("/federation/links").expect(200).items().to_vec();
    let mine = |link: &Value| link["direction"] == direction && link["domain"] == "far.example" && fits(link);
    awaited(SOON, || all().into_iter().find(mine)).unwrap_or_else(|| panic!("no such link: {:#?}", all()))
}

fn message(to: &str, id: &str, body: &str) -> String {
    format!("<message type='chat' to='{to}' id='{id}'><body>{body}</body></message>")
}

/// Messages that the appliance has kept so far.
fn kept(admin: &Client) -> i64 {
    admin.get("/messages").expect(200).json["waiting"].as_i64().expect("a number")
}

/// bob writes to ann, to nobody and to the server, and gets what is due.
#[track_caller]
fn talk(admin: &Client, mut bob: Line, by: &str) {
    bob.say(&message("nobody@home.example", "m1", "hello?"));
    let refused = bob.hear("</message>");
    assert!(refused.contains("service-unavailable") && refused.contains("m1"), "{refused}");
    bob.say("<iq type='get' to='home.example' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
    let pong = bob.hear("p1") + &bob.hear(">");
    assert!(pong.contains("home.example") && pong.contains("type='result'"), "{pong}");
    bob.say(&message("ann@home.example", "m2", "&lt;&amp;'\" \u{1F600}"));
    assert!(awaited(SOON, || (kept(admin) == 1).then_some(())).is_some(), "the message did not come");
    for direction in ["in", "out"] {
        let link = link(admin, direction, |link| link["state"] == "up");
        assert_eq!(link["authenticated_by"], by, "{direction}: {link:#}");
        assert!(link["tls"].as_str().is_some_and(|tls| tls.starts_with("TLS 1.")), "{link:#}");
    }
}

#[test]
fn certificates_of_a_common_authority_prove_both_sides() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let hosts = [("far.example", authority.leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &authority.pem(), true);
        let (_appliance, admin) = home(&[json!({"domain": "far.example"})]);
        certify(&admin, &authority);
        talk(&admin, prosody.bob("far.example"), "external");
        let link = link(&admin, "in", |_| true);
        assert_eq!(link["certificate"]["names"], json!(["far.example"]), "{link:#}");
        assert_eq!((&link["certificate_fault"], &link["last_error"]), (&json!(""), &json!("")));
    });
}

#[test]
fn dialback_does_where_nobody_vouches_for_certificates() {
    within(HOSTS, |network| {
        let hosts = [("far.example", Authority::new().leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &Authority::new().pem(), false);
        let (_appliance, admin) = home(&[json!({"domain": "far.example", "policy": "tls_dialback"})]);
        talk(&admin, prosody.bob("far.example"), "dialback");
        let link = link(&admin, "out", |_| true);
        assert!(link["certificate_fault"].as_str().unwrap().contains("not trusted here"), "{link:#}");
    });
}

#[test]
fn ejabberd_falls_back_to_dialback_on_the_same_stream() {
    within(HOSTS, |network| {
        // Its version takes a certificate for servers only from a server, so EXTERNAL fails although both are trusted.
        let authority = Authority::new();
        let leaf = authority.leaf("far.example", 2090);
        let ejabberd = Ejabberd::start(network, "127.0.1.2", "far.example", &leaf, &authority.pem());
        let (_appliance, admin) = home(&[json!({"domain": "far.example"})]);
        certify(&admin, &authority);
        let mut bob = ejabberd.bob();
        bob.say("<iq type='get' to='home.example' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
        bob.hear("p1");
        bob.say(&message("ann@home.example", "m2", "from ejabberd"));
        assert!(awaited(SOON, || (kept(&admin) == 1).then_some(())).is_some(), "the message did not come");
        link(&admin, "in", |link| link["state"] == "up" && link["certificate_fault"] == "");
        link(&admin, "out", |link| link["state"] == "up" && link["authenticated_by"] == "dialback");
    });
}

#[test]
fn a_partner_that_was_killed_is_reached_again() {
    within(HOSTS, |network| {
        let hosts = [("far.example", Authority::new().leaf("far.example", 2090))];
        let mut prosody = Prosody::start(network, "127.0.1.2", &hosts, &Authority::new().pem(), false);
        let (_appliance, admin) = home(&[json!({"domain": "far.example", "policy": "tls_dialback"})]);
        talk(&admin, prosody.bob("far.example"), "dialback");
        prosody.kill();
        link(&admin, "in", |link| link["state"] == "down");
        link(&admin, "out", |link| link["state"] == "down");
        prosody.resume(network);
        let mut bob = prosody.bob("far.example");
        bob.say("<iq type='get' to='home.example' id='p2'><ping xmlns='urn:xmpp:ping'/></iq>");
        bob.hear("p2");
        link(&admin, "out", |link| link["state"] == "up");
    });
}

#[test]
fn the_switch_and_the_table_act_on_links_that_stand() {
    within(HOSTS, |network| {
        let hosts = [("far.example", Authority::new().leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &Authority::new().pem(), false);
        let (_appliance, admin) = home(&[json!({"domain": "far.example", "policy": "tls_dialback"})]);
        talk(&admin, prosody.bob("far.example"), "dialback");
        admin.delete("/federation/servers/far.example", "*").expect(204);
        link(&admin, "in", |link| link["state"] == "down");
        link(&admin, "out", |link| link["state"] == "down");
        let mut bob = prosody.bob("far.example");
        bob.say(&message("ann@home.example", "m3", "still there?"));
        assert!(bob.hear("</message>").contains("type='error'"), "a blocked domain is told so");
        assert_eq!(kept(&admin), 1);
        admin.put("/federation", "*", &json!({"enabled": false, "open": false})).expect(200);
        assert!(std::net::TcpStream::connect("127.0.1.1:5269").is_err(), "nobody listens any more");
        admin.put("/federation", "*", &json!({"enabled": true, "open": false})).expect(200);
        assert!(std::net::TcpStream::connect("127.0.1.1:5269").is_ok(), "without a restart");
    });
}

/// Seed 000: not supported in MiCloud Flex on GCP. What stands is ended as by the switch, and is back with the setting.
#[test]
fn in_micloud_flex_what_runs_is_ended_and_comes_back_with_the_deployment() {
    let reason = "Federation is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment";
    within(HOSTS, |network| {
        let hosts = [("far.example", Authority::new().leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &Authority::new().pem(), false);
        let (_appliance, admin) = home(&[json!({"domain": "far.example", "policy": "tls_dialback"})]);
        talk(&admin, prosody.bob("far.example"), "dialback");
        let mut other = Line::connect("127.0.1.1:5269");
        other.say(bad_input::OPEN);
        other.hear("</stream:features>");
        deploy(&admin, "micloud_flex_gcp");
        let status = await_that(&admin, "federation", SOON, "refused here", |now| now["state"] == "degraded");
        assert!(status["reason"].as_str().unwrap().starts_with(reason), "{status:#}");
        assert!(other.hear_out().ends_with("</stream:stream>"), "the stream is ended, not torn");
        assert!(std::net::TcpStream::connect("127.0.1.1:5269").is_err(), "nobody listens");
        let shown = admin.get("/federation").expect(200).json;
        assert_eq!((&shown["state"], &shown["enabled"]), (&json!("not_supported"), &json!(true)), "{shown}");
        assert!(shown["reason"].as_str().unwrap().starts_with(reason), "{shown}");
        assert_eq!(admin.get("/federation/links").expect(200).items().len(), 0);
        let doctor = admin.get("/doctor").expect(200);
        let finding =
            doctor.items().iter().find(|one| one["name"] == "plugin.federation.connection").unwrap();
        assert_eq!(finding["state"], "warning", "{finding}");
        assert!(finding["detail"].as_str().unwrap().starts_with(reason), "{finding}");
        deploy(&admin, "on_premise");
        await_that(&admin, "federation", SOON, "listening again", |now| now["state"] == "up");
        let mut bob = prosody.bob("far.example");
        bob.say(&message("ann@home.example", "m4", "back again"));
        assert!(awaited(SOON, || (kept(&admin) == 2).then_some(())).is_some(), "the message did not come");
    });
}

fn deploy(admin: &Client, kind: &str) {
    admin.put("/settings/site.deployment", "*", &json!({"value": kind})).expect(200);
}
