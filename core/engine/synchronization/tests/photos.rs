//! Photos that a source has: taken, kept, refused by themselves, and never brought twice.

use data_encoding::BASE64;
use jackfield_abi::ops::{DirectoryEntry, DirectoryOpen};
use serde_json::{Value, json};

use super::bench::*;
use crate::engine::photos::{Photo, a_jpeg, a_png};

fn with(photo: &[u8], entry: DirectoryEntry) -> DirectoryEntry {
    DirectoryEntry { photo: Some(BASE64.encode(photo)), ..entry }
}

fn hash(bytes: Vec<u8>) -> Value {
    Photo::accept(bytes).unwrap().hash.into()
}

impl Bench {
    fn photo_of(&self, login: &str) -> Value {
        field(&self.own(login), "photo").clone()
    }
}

#[test]
fn a_photo_is_taken_changed_and_taken_away_as_the_source_says() {
    let bench = bench();
    let (one, other) = (a_jpeg(96, 96), a_png(48, 48));
    let entries = [with(&one, entry("k1", "v1", "ann")), with(&one, entry("k2", "v1", "cid"))];
    let closed = bench.run(own(), &entries);
    assert_eq!((closed.adds, closed.refused, bench.kept()), (2, 0, 1), "{closed:?}");
    assert_eq!([bench.photo_of("ann"), bench.photo_of("cid")], [hash(one.clone()), hash(one.clone())]);
    let changed = with(&other, entry("k1", "v2", "ann"));
    let cleared = DirectoryEntry { photo: Some(String::new()), ..entry("k2", "v2", "cid") };
    let closed = bench.run(own(), &[changed, cleared]);
    assert_eq!([bench.photo_of("ann"), bench.photo_of("cid")], [hash(other.clone()), json!(null)]);
    let said_nothing = bench.run(own(), &[entry("k1", "v3", "ann"), entry("k2", "v2", "cid")]);
    assert_eq!((said_nothing.unchanged, bench.photo_of("ann")), (2, hash(other)), "what is not told stays");
    bench.undo(closed.revision.unwrap()).unwrap();
    assert_eq!([bench.photo_of("ann"), bench.photo_of("cid")], [hash(one.clone()), hash(one)]);
}

#[test]
fn an_entry_that_is_known_costs_nothing_whatever_its_photo() {
    let bench = bench();
    bench.run(own(), &[with(&a_jpeg(96, 96), entry("k", "v1", "ann"))]);
    let before = bench.commits();
    let closed = bench.run(own(), &[with(b"no picture, and nobody looks", entry("k", "v1", "ann"))]);
    assert_eq!((closed.unchanged, closed.refused, bench.commits()), (1, 0, before));
}

#[test]
fn a_bad_photo_is_refused_alone_and_told_in_every_run() {
    let bench = bench();
    bench.run(own(), &[with(&a_jpeg(96, 96), entry("k1", "v1", "ann"))]);
    let (had, large) = (bench.photo_of("ann"), vec![0xff; 102_401]);
    let bad = |key: &str, login: &str, photo: &[u8]| {
        let last_name = format!("New {login}");
        with(photo, DirectoryEntry { last_name, ..entry(key, "v2", login) })
    };
    let no_base64 = DirectoryEntry { photo: Some("?".to_owned()), ..entry("k4", "v2", "eve") };
    let entries = [
        bad("k1", "ann", b"<svg/>"),
        bad("k2", "cid", &a_jpeg(96, 96)[..40]),
        bad("k3", "dan", &large),
        no_base64,
    ];
    let closed = bench.run(own(), &entries);
    assert_eq!((closed.adds, closed.changes, closed.refused), (3, 1, 4), "{closed:?}");
    let told: Vec<_> = closed.refusals.iter().map(|one| (one.key.as_str(), one.field.as_str())).collect();
    assert_eq!(told, [("k1", "photo"), ("k2", "photo"), ("k3", "photo"), ("k4", "photo")]);
    for (refusal, reason) in
        closed.refusals.iter().zip(["those of neither", "cut short", "102400 bytes", "no base64"])
    {
        assert!(refusal.detail.contains(reason), "{refusal:?}");
    }
    assert_eq!((bench.photo_of("ann"), field(&bench.own("ann"), "last_name")), (had, &json!("New ann")));
    assert_eq!(bench.photo_of("dan"), json!(null));
    let again = bench.run(own(), &entries);
    assert_eq!((again.unchanged, again.refused, again.changes, again.revision), (4, 4, 0, None), "{again:?}");
    let good = bench.run(own(), &[bad("k2", "cid", &a_jpeg(96, 96))]);
    assert_eq!((good.changes, bench.photo_of("cid")), (1, hash(a_jpeg(96, 96))));
}

#[test]
fn a_dry_run_keeps_no_photo_and_says_what_it_would_do() {
    let bench = bench();
    let order = DirectoryOpen { dry_run: true, ..own() };
    let closed = bench
        .run(order, &[with(&a_jpeg(96, 96), entry("k", "v1", "ann")), with(b"x", entry("l", "v1", "cid"))]);
    assert_eq!((closed.adds, closed.refused, bench.kept()), (2, 1, 0), "{closed:?}");
}

#[test]
fn contacts_have_photos_as_well() {
    let bench = bench();
    bench.run(lyon(), &[with(&a_jpeg(96, 96), entry("k", "v1", "zoe"))]);
    let zoe = bench.account("zoe", Some("peer-lyon")).unwrap();
    assert_eq!(field(&zoe, "photo"), &hash(a_jpeg(96, 96)));
}
