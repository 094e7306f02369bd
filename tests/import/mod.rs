//! Lists of accounts: taken all or nothing or as far as they are good, tried first, told line by line what is wrong,
//! undone as one; given out in the same shape; Import Users. What a kill leaves has a file of its own.

mod killed;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;

/// Sends a list; answers the job as it was queued.
pub fn send(admin: &Client, query: &str, list: &str) -> Answer {
    let path = format!("/accounts/import?{query}");
    admin.call("POST", &path).header("Content-Type", "text/csv").bytes(list).send()
}

/// Waits for the end of a job.
pub fn ended(admin: &Client, job: &str) -> Value {
    let path = format!("/jobs/{job}");
    let look = || Some(admin.get(&path).expect(200).json).filter(|job| !job["ended_at"].is_null());
    awaited(Duration::from_secs(240), look).expect("the job ends")
}

/// Imports a list and waits for the end.
fn import(admin: &Client, query: &str, list: &str) -> Value {
    ended(admin, &send(admin, query, list).expect(202).id())
}

/// The counts of a report: created, changed, unchanged, failed.
fn counts(job: &Value) -> [u64; 4] {
    ["created", "changed", "unchanged", "failed"].map(|name| job["result"][name].as_u64().expect("a count"))
}

fn prepared() -> (Appliance, Client) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    (appliance, admin)
}

const GOOD: &str = "enterprise,login_id,first_name,last_name,email,extension,pbx_node,profile,deployed,folder\n\
    acme,jo,Jo,Doe,jo@example.com,2001,Paris,Default MS Teams User Profile,yes,Sales/Paris\n\
    ACME,\"ann@acme.example.com\",Ann,\"O'Neil, Dr.\",,2002,paris,,no,\n";

#[test]
fn a_list_makes_accounts_and_changes_those_that_are_there() {
    let (_appliance, admin) = prepared();
    admin
        .post("/accounts", &account("acme", "JO", &json!({"last_name": "Old", "show_presence": false})))
        .expect(201);
    let job = import(&admin, "", GOOD);
    assert_eq!((job["state"].clone(), counts(&job)), (json!("done"), [1, 1, 0, 0]), "{job}");
    let jo = admin.get("/accounts?login_id=jo").expect(200).items()[0].clone();
    let told = [&jo["last_name"], &jo["profile"], &jo["folder"], &jo["show_presence"], &jo["origin"]];
    assert_eq!(
        told,
        [&json!("Doe"), &json!("profile-teams"), &json!("Sales/Paris"), &json!(false), &json!("manual")]
    );
    let ann = admin.get("/accounts?login_id=ann@acme.example.com").expect(200).items()[0].clone();
    let told = [&ann["enterprise"], &ann["last_name"], &ann["deployed"], &ann["profile"]];
    assert_eq!(told, [&json!("acme"), &json!("O'Neil, Dr."), &json!(false), &json!("profile-default")]);
    assert_eq!(counts(&import(&admin, "", GOOD)), [0, 0, 2, 0], "the same list again changes nothing");
}

/// Eight lines, each wrong in its own way but for the first, with column and words of the rule.
const BAD: &str = "login_id,last_name,email,extension,pbx_node,deployed\n\
    good,Good,,,,\n\
    j,Short,,,,\n\
    dup,Doe,,,,\n\
    DUP,Doe,,,,\n\
    mail,Doe,nobody,,,\n\
    node,Doe,,,Nowhere,\n\
    flag,Doe,,,,maybe\n\
    few,Doe\n\
    none,,,,,\n";

const WRONG: &[(u64, &str, &str, &str)] = &[
    (3, "login_id", "must be 2 to 113 characters long; this has 1", "j"),
    (5, "login_id", "is in line 4 already", "DUP"),
    (6, "email", "must be an e-mail address such as name@example.com", "nobody"),
    (7, "pbx_node", "must be the name or the id of one that is there", "Nowhere"),
    (8, "deployed", "must be true or false", "maybe"),
    (9, "", "must have 6 columns as the first line has; this has 2", ""),
    (10, "last_name", "must be 1 to 64 characters long; this has 0", ""),
];

