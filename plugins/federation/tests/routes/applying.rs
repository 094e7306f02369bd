//! The whole table at once.

use jackfield_sdk::{HttpResponse, Value, json};

use crate::{Appliance, appliance};

const PATH: &str = "federation/servers:apply";
const LIST: &str = "federation/servers";

fn apply(appliance: &Appliance, servers: Value) -> HttpResponse {
    let version = appliance.version(LIST);
    appliance.change("POST", PATH, &version, json!({"servers": servers}))
}

/// An appliance with the servers a.com, b.com and c.com.
fn with_three() -> Appliance {
    let appliance = appliance();
    let answer = apply(&appliance, json!([{"domain": "a.com"}, {"domain": "b.com"}, {"domain": "c.com"}]));
    assert_eq!(
        (answer.status, answer.body["added"].as_array().map(Vec::len)),
        (200, Some(3)),
        "{}",
        answer.body
    );
    appliance
}

/// a.com stays, b.com changes, c.com goes, d.com comes.
fn edited() -> Value {
    json!([{"domain": "d.com"}, {"domain": "B.com", "server": "mbg"}, {"domain": "a.com"}])
}

fn domains(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().filter_map(|row| row["domain"].as_str()).collect()
}

fn many(count: usize, name: impl Fn(usize) -> Value) -> Value {
    (0..count).map(name).collect()
}

#[test]
fn rows_are_added_changed_and_removed_in_one() {
    let appliance = with_three();
    let kept = appliance.get("federation/servers/a.com").body;
    let answer = apply(&appliance, edited());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(domains(&answer.body["added"]), ["d.com"]);
    assert_eq!(domains(&answer.body["changed"]), ["b.com"]);
    assert_eq!(domains(&answer.body["removed"]), ["c.com"]);
    let changed = &answer.body["changed"][0];
    assert_eq!((&changed["server"], &changed["before"]["server"]), (&json!("mbg"), &Value::Null));
    let list = appliance.get(LIST);
    assert_eq!(domains(&list.body["items"]), ["a.com", "b.com", "d.com"]);
    assert_eq!(list.body["items"][0], kept, "a row that stays as it is keeps its version");
    assert_eq!((list.etag, &answer.body["revision"]), (answer.etag, &json!(3)));
    assert_eq!(appliance.count("db.tx"), 2);
}

#[test]
fn each_changed_row_is_one_revision() {
    let appliance = with_three();
    apply(&appliance, edited());
    let revisions = appliance.revisions();
    let noted: Vec<_> = revisions[3..]
        .iter()
        .map(|r| (r.what.as_str(), r.before.is_null(), r.after.is_null(), r.who.as_str()))
        .collect();
    let all = [
        ("federation/servers d.com", true, false, "admin alice"),
        ("federation/servers b.com", false, false, "admin alice"),
        ("federation/servers c.com", false, true, "admin alice"),
    ];
    assert_eq!(noted, all);
}

#[test]
fn applying_what_is_there_changes_nothing() {
    let appliance = with_three();
    let (before, list) = (appliance.stored(), appliance.get(LIST));
    let answer = apply(&appliance, list.body["items"].clone());
    let nothing = json!({"added": [], "changed": [], "removed": [], "revision": 2});
    assert_eq!((answer.status, answer.body, answer.etag), (200, nothing, list.etag));
    assert_eq!((appliance.stored(), appliance.revisions().len()), (before, 3));
}

#[test]
fn a_dry_run_shows_the_same_and_does_nothing() {
    let appliance = with_three();
    let (before, version) = (appliance.stored(), appliance.version(LIST));
    let shown = appliance.rehearse("POST", PATH, Some(&version), json!({"servers": edited()}));
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert_eq!((appliance.stored(), appliance.count("db.tx"), appliance.revisions().len()), (before, 1, 3));
    let done = apply(&appliance, edited());
    for part in ["added", "changed", "removed"] {
        assert_eq!(domains(&shown.body[part]), domains(&done.body[part]), "{part}");
    }
    assert_eq!((&shown.body["revision"], shown.etag), (&done.body["revision"], done.etag));
}

#[test]
fn a_stale_table_is_refused() {
    let appliance = with_three();
    let (version, rows) = (appliance.version(LIST), edited());
    appliance.post(LIST, json!({"domain": "e.com"}));
    let before = appliance.stored();
    for attempt in ["commit", "rehearse"] {
        let body = json!({"servers": rows});
        let answer = match attempt {
            "commit" => appliance.change("POST", PATH, &version, body),
            _ => appliance.rehearse("POST", PATH, Some(&version), body),
        };
        assert_eq!(answer.status, 412, "{attempt}: {}", answer.body);
    }
    assert_eq!(appliance.stored(), before);
}

#[test]
fn a_table_overtaken_between_reading_and_writing_is_refused_whole() {
    let appliance = with_three();
    let before = appliance.get(LIST).body;
    for (version, status) in [(appliance.version(LIST).as_str(), 412), ("*", 409)] {
        appliance.interrupt("UPDATE federation_state SET table_revision = table_revision + 1");
        let answer = appliance.change("POST", PATH, version, json!({"servers": edited()}));
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    assert_eq!((appliance.get(LIST).body, appliance.revisions().len()), (before, 3));
}

#[test]
fn a_duplicate_names_both_rows() {
    let appliance = with_three();
    let before = appliance.stored();
    let answer = apply(&appliance, json!([{"domain": "x.com"}, {"domain": "y.com"}, {"domain": "X.COM"}]));
    let error = &answer.body["errors"][0];
    assert_eq!((answer.status, &error["pointer"]), (422, &json!("/servers/2/domain")));
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("it is in /servers/0 and /servers/2"), "{detail}");
    assert_eq!(appliance.stored(), before);
}

