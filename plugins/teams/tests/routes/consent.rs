//! `teams/consent`: the documented address, and what is granted there.

use jackfield_sdk::json;

use crate::{CLIENT, TENANT, appliance, whole};

#[test]
fn the_address_has_the_documented_form_in_every_cloud() {
    for (cloud, login) in [
        ("global", "https://login.microsoftonline.com"),
        ("gcc_high", "https://login.microsoftonline.us"),
        ("dod", "https://login.microsoftonline.us"),
    ] {
        let appliance = appliance();
        let mut body = whole("uni_directional");
        body["cloud"] = json!(cloud);
        appliance.put("teams", body);
        let shown = appliance.get("teams/consent").body;
        let back = "https%3A%2F%2Fuc.example.com%2Fapi%2Fv1%2Fteams%3Acallback";
        let url =
            format!("{login}/{TENANT}/adminconsent?client_id={CLIENT}&redirect_uri={back}&state=setup-1");
        assert_eq!((&shown["url"], &shown["state"]), (&json!(url), &json!("unknown")), "{shown}");
    }
}

#[test]
fn bi_directional_presence_needs_more_permissions() {
    let names = |direction: &str| {
        let appliance = appliance();
        appliance.put("teams", whole(direction));
        let shown = appliance.get("teams/consent").body;
        let all = shown["permissions"].as_array().unwrap().iter();
        all.map(|p| format!("{} {}", p["kind"].as_str().unwrap(), p["name"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(names("uni_directional"), ["application User.Read.All", "application Presence.ReadWrite.All"]);
    assert_eq!(names("bi_directional").len(), 4);
}

#[test]
fn an_incomplete_set_up_is_told_what_it_lacks() {
    let appliance = appliance();
    appliance.put("teams", json!({"tenant_id": TENANT}));
    let answer = appliance.get("teams/consent");
    assert_eq!(answer.status, 409);
    assert!(
        answer.body["detail"].as_str().unwrap().contains("lacks client_id, redirect_uri"),
        "{}",
        answer.body
    );
}
