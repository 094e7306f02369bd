//! Every way in leaves a revision, and a change in bulk leaves one: the API, the terminal, plugins, lists, jobs,
//! schedules, scripts, and undoing.

use std::time::Duration;

use serde_json::{Value, json};

use super::{newest, revisions, undo};
use crate::harness::*;
use crate::import::{ended, send};

/// The revisions that something leaves, oldest first, as kind, action and way.
fn left_by<T>(admin: &Client, deed: impl FnOnce() -> T) -> Vec<String> {
    let before = revisions(admin, "limit=1").first().map_or(0, |revision| revision["n"].as_i64().unwrap());
    deed();
    let newer = revisions(admin, "limit=20").into_iter().filter(|one| one["n"].as_i64() > Some(before));
    let words =
        |one: Value| ["kind", "action", "via"].map(|field| one[field].as_str().unwrap().to_owned()).join(" ");
    let mut left: Vec<_> = newer.map(words).collect();
    left.reverse();
    left
}

#[test]
fn the_api_and_the_terminal_leave_one_each() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let by_api = |deed: &dyn Fn() -> Answer| left_by(&admin, || deed().json);
    let acme = || admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    assert_eq!(by_api(&acme), ["enterprises create api"]);
    let named = || admin.put("/settings/site.name", "*", &json!({"value": "Paris"})).expect(200);
    assert_eq!(by_api(&named), ["settings change api"]);
    let job = || admin.post("/tokens", &json!({"name": "job", "role": "viewer"})).expect(201);
    assert_eq!(by_api(&job), ["tokens create api"]);
    let alice = json!({"name": "alice", "role": "admin", "password": crate::access::PASSWORD});
    let alice = || admin.post("/admins", &alice).expect(201);
    assert_eq!(by_api(&alice), ["admins create api"]);
    let cli = |args: &[&str], stdin: &str| {
        left_by(&admin, || assert_eq!(appliance.cli(args, stdin).code, 0, "{args:?}"))
    };
    assert_eq!(cli(&["settings", "set", "site.name", "Lyon"], ""), ["settings change cli"]);
    assert_eq!(cli(&["token", "create", "--name", "night", "--role", "viewer"], ""), ["tokens create cli"]);
    assert_eq!(cli(&["token", "revoke", "night"], ""), ["tokens delete cli"]);
    let bob = ["admin", "create", "bob", "--role", "viewer", "--password-stdin"];
    assert_eq!(cli(&bob, crate::access::PASSWORD), ["admins create cli"]);
}

#[test]
fn scripts_leave_one_for_each_step() {
    let ground = crate::hooks::ground();
    let put = |source: &str| left_by(&ground.admin, || ground.put("own", source).expect(200));
    let swap = |verb: &str, n: i64| left_by(&ground.admin, || ground.swap("own", verb, Some(n)).expect(200));
    assert_eq!(put(crate::hooks::NINE), ["hooks create api"]);
    assert_eq!(swap("publish", 1), ["hooks change api"]);
    assert_eq!(put(crate::hooks::EIGHT), ["hooks change api"]);
    assert_eq!(swap("publish", 2), ["hooks change api"]);
    assert_eq!(swap("rollback", 1), ["hooks change api"]);
}

#[test]
fn a_plugin_s_change_is_one_and_so_is_switching_it_off() {
    let appliance = Appliance::with_plugins(&["federation"]);
    let admin = appliance.admin();
    let add = || admin.post("/federation/servers", &json!({"domain": "ocs.com"})).expect(201);
    assert_eq!(left_by(&admin, add), ["federation/servers create plugin"]);
    let switch = || admin.put("/federation", "*", &json!({"enabled": false, "open": true})).expect(200);
    assert_eq!(left_by(&admin, switch), ["federation change plugin"]);
    let order =
        |verb: &str| left_by(&admin, || crate::plugins::order(&admin, "federation", verb).expect(200));
    assert_eq!(order("disable"), ["plugins change api"]);
    let off = newest(&admin);
    assert_eq!(off["changes"], json!([{"field": "enabled", "before": true, "after": false}]), "{off:#}");
    await_plugin(&admin, "federation", "disabled");
    assert_eq!(order("disable"), Vec::<String>::new(), "it is off already");
    assert_eq!(order("enable"), ["plugins change api"]);
    await_plugin(&admin, "federation", "up");
    assert_eq!(order("restart"), Vec::<String>::new(), "it is as it was");
    undo(&admin, &off).problem(409, "revisions/superseded");
    undo(&admin, &newest(&admin))
        .problem(409, "revisions/not_undoable")
        .says("Switch the plugin federation itself");
}

/// A list, Import Users, the same by a schedule, and undoing all of that.
#[test]
fn a_change_of_many_is_one() {
    let mut appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    let list = "login_id,last_name,deployed\njo,Doe,no\nann,Roe,no\n";
    let imported = || ended(&admin, &send(&admin, "enterprise=acme", list).expect(202).id());
    assert_eq!(left_by(&admin, imported), ["accounts change api"]);
    let import = newest(&admin);
    let deploy = || ended(&admin, &admin.post("/accounts:import-users", &json!({})).expect(202).id());
    assert_eq!(left_by(&admin, deploy), ["accounts change appliance"]);
    let put_back = || undo(&admin, &newest(&admin)).expect(201);
    assert_eq!(left_by(&admin, put_back), ["accounts change api"]);
    let nightly = json!({
        "name": "Deploy", "plugin": "core", "job": "accounts.deploy", "every_days": 1, "hour": 3, "minute": 30, "half": "AM",
    });
    assert_eq!(left_by(&admin, || admin.post("/schedules", &nightly).expect(201)), ["schedules create api"]);
    appliance.stop();
    let database =
        rusqlite::Connection::open(appliance.state().join("jackfield.db")).expect("a database at rest");
    database.execute("UPDATE schedule SET next_on = '2026-01-01'", []).expect("a day that was missed");
    drop(database);
    appliance.resume();
    let admin = appliance.admin();
    let ran = || Some(newest(&admin)).filter(|revision| revision["who"] == "schedule Deploy");
    let run = awaited(Duration::from_secs(30), ran).expect("the schedule has deployed them");
    assert_eq!((&run["kind"], &run["parts"]), (&json!("accounts"), &json!(2)), "{run:#}");
    undo(&admin, &run).expect(201);
    // The undo before stands between; it is put back first.
    undo(&admin, &import).problem(409, "revisions/superseded");
}
