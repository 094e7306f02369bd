//! Photos of a real directory: brought once, changed and taken away with it, and refused without harm to their person.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::slapd::{BASE, Slapd, people, person};
use super::{counts, set_up, site_with_peer, synchronize};
use crate::harness::*;

fn photo(bytes: &[u8]) -> String {
    format!("jpegPhoto:: {}\n", BASE64.encode(bytes))
}

fn of_login(admin: &Client, login: &str) -> Value {
    let found = all_pages(admin, "/accounts?limit=500");
    found.into_iter().find(|one| one["login_id"] == login).unwrap_or_else(|| panic!("{login} is not there"))
}

fn replaced(login: &str, more: &str) -> String {
    format!("dn: uid={login},{BASE}\nchangetype: modify\nreplace: jpegPhoto\n{more}\n")
}

#[test]
fn photos_come_change_and_go_with_their_directory() {
    let slapd = Slapd::start(
        &(person("jo", "", &photo(&jpeg(102_400, 1))) + &person("al", "", &photo(&png())) + &people(0..3)),
    );
    let (_appliance, admin, _) = site_with_peer();
    let enterprise = "/enterprises/acme";
    set_up(&admin, enterprise, &slapd.synchronizer(&json!({"page_size": 2})));
    let first = synchronize(&admin, enterprise);
    assert_eq!(counts(&first), [5, 0, 0, 0, 0], "{first:#}");
    let jo = of_login(&admin, "jo");
    let path = format!("/accounts/{}/photo", jo["id"].as_str().expect("an id"));
    assert!(admin.get(&path).expect(200).bytes == jpeg(102_400, 1));
    assert_eq!(
        [&of_login(&admin, "al")["photo"], &of_login(&admin, "p0")["photo"]],
        [&json!(sha1(&png())), &Value::Null]
    );
    assert_eq!(counts(&synchronize(&admin, enterprise)), [0, 0, 0, 5, 0]);
    slapd.modify(&replaced("jo", &photo(&jpeg(3000, 2))));
    slapd.modify(&replaced("al", ""));
    let next = synchronize(&admin, enterprise);
    assert_eq!(counts(&next), [0, 2, 0, 3, 0], "{next:#}");
    assert!(admin.get(&path).expect(200).bytes == jpeg(3000, 2));
    assert_eq!(of_login(&admin, "al")["photo"], Value::Null);
    admin.call("POST", &format!("/revisions/{}:undo", next["revision"])).send().expect(201);
    assert!(admin.get(&path).expect(200).bytes == jpeg(102_400, 1));
}

#[test]
fn contacts_have_photos_and_who_maps_none_brings_none() {
    let slapd = Slapd::start(&person("jo", "", &photo(&png())));
    let (_appliance, admin, peer) = site_with_peer();
    let mut unmapped = slapd.synchronizer(&json!({}));
    unmapped["mapping"]["photo"] = Value::Null;
    set_up(&admin, &peer, &unmapped);
    synchronize(&admin, &peer);
    assert_eq!(of_login(&admin, "jo")["photo"], Value::Null);
    set_up(&admin, &peer, &slapd.synchronizer(&json!({})));
    assert_eq!(counts(&synchronize(&admin, &peer)), [0, 1, 0, 0, 0]);
    assert_eq!(of_login(&admin, "jo")["photo"], sha1(&png()));
}

