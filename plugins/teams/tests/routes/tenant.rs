//! `teams`: set up, kept, refused, and honest about it.

use jackfield_bench::complaint;
use jackfield_sdk::{Value, json};

use crate::{Appliance, CLIENT, TENANT, appliance, day, whole};

const NOT_CONNECTED: &str = "configured, not connected: this version does not talk to Microsoft Graph";

#[test]
fn a_new_appliance_has_teams_presence_off() {
    let appliance = appliance();
    let shown = appliance.get("teams").body;
    assert_eq!((&shown["direction"], &shown["state"]), (&json!("off"), &json!("off")), "{shown}");
    assert_eq!(
        (&shown["cloud"], &shown["path"], &shown["credential"]),
        (&json!("global"), &json!("new_app"), &json!("secret"))
    );
    assert_eq!((&shown["contract"]["tier"], &shown["revision"]), (&json!("none"), &json!(0)));
    assert_eq!(appliance.told("state.report")["state"], "up");
}

#[test]
fn a_whole_set_up_is_kept_and_says_that_nothing_is_connected() {
    for direction in ["uni_directional", "bi_directional"] {
        let appliance = appliance();
        let version = appliance.version("teams");
        let done = appliance.change("PUT", "teams", &version, whole(direction));
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!(
            (&done.body["state"], &done.body["reason"]),
            (&json!("not_connected"), &json!(NOT_CONNECTED))
        );
        let appliance = appliance.restarted();
        assert_eq!(appliance.get("teams"), done);
        assert_eq!(appliance.told("state.report"), json!({"state": "degraded", "reason": NOT_CONNECTED}));
        let same = appliance.change("PUT", "teams", &done.etag.clone().unwrap(), done.body.clone());
        assert_eq!((same, appliance.revisions().len()), (done, 1), "what reading gave can be sent back");
    }
}

#[test]
fn every_field_says_what_it_must_be() {
    let appliance = appliance();
    for (pointer, value, says) in [
        ("name", json!("x".repeat(65)), "text of 0 to 64 characters"),
        ("name", json!("a\u{0}"), "without control characters"),
        (
            "tenant_id",
            json!("contoso"),
            "the tenant's GUID, or one of its domains such as contoso.onmicrosoft.com; \"contoso\" is not",
        ),
        ("tenant_id", json!(7), "7 is not"),
        ("client_id", json!("app"), "a GUID such as"),
        ("cloud", json!("moon"), "one of \"global\", \"gcc_high\", \"dod\", \"china\"; \"moon\" is not"),
        ("path", json!("old"), "one of \"new_app\", \"existing_app\"; \"old\" is not"),
        ("redirect_uri", json!("uc.example.com"), "an https address"),
        ("credential", json!("password"), "one of \"secret\", \"certificate\"; \"password\" is not"),
        (
            "direction",
            json!("both"),
            "one of \"off\", \"uni_directional\", \"bi_directional\"; \"both\" is not",
        ),
        ("contract", json!("premium"), "an object; \"premium\" is not"),
        (
            "contract/tier",
            json!("gold"),
            "one of \"none\", \"standard\", \"advantage\", \"premium\"; \"gold\" is not",
        ),
        ("contract/active_until", json!("31.12.2030"), "a day such as 2030-01-31; \"31.12.2030\" is not"),
        (
            "contract/active_until",
            Value::Null,
            "the contract's last day where tier is not none; it is missing",
        ),
        ("contract/until", json!(1), "known: `tier`, `active_until`"),
        ("administrators", json!(true), "an object; true is not"),
        ("administrators/microsoft_365_global", json!("yes"), "true or false; \"yes\" is not"),
        ("administrators/cloudlink_account", json!(1), "true or false; 1 is not"),
        ("client_secret", json!("s".repeat(513)), "text of 1 to 512 characters"),
        ("client_secret_expires", json!("soon"), "a day such as 2030-01-31; \"soon\" is not"),
        (
            "certificate",
            json!("x\u{1}"),
            "printable ASCII in lines; what was given is not, and is not repeated",
        ),
        ("certificate_expires", json!(2030), "a day such as 2030-01-31; 2030 is not"),
        ("tenantid", json!(TENANT), "known: `name`, `tenant_id`"),
    ] {
        let mut body = whole("off");
        match pointer.split_once('/') {
            Some((part, field)) => body[part][field] = value,
            None => body[pointer] = value,
        }
        let answer = appliance.put("teams", body);
        let (at, said) = complaint(&answer);
        assert_eq!(at, format!("/{pointer}"), "{said}");
        assert!(said.contains(says), "{said}");
    }
    assert_eq!((appliance.revisions(), appliance.secrets().len()), (vec![], 0));
}

#[test]
fn presence_that_is_on_needs_tenant_application_credential_and_rights() {
    for direction in ["uni_directional", "bi_directional"] {
        for (field, value) in [
            ("name", json!("")),
            ("tenant_id", json!(null)),
            ("client_id", json!("")),
            ("administrators", json!({"microsoft_365_global": true})),
            ("administrators", json!({"cloudlink_account": true})),
            ("cloud", json!("china")),
        ] {
            let mut body = whole(direction);
            body[field] = value;
            let answer = appliance().put("teams", body);
            let (at, said) = complaint(&answer);
            assert!(at == format!("/{field}") && said.starts_with(&format!("{field} must")), "{said}");
        }
        let mut bare = whole(direction);
        bare["client_secret"] = Value::Null;
        bare["client_secret_expires"] = Value::Null;
        assert_eq!(complaint(&appliance().put("teams", bare)).0, "/client_secret");
        let mut other = whole(direction);
        other["credential"] = json!("certificate");
        assert_eq!(complaint(&appliance().put("teams", other)).0, "/certificate");
    }
    let bare = appliance().put("teams", json!({"direction": "bi_directional"}));
    let pointers: Vec<_> = bare.body["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    let all = [
        "/name",
        "/tenant_id",
        "/client_id",
        "/client_secret",
        "/administrators",
        "/contract",
        "/redirect_uri",
    ];
    assert_eq!(pointers, all, "everything at once");
}

