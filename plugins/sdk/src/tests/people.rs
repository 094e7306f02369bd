//! Presence and chat on the bench: what a plugin asks for, and what it is given.

use jackfield_abi::ops::{MessagePending, NewMessage, PresenceChange};
use serde_json::{Value, json};

use crate::bench::FakeHost;
use crate::{Call, Config, Failure, Host, Outcome, Plugin, Reply, Routes};

struct Carrier(Host);

impl Plugin for Carrier {
    const ID: &'static str = "carrier";
    const VERSION: &'static str = "1.0.0";
    const OPS: &'static [&'static str] = &["http"];

    fn start(host: Host, _: Config) -> Result<Self, Failure> {
        Ok(Self(host))
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .get("carrier", Self::carry)
            .get("carrier/many", Self::many)
            .get("carrier/batch", Self::batch)
    }
}

impl Carrier {
    fn carry(&self, _: &Call<'_>) -> Outcome {
        let refused = self.0.presence().publish("xmpp", &[busy("acc-1".to_owned())])?;
        let shown = self.0.presence().get(&["acc-1".to_owned()], Some("xmpp"))?;
        self.0.presence().govern(&["acc-1".to_owned()], true, None)?;
        let message = NewMessage {
            from: "zoe@elsewhere.example".to_owned(),
            to: "ann@acme.example".to_owned(),
            body: "Hello".to_owned(),
            origin_id: Some("o1".to_owned()),
            envelope: None,
        };
        let accepted = self.0.chat().accept(&message)?;
        let asked =
            MessagePending { account: Some("acc-1".to_owned()), limit: 10, ..MessagePending::default() };
        let waiting = self.0.chat().pending(&asked)?;
        self.0.chat().delivered(std::slice::from_ref(&accepted.id))?;
        let seen = json!([refused.len(), shown.len(), accepted, waiting.messages.len()]);
        Reply::ok(&seen)
    }

    fn batch(&self, _: &Call<'_>) -> Outcome {
        let message = |n: usize| NewMessage {
            from: "zoe@elsewhere.example".to_owned(),
            to: "ann@acme.example".to_owned(),
            body: "x".repeat(1000),
            origin_id: Some(n.to_string()),
            envelope: None,
        };
        let taken = self.0.chat().accept_all(&(0..600).map(message).collect::<Vec<_>>());
        let ids: Vec<_> = taken.into_iter().map(|one| one.map(|accepted| accepted.id)).collect();
        let told: Vec<_> = ids.iter().map(|one| one.clone().unwrap_or_else(|failure| failure.msg)).collect();
        Reply::ok(&told)
    }

    fn many(&self, _: &Call<'_>) -> Outcome {
        let changes: Vec<_> = (0..2500).map(|n| busy(format!("acc-{n}"))).collect();
        Reply::ok(&self.0.presence().publish("xmpp", &changes)?)
    }
}

fn busy(account: String) -> PresenceChange {
    PresenceChange { account, state: Some("busy".to_owned()), note: String::new(), expires_in: None }
}

#[test]
fn the_usual_host_takes_everything_and_has_nothing() {
    let bench = FakeHost::new().start::<Carrier>().unwrap();
    let seen = bench.get("carrier").body;
    assert_eq!(seen, json!([0, 0, {"id": "msg-1", "at": "2026-01-31T08:00:00.000Z", "duplicate": false}, 0]));
    assert_eq!(bench.asked("presence.govern"), [json!({"accounts": ["acc-1"], "on": true})]);
    assert_eq!(bench.asked("message.delivered"), [json!({"ids": ["msg-1"]})]);
}

#[test]
fn many_changes_go_a_thousand_at_a_time_and_refusals_are_gathered() {
    let refuse = |args: Value| {
        let first = &args["changes"][0]["account"];
        Ok(json!({"refused": [{"account": first, "detail": "There is no such account."}]}))
    };
    let bench = FakeHost::new().answer("presence.publish", refuse).start::<Carrier>().unwrap();
    let refused = bench.get("carrier/many").body;
    let accounts: Vec<_> = refused.as_array().unwrap().iter().map(|one| one["account"].clone()).collect();
    assert_eq!(accounts, ["acc-0", "acc-1000", "acc-2000"]);
}

#[test]
fn many_messages_go_in_parts_and_each_has_its_own_outcome() {
    let accept = |args: Value| {
        let taken = |message: &Value| match message["origin_id"].as_str().unwrap() {
            "7" => json!({"failure": {"code": "conflict", "msg": "read-only"}}),
            n => json!({"id": format!("m{n}"), "at": "", "duplicate": false}),
        };
        Ok(json!({"accepted": args["messages"].as_array().unwrap().iter().map(taken).collect::<Vec<_>>()}))
    };
    let bench = FakeHost::new().answer("message.accept_all", accept).start::<Carrier>().unwrap();
    let told = bench.get("carrier/batch").body;
    let told: Vec<_> = told.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
    let expected = |n: usize| if n == 7 { "read-only".to_owned() } else { format!("m{n}") };
    assert_eq!(told, (0..600).map(expected).collect::<Vec<_>>());
    let sizes: Vec<_> = bench
        .asked("message.accept_all")
        .iter()
        .map(|args| args["messages"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [256, 256, 88]);
}
