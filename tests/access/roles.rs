//! What each role may do, route by route. A route that is not in the table fails the test.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::*;
use crate::hooks::NINE;

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
    ("PUT", "/accounts/{id}/password", OPERATOR, 204),
    ("DELETE", "/accounts/{id}/password", OPERATOR, 204),
    ("GET", "/accounts/{id}/photo", VIEWER, 200),
    ("PUT", "/accounts/{id}/photo", OPERATOR, 204),
    ("DELETE", "/accounts/{id}/photo", OPERATOR, 204),
    ("POST", "/accounts/import", OPERATOR, 202),
    ("GET", "/accounts/export", VIEWER, 200),
    ("POST", "/accounts:import-users", OPERATOR, 202),
    ("GET", "/directory", VIEWER, 200),
    ("GET", "/directory/folders", VIEWER, 200),
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
    ("GET", "/profiles", VIEWER, 200),
    ("POST", "/profiles", OPERATOR, 201),
    ("GET", "/profiles/{id}", VIEWER, 200),
    ("PUT", "/profiles/{id}", OPERATOR, 200),
    ("PATCH", "/profiles/{id}", OPERATOR, 200),
    ("DELETE", "/profiles/{id}", OPERATOR, 204),
    ("GET", "/trusted-servers", VIEWER, 200),
    ("POST", "/trusted-servers", OPERATOR, 201),
    ("GET", "/trusted-servers/{id}", VIEWER, 200),
    ("PUT", "/trusted-servers/{id}", OPERATOR, 200),
    ("PATCH", "/trusted-servers/{id}", OPERATOR, 200),
    ("DELETE", "/trusted-servers/{id}", OPERATOR, 204),
    ("GET", "/schedules", VIEWER, 200),
    ("POST", "/schedules", ADMIN, 201),
    ("GET", "/schedules/{id}", VIEWER, 200),
    ("PUT", "/schedules/{id}", ADMIN, 200),
    ("PATCH", "/schedules/{id}", ADMIN, 200),
    ("DELETE", "/schedules/{id}", ADMIN, 204),
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
    ("GET", "/hooks", VIEWER, 200),
    ("GET", "/hooks:catalog", VIEWER, 200),
    ("GET", "/hooks/{name}", VIEWER, 200),
    ("PUT", "/hooks/{name}", ADMIN, 200),
    ("DELETE", "/hooks/{name}", ADMIN, 204),
    ("GET", "/hooks/{name}/versions", VIEWER, 200),
    ("GET", "/hooks/{name}/versions/{n}", VIEWER, 200),
    ("POST", "/hooks/{name}:publish", ADMIN, 200),
    ("POST", "/hooks/{name}:dry-run", ADMIN, 200),
    ("POST", "/hooks/{name}:rollback", ADMIN, 409),
    ("GET", "/settings", VIEWER, 200),
    ("GET", "/settings/{name}", VIEWER, 200),
    ("PUT", "/settings/{name}", ADMIN, 200),
    ("DELETE", "/settings/{name}", ADMIN, 200),
    ("GET", "/revisions", VIEWER, 200),
    ("GET", "/revisions/{n}", VIEWER, 200),
    ("GET", "/revisions/{n}/parts", VIEWER, 200),
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
    admin.call("PUT", "/hooks/nine").json(&json!({"source": NINE})).send().expect(200);
    let made =
        |kind: &'static str, body: Value| (kind, admin.post(&format!("/{kind}"), &body).expect(201).id());
    let ids = vec![
        ("enterprises", site.enterprise.clone()),
        ("pbx-nodes", site.us.clone()),
        ("accounts", account.id()),
        ("peers", site.peer.clone()),
        ("admins", super::admin_named(admin, "bob", "admin")),
        made("tokens", json!({"name": "spare", "role": "viewer"})),
        made("profiles", json!({"name": "Sales"})),
        made("trusted-servers", trusted("im.example.com")),
        made("schedules", schedule("Forget")),
        // None is there, which only those learn who may look.
        ("plugins", "none".to_owned()),
        ("jobs", "none".to_owned()),
    ];
    let path = format!("/accounts/{}", account.id());
    ask(admin, "PUT", &format!("{path}/photo"), &Value::Null).expect(204);
    let undoable = admin.get(&path).expect(200).json["revision"].as_i64().expect("a revision");
    Ground { ids, site, undoable }
}

