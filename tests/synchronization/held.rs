//! Runs that change nothing: held ones with their question, dry runs, and those that find nothing new.

use serde_json::{Value, json};

use super::{Ground, entries, ground};

fn questions(ground: &Ground) -> Value {
    let sql =
        "SELECT reason, removals, who FROM core_directory_questions WHERE synchronizer = 'mirror/peer/lyon'";
    ground.asked("db.query", &json!({"sql": sql}))["rows"].clone()
}

#[test]
fn a_run_without_news_commits_nothing() {
    let ground = ground();
    ground.run(&json!({}), &entries(2000));
    let commits = || ground.admin.figure("jackfield_db_commits_total");
    let unchanged = || {
        let before = commits();
        let done = ground.run(&json!({}), &entries(2000));
        assert_eq!([&done["unchanged"], &done["revision"]], [&json!(2000), &json!(null)]);
        commits() - before
    };
    // The site's own checks commit now and then; a run that did would do so every time.
    let fewest = (0..3).map(|_| unchanged()).fold(f64::MAX, f64::min);
    assert!(fewest < 0.5, "{fewest} commits");
}

#[test]
fn a_run_that_would_wipe_asks_and_does_so_when_it_is_confirmed() {
    let ground = ground();
    ground.run(&json!({}), &entries(20));
    let done = ground.run(&json!({}), &entries(15));
    assert_eq!((&done["held"]["reason"], &done["removals"]), (&json!("removals"), &json!(5)), "{done}");
    assert_eq!((ground.contacts().len(), questions(&ground)), (20, json!([["removals", 5, "admin alice"]])));
    let done = ground.run(&json!({}), &[]);
    assert_eq!(done["held"]["reason"], "empty");
    let run = ground.open(&json!({"confirm": true}));
    let failed = json!({"run": run, "outcome": "failed", "detail": "the server closed the connection"});
    let done = ground.asked("directory.close", &failed);
    assert!(done["held"]["what"].as_str().unwrap().contains("closed the connection"), "{done}");
    assert_eq!(ground.contacts().len(), 20);
    let done = ground.run(&json!({"confirm": true}), &entries(15));
    assert_eq!((&done["held"], &done["removals"]), (&json!(null), &json!(5)));
    assert_eq!((ground.contacts().len(), questions(&ground)), (15, json!([])));
    let hidden = ground.admin.get("/directory?enterprise=acme&folder=Lyon&hidden=1&limit=100").expect(200);
    assert_eq!(hidden.items().len(), 20, "they are kept for a while");
    ground.run(&json!({}), &entries(20));
    assert_eq!(ground.contacts().len(), 20);
}

#[test]
fn a_dry_run_lists_whom_it_would_touch() {
    let ground = ground();
    ground.run(&json!({}), &entries(3));
    let before = ground.admin.get("/revisions?limit=1").expect(200).items()[0]["n"].clone();
    let mut next = entries(4);
    next.remove(0);
    let done = ground.run(&json!({"dry_run": true, "removal_share": 100}), &next);
    assert_eq!(done["list"]["adds"][0]["login_id"], "user3", "{done}");
    assert_eq!(done["list"]["removals"][0]["key"], "key-0", "{done}");
    assert_eq!((&done["revision"], ground.contacts().len()), (&json!(null), 3));
    assert_eq!(ground.admin.get("/revisions?limit=1").expect(200).items()[0]["n"], before);
}