#[test]
fn bi_directional_presence_needs_an_active_contract_of_the_right_tier() {
    for (tier, until, why) in [
        ("none", Value::Null, "there is none"),
        ("standard", json!(day(30)), "its tier is standard"),
        ("advantage", json!(day(-1)), "it ended on"),
        ("premium", json!(day(-400)), "it ended on"),
    ] {
        let mut body = whole("bi_directional");
        body["contract"] = json!({"tier": tier, "active_until": until});
        let appliance = appliance();
        let answer = appliance.put("teams", body.clone());
        let (at, said) = complaint(&answer);
        assert!(
            at == "/contract" && said.contains("tier advantage or premium") && said.contains(why),
            "{said}"
        );
        body["direction"] = json!("uni_directional");
        assert_eq!(appliance.put("teams", body).status, 200, "uni-directional does not need it");
    }
    for (tier, until) in [("advantage", day(0)), ("premium", day(1))] {
        let mut body = whole("bi_directional");
        body["contract"] = json!({"tier": tier, "active_until": until});
        assert_eq!(appliance().put("teams", body).status, 200, "{tier} until {until}");
    }
}

#[test]
fn bi_directional_presence_needs_a_redirect_address() {
    let mut body = whole("bi_directional");
    body["redirect_uri"] = json!("");
    let answer = appliance().put("teams", body.clone());
    let (at, said) = complaint(&answer);
    assert!(at == "/redirect_uri" && said.ends_with("it is missing"), "{said}");
    body["direction"] = json!("uni_directional");
    assert_eq!(appliance().put("teams", body).status, 200);
}

#[test]
fn a_contract_that_ends_is_told_although_nobody_changed_anything() {
    let appliance = appliance();
    assert_eq!(appliance.put("teams", whole("bi_directional")).status, 200);
    let before = appliance.version("teams");
    let ended = day(-1);
    appliance.core(&format!(
        "UPDATE teams_document SET value = json_set(value, '$.contract.active_until', '{ended}')"
    ));
    let appliance = appliance.restarted();
    let shown = appliance.get("teams");
    assert_eq!(shown.body["state"], "not_allowed");
    assert!(
        shown.body["reason"].as_str().unwrap().ends_with(&format!("it ended on {ended}")),
        "{}",
        shown.body
    );
    assert_ne!(shown.etag.unwrap(), before, "a cached answer would show the old state");
    let found = appliance.doctor();
    assert_eq!((&found[0]["name"], &found[0]["state"]), (&json!("connection"), &json!("problem")));
}

#[test]
fn tenants_are_guids_or_domains_and_ids_are_kept_in_lower_case() {
    for (tenant, kept) in
        [(TENANT.to_uppercase(), TENANT), ("Contoso.OnMicrosoft.com".to_owned(), "contoso.onmicrosoft.com")]
    {
        let done = appliance().put("teams", json!({"tenant_id": tenant, "client_id": CLIENT.to_uppercase()}));
        assert_eq!((&done.body["tenant_id"], &done.body["client_id"]), (&json!(kept), &json!(CLIENT)));
    }
}

#[test]
fn the_steps_follow_the_customer_s_path() {
    let steps = |path: &str| appliance().put("teams", json!({ "path": path })).body["steps"].clone();
    assert!(steps("new_app")[0].as_str().unwrap().contains("register an application"));
    assert!(steps("existing_app")[0].as_str().unwrap().starts_with("Keep the application"));
}

#[test]
fn a_dry_run_answers_the_same_and_keeps_nothing() {
    let appliance = appliance();
    let version = appliance.version("teams");
    let told = appliance.count("state.report");
    let shown = appliance.rehearse("PUT", "teams", Some(&version), whole("bi_directional"));
    assert_eq!((shown.status, &shown.body["state"]), (200, &json!("not_connected")), "{}", shown.body);
    assert_eq!((appliance.stored().len(), appliance.secrets().len()), (0, 0));
    assert_eq!((appliance.count("db.tx"), appliance.count("state.report")), (0, told));
    let wrong = appliance.rehearse("PUT", "teams", Some("*"), json!({"direction": "bi_directional"}));
    assert_eq!(wrong.status, 422);
}

#[test]
fn each_change_is_one_revision_and_a_stale_one_is_none() {
    let appliance: Appliance = appliance();
    let old = appliance.version("teams");
    appliance.put("teams", whole("uni_directional"));
    assert_eq!(appliance.change("PUT", "teams", &old, whole("off")).status, 412);
    appliance.interrupt("UPDATE teams_document SET revision = revision + 1");
    assert_eq!(appliance.put("teams", whole("off")).status, 409);
    appliance.put("teams", whole("bi_directional"));
    let noted: Vec<_> =
        appliance.revisions().into_iter().map(|n| (n.what, n.after["direction"].clone())).collect();
    let what = || "teams teams".to_owned();
    assert_eq!(noted, [(what(), json!("uni_directional")), (what(), json!("bi_directional"))]);
}
