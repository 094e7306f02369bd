//! The test of a synchronizer: each step of the way, with what was seen or what was wrong and what to do.

use serde_json::json;

use super::slapd::{Slapd, person, unit};
use super::stub::{Stub, Turn};
use super::{set_up, site_with_peer, standing, step, steps};
use crate::federation::authority::Authority;
use crate::harness::free_port;

const ALL_WELL: [&str; 7] =
    ["resolve ok", "connect ok", "tls ok", "bind ok", "base ok", "filter ok", "sample ok"];

/// Steps that went well, the one that failed, and those that were not reached.
fn fails_at(name: &str) -> Vec<String> {
    let at = ALL_WELL.iter().position(|step| step.starts_with(name)).expect("a step");
    let word = |index: usize| match index.cmp(&at) {
        std::cmp::Ordering::Less => "ok",
        std::cmp::Ordering::Equal => "failed",
        std::cmp::Ordering::Greater => "skipped",
    };
    ALL_WELL.iter().enumerate().map(|(i, step)| format!("{} {}", step.replace(" ok", ""), word(i))).collect()
}

#[test]
fn every_step_is_gone_by_each_way_to_connect_and_five_people_are_shown() {
    let people: String = (0..7).map(|n| person(&format!("p{n}"), "Sales", "givenName: Zoé\n")).collect();
    let slapd = Slapd::start(&(unit("Sales") + &people));
    let (_appliance, admin, peer) = site_with_peer();
    for (tls, port) in [("ldaps", slapd.tls_port), ("starttls", slapd.port), ("none", slapd.port)] {
        set_up(&admin, &peer, &slapd.synchronizer(&json!({"tls": tls, "port": port})));
        let (answer, told) = steps(&admin, &peer);
        assert_eq!(told, ALL_WELL, "{tls}: {answer:#}");
        assert_eq!((&answer["ok"], &answer["expected_name"]), (&json!(true), &json!("localhost")));
        let sample = answer["sample"].as_array().expect("a sample");
        assert_eq!(sample.len(), 5, "{answer:#}");
        assert_eq!((&sample[0]["first_name"], &sample[0]["folder"]), (&json!("Zoé"), &json!("Sales")));
        let names = if tls == "none" { json!(null) } else { json!(["localhost"]) };
        assert_eq!(answer["certificate"]["names"], names, "{tls}");
        assert!(!answer.to_string().contains("hush-hush"));
    }
    // A test leaves nothing behind.
    assert_eq!(standing(&admin, &peer)["state"], "never_synchronized");
    set_up(&admin, "/enterprises/acme", &slapd.synchronizer(&json!({})));
    assert_eq!(steps(&admin, "/enterprises/acme").1, ALL_WELL);
}

#[test]
fn the_step_that_failed_says_what_was_wrong_and_what_to_do() {
    let slapd = Slapd::start(&person("jo", "", ""));
    let (_appliance, admin, peer) = site_with_peer();
    let closed = free_port();
    for (fields, name, detail) in [
        (json!({"host": "nowhere.invalid"}), "resolve", "nowhere.invalid has no address"),
        (json!({"port": closed}), "connect", "takes no connection"),
        (
            json!({"ca_certificate": Authority::new().pem()}),
            "tls",
            "signed by an authority that is not trusted here",
        ),
        (json!({"host": "127.0.0.1"}), "tls", "it is for localhost, and 127.0.0.1 is expected"),
        (json!({"port": slapd.port}), "tls", "it ended the connection while TLS began"),
        (json!({"password": "wrong"}), "bind", "name or password are wrong"),
        (json!({"bind_dn": null, "password": null}), "base", "the account may not do that"),
        (json!({"search_context": "ou=Gone"}), "base", "of it there is dc=ocs,dc=example"),
        (json!({"filter": "(uid=nobody)"}), "filter", "nothing matches the filter"),
        (
            json!({"mapping": {"user_id": "entryUUID", "login": "givenName"}}),
            "sample",
            "givenName is missing",
        ),
    ] {
        set_up(&admin, &peer, &slapd.synchronizer(&fields));
        let (answer, told) = steps(&admin, &peer);
        assert_eq!(told, fails_at(name), "{fields}: {answer:#}");
        let failed = step(&answer, name);
        assert!(failed["detail"].as_str().unwrap().contains(detail), "{fields}: {failed:#}");
        assert_ne!(failed["advice"], "", "{fields}: {failed:#}");
        assert_eq!(answer["ok"], false);
    }
}

#[test]
fn a_server_that_says_nothing_is_told_as_such_and_others_are_served_meanwhile() {
    let stub = Stub::start(|_| vec![Turn::Hang]);
    let (_appliance, admin, peer) = site_with_peer();
    set_up(&admin, &peer, &stub.synchronizer());
    std::thread::scope(|scope| {
        let testing = scope.spawn(|| steps(&admin, &peer));
        // Reading must not wait for the directory.
        for _ in 0..3 {
            standing(&admin, &peer);
        }
        assert!(!testing.is_finished());
        let (answer, told) = testing.join().expect("an answer");
        assert_eq!(told[4], "base failed", "{answer:#}");
        let said = step(&answer, "base")["detail"].as_str().unwrap().to_owned();
        assert!(said.contains("longer than 25 s"), "{said}");
    });
}
