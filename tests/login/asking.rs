//! What a plugin that listens for clients learns: keys of SCRAM, whether a password is right, and nothing about who is
//! there.

use std::process::Command;

use super::*;

const DOMAIN: &str = "acme.example.com";

/// The keys by another implementation: Python's.
const PYTHON: &str = "
import base64, hashlib, hmac, json, sys
name, password, salt, iterations = sys.argv[1:]
salted = hashlib.pbkdf2_hmac(name, password.encode(), base64.b64decode(salt), int(iterations))
keyed = lambda what: hmac.new(salted, what, name).digest()
text = lambda data: base64.b64encode(data).decode()
print(json.dumps([text(hashlib.new(name, keyed(b'Client Key')).digest()), text(keyed(b'Server Key'))]))
";

fn relay(client: &Client, op: &str, args: &Value) -> Value {
    client.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
}

fn keys(client: &Client, login: &str, domain: &str, mechanism: &str) -> Value {
    relay(client, "login.keys", &json!({"login": login, "domain": domain, "mechanism": mechanism}))
}

fn check(client: &Client, login: &str, password: &str) -> Value {
    relay(client, "login.check", &json!({"login": login, "domain": DOMAIN, "password": password}))
}

fn logins(client: &Client) -> Value {
    let sql = "SELECT count(*), sum(scram), sum(bind) FROM core_logins";
    relay(client, "db.query", &json!({"sql": sql}))["reply"]["rows"][0].clone()
}

#[test]
fn keys_are_those_that_another_implementation_makes() {
    let (appliance, ann) = front_office();
    let admin = appliance.admin();
    set(&admin, &ann, "p\u{e4}ss\u{a0}word \u{2168}").expect(204);
    for (mechanism, name) in [("SCRAM-SHA-1", "sha1"), ("SCRAM-SHA-256", "sha256")] {
        let found = keys(&admin, "aNN", "ACME.example.com", mechanism)["reply"].clone();
        assert_eq!(json!(format!("/accounts/{}", found["account"].as_str().unwrap())), json!(ann));
        let iterations = found["iterations"].as_u64().expect("a number");
        assert!(iterations >= 10_000, "{found}");
        let salt = found["salt"].as_str().expect("a salt");
        assert_eq!(data_encoding::BASE64.decode(salt.as_bytes()).expect("base64").len(), 16);
        // As SASLprep makes it (RFC 4013): a plain space, and the numeral as letters.
        let args = [name, "p\u{e4}ss word IX", salt, &iterations.to_string()];
        let made = Command::new("python3").args(["-c", PYTHON]).args(args).output().expect("python3");
        let made: Value = serde_json::from_slice(&made.stdout).expect("two keys");
        assert_eq!(made, json!([found["stored_key"], found["server_key"]]), "{mechanism}");
    }
    assert!(check(&admin, "ann", "p\u{e4}ss word IX")["reply"].is_object());
    assert!(check(&admin, "ann", "pa\u{308}ss word IX")["reply"].is_object());
}

#[test]
fn who_cannot_sign_in_is_not_there() {
    let (appliance, ann) = front_office();
    let admin = appliance.admin();
    let code = |login: &str, domain: &str, mechanism: &str| {
        keys(&admin, login, domain, mechanism)["error"]["code"].clone()
    };
    assert_eq!(code("ann", DOMAIN, "SCRAM-SHA-256"), "not_found", "no password yet");
    assert_eq!(logins(&admin)[0], 0);
    set(&admin, &ann, PASSWORD).expect(204);
    assert_eq!(logins(&admin), json!([1, 1, 0]));
    assert_eq!(code("bob", DOMAIN, "SCRAM-SHA-256"), "not_found");
    assert_eq!(code("ann", "elsewhere.example", "SCRAM-SHA-256"), "not_found");
    assert_eq!(code("ann", DOMAIN, "SCRAM-SHA-512"), "bad_request");
    let long = "x".repeat(5000);
    assert_eq!(code(&long, &long, "SCRAM-SHA-1"), "not_found");
    admin.patch(&ann, "*", &json!({"deployed": false})).expect(200);
    assert_eq!(code("ann", DOMAIN, "SCRAM-SHA-256"), "not_found", "un-deployed");
    assert_eq!(check(&admin, "ann", PASSWORD)["error"]["code"], "denied");
    assert_eq!(logins(&admin)[0], 0);
}

#[test]
fn a_wrong_password_and_an_unknown_login_are_answered_alike() {
    let (appliance, ann) = front_office();
    let admin = appliance.admin();
    set(&admin, &ann, PASSWORD).expect(204);
    assert_eq!(check(&admin, "ann", PASSWORD)["reply"]["account"], json!(ann.rsplit('/').next()));
    let wrong = check(&admin, "ann", OTHER)["error"].clone();
    assert_eq!(wrong, json!({"code": "denied", "msg": "login or password is wrong"}));
    for (login, password) in
        [("bob", OTHER), ("ann", ""), ("ann", "\u{7}"), ("", ""), ("ann", &"x".repeat(9000))]
    {
        assert_eq!(check(&admin, login, password)["error"], wrong);
    }
}

#[test]
fn after_ten_failures_everybody_of_that_name_must_wait_whether_they_exist_or_not() {
    let (appliance, ann) = front_office();
    let admin = appliance.admin();
    set(&admin, &ann, PASSWORD).expect(204);
    for _ in 0..9 {
        assert_eq!(check(&admin, "ann", OTHER)["error"]["code"], "denied");
    }
    assert!(check(&admin, "ann", PASSWORD)["reply"].is_object(), "nine are forgiven");
    for login in ["ann", "nobody"] {
        for n in 0..10 {
            // A wrong proof counts as a wrong password.
            match n % 2 {
                0 => assert_eq!(check(&admin, login, OTHER)["error"]["code"], "denied"),
                _ => assert_eq!(
                    relay(&admin, "login.failed", &json!({"login": login, "domain": DOMAIN}))["reply"],
                    json!({})
                ),
            }
        }
        for refused in
            [check(&admin, &login.to_uppercase(), PASSWORD), keys(&admin, login, DOMAIN, "SCRAM-SHA-256")]
        {
            let refused = &refused["error"];
            assert_eq!(refused["code"], "busy", "{login}: {refused}");
            let wait = refused["retry_ms"].as_u64().expect("a time to wait");
            assert!((1..=300_000).contains(&wait), "{refused}");
            assert!(refused["msg"].as_str().expect("words").contains("try again in"), "{refused}");
        }
    }
    let bob = made(&appliance, "bob");
    set(&admin, &bob, PASSWORD).expect(204);
    assert!(check(&admin, "bob", PASSWORD)["reply"].is_object(), "others do not wait");
}

#[test]
fn a_plugin_without_the_service_learns_nothing() {
    let mut appliance = mirror::laid_out();
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let refused = check(&appliance.admin(), "ann", PASSWORD)["error"].clone();
    assert_eq!(refused["code"], "denied");
    assert!(refused["msg"].as_str().expect("words").contains("login/1"), "{refused}");
}
