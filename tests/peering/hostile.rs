//! Entries that no tidy directory has: what is wrong with one is told with its name, the others come, and whoever was
//! there before stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::stub::{Stub, Turn, entry, person};
use super::{counts, fails, logins, set_up, site_with_peer, standing, synchronize};

fn values(value: &[u8]) -> Vec<Vec<u8>> {
    vec![value.to_vec()]
}

/// What is told of the entry with that name.
fn told(result: &Value, name: &str) -> String {
    let errors = result["errors"].as_array().expect("errors").iter();
    let mut mine = errors.filter(|error| error["name"].as_str().is_some_and(|known| known.contains(name)));
    let found = mine.next().unwrap_or_else(|| panic!("nothing is told of {name}: {result:#}"));
    format!("{} {}", found["attribute"].as_str().unwrap(), found["detail"].as_str().unwrap())
}

#[test]
fn one_bad_entry_harms_no_other() {
    let many: Vec<Vec<u8>> = (0..100_000).map(|n| format!("jo{n}@ocs.example").into_bytes()).collect();
    let entries = vec![
        person("good", &[]),
        person("utf", &[("givenName", values(b"J\xff"))]),
        person("control", &[("givenName", values(b"J\x01"))]),
        person("many", &[("mail", many)]),
        person("nameless", &[("sn", vec![])]),
        person("twice", &[]),
        person("double", &[("entryUUID", values(b"key-twice"))]),
        person("login", &[("uid", values(b"GOOD"))]),
        person("keyless", &[("entryUUID", vec![])]),
        person("spaced", &[("uid", values(b"a b"))]),
        entry(
            b"no name at all",
            &[("entryUUID", values(b"k")), ("uid", values(b"dn")), ("sn", values(b"Dn"))],
        ),
        person("last", &[("unasked", values(&[0xff; 100]))]),
    ];
    let stub = Stub::start(move |asked| {
        if asked.is_base {
            // Only the one that is too big is asked for again: without its photo, and then for its key alone.
            let again = if asked.names("mail") { entries[3].clone() } else { person("many", &[]) };
            return vec![Turn::Send(again), Turn::Done("")];
        }
        entries.iter().cloned().map(Turn::Send).chain([Turn::Done("")]).collect()
    });
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &stub.synchronizer());
    let result = synchronize(&admin, &peer);
    assert_eq!(counts(&result), [3, 0, 0, 0, 9], "{result:#}");
    assert_eq!(logins(&admin, &peer), ["good", "last", "twice"]);
    for (name, words) in [
        ("uid=utf", "givenName is no UTF-8: byte 2"),
        ("uid=control", "givenName holds the character U+0001"),
        ("uid=many", "bytes; 1048576 are read"),
        ("uid=nameless", "sn is missing or empty, and a last name is needed"),
        ("uid=double", "that of login \"twice\" is taken, that of \"double\" is not"),
        ("uid=login", "that with the key \"key-good\" is taken, that with \"key-login\" is not"),
        ("uid=keyless", "entryUUID is missing"),
        ("uid=spaced", "login_id"),
        ("no name at all", "has a malformed name"),
    ] {
        assert!(told(&result, name).contains(words), "{name}: {}", told(&result, name));
    }
    let kept = standing(&admin, &peer);
    assert_eq!(kept["latest"]["errors"].as_array().map(Vec::len), Some(9), "{kept:#}");
}

#[test]
fn whoever_has_the_login_of_somebody_else_here_is_told() {
    let stub = Stub::start(|_| {
        let called = person("called", &[("telephoneNumber", values(b"4001"))]);
        let all = [person("good", &[]), person("manual", &[]), called];
        all.into_iter().map(Turn::Send).chain([Turn::Done("")]).collect()
    });
    let (_appliance, admin, _) = site_with_peer();
    for (login, extension) in [("manual", "4000"), ("4001", "4002")] {
        let account =
            json!({"enterprise": "acme", "login_id": login, "last_name": "By hand", "extension": extension});
        admin.post("/accounts", &account).expect(201);
    }
    let owner = "/enterprises/acme";
    set_up(&admin, owner, &stub.synchronizer());
    for (run, expected) in [[1, 0, 0, 0, 2], [0, 0, 0, 1, 2]].into_iter().enumerate() {
        let result = synchronize(&admin, owner);
        assert_eq!(counts(&result), expected, "run {run}: {result:#}");
        assert!(told(&result, "key-manual").contains("manual account"), "{result:#}");
        assert!(told(&result, "key-called").contains("is the login ID of another account"), "{result:#}");
        assert_eq!(logins(&admin, owner), ["good"]);
    }
}