#[test]
fn a_photo_that_is_none_is_told_in_every_run_and_its_person_is_taken() {
    let not_photos: Vec<_> = not_photos().into_iter().filter(|(_, bytes, _)| !bytes.is_empty()).collect();
    let login = |n: usize| format!("bad{n}");
    let mut entries: String = not_photos
        .iter()
        .enumerate()
        .map(|(n, (_, bytes, _))| person(&login(n), "", &photo(bytes)))
        .collect();
    // More than is read of an entry.
    entries += &person("huge", "", &photo(&jpeg(5 * 1024 * 1024, 1)));
    let slapd = Slapd::start(&(entries + &person("good", "", &photo(&png()))));
    let (_appliance, admin, _) = site_with_peer();
    let enterprise = "/enterprises/acme";
    set_up(&admin, enterprise, &slapd.synchronizer(&json!({})));
    let bad = not_photos.len() as u64 + 1;
    let first = synchronize(&admin, enterprise);
    assert_eq!(counts(&first), [bad + 1, 0, 0, 0, bad], "{first:#}");
    assert!(
        first["reason"].as_str().expect("a reason").ends_with(&format!("; {bad} photos were not taken")),
        "{first:#}"
    );
    let errors = first["errors"].as_array().expect("errors");
    let said = |login: &str| {
        let name = format!("uid={login},");
        errors.iter().find(|one| one["name"].as_str().is_some_and(|text| text.starts_with(&name)))
    };
    for (n, (what, _, words)) in not_photos.iter().enumerate() {
        let detail = said(&login(n)).unwrap_or_else(|| panic!("{what}: {errors:#?}"))["detail"].to_string();
        // What is too large is refused before it travels.
        let words = if *what == "large" { "at most 102400 is taken" } else { *words };
        assert!(detail.contains(words), "{what}: {detail}");
        assert_eq!(of_login(&admin, &login(n))["photo"], Value::Null, "{what}");
    }
    assert_eq!(said("huge").expect("it is told")["attribute"], "jpegPhoto");
    assert_eq!(of_login(&admin, "good")["photo"], sha1(&png()));
    let again = synchronize(&admin, enterprise);
    assert_eq!(counts(&again), [0, 0, 0, bad + 1, bad], "{again:#}");
    slapd.modify(&replaced("bad0", &photo(&png())));
    assert_eq!(counts(&synchronize(&admin, enterprise)), [0, 1, 0, bad, bad - 1]);
    assert_eq!(of_login(&admin, "bad0")["photo"], sha1(&png()));
}

#[test]
fn a_test_says_who_has_a_photo_and_shows_none() {
    let slapd =
        Slapd::start(&(person("jo", "", &photo(&png())) + &person("al", "", &photo(&jpeg(200_000, 1)))));
    let (_appliance, admin, _) = site_with_peer();
    let path = "/enterprises/acme/synchronizer";
    set_up(&admin, "/enterprises/acme", &slapd.synchronizer(&json!({})));
    let tested = admin.call("POST", &format!("{path}:test")).send().expect(200).json;
    let photo = |login: &str| {
        let sample = tested["sample"].as_array().expect("a sample");
        sample.iter().find(|one| one["login_id"] == login).expect("somebody")["photo"].clone()
    };
    assert_eq!(
        (photo("jo"), photo("al"), &tested["ok"]),
        (json!(true), json!(false), &json!(true)),
        "{tested:#}"
    );
    let errors = tested["errors"].as_array().expect("errors");
    assert_eq!((errors.len(), &errors[0]["attribute"]), (1, &json!("jpegPhoto")), "{tested:#}");
}

/// Most memory that a process has ever had, in KiB.
fn peak(pid: &Value) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

#[test]
fn memory_does_not_grow_with_the_photos_of_a_directory() {
    const PEOPLE: usize = 600;
    let all = |n: usize| person(&format!("p{n}"), "", &photo(&jpeg(102_400 - n, 1)));
    let slapd =
        Slapd::start(&(person("first", "", &photo(&png())) + &(0..PEOPLE).map(all).collect::<String>()));
    let (appliance, admin, _) = site_with_peer();
    let enterprise = "/enterprises/acme";
    let one = slapd.synchronizer(&json!({"filter": "(uid=first)"}));
    set_up(&admin, enterprise, &one);
    synchronize(&admin, enterprise);
    let pids = [plugin(&admin, "peering")["pid"].clone(), json!(appliance.pid())];
    let before = pids.each_ref().map(peak);
    set_up(&admin, enterprise, &slapd.synchronizer(&json!({})));
    assert_eq!(counts(&synchronize(&admin, enterprise)), [PEOPLE as u64, 0, 0, 1, 0]);
    assert_eq!(plugin(&admin, "peering")["pid"], pids[0]);
    for (pid, before) in pids.iter().zip(before) {
        // All of them are 60 MB, and 80 MB on their way.
        let more = peak(pid) - before;
        assert!(more < 30 * 1024, "process {pid} has taken {more} KiB more");
    }
}
