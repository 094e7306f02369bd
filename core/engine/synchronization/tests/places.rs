//! Where contacts are found: their folder, their address, their peer's domain.

use jackfield_abi::ops::{DirectoryEntry, PeerDomain};
use jackfield_db::{Owner, Value};

use super::bench::*;
use crate::engine::directory::{self, Wanted};
use crate::engine::messages::address::Address;
use crate::engine::objects::text;
use crate::engine::synchronization::note_domain;

fn addresses(bench: &Bench) -> Vec<Value> {
    let sql = "SELECT address FROM core_contacts ORDER BY key";
    let table = bench.engine.db.query_as(&Owner::new(PLUGIN).unwrap(), sql, vec![], 1000).unwrap();
    table.rows.into_iter().map(|mut row| row.remove(0)).collect()
}

fn note(bench: &Bench, peer: &str, domain: &str) -> Result<(), crate::catalog::problems::Problem> {
    let (peer, domain) = (peer.to_owned(), domain.to_owned());
    note_domain(&bench.engine, PeerDomain { peer, domain, version: Some("1.2.3".to_owned()) })
}

#[test]
fn contacts_are_in_the_folder_that_their_peers_description_names() {
    let bench = bench();
    let paris = DirectoryEntry { folder: Some("Sales/Paris".to_owned()), ..entry("a", "1", "anna") };
    bench.run(lyon(), &[paris, entry("b", "1", "bert")]);
    let found = |folder: &str| {
        let wanted = Wanted {
            enterprise: Some("acme".to_owned()),
            folder: Some(folder.to_owned()),
            limit: 10,
            ..Wanted::default()
        };
        let (found, _) = bench.engine.db.read(|read| directory::list(read, &wanted)).unwrap();
        found
            .iter()
            .map(|entry| format!("{} {}", text(entry, "login_id"), text(entry, "folder")))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("Lyon"), ["anna Lyon/Sales/Paris", "bert Lyon"]);
    bench.sql("UPDATE peer SET description = 'Lugdunum' WHERE id = 'peer-lyon'");
    assert_eq!((found("Lyon"), found("Lugdunum/Sales").len()), (vec![], 1));
}

#[test]
fn the_address_is_the_sources_or_the_login_at_the_peers_domain() {
    let bench = bench();
    let given = DirectoryEntry { address: Some("Anna.B@IM.Example".to_owned()), ..entry("a", "1", "anna") };
    let wrong = DirectoryEntry { address: Some("no address".to_owned()), ..entry("c", "1", "carl") };
    let closed = bench.run(lyon(), &[given, entry("b", "1", "Bert@lyon.example"), wrong]);
    assert_eq!((closed.adds, closed.refusals[0].field.as_str()), (2, "address"));
    assert_eq!(addresses(&bench), [Value::Text("anna.b@im.example".into()), Value::Null]);
    note(&bench, "peer-lyon", "Lyon.Example.").unwrap();
    assert_eq!(addresses(&bench)[1], Value::Text("bert\\40lyon.example@lyon.example".into()));
}

/// The view escapes as core does.
#[test]
fn every_login_is_escaped_as_the_standard_says() {
    let bench = bench();
    note(&bench, "peer-lyon", "lyon.example").unwrap();
    let logins = [
        "john",
        "j@acme.com",
        "\"ish\"",
        "at&t",
        "d'artagnan",
        "/.fan",
        "::foo::",
        "<foo>",
        "c:\\net",
        "c:\\5commas",
        "a\\20b",
        "a\\2Fb",
        "x\\5c20y",
        "tail\\",
    ];
    let entries: Vec<_> =
        logins.iter().enumerate().map(|(n, login)| entry(&format!("k{n:02}"), "1", login)).collect();
    assert_eq!(bench.run(lyon(), &entries).refusals, []);
    let expected: Vec<_> = logins
        .iter()
        .map(|login| Value::Text(Address::of_login(login, "lyon.example").to_string()))
        .collect();
    assert_eq!(addresses(&bench), expected);
}

#[test]
fn a_peers_domain_is_noted_once_and_is_nobody_elses() {
    let bench = bench();
    note(&bench, "peer-lyon", "lyon.example").unwrap();
    let before = bench.commits();
    note(&bench, "peer-lyon", "lyon.example").unwrap();
    assert_eq!(bench.commits(), before);
    assert_eq!(
        bench.count("SELECT count(*) FROM core_peers WHERE domain = 'lyon.example' AND version = '1.2.3'"),
        1
    );
    assert_eq!(note(&bench, "peer-lyon", "Acme.example.com").unwrap_err().kind.status, 409);
    assert_eq!(note(&bench, "peer-lyon", "no domain").unwrap_err().kind.status, 422);
    assert_eq!(note(&bench, "peer-none", "none.example").unwrap_err().kind.status, 404);
}
