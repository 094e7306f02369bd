//! What is opened, what is refused, and how the file is set up.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};

use super::*;
use crate::connection::APPLICATION_ID;
use crate::migrations::CORE;
use crate::{Outcome, Value};

fn pragma(db: &Db, name: &str) -> Value {
    let sql = format!("PRAGMA {name}");
    db.write::<_, Error>(move |tx| tx.one(&sql, [], |row| row.get(0))).unwrap().unwrap()
}

#[test]
fn a_new_file_is_private_and_ours() {
    let place = Place::new();
    let (db, opened) = Db::open(place.options()).unwrap();
    let schema = u32::try_from(CORE.len()).unwrap();
    assert_eq!(opened, Opened { outcome: Outcome::Created, schema });
    assert_eq!(fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(pragma(&db, "application_id"), Value::Integer(0x4A41_434B));
    assert_eq!(pragma(&db, "user_version"), Value::Integer(schema.into()));
    close(&db);
}

#[test]
fn the_writer_is_set_up_for_safety() {
    let place = Place::new();
    let db = place.open();
    let expected = [
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("secure_delete", 1),
        ("busy_timeout", 5000),
        ("wal_autocheckpoint", 1000),
        ("journal_size_limit", 8_388_608),
    ];
    for (name, value) in expected {
        assert_eq!(pragma(&db, name), Value::Integer(value), "{name}");
    }
    assert_eq!(pragma(&db, "journal_mode"), Value::Text("wal".to_owned()));
}

#[test]
fn a_file_with_todays_schema_is_left_alone() {
    let place = Place::new();
    let db = place.open();
    note(&db, "kept").unwrap();
    close(&db);
    let (db, opened) = place.try_open(&[NOTES]).unwrap();
    assert_eq!(opened, Opened { outcome: Outcome::Unchanged, schema: 1 });
    assert_eq!(notes(&db), ["kept"]);
    assert!(!place.copies().exists());
}

#[test]
fn an_empty_file_counts_as_new() {
    let place = Place::new();
    fs::write(place.file(), "").unwrap();
    assert_eq!(place.try_open(&[NOTES]).unwrap().1.outcome, Outcome::Created);
}

#[test]
fn a_creation_that_was_cut_short_is_begun_again() {
    let place = Place::new();
    raw(&place.file()).execute_batch("PRAGMA journal_mode=WAL").unwrap();
    assert_ne!(fs::metadata(place.file()).unwrap().len(), 0);
    assert_eq!(place.try_open(&[NOTES]).unwrap().1.outcome, Outcome::Created);
}

#[test]
fn a_missing_folder_is_refused() {
    let place = Place::new();
    let options = Options { file: place.path("none/jackfield.db"), ..place.options() };
    let refusal = Db::open(options).unwrap_err();
    assert_eq!(refusal, OpenError::FolderMissing { folder: place.path("none") });
}

#[test]
fn a_text_file_is_refused_and_not_touched() {
    let place = Place::new();
    for text in ["x", "this is not a database, but it is longer than the mark at its start"] {
        fs::write(place.file(), text).unwrap();
        assert_eq!(place.refusal(&[NOTES]), OpenError::NotADatabase { file: place.file() });
        assert_eq!(fs::read_to_string(place.file()).unwrap(), text);
    }
}

#[test]
fn another_programs_file_is_refused_and_not_touched() {
    let place = Place::new();
    for (id, schema) in [(0x4750_4B47, ""), (0, "CREATE TABLE other (a);"), (0, "PRAGMA user_version=3;")] {
        let _ = fs::remove_file(place.file());
        raw(&place.file()).execute_batch(&format!("PRAGMA application_id={id}; {schema} VACUUM;")).unwrap();
        let before = fs::read(place.file()).unwrap();
        assert_eq!(place.refusal(&[NOTES]), OpenError::Foreign { file: place.file(), found: id });
        assert_eq!(fs::read(place.file()).unwrap(), before);
    }
}

#[test]
fn a_newer_file_is_refused_and_the_way_back_is_named() {
    let place = Place::new();
    close(&place.open());
    let more = Migration { name: "0002_more.sql", sql: "CREATE TABLE more (a TEXT) STRICT;" };
    let (db, opened) = place.try_open(&[NOTES, more]).unwrap();
    close(&db);
    let Outcome::Migrated { copy, .. } = opened.outcome else { panic!("{opened:?}") };
    let refusal = place.refusal(&[NOTES]);
    let expected = OpenError::Newer { file: place.file(), found: 2, known: 1, copy: Some(copy.clone()) };
    assert_eq!(refusal, expected);
    let text = refusal.to_string();
    assert!(text.contains("version 2") && text.contains("up to 1"), "{text}");
    assert!(text.contains(copy.to_str().unwrap()), "{text}");
}

#[test]
fn a_newer_file_without_a_copy_is_refused_too() {
    let place = Place::new();
    close(&place.open());
    raw(&place.file()).execute_batch("PRAGMA user_version=9").unwrap();
    assert!(matches!(place.refusal(&[NOTES]), OpenError::Newer { found: 9, known: 1, copy: None, .. }));
}

#[test]
fn an_impossible_version_is_damage() {
    let place = Place::new();
    for version in [0, -1] {
        let sql = format!("PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={version};");
        raw(&place.file()).execute_batch(&sql).unwrap();
        assert!(matches!(place.refusal(&[NOTES]), OpenError::Damaged { .. }), "{version}");
    }
}

#[test]
fn a_damaged_file_is_refused_before_anything_is_migrated() {
    let place = Place::new();
    let db = place.open();
    let fill = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
         INSERT INTO note SELECT 'a note that fills the pages, number ' || i FROM n";
    db.write(move |tx| tx.execute(fill, [])).unwrap();
    close(&db);
    let file = File::options().write(true).open(place.file()).unwrap();
    file.write_all_at(&[0xAA; 4096], 5 * 4096).unwrap();
    let more = Migration { name: "0002_more.sql", sql: "CREATE TABLE more (a TEXT) STRICT;" };
    for list in [&[NOTES] as &[_], &[NOTES, more]] {
        let refusal = place.refusal(list);
        assert!(
            matches!(&refusal, OpenError::Damaged { findings, .. } if !findings.is_empty()),
            "{refusal:?}"
        );
    }
    assert!(!place.copies().exists());
}

/// Refused by the kind of path, whoever runs the test; see `refusal.rs` for the sorting of system errors.
#[test]
fn a_folder_in_the_files_place_is_refused() {
    let place = Place::new();
    fs::create_dir(place.file()).unwrap();
    assert!(matches!(place.refusal(&[NOTES]), OpenError::Unusable { .. }));
}

#[test]
fn a_file_without_permission_is_refused_unless_we_are_above_permissions() {
    let place = Place::new();
    close(&place.open());
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o400)).unwrap();
    let is_refused_by_system = File::options()
        .write(true)
        .open(place.file())
        .is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied);
    let is_forbidden = matches!(place.try_open(&[NOTES]), Err(OpenError::Forbidden { .. }));
    assert_eq!(is_forbidden, is_refused_by_system);
}

#[test]
fn a_full_disk_is_told_at_opening() {
    let place = Place::new();
    let greedy = Migration {
        name: "0001_greedy.sql",
        sql: "PRAGMA max_page_count=4; CREATE TABLE a (b BLOB) STRICT; INSERT INTO a VALUES (zeroblob(1000000));",
    };
    assert_eq!(place.refusal(&[greedy]), OpenError::Full { path: place.file() });
}
