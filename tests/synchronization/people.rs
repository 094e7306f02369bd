//! Contacts as people meet them: in the directory, when they are called, in messages, on the record.

use serde_json::json;

use super::{entries, entry, ground};
use crate::harness::*;

#[test]
fn contacts_appear_in_the_folder_of_their_peer_and_move_with_its_name() {
    let ground = ground();
    let done = ground.run(&json!({}), &[entry("a", "1", "anna"), entry("b", "1", "bert")]);
    assert_eq!((&done["adds"], &done["held"]), (&json!(2), &json!(null)), "{done}");
    let admin = &ground.admin;
    let found = |query: &str| {
        admin.get(&format!("/directory?enterprise=acme&{query}")).expect(200).column("login_id")
    };
    assert_eq!(found("folder=Lyon"), ["anna", "bert"]);
    assert_eq!(found("folder=Lyon/Ventes&q=ann"), ["anna"]);
    assert_eq!(admin.get("/accounts?origin=peer").expect(200).column("login_id"), ["anna", "bert"]);
    admin.patch(&format!("/peers/{}", ground.lyon), "*", &json!({"description": "Lugdunum"})).expect(200);
    assert_eq!((found("folder=Lyon"), found("folder=Lugdunum/Ventes/Sud").len()), (vec![], 2));
}

#[test]
fn a_contact_is_called_over_its_peer() {
    let ground = ground();
    ground.run(&json!({}), &[entry("a", "1", "anna")]);
    let admin = &ground.admin;
    let anna = admin.get("/accounts?login_id=anna").expect(200).items()[0]["id"].clone();
    let node = admin.get("/pbx-nodes").expect(200).items()[0].clone();
    let asked = json!({"node": node["id"], "to": {"account": anna}});
    let answer = admin.post("/dialing/preview", &asked).expect(200);
    let expected = format!("{}774321", node["outgoing_digit"].as_str().unwrap());
    assert_eq!(answer.text("dialed"), expected, "{answer}");
}

