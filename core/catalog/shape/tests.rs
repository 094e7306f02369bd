//! What shapes take, and how they say what they do not.

use serde_json::json;

use super::*;
use crate::catalog::rules;

const PORT: Kind = Kind::Integer { min: 1, max: 65535 };
static THING: Shape = Shape {
    name: "Thing",
    help: "A thing.",
    fields: &[
        Field::read_only("revision", Kind::Integer { min: 0, max: i64::MAX }, "Last change."),
        Field::required("id", Kind::Text { min: 4, max: 8, rule: Some(&rules::ENTERPRISE_ID) }, "Its id.")
            .fixed(),
        Field::optional("ports", Kind::List { of: &PORT, max: 2 }, Absent::Empty, "Its ports."),
        Field::optional("mood", Kind::Choice(&["glad", "sad"]), Absent::Text("glad"), "Its mood."),
    ],
};

fn complaint(input: Value) -> String {
    let errors = THING.accept(&input, None).unwrap_err();
    errors.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_left_out_is_filled_in() {
    let accepted = THING.accept(&json!({"id": "abcd"}), None).unwrap();
    assert_eq!(Value::Object(accepted), json!({"id": "abcd", "ports": [], "mood": "glad"}));
}

#[test]
fn an_unknown_field_is_named_with_the_nearest_known_one() {
    assert_eq!(
        complaint(json!({"id": "abcd", "prots": []})),
        "/prots is not a field of Thing; did you mean \"ports\"?"
    );
}

#[test]
fn every_wrong_field_is_reported_at_once() {
    let said = complaint(json!({"ports": [1, 0, 1], "mood": "sat"}));
    assert!(said.contains("/id is missing"), "{said}");
    assert!(said.contains("may hold at most 2"), "{said}");
    assert!(said.contains("did you mean \"sad\""), "{said}");
}

#[test]
fn list_elements_are_checked_one_by_one() {
    let said = complaint(json!({"id": "abcd", "ports": [0, "x"]}));
    assert_eq!(said, "/ports/0 must be 1 to 65535; 0 is not\n/ports/1 must be a whole number, not text");
    assert_eq!(complaint(json!({"id": "abcd", "ports": [7, 7]})), "/ports/1 7 is listed twice");
}

#[test]
fn the_appliances_own_fields_may_be_repeated_but_not_altered() {
    let current = json!({"id": "abcd", "revision": 7, "ports": [], "mood": "sad"});
    let current = current.as_object().unwrap();
    let repeated = THING.accept(&json!({"id": "abcd", "revision": 7}), Some(current)).unwrap();
    assert_eq!(repeated.get("mood"), Some(&json!("glad")), "a replacement resets what it leaves out");
    assert!(THING.accept(&json!({"revision": 8}), Some(current)).is_err());
    let renamed = THING.accept(&json!({"id": "efgh"}), Some(current)).unwrap();
    assert_eq!(THING.altered_fixed(&renamed, current).len(), 1);
}

#[test]
fn a_fixed_field_that_is_null_can_be_set_once() {
    let (unset, set) = (json!({"id": null}), json!({"id": "abcd"}));
    let (unset, set) = (unset.as_object().unwrap(), set.as_object().unwrap());
    assert_eq!(THING.altered_fixed(set, unset), []);
    let refused = THING.altered_fixed(unset, set).remove(0).detail;
    assert_eq!(refused, "cannot be changed once it is set: it is \"abcd\"; null is not");
}

#[test]
fn what_an_earlier_version_did_not_have_is_filled_in() {
    let mut old = json!({"id": "abcd", "mood": "sad"}).as_object().cloned().unwrap();
    THING.complete(&mut old);
    assert_eq!(Value::Object(old), json!({"id": "abcd", "mood": "sad", "ports": []}));
}

#[test]
fn only_an_object_is_accepted() {
    assert_eq!(complaint(json!([1])), " must be a JSON object, not a list");
}
