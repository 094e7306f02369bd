//! A full disk: changes are refused in words, reading goes on, and nothing that was acknowledged is lost.

use std::collections::BTreeSet;

use super::person;
use crate::harness::*;

/// Posts accounts until the appliance says that the disk is full; answers the logins that were acknowledged.
fn write_until_full(admin: &Client) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    for n in 0..2000 {
        let login = format!("user{n}");
        let answer = admin.post("/accounts", &person(&login));
        if answer.status != 201 {
            answer.problem(507, "storage/full").says("the disk is full; free some space and try again");
            return acknowledged;
        }
        acknowledged.insert(login);
    }
    panic!("the disk was never full");
}

fn logins(admin: &Client) -> BTreeSet<String> {
    let accounts = all_pages(admin, "/accounts?limit=500");
    accounts.iter().map(|account| account["login_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_full_disk_refuses_changes_and_loses_nothing() {
    let mut appliance = Appliance::laid_out(|config| config);
    let disk = SmallDisk::mount(&appliance.state());
    appliance.resume();
    let admin = appliance.admin();
    site(&admin);
    disk.leave(256 * 1024);
    let mut acknowledged = write_until_full(&admin);
    assert!(!acknowledged.is_empty(), "the disk was full before the first write");
    for _ in 0..3 {
        admin.post("/accounts", &person("late")).problem(507, "storage/full");
    }
    assert_eq!(logins(&admin), acknowledged, "reading goes on");
    let ready = appliance.anonymous().root("GET", "/readyz").send().expect(503);
    assert_eq!(ready.json["ready"], false);
    assert_eq!(ready.json["obstacles"][0]["name"], "disk_space", "{ready}");
    disk.free();
    admin.post("/accounts", &person("after")).expect(201);
    acknowledged.insert("after".to_owned());
    appliance.anonymous().root("GET", "/readyz").send().expect(200);
    appliance.restart();
    assert_eq!(logins(&appliance.admin()), acknowledged);
}

#[test]
fn a_kill_on_a_full_disk_loses_nothing() {
    let mut appliance = Appliance::laid_out(|config| config);
    let disk = SmallDisk::mount(&appliance.state());
    appliance.resume();
    let admin = appliance.admin();
    site(&admin);
    disk.leave(256 * 1024);
    let acknowledged = write_until_full(&admin);
    appliance.kill9();
    disk.free();
    appliance.resume();
    assert_eq!(logins(&appliance.admin()), acknowledged);
}

/// Tries to start where there is no room: it serves, or it names the cause and the remedy.
fn start_without_room(appliance: &mut Appliance) {
    let Err(said) = appliance.try_resume() else {
        appliance.stop();
        return;
    };
    assert!(["disk is full", "No space left"].iter().any(|words| said.contains(words)), "no cause: {said}");
    assert!(said.to_lowercase().contains("free some space"), "no remedy: {said}");
}

#[test]
fn a_first_start_on_a_full_disk_says_what_to_do() {
    let mut appliance = Appliance::laid_out(|config| config);
    let disk = SmallDisk::mount(&appliance.state());
    disk.fill();
    start_without_room(&mut appliance);
    disk.free();
    appliance.resume();
}

#[test]
fn a_later_start_on_a_full_disk_says_what_to_do_and_loses_nothing() {
    let mut appliance = Appliance::laid_out(|config| config);
    let disk = SmallDisk::mount(&appliance.state());
    appliance.resume();
    site(&appliance.admin());
    appliance.stop();
    disk.fill();
    start_without_room(&mut appliance);
    disk.free();
    appliance.resume();
    appliance.admin().get("/enterprises/acme").expect(200);
}

#[test]
fn a_stop_on_a_full_disk_says_that_nothing_is_lost_and_is_right() {
    let mut appliance = Appliance::laid_out(|config| config);
    let disk = SmallDisk::mount(&appliance.state());
    appliance.resume();
    let admin = appliance.admin();
    site(&admin);
    disk.leave(256 * 1024);
    let acknowledged = write_until_full(&admin);
    let pid = rustix::process::Pid::from_raw(appliance.pid().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    // The write-ahead log could not be folded into the file, which whoever copies that file must know.
    appliance.ended_with(1);
    let log = appliance.log();
    assert!(log.contains("nothing is lost, keep both files together"), "{log}");
    disk.free();
    appliance.resume();
    assert_eq!(logins(&appliance.admin()), acknowledged);
}
