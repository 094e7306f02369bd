//! Our own users with an unmodified client: how they sign in, what they exchange, and when their sessions end.

mod attempts;
mod bad_input;
mod listed;
mod photos;
mod programs;
mod terminal;
mod waiting;

use std::net::TcpStream;

use ring::digest::{SHA256, digest};
use rustls::version::TLS12;
use serde_json::{Value, json};

use super::scram::Prover;
use super::secure::{CLIENT, Secure, any_certificate};
use super::user::User;
use crate::harness::*;

/// An appliance at home.example with two accounts that can sign in, and the ports on which it waits for clients.
struct Home {
    appliance: Appliance,
    admin: Client,
    port: u16,
    direct: u16,
}

const PASSWORD: &str = "correct horse battery";

impl Home {
    fn new() -> Self {
        let appliance = Appliance::with_plugins(&["federation"]);
        let admin = appliance.admin();
        let mut enterprise = enterprise_body("home");
        enterprise["domain"] = json!("home.example");
        admin.post("/enterprises", &enterprise).expect(201);
        let (port, direct) = (free_port(), free_port());
        listen(&admin, "c2s_listen", port);
        listen(&admin, "c2s_tls_listen", direct);
        let home = Self { appliance, admin, port, direct };
        assert_eq!(home.clients()["state"], "idle", "nobody can sign in yet, so no port is open");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        home.account("ann", PASSWORD);
        home.account("ben", PASSWORD);
        home.awaits(|clients| clients["state"] == "listening");
        home
    }

    fn account(&self, login: &str, password: &str) -> String {
        let id = self.admin.post("/accounts", &account("home", login, &json!({}))).expect(201).id();
        self.password(&id, password);
        id
    }

    fn password(&self, id: &str, password: &str) {
        self.admin.put(&format!("/accounts/{id}/password"), "*", &json!({"password": password})).expect(204);
    }

    fn id(&self, login: &str) -> String {
        let all = self.admin.get("/accounts").expect(200);
        let found = all.items().iter().find(|account| account["login_id"] == login);
        found.expect("the account is there")["id"].as_str().expect("an id").to_owned()
    }

    fn clients(&self) -> Value {
        self.admin.get("/federation").expect(200).json["clients"].clone()
    }

    #[track_caller]
    fn awaits(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let look = || Some(self.clients()).filter(&fits);
        awaited(super::SOON, look).unwrap_or_else(|| panic!("it did not become so: {:#}", self.clients()))
    }

    fn sessions(&self) -> Vec<Value> {
        self.admin.get("/federation/sessions").expect(200).items().to_vec()
    }

    #[track_caller]
    fn awaits_session(&self, login: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let address = json!(format!("{login}@home.example"));
        let look = || self.sessions().into_iter().find(|one| one["address"] == address && fits(one));
        awaited(super::SOON, look)
            .unwrap_or_else(|| panic!("there is no such session: {:#?}", self.sessions()))
    }

    fn user(&self, login: &str, more: &[&str]) -> (User, Value) {
        User::present(&format!("{login}@home.example"), PASSWORD, self.port, more)
    }
}

fn listen(admin: &Client, name: &str, port: u16) {
    super::set(admin, name, json!([format!("127.0.0.1:{port}")]));
}

#[test]
fn two_users_sign_in_and_chat() {
    let home = Home::new();
    let (mut ann, started) = home.user("ann", &[]);
    assert_eq!(started["mechanism"], "SCRAM-SHA-256");
    let (mut ben, _) = home.user("ben", &[]);
    for body in ["hello", "<&'\"> ]]> \u{1F600}"] {
        ann.does(&json!({"do": "message", "to": "ben@home.example", "body": body}));
        let heard = ben.hears("message");
        assert_eq!((&heard["body"], &heard["sender"]), (&json!(body), &started["jid"]));
    }
    let sessions = home.sessions();
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    let session = &sessions[0];
    assert_eq!((&session["address"], &session["state"]), (&json!("ann@home.example"), &json!("connected")));
    assert_eq!((&session["mechanism"], &session["tls"]), (&json!("SCRAM-SHA-256"), &json!("TLS 1.3")));
    assert_eq!(session["account"], home.id("ann"));
    assert_eq!(home.clients()["connected"], 2);
}

