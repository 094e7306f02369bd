//! Snapshots, the bounded pool, checks and copies.

use super::*;

const COUNT: &str = "SELECT count(*) FROM note";

fn one() -> Place {
    Place { readers: 1, patience: Duration::from_millis(50), ..Place::new() }
}

#[test]
fn a_read_sees_one_state_whatever_is_committed_meanwhile() {
    let place = Place::new();
    let db = place.open();
    let counts = db.read::<_, Error>(|read| {
        let before = read.one(COUNT, [], |row| row.get::<_, i64>(0))?;
        note(&db, "meanwhile")?;
        Ok((before, read.one(COUNT, [], |row| row.get::<_, i64>(0))?))
    });
    assert_eq!(counts, Ok((Some(0), Some(0))));
    assert_eq!(notes(&db), ["meanwhile"]);
}

#[test]
fn a_read_cannot_change_anything() {
    let place = Place::new();
    let db = place.open();
    let sql = "INSERT INTO note VALUES ('sneaked') RETURNING text";
    let outcome = db.read::<_, Error>(|read| read.one(sql, [], |row| row.get::<_, String>(0)));
    assert!(outcome.is_err_and(|error| error.to_string().contains("readonly")));
    assert_eq!(notes(&db), Vec::<String>::new());
}

#[test]
fn a_panicking_read_gives_its_connection_back() {
    let place = one();
    let db = place.open();
    for _ in 0..3 {
        let outcome = db.read::<(), Error>(|read| {
            read.one(COUNT, [], |row| row.get::<_, i64>(0))?;
            panic!("in the middle")
        });
        assert_eq!(outcome, Err(Error::Panicked { detail: "in the middle".to_owned() }));
    }
    note(&db, "later").unwrap();
    assert_eq!(notes(&db), ["later"]);
}

#[test]
fn readers_that_are_all_occupied_are_busy() {
    let place = one();
    let db = place.open();
    let inner = db.read::<_, Error>(|_| Ok(db.read::<(), Error>(|_| Ok(()))));
    assert!(matches!(inner, Ok(Err(Error::Busy { .. }))));
}

#[test]
fn a_sound_database_passes_both_checks() {
    let place = Place::new();
    let db = place.open();
    note(&db, "sound").unwrap();
    assert_eq!(db.quick_check(), Ok(Vec::new()));
    assert_eq!(db.integrity_check(), Ok(Vec::new()));
}

#[test]
fn damage_below_an_open_database_is_found() {
    let place = Place::new();
    let db = place.open();
    let sql = "CREATE TABLE child (up TEXT REFERENCES note (text)) STRICT";
    db.write(move |tx| tx.execute(sql, [])).unwrap();
    raw(&place.file()).execute_batch("PRAGMA foreign_keys=OFF; INSERT INTO child VALUES ('gone')").unwrap();
    assert_eq!(db.integrity_check().unwrap(), ["row 1 of child refers to a missing row of note"]);
    assert!(matches!(db.copy_to(&place.path("copy.db")), Err(Error::Damaged { .. })));
    assert!(!place.path("copy.db").exists() && !place.path("copy.db.part").exists());
}

#[test]
fn a_copy_holds_what_was_committed_and_opens_as_a_database() {
    let place = Place::new();
    let db = place.open();
    note(&db, "saved").unwrap();
    let folder = Place::new();
    db.copy_to(&folder.file()).unwrap();
    note(&db, "later").unwrap();
    assert_eq!(notes(&folder.open()), ["saved"]);
    assert!(db.copy_to(&folder.file()).is_err());
}
