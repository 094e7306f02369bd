//! Secrets of plugins: kept sealed, found again, and nobody else's.

use serde_json::{Value, json};

use super::mirror;
use crate::harness::*;

fn relay(client: &Client, op: &str, args: &Value) -> Value {
    client.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
}

fn get(client: &Client, name: &str) -> Value {
    relay(client, "secret.get", &json!({"name": name}))["reply"]["value"].clone()
}

const VALUE: &str = "pässword-{\"x\"}-7f3a9c";

#[test]
fn a_secret_is_found_again_after_a_power_cut_until_it_is_deleted() {
    let mut appliance = mirror::start();
    let admin = appliance.admin();
    assert_eq!(get(&admin, "api-key"), Value::Null);
    assert_eq!(
        relay(&admin, "secret.put", &json!({"name": "api-key", "value": VALUE})),
        json!({"reply": {}})
    );
    appliance.kill9();
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    assert_eq!(get(&admin, "api-key"), VALUE);
    relay(&admin, "secret.put", &json!({"name": "api-key", "value": "second"}));
    assert_eq!(get(&admin, "api-key"), "second");
    assert_eq!(relay(&admin, "secret.delete", &json!({"name": "api-key"})), json!({"reply": {}}));
    assert_eq!(get(&admin, "api-key"), Value::Null);
}

#[test]
fn a_secret_is_nowhere_in_clear() {
    let mut appliance = mirror::start();
    let admin = appliance.admin();
    relay(&admin, "secret.put", &json!({"name": "api-key", "value": VALUE}));
    for path in ["/plugins/mirror", "/settings", "/revisions", "/doctor"] {
        assert!(!String::from_utf8_lossy(&admin.get(path).expect(200).bytes).contains(VALUE), "{path}");
    }
    appliance.stop();
    assert!(!appliance.log().contains(VALUE), "it is in the log");
    for (path, bytes) in snapshot(&appliance.state()) {
        let is_there = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
        assert!(!is_there, "{} holds it in clear", path.display());
    }
}

#[test]
fn no_name_leads_out_of_a_plugin_s_own_secrets() {
    let appliance = mirror::start();
    let admin = appliance.admin();
    for name in ["../echo.x", "tls.self signed", "", "A", "a/b", &"x".repeat(65)] {
        let refused = relay(&admin, "secret.get", &json!({"name": name}));
        assert_eq!(refused["error"]["code"], "bad_request", "{name:?}: {refused}");
    }
    // The certificate's key has this name among core's own.
    assert_eq!(get(&admin, "tls.self_signed"), Value::Null);
}
