//! What each role may do, route by route. A route that is not in the table fails the test.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::*;

const VIEWER: usize = 0;
const OPERATOR: usize = 1;
const ADMIN: usize = 2;
const ROLES: [&str; 3] = ["viewer", "operator", "admin"];

/// Method, path as the API describes it, lowest role that may, status when it may.
const TABLE: &[(&str, &str, usize, u16)] = &[
    ("GET", "/enterprises", VIEWER, 200),
    ("POST", "/enterprises", OPERATOR, 201),
    ("GET", "/enterprises/{id}", VIEWER, 200),
    ("PUT", "/enterprises/{id}", OPERATOR, 200),
    ("PATCH", "/enterprises/{id}", OPERATOR, 200),
    ("DELETE", "/enterprises/{id}", OPERATOR, 409),
    ("GET", "/pbx-nodes", VIEWER, 200),
    ("POST", "/pbx-nodes", OPERATOR, 201),
    ("GET", "/pbx-nodes/{id}", VIEWER, 200),
    ("PUT", "/pbx-nodes/{id}", OPERATOR, 200),
    ("PATCH", "/pbx-nodes/{id}", OPERATOR, 200),
    ("DELETE", "/pbx-nodes/{id}", OPERATOR, 204),
    ("GET", "/accounts", VIEWER, 200),
    ("POST", "/accounts", OPERATOR, 201),
    ("GET", "/accounts/{id}", VIEWER, 200),
    ("PUT", "/accounts/{id}", OPERATOR, 200),
    ("PATCH", "/accounts/{id}", OPERATOR, 200),
    ("DELETE", "/accounts/{id}", OPERATOR, 204),
    ("GET", "/accounts/{id}/presence", VIEWER, 200),
    ("PUT", "/accounts/{id}/presence/{source}", OPERATOR, 200),
    ("DELETE", "/accounts/{id}/presence/{source}", OPERATOR, 204),
    ("POST", "/presence:publish", OPERATOR, 200),
    ("GET", "/messages", OPERATOR, 200),
    ("GET", "/accounts/{id}/messages", OPERATOR, 200),
    ("GET", "/peers", VIEWER, 200),
    ("POST", "/peers", OPERATOR, 201),
    ("GET", "/peers/{id}", VIEWER, 200),
    ("PUT", "/peers/{id}", OPERATOR, 200),
    ("PATCH", "/peers/{id}", OPERATOR, 200),
    ("DELETE", "/peers/{id}", OPERATOR, 204),
    ("GET", "/admins", ADMIN, 200),
    ("POST", "/admins", ADMIN, 201),
    ("GET", "/admins/{id}", ADMIN, 200),
    ("PUT", "/admins/{id}", ADMIN, 200),
    ("PATCH", "/admins/{id}", ADMIN, 200),
    ("DELETE", "/admins/{id}", ADMIN, 204),
    ("GET", "/tokens", ADMIN, 200),
    ("POST", "/tokens", ADMIN, 201),
    ("GET", "/tokens/{id}", ADMIN, 200),
    ("DELETE", "/tokens/{id}", ADMIN, 204),
    ("POST", "/dialing/preview", VIEWER, 200),
    ("GET", "/settings", VIEWER, 200),
    ("GET", "/settings/{name}", VIEWER, 200),
    ("PUT", "/settings/{name}", ADMIN, 200),
    ("DELETE", "/settings/{name}", ADMIN, 200),
    ("GET", "/revisions", VIEWER, 200),
    ("GET", "/revisions/{n}", VIEWER, 200),
    ("POST", "/revisions/{n}:undo", OPERATOR, 201),
    ("GET", "/plugins", VIEWER, 200),
    ("GET", "/plugins/{id}", VIEWER, 404),
    ("POST", "/plugins/{id}:restart", ADMIN, 404),
    ("POST", "/plugins/{id}:replace", ADMIN, 404),
    ("POST", "/plugins/{id}:disable", ADMIN, 404),
    ("POST", "/plugins/{id}:enable", ADMIN, 404),
    ("POST", "/plugins/{id}:clear-quarantine", ADMIN, 404),
    ("GET", "/jobs", VIEWER, 200),
    ("GET", "/jobs/{id}", VIEWER, 404),
    ("POST", "/jobs/{id}:cancel", OPERATOR, 404),
    ("GET", "/checks", VIEWER, 200),
    ("GET", "/checks/{name}", VIEWER, 404),
    ("POST", "/checks/{name}:run", OPERATOR, 404),
    ("POST", "/checks:probe", OPERATOR, 200),
    ("GET", "/doctor", VIEWER, 200),
];

