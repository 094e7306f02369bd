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

#[test]
fn a_session_that_is_not_there_is_not_ended_and_a_search_is_bounded() {
    let appliance = appliance();
    let ended = appliance.post("federation/sessions/0123456789abcdef:end", json!(null));
    assert_eq!(ended.status, 404, "{ended:?}");
    let searched = |length| appliance.get_with("federation/sessions", json!({"q": "x".repeat(length)}));
    assert_eq!(searched(100).status, 200);
    let refused = searched(101);
    assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (422, &json!("?q")), "{refused:?}");
}
