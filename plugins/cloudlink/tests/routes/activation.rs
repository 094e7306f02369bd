//! `cloudlink/activation`: nothing is activated, and who would fail is known before.

use jackfield_sdk::{Value, json};

use crate::{Appliance, appliance, whole};

/// An appliance with an account of every sort; `ann` and `bob` are fine.
fn with_accounts() -> Appliance {
    let appliance = appliance();
    appliance.account(["ann", "ann"], ["Ann", "Ek"], "ann@ex.org", true);
    appliance.account(["bob", "bob"], ["Bob", "Oe"], "bob.o'oe@sub.ex.org", true);
    appliance.account(["c1", "c1"], ["Cy", "Fu"], "same@ex.org", true);
    appliance.account(["c2", "c2"], ["Di", "Fu"], "SAME@ex.org", true);
    appliance.account(["c3", "c3"], ["Ed", "Fu"], "same@ex.org", false);
    appliance.account(["d", "d"], ["Di", "Gu"], "", true);
    appliance.account(["e", "e"], ["", "Hu"], "e@ex.org", true);
    appliance.account(["f", ""], ["Fi", "Iu"], "f@ex.org", true);
    appliance.account(["g", "g"], ["Gi", "Ju"], "gi@ex", true);
    appliance.account(["h", "h"], ["", "Ku"], "", true);
    appliance
}

fn names(item: &Value) -> Vec<&str> {
    item["findings"].as_array().unwrap().iter().map(|finding| finding["reason"].as_str().unwrap()).collect()
}

#[test]
fn nothing_is_activated_while_nothing_is_connected() {
    let appliance = with_accounts();
    appliance.put("cloudlink", whole());
    let shown = appliance.get("cloudlink/activation");
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert_eq!((&shown.body["successful"], &shown.body["failed"]), (&json!(0), &json!(0)));
    assert_eq!((&shown.body["state"], &shown.body["progress"]), (&json!("not_connected"), &Value::Null));
    assert!(shown.body["reason"].as_str().unwrap().starts_with("no account is activated: configured, not"));
}

#[test]
fn accounts_that_would_fail_are_counted_and_listed_with_all_their_reasons() {
    let shown = with_accounts().get("cloudlink/activation").body;
    assert_eq!(
        (&shown["accounts"], &shown["ready"], &shown["would_fail"]),
        (&json!(10), &json!(2), &json!(7))
    );
    let counts = json!({"duplicate_email": 2, "malformed_email": 1, "missing_email": 2, "missing_login": 1,
        "missing_names": 2, "not_deployed": 1});
    assert_eq!(shown["by_reason"], counts);
    let items = shown["items"].as_array().unwrap();
    let all: Vec<_> = items.iter().map(|item| (item["account"].as_str().unwrap(), names(item))).collect();
    let wanted = [
        ("c1", vec!["duplicate_email"]),
        ("c2", vec!["duplicate_email"]),
        ("c3", vec!["not_deployed"]),
        ("d", vec!["missing_email"]),
        ("e", vec!["missing_names"]),
        ("f", vec!["missing_login"]),
        ("g", vec!["malformed_email"]),
        ("h", vec!["missing_names", "missing_email"]),
    ];
    assert_eq!(all, wanted);
}

#[test]
fn each_reason_has_the_failure_s_text_and_what_to_do() {
    let shown = with_accounts().get("cloudlink/activation").body;
    let finding = |account: &str| {
        let items = shown["items"].as_array().unwrap();
        items.iter().find(|item| item["account"] == account).unwrap()["findings"][0].clone()
    };
    for (account, failure, retry) in [
        ("c2", json!("UCA Error - 500, Multiple users found with email: SAME@ex.org"), "by_hand"),
        ("c3", Value::Null, "automatic"),
        ("d", json!("UCA Error - 400, <Validation Error: Primary Email missing>"), "by_hand"),
        ("e", json!("UCA Error - 400, <Validation Error: User info must not be empty>"), "by_hand"),
        ("f", json!("SAS Error – User’s Email/UC service not available."), "automatic"),
        ("g", json!("CloudLink Error - 500, <Email address is invalid>"), "automatic"),
    ] {
        let told = finding(account);
        assert_eq!((&told["failure"], &told["retry"]), (&failure, &json!(retry)), "{account}");
        assert!(told["corrective_action"].as_str().unwrap().len() > 30, "{told}");
    }
}

#[test]
fn addresses_that_no_mail_system_takes_are_malformed() {
    let appliance = appliance();
    let good = ["a@b.co", "a.b+c@d-e.fr", "o'x@ex.org", "é@ex.org"];
    let bad = [
        "a", "a@b", "@b.co", "a@@b.co", "a@b@c.co", "a b@c.co", "a@b..co", ".a@b.co", "a.@b.co", "a@.b.co",
        "a@b.co.", "a@b.co-", "a@-b.co", "a@b_c.co", "a,b@c.co", "<a@b.co>", "a\t@b.co", "a@b.co\n",
    ];
    for (index, email) in good.iter().chain(&bad).enumerate() {
        appliance.account([&format!("{index:02}"), &format!("l{index}")], ["A", "B"], email, true);
    }
    let shown = appliance.get_with("cloudlink/activation", json!({"reason": "malformed_email"})).body;
    let found: Vec<_> = shown["items"].as_array().unwrap().iter().map(|item| &item["email"]).collect();
    assert_eq!(found, bad);
}

#[test]
fn the_list_is_read_in_pages_and_by_reason() {
    let appliance = with_accounts();
    let page = |query: Value| appliance.get_with("cloudlink/activation", query).body;
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["account"].as_str().unwrap().to_owned()).collect()
    };
    let first = page(json!({"limit": "3"}));
    assert_eq!(
        (ids(&first), &first["next"]),
        (vec!["c1".into(), "c2".into(), "c3".to_owned()], &json!("c3"))
    );
    let rest = page(json!({"limit": "10", "cursor": first["next"]}));
    assert_eq!(
        (ids(&rest).len(), &rest["next"], &rest["accounts"]),
        (5, &Value::Null, &Value::Null),
        "counted on the first page only"
    );
    assert_eq!(ids(&page(json!({"reason": "missing_names"}))), ["e", "h"]);
    let wrong = appliance.get_with("cloudlink/activation", json!({"reason": "bad luck"}));
    assert_eq!((wrong.status, &wrong.body["errors"][0]["pointer"]), (422, &json!("?reason")));
    assert!(wrong.body["detail"].as_str().unwrap().contains("\"bad luck\" is not"), "{}", wrong.body);
}

#[test]
fn what_is_mended_is_ready_at_once() {
    let appliance = with_accounts();
    appliance.core("UPDATE account SET email = 'two@ex.org' WHERE id = 'c2'");
    let shown = appliance.get("cloudlink/activation").body;
    assert_eq!((&shown["ready"], &shown["by_reason"]["duplicate_email"]), (&json!(4), &json!(0)));
}

#[test]
fn an_empty_appliance_has_nobody_to_activate() {
    let shown = appliance().get("cloudlink/activation").body;
    assert_eq!((&shown["accounts"], &shown["ready"], &shown["items"]), (&json!(0), &json!(0), &json!([])));
}
