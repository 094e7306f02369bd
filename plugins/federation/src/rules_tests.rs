//! The rules of a row, as tables.

use jackfield_sdk::form::read_into;
use jackfield_sdk::{Errors, FieldError, Value, json};

use super::*;

/// The row, read as the eighth of a table.
fn checked(row: Value) -> Result<Server, Vec<FieldError>> {
    let mut errors = Errors::new();
    let mut rows = vec![json!({"domain": "ocs.com"}); 7];
    rows.push(row);
    let table = json!({ "servers": rows });
    let servers = read_into(&mut errors, &table, |form| {
        form.field("servers").list(8, |row| row.object(|row| server(row, None)).required()).required()
    });
    match errors.done() {
        Ok(()) => Ok(servers.unwrap().remove(7)),
        Err(problem) => Err(problem.errors),
    }
}

/// Pointer and sentence of the only error.
fn complaint(row: Value) -> (String, String) {
    let errors = checked(row.clone()).unwrap_err();
    assert_eq!(errors.len(), 1, "{row}: {errors:?}");
    (errors[0].pointer.clone(), errors[0].detail.clone())
}

#[test]
fn a_row_is_filled_in() {
    let host = |name: &str| Some(name.to_owned());
    for (row, nextplane, server, port) in [
        (json!({}), false, None, 5269),
        (json!({"nextplane": false, "server": null, "port": null}), false, None, 5269),
        (json!({"server": "", "port": 5269}), false, None, 5269),
        (json!({"server": "MBG.example.net"}), false, host("mbg.example.net"), 5269),
        (json!({"server": "mbg", "port": 1}), false, host("mbg"), 1),
        (json!({"server": "fe80::1", "port": 65535}), false, host("fe80::1"), 65535),
        (json!({"nextplane": true, "server": "10.0.0.1", "port": 5270}), true, host("10.0.0.1"), 5270),
    ] {
        let mut row = row;
        row["domain"] = json!("OCS.com");
        let (policy, confirm_plain, tls_name) = ("verified_tls".to_owned(), false, None);
        let filled =
            Server { domain: "ocs.com".to_owned(), nextplane, server, port, policy, confirm_plain, tls_name };
        assert_eq!(checked(row.clone()), Ok(filled), "{row}");
    }
}

#[test]
fn a_domain_is_a_dns_name_of_two_labels() {
    let (label, long) = ("a".repeat(63), format!("{}com", "abcdefghi.".repeat(25)));
    assert_eq!(long.len(), 253);
    for domain in
        ["ocs.com", "a-1.b.co", "xn--bcher-kva.example", "1.example", &format!("{label}.com"), &long]
    {
        assert_eq!(checked(json!({"domain": domain})).map(|server| server.domain), Ok(domain.to_owned()));
    }
    for domain in [
        json!(null),
        json!(7),
        json!(""),
        json!("ocs"),
        json!("ocs..com"),
        json!(".ocs.com"),
        json!("ocs.com."),
        json!("-ocs.com"),
        json!("ocs-.com"),
        json!("o_cs.com"),
        json!("o cs.com"),
        json!("é.fr"),
        json!("10.0.0.1"),
        json!("fe80::1"),
        json!(format!("a{label}.com")),
        json!(format!("a{long}")),
    ] {
        let (pointer, said) = complaint(json!({"domain": domain}));
        assert_eq!(pointer, "/servers/7/domain");
        assert!(said.starts_with("domain must be a DNS name such as example.com"), "{said}");
    }
}

#[test]
fn each_wrong_field_has_a_sentence_that_names_field_rule_and_value() {
    for (field, row, said) in [
        ("domain", json!({"domain": "10.0.0.1"}), "no IP address; \"10.0.0.1\" is not"),
        ("domain", json!({}), "no IP address; it is missing"),
        ("nextplane", json!({"nextplane": "yes"}), "must be true or false; \"yes\" is not"),
        (
            "server",
            json!({"server": "a_b"}),
            "a host name or an IP address, or null to let DNS name it; \"a_b\" is not",
        ),
        ("server", json!({"server": "10.0.0.256"}), "\"10.0.0.256\" is not"),
        ("server", json!({"server": "http://x"}), "\"http://x\" is not"),
        ("server", json!({"server": 7}), "7 is not"),
        ("port", json!({"server": "a", "port": 0}), "from 1 to 65535; 0 is not"),
        ("port", json!({"server": "a", "port": 65536}), "from 1 to 65535; 65536 is not"),
        ("port", json!({"server": "a", "port": -1}), "-1 is not"),
        ("port", json!({"server": "a", "port": 1.5}), "1.5 is not"),
        ("port", json!({"server": "a", "port": "5269"}), "\"5269\" is not"),
        ("port", json!({"port": 5270}), "must be 5269 or left out where no server is given"),
        ("server", json!({"nextplane": true, "port": 5269}), "must be given where nextplane is true"),
        ("port", json!({"nextplane": true, "server": "a"}), "must be given where nextplane is true"),
        (
            "policy",
            json!({"policy": "none"}),
            "one of \"verified_tls\", \"tls_dialback\", \"plain_dialback\"",
        ),
        (
            "confirm_plain",
            json!({"policy": "plain_dialback"}),
            "without TLS anybody on the way reads every message",
        ),
        ("tls_name", json!({"tls_name": "10.0.0.1"}), "must be a DNS name"),
    ] {
        let mut row = row;
        if field != "domain" {
            row["domain"] = json!("ocs.com");
        }
        let (pointer, detail) = complaint(row.clone());
        assert_eq!(pointer, format!("/servers/7/{field}"), "{row}");
        assert!(detail.starts_with(field) && detail.contains(said), "{row}: {detail}");
    }
}

#[test]
fn all_wrong_fields_of_a_row_are_told_at_once() {
    let errors = checked(json!({"domain": "x", "nextplane": 1, "server": "", "port": 0})).unwrap_err();
    let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/servers/7/domain", "/servers/7/nextplane", "/servers/7/port"]);
    let bare = checked(json!({"domain": "ocs.com", "nextplane": true})).unwrap_err();
    assert_eq!(bare.len(), 2, "{bare:?}");
}

#[test]
fn a_long_wrong_value_is_cut() {
    let (_, said) = complaint(json!({"domain": "é".repeat(100_000)}));
    assert!(said.len() < 400 && said.contains('…'), "{said}");
}

#[test]
fn less_than_a_verified_certificate_is_said_and_plain_text_is_confirmed() {
    let row = checked(json!({"domain": "a.com", "policy": "tls_dialback", "tls_name": "Hub.net"})).unwrap();
    assert_eq!((row.policy.as_str(), row.tls_name.as_deref()), ("tls_dialback", Some("hub.net")));
    let row = json!({"domain": "a.com", "policy": "plain_dialback", "confirm_plain": true});
    assert_eq!(checked(row).unwrap().policy, "plain_dialback");
}
