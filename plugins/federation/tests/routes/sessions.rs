//! `federation/sessions`, and what is told of clients, while nobody can sign in.

use jackfield_sdk::json;

use crate::appliance;

#[test]
fn where_nobody_can_sign_in_no_client_is_waited_for() {
    let appliance = appliance();
    let answer = appliance.get("federation/sessions");
    assert_eq!((answer.status, answer.body), (200, json!({"items": [], "next": null})));
    let clients = appliance.get("federation").body["clients"].clone();
    assert_eq!((&clients["state"], &clients["connected"]), (&json!("idle"), &json!(0)));
    assert_eq!(clients["places"], json!([]));
}