/// As an Active Directory does: 1,500 at once, under a name that says which.
#[test]
fn values_that_come_in_ranges_are_read_to_their_end() {
    let some =
        |count: usize| (0..count).map(|n| format!("m{n}@ocs.example").into_bytes()).collect::<Vec<_>>();
    let stub = Stub::start(move |asked| {
        let who = ["ranged", "flood", "stuck", "plain"];
        if !asked.is_base {
            let begins = [("mail", vec![]), ("mail;range=0-1499", some(1500))];
            let send =
                |login: &&str| Turn::Send(person(login, if *login == "plain" { &[] } else { &begins }));
            return who.iter().map(send).chain([Turn::Done("")]).collect();
        }
        let login = who.into_iter().find(|login| asked.names(&format!("uid={login},"))).expect("one of them");
        let next = [1500, 3000, 4500].into_iter().find(|from| asked.names(&format!("mail;range={from}-*")));
        let more = match (login, next.expect("a range that goes on")) {
            ("ranged" | "flood", 1500) => vec![("mail;range=1500-2999", some(1500))],
            ("ranged", _) => vec![("mail;range=3000-*", some(100))],
            ("flood", 3000) => vec![("mail;range=3000-4499", some(1500))],
            ("flood", _) => vec![("mail;range=4500-5999", some(1500))],
            _ => vec![],
        };
        vec![Turn::Send(entry(format!("uid={login},dc=ocs,dc=example").as_bytes(), &more)), Turn::Done("")]
    });
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &stub.synchronizer());
    let result = synchronize(&admin, &peer);
    assert_eq!(counts(&result), [2, 0, 0, 0, 2], "{result:#}");
    assert_eq!(logins(&admin, &peer), ["plain", "ranged"]);
    assert!(told(&result, "uid=flood").contains("mail has more than 5000 values"), "{result:#}");
    assert!(told(&result, "uid=stuck").contains("after value 1500 was not given"), "{result:#}");
}

#[test]
fn whoever_was_there_stays_when_their_entry_goes_bad() {
    let is_bad = Arc::new(AtomicBool::new(false));
    let turned = Arc::clone(&is_bad);
    let stub = Stub::start(move |asked| {
        let big = person("big", &[("mail", vec![vec![b'x'; 30]; 50_000])]);
        let (one, two) = match (turned.load(Ordering::Acquire), asked.is_base) {
            (_, true) if asked.names("mail") => return vec![Turn::Send(big), Turn::Done("")],
            (_, true) => return vec![Turn::Send(person("big", &[])), Turn::Done("")],
            (false, _) => (person("odd", &[]), person("big", &[])),
            (true, _) => (person("odd", &[("sn", values(b"\x00"))]), big),
        };
        vec![Turn::Send(one), Turn::Send(two), Turn::Send(person("good", &[])), Turn::Done("")]
    });
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &stub.synchronizer());
    synchronize(&admin, &peer);
    is_bad.store(true, Ordering::Release);
    let result = synchronize(&admin, &peer);
    assert_eq!(counts(&result), [0, 0, 0, 1, 2], "{result:#}");
    assert_eq!(logins(&admin, &peer), ["big", "good", "odd"]);
}

#[test]
fn pages_are_read_to_the_last_and_references_are_counted_and_not_followed() {
    let page = AtomicUsize::new(0);
    let stub = Stub::start(move |_| {
        let n = page.fetch_add(1, Ordering::AcqRel);
        let reference = super::stub::element(0x73, &super::stub::element(4, b"ldap://elsewhere.invalid/"));
        let next = if n < 3 { "more" } else { "" };
        vec![Turn::Send(person(&format!("p{n}"), &[])), Turn::Send(reference), Turn::Done(next)]
    });
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &stub.synchronizer());
    let result = synchronize(&admin, &peer);
    assert_eq!((counts(&result), &result["counts"]["references"]), ([4, 0, 0, 0, 0], &json!(4)));
    assert!(
        result["reason"].as_str().unwrap().contains("4 references to other servers were not followed"),
        "{result:#}"
    );
}

#[test]
fn a_server_without_an_end_is_left() {
    let stub = Stub::start(|_| {
        let flood: Vec<u8> = (0..100).flat_map(|_| person("jo", &[])).collect();
        // A message that says that it has four gigabytes.
        vec![Turn::Raw(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), Turn::Raw(flood), Turn::Hang]
    });
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &stub.synchronizer());
    let said = fails(&admin, &peer);
    assert!(said.contains("a message of more than 256 MiB"), "{said}");
}
