//! An appliance that may be a sister: a web certificate of its own name, the plugin peering on a port of its own, and the
//! mirror, by which a test speaks as a plugin does.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::{Value, json};

use super::lan::{Lan, Place};
use crate::harness::*;
use crate::plugins::mirror;

/// For what needs a connection and no back-off.
pub const SOON: Duration = Duration::from_secs(30);
/// Right again within a minute.
pub const MINUTE: Duration = Duration::from_secs(60);

/// The appliance.
pub struct Sister {
    pub appliance: Appliance,
    pub admin: Client,
    pub enterprise: String,
    pub listens: SocketAddr,
}

/// A port of the loopback that nobody has now.
pub fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// Gives the appliance's folder a web certificate for these names; its SHA-256.
pub fn certify(folder: &std::path::Path, names: &[&str]) -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let cert =
        rcgen::CertificateParams::new(names).expect("DNS names").self_signed(&key).expect("a certificate");
    fs::write(folder.join("key.pem"), key.serialize_pem()).expect("the key can be written");
    fs::write(folder.join("cert.pem"), cert.pem()).expect("the certificate can be written");
    let digest = ring::digest::digest(&ring::digest::SHA256, cert.der());
    data_encoding::HEXUPPER.encode(digest.as_ref())
}

impl Sister {
    /// One of that name with an enterprise of that id, reached where it listens.
    pub fn new(name: &str, enterprise: &str) -> Self {
        let listens = free_port();
        Self::reached_at(name, enterprise, listens, listens)
    }

    /// The same, reached somewhere else.
    pub fn reached_at(name: &str, enterprise: &str, listens: SocketAddr, reached: SocketAddr) -> Self {
        let appliance = Appliance::laid_out_with(&["peering"], |config| with_certificate(&config));
        let sister = Self::start(appliance, name, enterprise, listens);
        sister.set("listen", json!([listens.to_string()]));
        sister.set("address", json!(reached.to_string()));
        // A plugin hears of a setting a moment after it is kept.
        let heard = || (sister.us()["address"] == reached.to_string()).then_some(());
        assert!(awaited(SOON, heard).is_some(), "the plugin did not hear of its address");
        sister
    }

    /// One at a place of a network, with the usual settings.
    pub fn within(lan: &Lan, place: &Place, name: &str, enterprise: &str, clock_ahead: i64) -> Self {
        Self::within_with(&["peering"], lan, place, (name, enterprise), clock_ahead)
    }

    /// The same with more plugins.
    pub fn within_with(
        plugins: &[&str],
        lan: &Lan,
        place: &Place,
        (name, enterprise): (&str, &str),
        clock_ahead: i64,
    ) -> Self {
        let way = format!("{}:0", place.way());
        let edit = |config: String| with_certificate(&config.replace("127.0.0.1:0", &way));
        let mut appliance = Appliance::laid_out_with(plugins, edit);
        appliance.launch_by(lan.launcher(place, clock_ahead));
        let listens = format!("{}:8444", place.address()).parse().expect("an address");
        Self::start(appliance, name, enterprise, listens)
    }

    fn start(mut appliance: Appliance, name: &str, enterprise: &str, listens: SocketAddr) -> Self {
        certify(appliance.folder(), &[name]);
        mirror::put(&appliance, "1.0.0", |manifest| {
            manifest.replace("\"secret/1\"]", "\"secret/1\", \"message/1\", \"presence/1\"]")
        });
        appliance.resume();
        appliance.await_up(&["mirror", "peering"]);
        let admin = appliance.admin();
        admin.post("/enterprises", &enterprise_body(enterprise)).expect(201);
        Self { appliance, admin, enterprise: enterprise.to_owned(), listens }
    }

    /// How peering does, with all peers.
    pub fn peering(&self) -> Value {
        self.admin.get("/peering").expect(200).json
    }

    /// What others know it as.
    pub fn us(&self) -> Value {
        self.peering()["us"].clone()
    }

    /// Starts again what was stopped or killed.
    pub fn resume(&mut self) {
        self.appliance.resume();
        self.appliance.await_up(&["mirror"]);
        self.admin = self.appliance.admin();
        let serves = || {
            plugin(&self.admin, "peering")["state"]
                .as_str()
                .is_some_and(|state| ["up", "degraded"].contains(&state))
                .then_some(())
        };
        assert!(awaited(SOON, serves).is_some(), "peering does not serve");
    }

    pub fn set(&self, name: &str, value: Value) {
        self.admin.put(&format!("/settings/peering.{name}"), "*", &json!({ "value": value })).expect(200);
    }

    /// An invitation's answer.
    pub fn invite(&self) -> Value {
        self.admin.post("/peering/invitations", &json!({"enterprise": self.enterprise})).expect(201).json
    }