#[test]
fn people_are_found_field_by_field_by_a_plugin() {
    let ground = ground();
    ground.run(&json!({}), &[entry("a", "1", "anna"), entry("b", "1", "an%a")]);
    let admin = &ground.admin;
    let own = |login: &str, more: &serde_json::Value| {
        admin.post("/accounts", &account("acme", login, more)).expect(201);
    };
    own("anna.own", &json!({"first_name": "\u{c4}nne \"Q\"", "last_name": "Wu", "folder": "Lab"}));
    own("anna.away", &json!({"deployed": false}));
    own("anna.hidden", &json!({"in_directory": false}));
    let find = |all: &[(&str, &str)]| {
        let all: Vec<_> = all.iter().map(|(field, text)| json!({"field": field, "text": text})).collect();
        let found = ground.asked("people.find", &json!({"enterprise": "acme", "all": all, "limit": 10}));
        found["people"].as_array().expect("people").clone()
    };
    let logins = |all: &[(&str, &str)]| {
        find(all).iter().map(|one| one["login_id"].as_str().expect("a login").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(logins(&[("login_id", "ANNA")]), ["anna.own"], "contacts have no address yet");
    ground.asked("peer.domain", &json!({"peer": ground.lyon, "domain": "lyon.example"}));
    assert_eq!(logins(&[("login_id", "anna")]), ["anna", "anna.own"]);
    let anna = find(&[("email", "anna@lyon"), ("folder", "lyon/ventes")]);
    assert_eq!(anna[0]["address"], "anna@lyon.example", "{anna:#?}");
    assert_eq!(anna[0]["folder"], "Lyon/Ventes/Sud");
    assert_eq!(logins(&[("first_name", "\u{e4}nne")]), ["anna.own"]);
    assert_eq!(logins(&[("first_name", "nne*\"q\"")]), ["anna.own"]);
    assert_eq!(logins(&[("last_name", "wu")]), ["anna.own"], "shorter than the index knows");
    assert_eq!(logins(&[("folder", "Lab")]), ["anna.own"]);
    assert_eq!(logins(&[("login_id", "an%")]), ["an%a"], "a sign is a sign");
    assert_eq!(logins(&[("last_name", "anna.own")]), [""; 0], "another field has it");
    assert_eq!(find(&[("login_id", "anna.own")])[0]["address"], json!(null));
    let refused = |asked: serde_json::Value| ground.ask("people.find", &asked)["error"]["code"].clone();
    let with = |text: &str| json!([{"field": "email", "text": text}]);
    for asked in [
        json!({"enterprise": "acme", "all": [], "limit": 1}),
        json!({"enterprise": "acme", "all": with("a"), "limit": 0}),
        json!({"enterprise": "acme", "all": with("a"), "limit": 501}),
        json!({"enterprise": "acme", "all": with(&"a".repeat(201)), "limit": 1}),
    ] {
        assert_eq!(refused(asked.clone()), "bad_request", "{asked}");
    }
}

#[test]
fn a_contacts_login_is_nobodys_address_here() {
    let ground = ground();
    ground.run(&json!({}), &[entry("a", "1", "anna")]);
    let message = json!({"from": "zoe@elsewhere.example", "to": "anna@acme.example.com", "body": "Hello"});
    assert_eq!(ground.ask("message.accept", &message)["error"]["code"], "not_found");
    ground.admin.post("/accounts", &account("acme", "anna", &json!({}))).expect(201);
    assert!(ground.ask("message.accept", &message)["reply"]["id"].is_string());
}

#[test]
fn a_run_is_one_revision_that_can_be_put_back_and_one_piece_of_news() {
    let ground = ground();
    let mut events = ground.admin.call("GET", "/events?events=directory.changed,account.changed").follow();
    events.next_named("ready");
    ground.run(&json!({}), &entries(300));
    let told = events.next();
    assert_eq!((told.name.as_str(), &told.data["object"]), ("directory.changed", &json!(ground.lyon)));
    let mut second = entries(310);
    second[0] = entry("key-0", "2", "renamed");
    second.remove(1);
    let done = ground.run(&json!({}), &second);
    assert_eq!(
        [&done["adds"], &done["changes"], &done["removals"]],
        [&json!(10), &json!(1), &json!(1)],
        "{done}"
    );
    assert_eq!(events.next().name, "directory.changed", "the next news is of the next run");
    let revision = ground.admin.get(&format!("/revisions/{}", done["revision"])).expect(200).json;
    assert_eq!(revision["parts"], 12);
    assert_eq!((&revision["who"], &revision["from"]), (&json!("admin alice"), &json!("plugin mirror")));
    assert_eq!(revision["after"]["what"], "synchronization");
    ground.undo(&done["revision"]).expect(201);
    let mut logins = ground.contacts();
    logins.sort();
    let mut expected: Vec<_> = (0..300).map(|n| format!("user{n}")).collect();
    expected.sort();
    assert_eq!(logins, expected);
    assert_eq!(events.next().name, "directory.changed");
}

#[test]
fn a_deleted_peer_takes_its_contacts_along_and_an_undo_brings_them_back() {
    let ground = ground();
    ground.run(&json!({}), &entries(700));
    let before = ground.contacts();
    ground.admin.delete(&format!("/peers/{}", ground.lyon), "*").expect(204);
    assert_eq!(ground.contacts(), Vec::<String>::new());
    let deletion = ground.admin.get("/revisions?kind=peers&limit=1").expect(200).items()[0].clone();
    assert_eq!(deletion["action"], "delete");
    ground.undo(&deletion["n"]).expect(201);
    let mut after = ground.contacts();
    after.sort();
    let mut before = before;
    before.sort();
    assert_eq!(after, before);
}

#[test]
fn what_a_synchronizer_brought_goes_with_it() {
    let ground = ground();
    let own = json!({"owner": {"synchronizer": "enterprise/acme"}, "peer": null});
    ground.run(&own, &[entry("a", "1", "anna")]);
    let anna = ground.admin.get("/accounts?origin=synchronizer").expect(200).items()[0].clone();
    assert_eq!((&anna["deployed"], &anna["synchronizer"]), (&json!(true), &json!("mirror/enterprise/acme")));
    let forget = json!({"owner": {"synchronizer": "enterprise/acme"}, "who": "admin alice"});
    let forgotten = ground.asked("directory.forget", &forget);
    assert_eq!(forgotten["removals"], 1);
    ground.admin.get(&format!("/accounts/{}", anna["id"].as_str().unwrap())).expect(404);
    ground.undo(&forgotten["revision"]).expect(201);
    ground.admin.get(&format!("/accounts/{}", anna["id"].as_str().unwrap())).expect(200);
}

#[test]
fn a_plugin_without_the_service_synchronizes_nothing() {
    let mut appliance = crate::plugins::mirror::laid_out();
    crate::plugins::mirror::put(&appliance, "1.0.0", |m| m);
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let asked = json!({"op": "directory.open", "args": {}});
    let answer = appliance.admin().post("/mirror:relay", &asked).expect(200).json;
    assert_eq!(answer["error"]["code"], "denied");
    assert!(answer["error"]["msg"].as_str().unwrap().contains("directory/1"), "{answer}");
}
