//! Chat messages as plugins bring and fetch them: accepted means on the disk, whatever happens to the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::*;
use crate::plugins::mirror;

const ROUNDS: usize = 6;
const SENDERS: usize = 4;
const ZOE: &str = "zoe@elsewhere.example";
const ANN: &str = "ann@acme.example.com";

fn office() -> (Appliance, String) {
    let mut appliance = mirror::laid_out();
    mirror::put(&appliance, "1.0.0", |m| m.replace("\"secret/1\"]", "\"secret/1\", \"message/1\"]"));
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    site(&admin);
    let ann = admin.post("/accounts", &account("acme", "ann", &json!({}))).expect(201).id();
    (appliance, ann)
}

fn relay(client: &Client, op: &str, args: &Value) -> Value {
    client.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
}

fn accept(client: &Client, body: &str, origin: &str) -> Value {
    relay(client, "message.accept", &json!({"from": ZOE, "to": ANN, "body": body, "origin_id": origin}))
}

/// Every message that waits for an account, in parts.
fn waiting(client: &Client, account: &str) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let asked = json!({"account": account, "after": after, "limit": 100});
        let part = relay(client, "message.pending", &asked)["reply"].clone();
        found.extend(part["messages"].as_array().expect("messages").iter().cloned());
        match part["next"].as_i64() {
            Some(next) => after = next,
            None => return found,
        }
    }
}

#[test]
fn a_message_waits_until_it_was_fetched_and_everybody_concerned_is_told() {
    let (appliance, ann) = office();
    let admin = appliance.admin();
    let mut events = admin.call("GET", "/events?events=message.received").follow();
    events.next_named("ready");
    let stored = accept(&admin, "Hello", "o1")["reply"].clone();
    assert_eq!(stored["duplicate"], false);
    assert_eq!(events.next().data["object"], json!(ann));
    let again = json!({"id": stored["id"], "at": stored["at"], "duplicate": true});
    assert_eq!(accept(&admin, "Hello", "o1")["reply"], again);
    let found = waiting(&admin, &ann);
    assert_eq!((found.len(), &found[0]["body"], &found[0]["direction"]), (1, &json!("Hello"), &json!("in")));
    let numbers = admin.get(&format!("/accounts/{ann}/messages")).expect(200).json;
    assert_eq!((&numbers["waiting"], &numbers["address"]), (&json!(1), &json!(ANN)));
    let arrived = relay(&admin, "message.delivered", &json!({"ids": [stored["id"]]}));
    assert_eq!(arrived["reply"]["delivered"], 1);
    assert!(waiting(&admin, &ann).is_empty());
    let asked = json!({"of": ANN, "with": ZOE, "limit": 10});
    let history = relay(&admin, "message.history", &asked)["reply"]["messages"].clone();
    assert_eq!(history[0]["body"], "Hello");
    assert!(history[0]["delivered_at"].is_string(), "{history}");
}

#[test]
fn what_is_refused_says_why() {
    let (appliance, _) = office();
    let admin = appliance.admin();
    let error = |args: &Value| relay(&admin, "message.accept", args)["error"].clone();
    let nobody = error(&json!({"from": ZOE, "to": "bob@acme.example.com", "body": "x"}));
    assert_eq!(nobody["code"], "not_found");
    let bare = error(&json!({"from": "zoe", "to": ANN, "body": "x"}));
    assert_eq!(bare["code"], "bad_request", "{bare}");
    admin.put("/settings/messages.waiting_most", "*", &json!({"value": 1})).expect(200);
    accept(&admin, "one", "o1");
    let full = accept(&admin, "two", "o2")["error"].clone();
    assert_eq!(full["code"], "conflict");
    assert!(full["msg"].as_str().unwrap().contains("1 messages wait for"), "{full}");
}

#[test]
fn an_archive_is_switched_by_a_plugin_recorded_and_undone_by_an_administrator() {
    let (appliance, ann) = office();
    let admin = appliance.admin();
    accept(&admin, "before", "o1");
    let switched = relay(&admin, "message.archive", &json!({"archived": true, "who": "admin alice"}));
    assert_eq!(switched["reply"], json!({}), "{switched}");
    let refused = accept(&admin, "after", "o2")["error"].clone();
    assert_eq!(refused["code"], "conflict");
    assert!(refused["msg"].as_str().unwrap().contains("read-only"), "{refused}");
    assert_eq!(admin.get("/messages").expect(200).json["archived"], true);
    assert_eq!(waiting(&admin, &ann).len(), 1);
    let noted = admin.get("/revisions?limit=1").expect(200).items()[0].clone();
    assert_eq!((&noted["who"], &noted["object"]), (&json!("admin alice"), &json!("messages.archived")));
    let undo = format!("/revisions/{}:undo", noted["n"]);
    admin.call("POST", &undo).send().expect(201);
    assert_eq!(accept(&admin, "after", "o2")["reply"]["duplicate"], false);
}