#[test]
fn every_wrong_row_is_pointed_at_and_nothing_is_done() {
    let appliance = with_three();
    let before = appliance.stored();
    let rows = json!([
        {"domain": "good.com"},
        {"domain": "home.example"},
        {"domain": "bad", "port": 0},
        {"domain": "np.com", "nextplane": true, "server": "gw"},
    ]);
    let answer = apply(&appliance, rows);
    let errors = answer.body["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    let wrong = ["/servers/1/domain", "/servers/2/domain", "/servers/2/port", "/servers/3/port"];
    assert_eq!((answer.status, pointers), (422, wrong.to_vec()));
    assert_eq!(appliance.stored(), before);
}

#[test]
fn a_row_with_an_unknown_field_is_pointed_at() {
    let answer = apply(&appliance(), json!([{"domain": "a.com"}, {"domian": "b.com"}]));
    assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!("/servers/1/domian")));
}

#[test]
fn a_thousand_rows_fit_and_one_more_does_not() {
    let appliance = appliance();
    let row = |i| json!({"domain": format!("partner-{i:04}.example.com"), "server": "mbg.example.com"});
    let answer = apply(&appliance, many(1000, row));
    assert_eq!(answer.status, 200, "{}", answer.body["detail"]);
    assert_eq!(appliance.get("federation").body["servers"], 1000);
    let other = |i| json!({"domain": format!("other-{i:04}.example.com"), "server": "mbg.example.com"});
    let swapped = apply(&appliance, many(1000, other));
    assert_eq!((swapped.status, appliance.revisions().len()), (200, 3000), "{}", swapped.body["detail"]);
    let full = appliance.post(LIST, json!({"domain": "one-more.com"}));
    assert_eq!(full.status, 409, "{}", full.body);
    let beyond = apply(&appliance, many(1001, row));
    assert_eq!((beyond.status, &beyond.body["errors"][0]["pointer"]), (422, &json!("/servers")));
    let emptied = apply(&appliance, json!([]));
    assert_eq!((emptied.status, domains(&emptied.body["removed"]).len()), (200, 1000));
}

#[test]
fn a_change_too_large_for_one_message_is_refused_before_anything_is_written() {
    let appliance = appliance();
    let long = |i: usize| format!("{i:04}.{}com", "abcdefghi.".repeat(24));
    let row = |i| json!({"domain": long(i), "server": long(i)});
    let answer = apply(&appliance, many(1000, row));
    assert_eq!((answer.status, appliance.count("db.tx")), (422, 0), "{}", answer.body["detail"]);
    assert!(answer.body["detail"].as_str().unwrap().contains("in several steps"), "{}", answer.body);
}

#[test]
fn whatever_is_not_too_large_fits_into_one_message() {
    let long = |i: usize| format!("{i:04}.{}com", "abcdefghi.".repeat(24));
    let middle = |i: usize| format!("{i:04}.{}com", "abcdefghi.".repeat(9));
    let shapes: [(&str, &dyn Fn(usize) -> Value); 4] = [
        ("long domains", &|i| json!({"domain": long(i)})),
        ("long domains and servers", &|i| json!({"domain": long(i), "server": long(i)})),
        ("middling domains", &|i| json!({"domain": middle(i)})),
        ("middling domains and servers", &|i| json!({"domain": middle(i), "server": middle(i)})),
    ];
    for (what, row) in shapes {
        let appliance = appliance();
        let most = most_that_fit(&appliance, row);
        let added = apply(&appliance, many(most, row));
        assert_eq!(
            (added.status, appliance.transaction_bytes() < 1024 * 1024),
            (200, true),
            "{what}: {}",
            added.body
        );
        let moved = apply(&appliance, many(most, |i| json!({"domain": row(i)["domain"], "server": "mbg"})));
        assert!(matches!(moved.status, 200 | 422), "{what}: {}", moved.body["detail"]);
        assert_eq!(apply(&appliance, json!([])).status, 200, "{what}");
    }
}

/// How many rows can be added at once.
fn most_that_fit(appliance: &Appliance, row: &dyn Fn(usize) -> Value) -> usize {
    let counts: Vec<usize> = (1..=1000).collect();
    counts.partition_point(|count| {
        let body = json!({"servers": many(*count, row)});
        appliance.rehearse("POST", PATH, Some("*"), body).status == 200
    })
}

#[test]
fn so_many_errors_that_they_would_not_fit_are_cut() {
    let answer = apply(&appliance(), many(1000, |_| json!({"nextplane": 1, "server": 1, "port": 0})));
    assert_eq!((answer.status, answer.body["errors"].as_array().map(Vec::len)), (422, Some(100)));
    assert_eq!(answer.body["detail"], "4000 fields are wrong; the first 100 are listed");
}