impl Ground {
    fn concrete(&self, path: &str) -> String {
        let kind = path.split('/').nth(1).unwrap_or_default();
        let id = self.ids.iter().find(|(name, _)| *name == kind).map_or("", |(_, id)| id);
        let (name, n) = if kind == "hooks" { ("nine", 1) } else { ("site.name", self.undoable) };
        let path = path.replace("{id}", id).replace("{name}", name).replace("{source}", "manual");
        path.replace("{n}", &n.to_string()).replace("/folders", "/folders?enterprise=acme")
    }

    fn body(&self, admin: &Client, method: &str, path: &str) -> Value {
        match (method, path) {
            ("PUT", "/accounts/{id}/presence/{source}") => json!({"state": "busy"}),
            ("PUT", "/hooks/{name}") => json!({"source": NINE}),
            ("PUT", "/accounts/{id}/password") => json!({"password": super::PASSWORD}),
            (_, "/presence:publish") => json!({"source": "telephony", "changes": []}),
            ("PUT" | "PATCH", _) => admin.get(&self.concrete(path)).expect(200).json,
            (_, "/enterprises") => enterprise_body("other"),
            (_, "/pbx-nodes") => node("acme", "Third", &json!({})),
            (_, "/accounts") => account("acme", "ann", &json!({})),
            (_, "/peers") => json!({"enterprise": "acme", "description": "Nice"}),
            (_, "/profiles") => json!({"name": "Support"}),
            (_, "/trusted-servers") => trusted("chat.example.com"),
            (_, "/schedules") => schedule("Remember"),
            (_, "/hooks/{name}:dry-run") => json!({"node": self.site.fr, "to": "2001"}),
            (_, "/admins") => json!({"name": "carl", "role": "viewer", "password": super::PASSWORD}),
            (_, "/tokens") => json!({"name": "fresh", "role": "viewer"}),
            (_, "/checks:probe") => json!({"op": "csta.judge", "args": {}}),
            (_, "/dialing/preview") => json!({"node": self.site.fr, "to": "2001"}),
            _ => json!({}),
        }
    }
}

fn trusted(address: &str) -> Value {
    json!({"enterprise": "acme", "description": "Chat", "address": address, "type": "im"})
}

fn schedule(name: &str) -> Value {
    json!({"name": name, "plugin": "core", "job": "revisions.sweep", "every_days": 7, "hour": 3, "minute": 0, "half": "AM"})
}

/// The answer to a line of the table, asked with a body where its method has one.
fn ask(client: &Client, method: &str, target: &str, body: &Value) -> Answer {
    let call = client.call(method, target).header("If-Match", "*");
    match method {
        "GET" | "DELETE" => call.send(),
        _ if target.starts_with("/accounts/import") => call
            .header("Content-Type", "text/csv")
            .bytes("enterprise,login_id,last_name\nacme,olga,Roe\n")
            .send(),
        _ if target.contains("/photo") => call.header("Content-Type", "image/png").bytes(png()).send(),
        _ => call.json(body).send(),
    }
}

#[test]
fn each_role_may_what_the_table_says() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    appliance.await_up(&["scripts", "workbench"]);
    let ground = ground(&admin);
    let clients = ROLES.map(|role| appliance.anonymous().with_token(&appliance.token(role, role)));
    for (method, path, least, status) in TABLE {
        // Nothing is changed, so that every line of the table finds the same ground.
        let changes_nothing = [
            "/dialing",
            "/plugins",
            "/jobs",
            "/checks",
            "/presence",
            "/accounts/{id}/presence",
            "/accounts:import-users",
            "/hooks/{name}:dry-run",
        ];
        let changes_nothing = changes_nothing.iter().any(|start| path.starts_with(start));
        let rehearsal = if *method == "GET" || changes_nothing { "" } else { "?dry_run=1" };
        let target = format!("{}{rehearsal}", ground.concrete(path));
        let body = ground.body(&admin, method, path);
        for (rank, client) in clients.iter().enumerate() {
            let answer = ask(client, method, &target, &body);
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
