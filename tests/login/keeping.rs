//! What is kept of a password: enough to recognise it after a kill, nothing that anybody could read.

use super::*;
use crate::harness::Answer;

fn relay(client: &Client, op: &str, args: &Value) -> Value {
    client.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
}

fn assert_silent(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_there, "{place} holds the secret {secret:?}");
    }
}

/// What proves the password, as a plugin gets it, in base64 and as bytes are written in SQL and Rust.
fn verifiers(client: &Client) -> Vec<String> {
    let keys = ["SCRAM-SHA-1", "SCRAM-SHA-256"].map(|mechanism| {
        let asked = json!({"login": "ann", "domain": "acme.example.com", "mechanism": mechanism});
        relay(client, "login.keys", &asked)["reply"].clone()
    });
    let texts =
        keys.iter().flat_map(|keys| ["stored_key", "server_key", "salt"].map(|name| keys[name].as_str()));
    texts.map(|text| text.expect("a key").to_owned()).collect()
}

fn raw(secrets: &[String]) -> Vec<Vec<u8>> {
    secrets.iter().filter_map(|text| data_encoding::BASE64.decode(text.as_bytes()).ok()).collect()
}

fn every_answer(admin: &Client) -> Vec<Answer> {
    let described = admin.get("/openapi.json").expect(200);
    let paths = described.json["paths"].as_object().expect("paths").iter();
    let readable = paths.filter(|(path, operations)| {
        operations.get("get").is_some() && !path.contains('{') && !path.ends_with("/events")
    });
    let mut answers: Vec<_> = readable.map(|(path, _)| admin.root("GET", path).send()).collect();
    answers.push(admin.get("/revisions?limit=500").expect(200));
    answers.push(admin.get("/accounts/export").expect(200));
    answers
}

#[test]
fn neither_a_password_nor_what_proves_it_is_seen_anywhere() {
    let mut appliance = mirror::laid_out();
    let config = std::fs::read_to_string(appliance.config()).expect("the configuration");
    let talkative = config.replace("level = \"info\"", "level = \"trace\"");
    assert_ne!(config, talkative);
    std::fs::write(appliance.config(), talkative).expect("the configuration can be written");
    mirror::put(&appliance, "1.0.0", |m| m.replace("\"secret/1\"]", "\"secret/1\", \"login/1\"]"));
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    site(&admin);
    let ann = made(&appliance, "Ann");
    let mut events = admin.call("GET", "/events").follow();
    set(&admin, &ann, PASSWORD).expect(204);
    set(&admin, &ann, "short").expect(422);
    let mut secrets = vec![PASSWORD.to_owned()];
    secrets.extend(verifiers(&admin));
    // Where the plugin's answer to the test goes through, it is meant to be seen; nowhere else.
    for (password, key) in [(PASSWORD, "reply"), (OTHER, "error")] {
        let asked = json!({"login": "ann", "domain": "acme.example.com", "password": password});
        assert!(relay(&admin, "login.check", &asked).get(key).is_some());
    }
    secrets.push(OTHER.to_owned());
    for answer in every_answer(&admin) {
        assert_silent(&answer.what, &answer.bytes, &secrets);
    }
    admin.post("/enterprises", &enterprise_body("the-last")).expect(201);
    let mut told = String::new();
    while !told.contains("the-last") {
        told.push_str(&format!("{:?}\n", events.next()));
    }
    assert_silent("the stream of events", told.as_bytes(), &secrets);
    appliance.stop();
    for entry in walk(&appliance.state()) {
        let bytes = std::fs::read(&entry).expect("a file of the state");
        assert_silent(&entry.display().to_string(), &bytes, &secrets);
        for key in raw(&secrets[1..]) {
            assert!(!bytes.windows(key.len()).any(|window| window == key), "{} holds a key", entry.display());
        }
    }
    let log = appliance.log();
    assert!(log.contains("TRACE"), "the log is at its most talkative:\n{log}");
    assert_silent("the log", log.as_bytes(), &secrets);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .filter(|path| path.is_file())
        .collect()
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let (mut appliance, ann) = front_office();
    for round in 0..5 {
        let password = format!("horse battery {round}");
        set(&appliance.admin(), &ann, &password).expect(204);
        appliance.kill9();
        appliance.resume();
        appliance.await_up(&["mirror"]);
        let asked = json!({"login": "ann", "domain": "acme.example.com", "password": password});
        assert!(relay(&appliance.admin(), "login.check", &asked)["reply"]["account"].is_string());
    }
    appliance.admin().delete(&format!("{ann}/password"), "*").expect(204);
    appliance.kill9();
    appliance.resume();
    assert_eq!(says(&appliance.admin(), &ann), (json!("no"), Value::Null));
}

#[test]
fn a_password_of_another_account_is_of_no_use() {
    let (mut appliance, ann) = front_office();
    let bob = made(&appliance, "bob");
    set(&appliance.admin(), &ann, PASSWORD).expect(204);
    set(&appliance.admin(), &bob, OTHER).expect(204);
    let id = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let swap = format!(
        "UPDATE account_password SET sealed = (SELECT sealed FROM account_password WHERE account = '{}') WHERE account = '{}'",
        id(&ann),
        id(&bob)
    );
    edited(&mut appliance, &swap);
    appliance.await_up(&["mirror"]);
    let asked = json!({"login": "bob", "domain": "acme.example.com", "password": PASSWORD});
    let refused = relay(&appliance.admin(), "login.check", &asked)["error"].clone();
    assert_eq!(refused["code"], "internal", "a row that was moved opens nothing: {refused}");
}
