//! A site's own certificate, changed while the appliance runs.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::HERE;
use super::line::Line;
use crate::harness::*;

/// The door looks every five seconds.
const WITHIN: Duration = Duration::from_secs(12);

fn started_with(pair: &Pair) -> Appliance {
    let mut appliance = Appliance::laid_out(|config| with_certificate(&config));
    pair.write(appliance.folder());
    appliance.resume();
    appliance
}

fn is_shown(appliance: &Appliance, pair: &Pair) -> bool {
    let trusting = Client::new(appliance.address(), &pair.fingerprint);
    Line::open(HERE, appliance.address(), trusting.tls()).is_ok()
}

/// Asks again and again, each time a whole handshake, until it is so.
#[track_caller]
fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    let (_never, moment) = std::sync::mpsc::channel::<()>();
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {WITHIN:?}");
        let _ = moment.recv_timeout(Duration::from_millis(50));
    }
}

fn hang_up(appliance: &Appliance) {
    let pid = Pid::from_raw(appliance.pid().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
}

#[test]
fn a_new_pair_is_shown_within_seconds_and_old_connections_go_on() {
    let (first, second) = (Pair::new(), Pair::new());
    let appliance = started_with(&first);
    let printed = appliance.greeting()["certificate_sha256"].as_str().unwrap().replace(':', "");
    assert_eq!(printed, first.fingerprint);
    let trusting = Client::new(appliance.address(), &first.fingerprint);
    let mut before = Line::open(HERE, appliance.address(), trusting.tls()).unwrap();
    before.get("/livez", "").unwrap().expect(200);
    second.write(appliance.folder());
    await_that("the new certificate is shown", || is_shown(&appliance, &second));
    assert!(!is_shown(&appliance, &first));
    before.get("/livez", "").expect("the old connection goes on").expect(200);
    assert!(appliance.log().contains("new certificate in use: SHA-256 "), "{}", appliance.log());
}

#[test]
fn a_broken_pair_keeps_the_old_one_and_is_logged() {
    let first = Pair::new();
    let appliance = started_with(&first);
    assert!(is_shown(&appliance, &first));
    fs::write(appliance.folder().join("cert.pem"), Pair::new().cert).unwrap();
    await_that("the broken pair is logged", || appliance.log().contains("the new certificate is not used"));
    assert!(
        appliance.log().contains("the private key does not belong to the certificate"),
        "{}",
        appliance.log()
    );
    assert!(is_shown(&appliance, &first));
    let last = Pair::new();
    last.write(appliance.folder());
    await_that("the mended pair is shown", || is_shown(&appliance, &last));
}

#[test]
fn a_hang_up_signal_takes_up_a_new_pair_at_once() {
    let (first, second) = (Pair::new(), Pair::new());
    let appliance = started_with(&first);
    second.write(appliance.folder());
    hang_up(&appliance);
    let begun = Instant::now();
    await_that("the new certificate is shown", || is_shown(&appliance, &second));
    // By itself it looks every five seconds.
    assert!(begun.elapsed() < Duration::from_secs(4), "SIGHUP took {:?}", begun.elapsed());
}

#[test]
fn a_pair_with_its_old_time_of_change_is_taken_up_as_well() {
    let (first, second) = (Pair::new(), Pair::new());
    let appliance = started_with(&first);
    second.write(appliance.folder());
    for name in ["cert.pem", "key.pem"] {
        let aged =
            Command::new("touch").args(["-d", "2021-02-03"]).arg(appliance.folder().join(name)).status();
        assert!(aged.unwrap().success());
    }
    await_that("a pair restored with its old time is shown", || is_shown(&appliance, &second));
}

/// A key is made before its certificate is issued, so its file may well be the older one when it is moved in.
#[test]
fn a_key_that_follows_its_certificate_later_is_taken_up_though_its_file_is_older() {
    let (first, second) = (Pair::new(), Pair::new());
    let appliance = started_with(&first);
    fs::write(appliance.folder().join("new-key.pem"), &second.key).unwrap();
    let aged =
        Command::new("touch").args(["-d", "1 hour ago"]).arg(appliance.folder().join("new-key.pem")).status();
    assert!(aged.unwrap().success());
    fs::write(appliance.folder().join("cert.pem"), &second.cert).unwrap();
    await_that("the half pair is logged", || appliance.log().contains("the new certificate is not used"));
    fs::rename(appliance.folder().join("new-key.pem"), appliance.folder().join("key.pem")).unwrap();
    await_that("the whole pair is shown", || is_shown(&appliance, &second));
}

#[test]
fn a_key_that_vanishes_is_logged_and_the_old_pair_stays() {
    let first = Pair::new();
    let appliance = started_with(&first);
    fs::remove_file(appliance.folder().join("key.pem")).unwrap();
    await_that("the missing key is logged", || appliance.log().contains("the new certificate is not used"));
    assert!(appliance.log().contains("key.pem: No such file"), "{}", appliance.log());
    assert!(is_shown(&appliance, &first));
}

#[test]
fn an_expired_certificate_is_told_by_the_doctor_once_it_is_in_use() {
    let appliance = started_with(&Pair::new());
    let expired = Pair::until(2021);
    expired.write(appliance.folder());
    await_that("the expired certificate is shown", || is_shown(&appliance, &expired));
    let admin =
        Client::new(appliance.address(), &expired.fingerprint).with_token(&appliance.token("suite", "admin"));
    let found = admin.get("/doctor").expect(200);
    let certificate = found.items().iter().find(|item| item["name"] == "certificate").unwrap();
    assert_eq!(certificate["detail"], "the certificate has expired");
    assert!(admin.figure("jackfield_ready") > 0.0);
}
