//! Peers beyond the rules of single fields: their kind, and where they lead. How they are called is `dialing`'s.

use serde_json::{Value, json};

use crate::harness::*;

fn appliance_with_site() -> (Appliance, Client) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    (appliance, admin)
}

#[test]
fn a_peer_of_which_only_the_prefix_is_known_is_taken() {
    let (_appliance, admin) = appliance_with_site();
    let made = admin
        .post("/peers", &json!({"enterprise": "acme", "description": "Nice", "dialing_prefix": "-7"}))
        .expect(201);
    let usual = json!({"kind": null, "hostname": null, "peer_enterprise": null, "dialing_prefix": "-7",
        "sync_every_days": 0, "sync_hour": 2, "sync_minute": 0, "sync_half": "AM"});
    for (field, value) in usual.as_object().unwrap() {
        assert_eq!(&made.json[field], value, "{field}: {made}");
    }
}

#[test]
fn a_kind_is_set_once() {
    let (_appliance, admin) = appliance_with_site();
    let lyon = admin.get("/peers?enterprise=acme").expect(200).items()[0].clone();
    let path = format!("/peers/{}", lyon["id"].as_str().unwrap());
    let whole = json!({"kind": "jackfield", "hostname": "UC.Lyon.Example", "peer_enterprise": "Lyon-01"});
    let set = admin.patch(&path, "*", &whole).expect(200);
    assert_eq!((set.text("hostname"), set.text("dialing_prefix")), ("uc.lyon.example".into(), "77".into()));
    for kind in [json!("external"), Value::Null] {
        let other = json!({"description": "Lyon", "kind": kind});
        let refused = admin.put(&path, "*", &other).problem(422, "request/invalid");
        refused.blames("/kind", "cannot be changed once it is set");
    }
    let kept = json!({"description": "Lyon", "hostname": "uc.lyon.example", "peer_enterprise": "Lyon-01"});
    let put = admin.put(&path, "*", &kept).expect(200);
    assert_eq!(put.text("kind"), "jackfield", "a replacement may leave it out");
}

#[test]
fn everything_that_the_kind_lacks_is_told_at_once() {
    let (_appliance, admin) = appliance_with_site();
    let bare = json!({"enterprise": "acme", "description": "Nice", "kind": "jackfield"});
    let refused = admin.post("/peers", &bare).problem(422, "request/invalid");
    refused.blames("/hostname", "it is missing").blames("/peer_enterprise", "it is missing");
}

#[test]
fn peers_are_listed_by_kind() {
    let (_appliance, admin) = appliance_with_site();
    admin.post("/peers", &sister("Nice", "uc.nice.example", "Nice-01")).expect(201);
    let external = json!({"enterprise": "acme", "description": "OCS", "kind": "external"});
    admin.post("/peers", &external).expect(201);
    for (query, names) in
        [("kind=jackfield", vec!["Nice"]), ("kind=external", vec!["OCS"]), ("", vec!["Lyon", "Nice", "OCS"])]
    {
        assert_eq!(admin.get(&format!("/peers?{query}")).expect(200).column("description"), names, "{query}");
    }
}

#[test]
fn two_peers_do_not_lead_to_the_same_enterprise() {
    let (_appliance, admin) = appliance_with_site();
    let made = admin.post("/peers", &sister("Nice", "uc.nice.example", "Nice-01")).expect(201);
    let twice = admin.post("/peers", &sister("Nizza", "UC.nice.example", "NICE-01"));
    twice
        .problem(422, "request/invalid")
        .blames("/peer_enterprise", "\"NICE-01\" on \"uc.nice.example\" is the peer \"Nice\"");
    admin.post("/peers", &sister("Nizza", "uc.nice.example", "Nice-02")).expect(201);
    admin.patch(&format!("/peers/{}", made.id()), "*", &json!({"description": "Nice One"})).expect(200);
}

/// Seeds 001 and 002: enterprises of one appliance may be peers.
#[test]
fn an_enterprise_is_a_peer_of_a_neighbour_but_not_of_itself() {
    let mut appliance = Appliance::laid_out(|config| with_certificate(&config));
    let pair = Pair::new();
    pair.write(appliance.folder());
    appliance.resume();
    let admin = appliance.admin();
    site(&admin);
    site_named(&admin, "beta");
    let own = |enterprise| admin.post("/peers", &sister("Next door", "Box.Example.COM", enterprise));
    own("Acme").problem(422, "request/invalid").blames("/peer_enterprise", "\"Acme\" is not");
    own("gamma")
        .problem(422, "request/invalid")
        .blames("/peer_enterprise", "there is none with the id \"gamma\"");
    own("beta").expect(201);
    admin.post("/peers", &sister("Far", "box.example.org", "acme")).expect(201);
}

#[test]
fn an_undone_deletion_brings_a_whole_peer_back() {
    let (_appliance, admin) = appliance_with_site();
    let body = with(&sister("Nice", "uc.nice.example", "Nice-01"), &json!({"sync_every_days": 3}));
    let made = admin.post("/peers", &body).expect(201);
    let path = format!("/peers/{}", made.id());
    admin.delete(&path, "*").expect(204);
    let deletion = admin.get("/revisions?limit=1").expect(200).items()[0]["n"].clone();
    admin.call("POST", &format!("/revisions/{deletion}:undo")).send().expect(201);
    let back = admin.get(&path).expect(200).json;
    for field in ["kind", "hostname", "peer_enterprise", "sync_every_days", "created_at"] {
        assert_eq!(back[field], made.json[field], "{field}");
    }
}