#[test]
fn plain_goes_inside_tls_and_tls_may_begin_at_once() {
    let home = Home::new();
    let (_ann, started) = home.user("ann", &["--mechanism", "PLAIN"]);
    assert_eq!(started["mechanism"], "PLAIN");
    let jid = "ben@home.example";
    let (_ben, started) = User::present(jid, PASSWORD, home.direct, &["--direct-tls"]);
    assert_eq!(started["mechanism"], "SCRAM-SHA-256");
    let (_old, started) = home.user("ben", &["--mechanism", "SCRAM-SHA-1"]);
    assert_eq!(started["mechanism"], "SCRAM-SHA-1");
    let mut mechanisms: Vec<_> = home.sessions().iter().map(|one| one["mechanism"].clone()).collect();
    mechanisms.sort_by_key(ToString::to_string);
    assert_eq!(mechanisms, ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"]);
}

#[test]
fn a_wrong_password_lets_nobody_in() {
    let home = Home::new();
    for jid in ["ann@home.example", "nobody@home.example"] {
        let user = User::begin(jid, "not the password", home.port, &[]);
        let mut user = user;
        assert_eq!(user.hears("failed")["condition"], "not-authorized", "{jid}");
    }
    assert_eq!(home.sessions(), [] as [Value; 0]);
}

#[test]
fn an_exchange_is_bound_to_its_tls_connection() {
    let home = Home::new();
    let mut ann = Prover::new("ann", PASSWORD);
    let mut bound = Secure::opened(home.direct);
    let exporter = bound.exporter();
    assert!(bound.proves(&mut ann, "p=tls-exporter,,", &exporter).starts_with("v="));
    bound.binds("desk");
    assert_eq!(home.sessions()[0]["mechanism"], "SCRAM-SHA-256-PLUS");
    // Somebody in the middle has two connections, and so two of these.
    let mut between = Secure::opened(home.direct);
    between.auth("SCRAM-SHA-256-PLUS", &ann.first("p=tls-exporter,,"));
    let first = between.challenge("challenge");
    between.response(&ann.last(&first, "p=tls-exporter,,", &exporter));
    between.hear("<not-authorized/>");
    // It can bind, and says that we cannot.
    let mut lied_to = Secure::opened(home.direct);
    lied_to.auth("SCRAM-SHA-256", "y,,n=ann,r=abc");
    lied_to.hear("<not-authorized/>");
}

/// TLS 1.2 has no exporter that is safe without more (RFC 9266 section 4), but the server's certificate (RFC 5929).
#[test]
fn with_tls_1_2_an_exchange_is_bound_to_the_certificate() {
    let home = Home::new();
    let old = || {
        let socket = TcpStream::connect(("127.0.0.1", home.direct)).expect("the port is open");
        let mut line = Secure::over(socket, any_certificate(&[&TLS12], CLIENT), "home.example");
        (line.open(), line)
    };
    let (features, mut bound) = old();
    assert!(features.contains("<mechanism>SCRAM-SHA-256-PLUS</mechanism>"), "{features}");
    assert!(features.contains("type='tls-server-end-point'"), "{features}");
    let gs2 = "p=tls-server-end-point,,";
    let hash = digest(&SHA256, &bound.certificate());
    let mut ann = Prover::new("ann", PASSWORD);
    assert!(bound.proves(&mut ann, gs2, hash.as_ref()).starts_with("v="));
    bound.binds("desk");
    let session = home.awaits_session("ann", |_| true);
    assert_eq!((&session["tls"], &session["mechanism"]), (&json!("TLS 1.2"), &json!("SCRAM-SHA-256-PLUS")));
    let (_, mut between) = old();
    between.auth("SCRAM-SHA-256-PLUS", &ann.first(gs2));
    let first = between.challenge("challenge");
    let other = digest(&SHA256, b"the certificate of somebody in the middle");
    between.response(&ann.last(&first, gs2, other.as_ref()));
    between.hear("<not-authorized/>");
}

#[test]
fn several_resources_are_there_at_once_and_the_same_one_only_once() {
    let home = Home::new();
    let mut desk = User::present("ann@home.example/desk", PASSWORD, home.port, &[]).0;
    let mut phone = User::present("ann@home.example/phone", PASSWORD, home.port, &[]).0;
    let (mut ben, _) = home.user("ben", &[]);
    ben.does(&json!({"do": "message", "to": "ann@home.example", "body": "both"}));
    assert_eq!(
        (&desk.hears("message")["body"], &phone.hears("message")["body"]),
        (&json!("both"), &json!("both"))
    );
    ben.does(&json!({"do": "message", "to": "ann@home.example/phone", "body": "one"}));
    assert_eq!(phone.hears("message")["body"], "one");
    let mut newer = User::present("ann@home.example/desk", PASSWORD, home.port, &[]).0;
    let error = desk.hears("error");
    assert_eq!(error["condition"], "conflict", "{error}");
    assert!(desk.so_far().iter().all(|told| told["what"] != "message"), "the other message was not for it");
    ben.does(&json!({"do": "message", "to": "ann@home.example/desk", "body": "newer"}));
    assert_eq!(newer.hears("message")["body"], "newer");
    home.awaits(|clients| clients["connected"] == 3);
}

#[test]
fn a_broken_connection_is_resumed_and_nothing_is_lost() {
    let home = Home::new();
    let (mut ann, started) = home.user("ann", &["--resume"]);
    let (mut ben, _) = home.user("ben", &[]);
    ann.does(&json!({"do": "break"}));
    ann.hears("disconnected");
    let asleep = || home.sessions().iter().any(|session| session["state"] == "asleep").then_some(());
    assert!(awaited(super::SOON, asleep).is_some(), "{:#?}", home.sessions());
    for body in ["one", "two"] {
        ben.does(&json!({"do": "message", "to": "ann@home.example", "body": body}));
    }
    ben.pings();
    assert_eq!(super::kept(&home.admin), 2, "what has not arrived waits");
    ann.does(&json!({"do": "again"}));
    ann.hears("resumed");
    assert_eq!(
        (&ann.hears("message")["body"], &ann.hears("message")["body"]),
        (&json!("one"), &json!("two"))
    );
    let arrived = || (super::kept(&home.admin) == 0).then_some(());
    assert!(awaited(super::SOON, arrived).is_some(), "the client has acknowledged them");
    let session = home.sessions().into_iter().find(|one| one["address"] == "ann@home.example");
    let session = session.expect("ann's session");
    let jid = format!("ann@home.example/{}", session["resource"].as_str().expect("a resource"));
    assert_eq!((json!(jid), &session["state"]), (started["jid"].clone(), &json!("connected")));
}

#[test]
fn a_session_ends_at_once_with_what_let_it_in() {
    let home = Home::new();
    let ann = home.id("ann");
    let ended = |change: &dyn Fn(), words: &str| {
        let (mut user, _) = home.user("ann", &["--resume"]);
        change();
        let error = user.hears("error");
        assert_eq!(error["condition"], "not-authorized", "{error}");
        assert!(error["text"].as_str().expect("words").contains(words), "{error}");
        user.hears("disconnected");
        home.awaits(|clients| clients["connected"] == 0);
    };
    let (mut ben, _) = home.user("ben", &[]);
    ben.does(&json!({"do": "quit"}));
    ended(&|| home.password(&ann, "another password"), "password was changed");
    home.password(&ann, PASSWORD);
    let etag = |id: &str| {
        home.admin.get(&format!("/accounts/{id}")).expect(200).header("etag").expect("a version").to_owned()
    };
    ended(
        &|| {
            drop(
                home.admin
                    .patch(&format!("/accounts/{ann}"), &etag(&ann), &json!({"deployed": false}))
                    .expect(200),
            )
        },
        "may not sign in any more",
    );
    home.admin.patch(&format!("/accounts/{ann}"), &etag(&ann), &json!({"deployed": true})).expect(200);
    ended(
        &|| drop(home.admin.delete(&format!("/accounts/{ann}"), "*").expect(204)),
        "may not sign in any more",
    );
    let id = home.id("ben");
    home.admin.delete(&format!("/accounts/{id}"), "*").expect(204);
    home.awaits(|clients| clients["state"] == "idle");
    assert!(TcpStream::connect(("127.0.0.1", home.port)).is_err(), "nobody can sign in any more");
}

#[test]
fn federation_off_leaves_our_own_users_in_peace() {
    let home = Home::new();
    let (mut ann, _) = home.user("ann", &[]);
    super::listen_nowhere(&home.admin);
    for enabled in [true, false, true] {
        home.admin.put("/federation", "*", &json!({"enabled": enabled, "open": false})).expect(200);
        ann.pings();
    }
    assert_eq!(home.clients()["connected"], 1);
}

#[test]
fn a_port_that_is_taken_is_told_and_taken_when_it_is_free() {
    let mut home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    home.port = taken.local_addr().expect("an address").port();
    listen(&home.admin, "c2s_listen", home.port);
    let clients = home.awaits(|clients| clients["state"] == "not_listening");
    assert!(clients["reason"].as_str().expect("words").contains(&home.port.to_string()), "{clients:#}");
    let doctor = home.appliance.cli(&["doctor"], "");
    assert!(doctor.stdout.contains("c2s_listen"), "{}", doctor.stdout);
    drop(taken);
    home.awaits(|clients| clients["state"] == "listening");
    home.user("ann", &[]);
    assert_eq!(plugin(&home.admin, "federation")["state"], "up");
}

#[test]
fn a_question_has_one_answer_whoever_it_is_for() {
    let home = Home::new();
    let (mut ann, started) = home.user("ann", &[]);
    let (mut ben, _) = home.user("ben", &[]);
    ben.does(&json!({"do": "ping", "to": started["jid"]}));
    assert_eq!(ben.hears("pong")["error"], Value::Null, "a client answers for itself");
    for (to, error) in [
        ("home.example", Value::Null),
        ("ann@home.example", json!("service-unavailable")),
        ("nobody@home.example", json!("service-unavailable")),
        ("ann@home.example/nowhere", json!("service-unavailable")),
    ] {
        ben.does(&json!({"do": "ping", "to": to}));
        assert_eq!(ben.hears("pong")["error"], error, "{to}");
    }
    ann.does(&json!({"do": "disco", "to": "home.example"}));
    let features = ann.hears("disco")["features"].clone();
    for feature in ["urn:xmpp:ping", "jabber:iq:version", "http://jabber.org/protocol/disco#info"] {
        assert!(features.as_array().expect("a list").contains(&json!(feature)), "{features}");
    }
}