fn assert_told(job: &Value) {
    let errors = job["result"]["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), WRONG.len(), "{errors:#?}");
    for (error, (line, column, rule, value)) in errors.iter().zip(WRONG) {
        assert_eq!(
            (&error["line"], &error["column"], &error["value"]),
            (&json!(line), &json!(column), &json!(value))
        );
        assert!(error["rule"].as_str().unwrap().contains(rule), "{error}");
    }
}

#[test]
fn a_dry_run_tells_every_wrong_line_and_changes_nothing() {
    let (_appliance, admin) = prepared();
    let job = import(&admin, "enterprise=acme&dry_run=1", BAD);
    assert_eq!((&job["state"], counts(&job)), (&json!("done"), [2, 0, 0, 7]), "{job}");
    assert_eq!(job["result"]["dry_run"], true);
    assert_told(&job);
    assert_eq!(admin.get("/accounts").expect(200).items().len(), 0);
    assert_eq!(admin.get("/revisions?kind=accounts").expect(200).items().len(), 0);
}

#[test]
fn all_or_nothing_takes_nothing_of_a_list_with_a_wrong_line() {
    let (_appliance, admin) = prepared();
    let job = import(&admin, "enterprise=acme", BAD);
    assert_eq!((&job["state"], counts(&job)), (&json!("failed"), [0, 0, 0, 7]), "{job}");
    assert_eq!(job["note"], "7 of 9 lines are wrong; nothing was changed.");
    assert_told(&job);
    assert_eq!(admin.get("/accounts").expect(200).items().len(), 0);
}

#[test]
fn all_or_nothing_takes_nothing_when_two_lines_collide() {
    let (_appliance, admin) = prepared();
    let job = import(&admin, "enterprise=acme", "login_id,last_name,extension\n2001,Doe,\njo,Doe,2001\n");
    assert_eq!(job["state"], "failed", "{job}");
    assert!(
        job["note"].as_str().unwrap().contains("Nothing was changed, because of line 3, extension"),
        "{job}"
    );
    assert_eq!(admin.get("/accounts").expect(200).items().len(), 0);
}

#[test]
fn keep_good_takes_the_good_lines_and_tells_the_others() {
    let (_appliance, admin) = prepared();
    let job = import(&admin, "enterprise=acme&mode=keep_good", BAD);
    assert_eq!((&job["state"], counts(&job)), (&json!("done"), [2, 0, 0, 7]), "{job}");
    assert_told(&job);
    assert_eq!(admin.get("/accounts").expect(200).column("login_id"), ["good", "dup"]);
}

#[test]
fn an_import_is_one_revision_that_can_be_looked_at_and_undone() {
    let (_appliance, admin) = prepared();
    admin.post("/accounts", &account("acme", "jo", &json!({"last_name": "Old"}))).expect(201);
    let before = admin.get("/accounts").expect(200).items()[0].clone();
    for mode in ["all_or_nothing", "keep_good"] {
        let job = import(&admin, &format!("mode={mode}"), GOOD);
        let revision = admin.get(&format!("/revisions/{}", job["result"]["revision"])).expect(200).json;
        assert_eq!((&revision["parts"], &revision["after"]["created"]), (&json!(2), &json!(1)), "{revision}");
        assert_eq!(revision["who"], "token suite");
        let parts = admin.get(&format!("/revisions/{}/parts", revision["n"])).expect(200);
        assert_eq!(parts.column("action"), ["change", "create"]);
        let changed = parts.items()[0]["changes"].as_array().unwrap().clone();
        assert!(
            changed.contains(&json!({"field": "last_name", "before": "Old", "after": "Doe"})),
            "{changed:?}"
        );
        let of_jo = admin
            .get(&format!("/revisions?kind=accounts&object={}", before["id"].as_str().unwrap()))
            .expect(200);
        assert_eq!(of_jo.items()[0]["n"], revision["n"], "the history of one account shows it");
        let undo = format!("/revisions/{}:undo", revision["n"]);
        assert_eq!(admin.call("POST", &undo).send().expect(201).json["undoes"], revision["n"]);
        let after = admin.get("/accounts").expect(200);
        assert_eq!(after.column("last_name"), ["Old"], "{mode}");
        assert_eq!(after.items()[0]["id"], before["id"]);
        admin.call("POST", &undo).send().problem(409, "revisions/superseded");
    }
}

#[test]
fn undoing_an_import_is_refused_when_one_account_was_changed_since() {
    let (_appliance, admin) = prepared();
    let revision = import(&admin, "", GOOD)["result"]["revision"].clone();
    let ann = admin.get("/accounts?login_id=ann@acme.example.com").expect(200).items()[0]["id"].clone();
    admin
        .patch(&format!("/accounts/{}", ann.as_str().unwrap()), "*", &json!({"first_name": "Anna"}))
        .expect(200);
    let refused = admin.call("POST", &format!("/revisions/{revision}:undo")).send();
    refused
        .problem(409, "revisions/superseded")
        .says(&format!("accounts {} was changed again by token suite", ann.as_str().unwrap()));
    assert_eq!(admin.get("/accounts").expect(200).items().len(), 2, "nothing of it was undone");
}

#[test]
fn a_first_line_that_cannot_be_understood_is_refused_at_once() {
    let (_appliance, admin) = prepared();
    for (query, list, words) in [
        ("", "login_id,last_name\n", "or ?enterprise= for the whole list"),
        ("enterprise=acme", "login_id,lastname\n", "did you mean"),
        ("enterprise=acme", "login_id,login_id\n", "is there twice"),
        ("enterprise=acme", "last_name\n", "says which account a line is about"),
        ("enterprise=acme", "", "a list begins with the names of its columns"),
        ("enterprise=nobody", "login_id\n", "names no enterprise"),
    ] {
        let refused = send(&admin, query, list).problem(422, "request/invalid");
        assert!(refused.to_string().contains(words), "{list:?}: {refused}");
    }
    let json =
        admin.call("POST", "/accounts/import").header("Content-Type", "application/json").bytes("{}").send();
    json.problem(415, "request/wrong_type").says("Send the body as text/csv");
    send(&admin, "mode=some", GOOD)
        .problem(400, "request/query")
        .says("must be one of all_or_nothing, keep_good");
    assert_eq!(admin.get("/jobs").expect(200).items().len(), 0);
}

#[test]
fn lists_of_spreadsheets_are_understood() {
    let (_appliance, admin) = prepared();
    let list = "\u{feff}login_id;last_name;extension\r\njo;\"Doe; Jr.\";2001\r\nlogin_id;last_name;extension\r\nann;Roe;2002\r\n";
    assert_eq!(counts(&import(&admin, "enterprise=acme", list)), [2, 0, 0, 0]);
    assert_eq!(admin.get("/accounts").expect(200).column("last_name"), ["Doe; Jr.", "Roe"]);
    let latin = b"login_id,last_name\nzoe,Zo\xe9\n".to_vec();
    let job = admin
        .call("POST", "/accounts/import?enterprise=acme")
        .header("Content-Type", "text/csv")
        .bytes(latin);
    let job = ended(&admin, &job.send().expect(202).id());
    assert_eq!(job["result"]["errors"][0]["rule"], "must be UTF-8; save the list with that encoding");
}

#[test]
fn an_export_is_an_import_that_changes_nothing_and_no_formula() {
    let (_appliance, admin) = prepared();
    import(&admin, "", GOOD);
    let evil = json!({"first_name": "=HYPERLINK(1)", "extension": ""});
    admin.post("/accounts", &account("acme", "evil", &evil)).expect(201);
    let whole = admin.get("/accounts/export").expect(200);
    assert_eq!(whole.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let text = String::from_utf8(whole.bytes.clone()).unwrap();
    assert!(text.starts_with("enterprise,login_id,first_name,last_name,email,"), "{text}");
    assert!(text.contains(",'=HYPERLINK(1),"), "{text}");
    assert_eq!(counts(&import(&admin, "", &text)), [0, 0, 3, 0]);
    let first = admin.get("/accounts/export?limit=2&enterprise=acme").expect(200);
    let link = first.header("link").expect("a next page").to_owned();
    let next = link.split(['<', '>']).nth(1).unwrap().strip_prefix("/api/v1").unwrap().to_owned();
    let rest = String::from_utf8(admin.get(&next).expect(200).bytes).unwrap();
    assert!(rest.lines().count() == 2 && rest.contains("evil"), "{rest}");
}

#[test]
fn the_same_key_imports_once() {
    let (_appliance, admin) = prepared();
    let keyed = |list: &str| {
        let call = admin.call("POST", "/accounts/import").header("Content-Type", "text/csv");
        call.header("Idempotency-Key", "one").bytes(list).send()
    };
    let first = keyed(GOOD).expect(202).id();
    ended(&admin, &first);
    assert_eq!(keyed(GOOD).expect(202).id(), first);
    keyed("login_id\n").problem(422, "request/invalid");
    keyed(BAD.replace("login_id", "enterprise,login_id").as_str())
        .problem(422, "request/idempotency_key_reused");
}

#[test]
fn a_list_of_megabytes_is_taken_and_one_of_more_than_64_is_not() {
    let (appliance, admin) = prepared();
    let padding = "x".repeat(60);
    let lines: String = (0..9000).map(|n| format!("user{n},{padding},{padding}\n")).collect();
    let list = format!("login_id,first_name,last_name\n{lines}");
    assert!(list.len() > 1024 * 1024);
    let job = import(&admin, "enterprise=acme&dry_run=1", &list);
    assert_eq!(counts(&job), [9000, 0, 0, 0], "{job}");
    let left: Vec<_> = std::fs::read_dir(appliance.state().join("imports")).unwrap().collect();
    assert!(left.is_empty(), "the list is dropped with the end of its job: {left:?}");
    let huge = "x".repeat(64 * 1024 * 1024 + 1);
    send(&admin, "enterprise=acme", &huge).problem(413, "http/body_too_large");
}

#[test]
fn imports_do_not_pile_up() {
    let (_appliance, admin) = prepared();
    let lines: String = (0..20_000).map(|n| format!("user{n},Doe\n")).collect();
    let list = format!("login_id,last_name\n{lines}");
    let sent = || send(&admin, "enterprise=acme&dry_run=1", &list);
    let refused = (0..40).map(|_| sent()).find(|answer| answer.status != 202).expect("one too many");
    refused.problem(409, "change/conflict").says("Send the list when some of them have ended.");
}

#[test]
fn import_users_deploys_those_who_were_left_un_deployed() {
    let (_appliance, admin) = prepared();
    site_named(&admin, "beta");
    for (enterprise, login, deployed) in
        [("acme", "jo", false), ("acme", "ann", true), ("beta", "bob", false)]
    {
        admin.post("/accounts", &account(enterprise, login, &json!({"deployed": deployed}))).expect(201);
    }
    let job = admin.post("/accounts:import-users", &json!({"enterprise": "acme"})).expect(202).id();
    let job = ended(&admin, &job);
    assert_eq!((&job["state"], &job["result"]["deployed"]), (&json!("done"), &json!(1)), "{job}");
    let deployed = |login: &str| {
        admin.get(&format!("/accounts?login_id={login}")).expect(200).items()[0]["deployed"].clone()
    };
    assert_eq!([deployed("jo"), deployed("bob")], [json!(true), json!(false)]);
    let undo = format!("/revisions/{}:undo", job["result"]["revision"]);
    admin.call("POST", &undo).send().expect(201);
    assert_eq!(deployed("jo"), json!(false));
    let all = admin.post("/accounts:import-users", &json!({})).expect(202).id();
    assert_eq!(ended(&admin, &all)["result"]["deployed"], 2);
    admin.post("/accounts:import-users", &json!({"enterprise": "nobody"})).problem(422, "request/invalid");
}

#[test]
fn who_may_only_look_may_export_but_not_import() {
    let (appliance, _admin) = prepared();
    let viewer = appliance.anonymous().with_token(&appliance.token("eye", "viewer"));
    viewer.get("/accounts/export").expect(200);
    send(&viewer, "enterprise=acme", "login_id\n").problem(403, "access/denied").says("accounts:write");
    viewer.post("/accounts:import-users", &json!({})).problem(403, "access/denied");
}