#[test]
fn administrators_see_numbers_and_no_text() {
    let (appliance, ann) = office();
    let admin = appliance.admin();
    accept(&admin, "between-us-alone", "o1");
    for path in
        ["/messages".to_owned(), format!("/accounts/{ann}/messages"), "/revisions?limit=50".to_owned()]
    {
        let answer = admin.get(&path).expect(200);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("between-us-alone"), "{answer}");
    }
    assert_eq!(admin.get("/messages").expect(200).json["waiting"], 1);
    assert!(!appliance.log().contains("between-us-alone"), "the log has the text");
}

fn random(span: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::from(now.subsec_nanos()) / 1000 % span
}

/// Sends until the appliance is dead; what was acknowledged, by origin id, and what was only tried.
fn send_until_dead(
    client: &Client,
    prefix: &str,
    told: &mpsc::Sender<()>,
    dead: &AtomicBool,
) -> (BTreeMap<String, Value>, BTreeSet<String>) {
    let (mut acknowledged, mut tried) = (BTreeMap::new(), BTreeSet::new());
    for n in 0.. {
        if dead.load(Ordering::Relaxed) {
            break;
        }
        let origin = format!("{prefix}-{n}");
        tried.insert(origin.clone());
        let message = json!({"from": ZOE, "to": ANN, "body": origin, "origin_id": origin});
        let body = json!({"op": "message.accept", "args": message});
        let answer = client.call("POST", "/mirror:relay").json(&body).try_send();
        let Some(reply) = answer.and_then(|answer| answer.json.get("reply").cloned()) else { continue };
        acknowledged.insert(origin, reply["id"].clone());
        // The receiver waits for the first one only.
        let _ = told.send(());
    }
    (acknowledged, tried)
}

/// After each power cut everything that was tried is sent again, as a sender does that had no answer.
#[test]
fn a_power_cut_loses_nothing_acknowledged_and_sending_again_doubles_nothing() {
    let (mut appliance, ann) = office();
    let setting = json!({"value": 100_000});
    appliance.admin().put("/settings/messages.waiting_most", "*", &setting).expect(200);
    let (mut acknowledged, mut tried) = (BTreeMap::new(), BTreeSet::new());
    for round in 0..ROUNDS {
        let client = appliance.admin();
        let (told, first) = mpsc::channel();
        let dead = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS)
                .map(|sender| {
                    let (client, told, dead) = (client.clone(), told.clone(), &dead);
                    scope.spawn(move || send_until_dead(&client, &format!("r{round}s{sender}"), &told, dead))
                })
                .collect();
            first.recv_timeout(Duration::from_secs(20)).expect("a first acknowledgement");
            let (_never, moment) = mpsc::channel::<()>();
            let _ = moment.recv_timeout(Duration::from_millis(random(400)));
            appliance.kill9();
            dead.store(true, Ordering::Relaxed);
            for sender in senders {
                let (done, all) = sender.join().expect("a sender ends");
                acknowledged.extend(done);
                tried.extend(all);
            }
        });
        appliance.resume();
        appliance.await_up(&["mirror"]);
    }
    let admin = appliance.admin();
    let before: BTreeMap<_, _> = waiting(&admin, &ann)
        .into_iter()
        .map(|m| (m["body"].as_str().unwrap().to_owned(), m["id"].clone()))
        .collect();
    assert!(!acknowledged.is_empty());
    for (origin, id) in &acknowledged {
        assert_eq!(before.get(origin), Some(id), "{origin} was acknowledged");
    }
    for origin in &tried {
        let again = accept(&admin, origin, origin)["reply"].clone();
        assert_eq!(again["duplicate"], before.contains_key(origin), "{origin}: {again}");
    }
    let after = waiting(&admin, &ann);
    let distinct: BTreeSet<_> = after.iter().map(|message| message["body"].as_str().unwrap()).collect();
    assert_eq!(distinct.len(), after.len(), "a message is there twice");
    assert_eq!(distinct, tried.iter().map(String::as_str).collect());
}
