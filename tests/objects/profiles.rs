//! User profiles: the two that come with the appliance, own ones, and whose they are.

use serde_json::json;

use crate::harness::*;

#[test]
fn two_profiles_come_with_the_appliance() {
    let appliance = Appliance::start();
    let profiles = appliance.admin().get("/profiles").expect(200);
    assert_eq!(profiles.column("name"), ["Default User Profile", "Default MS Teams User Profile"]);
    let teams: Vec<_> = profiles.items().iter().map(|profile| profile["teams_status"].clone()).collect();
    assert_eq!(teams, [json!(false), json!(true)]);
}

#[test]
fn the_default_profile_cannot_be_edited_and_neither_can_be_deleted() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin
        .patch("/profiles/profile-default", "*", &json!({"auto_start": true}))
        .problem(409, "change/conflict")
        .says("cannot be edited. Make a profile of your own.");
    for profile in ["profile-default", "profile-teams"] {
        let refused = admin.delete(&format!("/profiles/{profile}"), "*").problem(409, "change/conflict");
        refused.says("came with the appliance and cannot be deleted");
    }
    let teams = "/profiles/profile-teams";
    admin.patch(teams, "\"0\"", &json!({"auto_start": true})).expect(200);
    admin
        .patch(teams, "*", &json!({"teams_status": false}))
        .problem(422, "request/invalid")
        .blames("/teams_status", "must be true in the Default MS Teams User Profile");
}

#[test]
fn an_account_without_a_profile_has_the_default_one() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    let jo = admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201);
    assert_eq!(jo.text("profile"), "profile-default");
    let own = admin.post("/profiles", &json!({"name": "Sales"})).expect(201).id();
    let path = format!("/accounts/{}", jo.id());
    assert_eq!(admin.patch(&path, "*", &json!({"profile": own})).expect(200).text("profile"), own);
    assert_eq!(admin.get(&format!("/accounts?profile={own}")).expect(200).items().len(), 1);
    admin
        .delete(&format!("/profiles/{own}"), "*")
        .problem(409, "change/in_use")
        .says("still used by 1 account. Delete or move");
    assert_eq!(
        admin.patch(&path, "*", &json!({"profile": null})).expect(200).text("profile"),
        "profile-default"
    );
}

#[test]
fn names_of_profiles_are_unique_without_regard_to_case() {
    let appliance = Appliance::start();
    let same = json!({"name": "DEFAULT user profile"});
    appliance
        .admin()
        .post("/profiles", &same)
        .problem(409, "change/conflict")
        .blames("/name", "another profile");
}