    pub fn accept(&self, code: &str) -> Answer {
        let body = json!({"enterprise": self.enterprise, "code": code});
        self.admin.post("/peering/invitations:accept", &body)
    }

    /// The only peer's id.
    #[track_caller]
    pub fn peer(&self) -> String {
        let peers = self.admin.get("/peers").expect(200).items().to_vec();
        assert_eq!(peers.len(), 1, "{peers:#?}");
        peers[0]["id"].as_str().expect("an id").to_owned()
    }

    pub fn status(&self, peer: &str) -> Value {
        self.admin.get(&format!("/peers/{peer}/status")).expect(200).json
    }

    /// How the only peer does, once it does so.
    #[track_caller]
    pub fn await_status(&self, within: Duration, words: &[&str]) -> Value {
        let peer = self.peer();
        let fits = |status: &Value| words.iter().any(|word| status["status"] == *word);
        let found = awaited(within, || Some(self.status(&peer)).filter(fits));
        found.unwrap_or_else(|| panic!("it is not {words:?}: {:#}", self.status(&peer)))
    }

    #[track_caller]
    pub fn await_connected(&self, within: Duration) -> Value {
        self.await_status(within, &["connected"])
    }

    pub fn account(&self, login: &str) -> String {
        self.admin.post("/accounts", &account(&self.enterprise, login, &json!({}))).expect(201).id()
    }

    pub fn domain(&self) -> String {
        format!("{}.example.com", self.enterprise)
    }

    /// Contacts that peers have brought: as the list of accounts has them.
    pub fn contacts(&self) -> Vec<Value> {
        let all = all_pages(&self.admin, &format!("/accounts?enterprise={}", self.enterprise));
        all.into_iter().filter(|account| account["origin"] == "peer").collect()
    }

    /// The id of the contact with that login, once it is there.
    #[track_caller]
    pub fn await_contact(&self, login: &str) -> String {
        let found = awaited(MINUTE, || self.contacts().into_iter().find(|one| one["login_id"] == login));
        let found = found.unwrap_or_else(|| {
            let peers = &self.admin.get("/peering").expect(200).json["peers"];
            panic!("{login} is no contact: {:#?} {peers:#}", self.contacts())
        });
        found["id"].as_str().expect("an id").to_owned()
    }

    /// What somebody is doing.
    pub fn state(&self, account: &str) -> Value {
        self.admin.get(&format!("/accounts/{account}/presence")).expect(200).json["state"].clone()
    }

    /// Says what somebody is doing, as they do by hand.
    pub fn put_state(&self, account: &str, state: &str) {
        let path = format!("/accounts/{account}/presence/manual");
        self.admin.put(&path, "*", &json!({ "state": state })).expect(200);
    }

    #[track_caller]
    pub fn await_state(&self, account: &str, within: Duration, wanted: &str) {
        let is_so = || (self.state(account) == wanted).then_some(());
        assert!(awaited(within, is_so).is_some(), "it is {}, not {wanted}", self.state(account));
    }

    /// Asks an operation as a plugin does.
    pub fn relay(&self, op: &str, args: &Value) -> Value {
        self.admin.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
    }

    /// Stores a message from one of ours.
    pub fn write(&self, from: &str, to: &str, body: &str) -> Value {
        let message = json!({"from": format!("{from}@{}", self.domain()), "to": to, "body": body});
        self.relay("message.accept", &message)["reply"].clone()
    }

    /// Texts of all messages between two addresses, oldest first.
    pub fn talk(&self, of: &str, with: &str) -> Vec<String> {
        let found = self.relay("message.history", &json!({"of": of, "with": with, "limit": 100}));
        let messages = found["reply"]["messages"].as_array().expect("messages").clone();
        messages.iter().rev().map(|message| message["body"].as_str().expect("a text").to_owned()).collect()
    }

    /// Messages that wait for a domain.
    pub fn waiting(&self, domain: &str) -> usize {
        let found = self.relay("message.pending", &json!({"domain": domain, "limit": 100}));
        found["reply"]["messages"].as_array().expect("messages").len()
    }
}

/// Two that trust each other and are connected.
pub fn pair() -> (Sister, Sister) {
    let (north, south) = (Sister::new("north.example", "north"), Sister::new("south.example", "south"));
    join(&north, &south);
    (north, south)
}

/// Makes two trust each other, and waits until they are connected.
#[track_caller]
pub fn join(inviting: &Sister, invited: &Sister) {
    let invitation = inviting.invite();
    invited.accept(invitation["code"].as_str().expect("a code")).expect(201);
    inviting.await_connected(SOON);
    invited.await_connected(SOON);
}
