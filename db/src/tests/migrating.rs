//! From an older schema to today's: the copy, the single transaction, the copies that stay.

use std::fs;

use super::*;
use crate::Outcome;
use crate::migrations::CORE;

const COLOUR: Migration = Migration {
    name: "0002_colour.sql",
    sql: "ALTER TABLE note ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue';",
};
const BAD: Migration = Migration {
    name: "0003_bad.sql",
    sql: "CREATE TABLE fine (a TEXT) STRICT; INSERT INTO nowhere VALUES (1);",
};

fn filled() -> Place {
    let place = Place::new();
    let db = place.open();
    note(&db, "old").unwrap();
    close(&db);
    place
}

fn copies(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.copies()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_due_migration_leaves_a_copy_that_the_older_release_can_open() {
    let place = filled();
    let (db, opened) = place.try_open(&[NOTES, COLOUR]).unwrap();
    let Outcome::Migrated { from: 1, to: 2, copy } = opened.outcome else { panic!("{opened:?}") };
    let colours =
        db.read::<_, Error>(|read| read.all("SELECT colour FROM note", [], |row| row.get::<_, String>(0)));
    assert_eq!(colours.unwrap(), ["blue"]);
    close(&db);
    fs::rename(copy, place.file()).unwrap();
    let (db, opened) = place.try_open(&[NOTES]).unwrap();
    assert_eq!(opened.outcome, Outcome::Unchanged);
    assert_eq!(notes(&db), ["old"]);
}

#[test]
fn a_failing_migration_leaves_everything_as_it_was() {
    let place = filled();
    let refusal = place.refusal(&[NOTES, COLOUR, BAD]);
    assert!(matches!(&refusal, OpenError::Migration { name, .. } if name == "0003_bad.sql"), "{refusal:?}");
    assert!(refusal.to_string().contains("no such table: nowhere"), "{refusal}");
    let (db, opened) = place.try_open(&[NOTES]).unwrap();
    assert_eq!(opened, Opened { outcome: Outcome::Unchanged, schema: 1 });
    assert_eq!(notes(&db), ["old"]);
    let schema = db.read::<_, Error>(|read| {
        read.all("SELECT sql FROM sqlite_schema WHERE type='table'", [], |row| row.get::<_, String>(0))
    });
    assert_eq!(schema.unwrap(), [NOTES.sql.trim_end_matches(';')]);
}

#[test]
fn a_migration_tried_again_and_again_leaves_one_copy() {
    let place = filled();
    for _ in 0..4 {
        place.refusal(&[NOTES, COLOUR, BAD]);
    }
    assert_eq!(copies(&place).len(), 1);
}

#[test]
fn the_last_three_copies_are_kept() {
    let place = filled();
    let steps: Vec<_> = std::iter::once(NOTES)
        .chain((2..=6).map(|number| Migration {
            name: "more.sql",
            sql: Box::leak(format!("CREATE TABLE more{number} (a TEXT) STRICT;").into_boxed_str()),
        }))
        .collect();
    for last in 2..=6 {
        close(&place.try_open(&steps[..last]).unwrap().0);
    }
    let kept: Vec<_> = copies(&place).iter().map(|name| name[..10].to_owned()).collect();
    assert_eq!(kept, ["pre-3-to-4", "pre-4-to-5", "pre-5-to-6"]);
}

#[test]
fn no_copy_no_migration() {
    let place = filled();
    fs::write(place.copies(), "in the way").unwrap();
    assert!(matches!(place.refusal(&[NOTES, COLOUR]), OpenError::Copy { .. }));
    let options = Options { copies: place.path("none/copies"), ..place.options() };
    let refusal = Db::open_with(options, &[NOTES, COLOUR], LIMIT, LIMIT).unwrap_err();
    assert_eq!(refusal, OpenError::FolderMissing { folder: place.path("none/copies") });
    assert_eq!(place.try_open(&[NOTES]).unwrap().1.outcome, Outcome::Unchanged);
}

#[test]
fn a_table_that_others_refer_to_can_be_rebuilt() {
    let place = Place::new();
    let first = Migration {
        name: "0001_first.sql",
        sql: "CREATE TABLE up (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE down (up INTEGER NOT NULL REFERENCES up (id) ON DELETE CASCADE) STRICT; \
             INSERT INTO up VALUES (1); INSERT INTO down VALUES (1);",
    };
    let rebuild = Migration {
        name: "0002_rebuild.sql",
        sql: "CREATE TABLE fresh (id INTEGER PRIMARY KEY, n TEXT) STRICT; INSERT INTO fresh (id) SELECT id FROM up; \
             DROP TABLE up; ALTER TABLE fresh RENAME TO up;",
    };
    close(&place.try_open(&[first]).unwrap().0);
    let (db, _) = place.try_open(&[first, rebuild]).unwrap();
    let left =
        db.read::<_, Error>(|read| read.one("SELECT count(*) FROM down", [], |row| row.get::<_, i64>(0)));
    assert_eq!(left.unwrap(), Some(1));
    let dangling = db.write(|tx| tx.execute("INSERT INTO down VALUES (9)", []));
    assert!(matches!(dangling, Err(Error::Constraint { kind: crate::Constraint::ForeignKey, .. })));
}

#[test]
fn messages_keep_their_numbers_and_are_found_by_them() {
    let place = Place::new();
    let (before, today) = (CORE.split_at(15).0, CORE.split_at(16).0);
    let (db, _) = place.try_open(before).unwrap();
    let old = "INSERT INTO message (seq, id, conversation, sender, recipient, recipient_domain, direction, at, body)
               VALUES (?1, 'msg-019ad000000' || ?2 || 'bcdefghijklmnopqrstuvwxy', 1, 'a@b', 'c@d', 'd', 'out', 5, 'x')";
    db.write(move |tx| {
        tx.execute("INSERT INTO conversation (seq, low, high) VALUES (1, 'a@b', 'c@d')", [])?;
        for (seq, letter) in [("3", "p"), ("26", "q"), ("30", "r")] {
            tx.execute(old, [seq, letter])?;
        }
        tx.execute("DELETE FROM message WHERE seq = 30", [])
    })
    .unwrap();
    close(&db);
    let (db, _) = place.try_open(today).unwrap();
    let (ids, dropped) = db
        .read::<_, Error>(|read| {
            let ids = read.all("SELECT id FROM message ORDER BY seq", [], |row| row.get::<_, String>(0))?;
            Ok((ids, read.one("SELECT seq FROM message_dropped", [], |row| row.get::<_, i64>(0))?))
        })
        .unwrap();
    assert_eq!(ids, ["msg-3-jklmnopqrstuvwxy", "msg-1a-jklmnopqrstuvwxy"]);
    assert_eq!(dropped, Some(30));
}