/// Objects to try the routes on.
struct Ground {
    ids: Vec<(&'static str, String)>,
    site: Site,
    undoable: i64,
}

fn ground(admin: &Client) -> Ground {
    let site = site(admin);
    let account = admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201);
    super::admin_named(admin, "alice", "admin");
    let ids = vec![
        ("enterprises", site.enterprise.clone()),
        ("pbx-nodes", site.us.clone()),
        ("accounts", account.id()),
        ("peers", site.peer.clone()),
        ("admins", super::admin_named(admin, "bob", "admin")),
        ("tokens", admin.post("/tokens", &json!({"name": "spare", "role": "viewer"})).expect(201).id()),
        // None is there, which only those learn who may look.
        ("plugins", "none".to_owned()),
        ("jobs", "none".to_owned()),
    ];
    Ground { ids, site, undoable: account.json["revision"].as_i64().expect("a revision") }
}

impl Ground {
    fn concrete(&self, path: &str) -> String {
        let kind = path.split('/').nth(1).unwrap_or_default();
        let id = self.ids.iter().find(|(name, _)| *name == kind).map_or("", |(_, id)| id);
        let path = path.replace("{id}", id).replace("{name}", "site.name").replace("{source}", "manual");
        path.replace("{n}", &self.undoable.to_string())
    }

    fn body(&self, admin: &Client, method: &str, path: &str) -> Value {
        match (method, path) {
            ("PUT", "/accounts/{id}/presence/{source}") => json!({"state": "busy"}),
            (_, "/presence:publish") => json!({"source": "telephony", "changes": []}),
            ("PUT" | "PATCH", _) => admin.get(&self.concrete(path)).expect(200).json,
            (_, "/enterprises") => enterprise_body("other"),
            (_, "/pbx-nodes") => node("acme", "Third", &json!({})),
            (_, "/accounts") => account("acme", "ann", &json!({})),
            (_, "/peers") => json!({"enterprise": "acme", "description": "Nice"}),
            (_, "/admins") => json!({"name": "carl", "role": "viewer", "password": super::PASSWORD}),
            (_, "/tokens") => json!({"name": "fresh", "role": "viewer"}),
            (_, "/checks:probe") => json!({"op": "csta.judge", "args": {}}),
            (_, "/dialing/preview") => json!({"node": self.site.fr, "to": "2001"}),
            _ => json!({}),
        }
    }
}

#[test]
fn each_role_may_what_the_table_says() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let ground = ground(&admin);
    let clients = ROLES.map(|role| appliance.anonymous().with_token(&appliance.token(role, role)));
    for (method, path, least, status) in TABLE {
        // Nothing is changed, so that every line of the table finds the same ground.
        let changes_nothing =
            ["/dialing", "/plugins", "/jobs", "/checks", "/presence", "/accounts/{id}/presence"];
        let changes_nothing = changes_nothing.iter().any(|start| path.starts_with(start));
        let rehearsal = if *method == "GET" || changes_nothing { "" } else { "?dry_run=1" };
        let target = format!("{}{rehearsal}", ground.concrete(path));
        let body = ground.body(&admin, method, path);
        for (rank, client) in clients.iter().enumerate() {
            let call = client.call(method, &target).header("If-Match", "*");
            let answer =
                if matches!(*method, "GET" | "DELETE") { call.send() } else { call.json(&body).send() };
            match rank >= *least {
                true => assert_eq!(answer.status, *status, "{}: {answer}", ROLES[rank]),
                false => drop(answer.problem(403, "access/denied").says(ROLES[*least])),
            }
        }
    }
}

#[test]
fn the_table_of_roles_has_every_route_that_needs_a_right() {
    let appliance = Appliance::start();
    let described = appliance.anonymous().get("/openapi.json").expect(200).json;
    let mut routes = BTreeSet::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        let guarded = operations.as_object().unwrap().iter().filter(|(_, o)| o.get("x-right").is_some());
        let short = path.trim_start_matches("/api/v1");
        routes.extend(guarded.map(|(method, _)| format!("{} {short}", method.to_uppercase())));
    }
    let table: BTreeSet<_> = TABLE.iter().map(|(method, path, ..)| format!("{method} {path}")).collect();
    assert_eq!(routes, table);
}

#[test]
fn every_route_but_the_public_ones_needs_a_caller() {
    let appliance = Appliance::start();
    for (method, path, ..) in TABLE {
        let path = path.replace("{id}", "x").replace("{name}", "site.name").replace("{n}", "1");
        appliance.anonymous().call(method, &path).send().problem(401, "access/sign_in");
    }
}
