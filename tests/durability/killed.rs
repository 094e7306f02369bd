//! The process is killed at random moments while writers write as fast as they can: what was acknowledged is
//! there and whole, what was not is there wholly or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::person;
use crate::harness::*;

const ROUNDS: usize = 12;
const WRITERS: usize = 4;
/// The kill comes at a random moment of this span after the first acknowledgement.
const SPAN_MS: u64 = 250;

/// Whole accounts as they were acknowledged, by login.
type Acknowledged = BTreeMap<String, Value>;

fn write_until_dead(
    client: &Client,
    prefix: &str,
    told: &mpsc::Sender<()>,
    dead: &AtomicBool,
) -> Acknowledged {
    let mut acknowledged = Acknowledged::new();
    for n in 0.. {
        if dead.load(Ordering::Relaxed) {
            break;
        }
        let login = format!("{prefix}-{n}");
        let Some(answer) = client.call("POST", "/accounts").json(&person(&login)).try_send() else {
            continue;
        };
        acknowledged.insert(login, answer.expect(201).json);
        // The receiver waits for the first one only.
        let _ = told.send(());
    }
    acknowledged
}

fn random(span: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::from(now.subsec_nanos()) / 1000 % span
}

/// One life: writers write, the kill comes.
fn one_life(appliance: &mut Appliance, round: usize) -> Acknowledged {
    let client = appliance.admin();
    let (told, first) = mpsc::channel();
    let dead = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, told, dead) = (client.clone(), told.clone(), &dead);
                scope.spawn(move || write_until_dead(&client, &format!("r{round}w{writer}"), &told, dead))
            })
            .collect();
        first.recv_timeout(Duration::from_secs(10)).expect("a first acknowledgement");
        let (_never, moment) = mpsc::channel::<()>();
        let _ = moment.recv_timeout(Duration::from_millis(random(SPAN_MS)));
        appliance.kill9();
        dead.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer ends")).collect()
    })
}

/// Accounts and revisions tell the same story: each account has the one revision that made it, whose number
/// it carries, and the numbers have no gap.
fn assert_objects_agree_with_revisions(admin: &Client) -> BTreeMap<String, Value> {
    let accounts = all_pages(admin, "/accounts?limit=500");
    let revisions = all_pages(admin, "/revisions?limit=500");
    let numbers: BTreeSet<i64> = revisions.iter().map(|revision| revision["n"].as_i64().unwrap()).collect();
    let contiguous: BTreeSet<i64> = (1..=numbers.len() as i64).collect();
    assert_eq!(numbers, contiguous, "the revisions' numbers have gaps");
    let made: BTreeMap<i64, &Value> = revisions
        .iter()
        .filter(|revision| revision["kind"] == "accounts")
        .map(|revision| (revision["n"].as_i64().unwrap(), revision))
        .collect();
    assert_eq!(
        made.len(),
        accounts.len(),
        "an account without its revision, or a revision without its account"
    );
    for account in &accounts {
        let revision = made.get(&account["revision"].as_i64().unwrap());
        let revision = revision.unwrap_or_else(|| panic!("no revision made {account}"));
        assert_eq!(revision["object"], account["id"], "{account}");
        assert_eq!(revision["after"]["login_id"], account["login_id"], "{account}");
    }
    accounts.into_iter().map(|account| (account["login_id"].as_str().unwrap().to_owned(), account)).collect()
}

fn assert_whole(appliance: &Appliance) {
    let found = appliance.admin().get("/doctor").expect(200);
    let whole = found.items().iter().find(|item| item["name"] == "database_whole").expect("a check");
    assert_eq!(whole["state"], "ok", "{found}");
    let checked = appliance.cli(&["check"], "");
    assert_eq!(checked.code, 0, "{}", checked.stdout);
}

#[test]
fn what_was_acknowledged_survives_any_kill() {
    let mut appliance = Appliance::start();
    site(&appliance.admin());
    let mut acknowledged = Acknowledged::new();
    for round in 0..ROUNDS {
        acknowledged.extend(one_life(&mut appliance, round));
        appliance.resume();
        let kept = assert_objects_agree_with_revisions(&appliance.admin());
        for (login, as_acknowledged) in &acknowledged {
            assert_eq!(
                kept.get(login),
                Some(as_acknowledged),
                "round {round}: {login} was acknowledged and is lost"
            );
        }
        assert_whole(&appliance);
    }
    assert!(
        acknowledged.len() >= ROUNDS * WRITERS,
        "only {} writes: the kills prove little",
        acknowledged.len()
    );
}

#[test]
fn a_kill_during_the_first_start_leaves_nothing_that_keeps_it_from_starting() {
    let (_never, moment) = mpsc::channel::<()>();
    for microseconds in (0..12_000).step_by(400) {
        let mut appliance = Appliance::laid_out(|config| config);
        let mut serve = appliance.command(&["serve"]);
        let (out, err) = (std::process::Stdio::null(), std::process::Stdio::null());
        let process = Process::start(serve.stdout(out).stderr(err));
        let _ = moment.recv_timeout(Duration::from_micros(microseconds));
        drop(process);
        appliance.resume();
        appliance.admin().get("/enterprises").expect(200);
    }
}
