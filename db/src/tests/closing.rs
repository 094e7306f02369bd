//! The end: what is finished, what is refused, what must not hang.

use super::*;

#[test]
fn a_closed_database_answers_closed() {
    let place = Place::new();
    let db = place.open();
    let other = db.clone();
    close(&db);
    assert_eq!(note(&other, "late"), Err(Error::Closed));
    assert_eq!(other.rehearse::<(), Error>(|_| Ok(())), Err(Error::Closed));
    assert_eq!(other.read::<(), Error>(|_| Ok(())), Err(Error::Closed));
    assert_eq!(other.quick_check(), Err(Error::Closed));
    assert_eq!(other.integrity_check(), Err(Error::Closed));
    assert_eq!(other.copy_to(&place.path("copy.db")), Err(Error::Closed));
    assert_eq!(other.close(LIMIT), Err(Error::Closed));
}

#[test]
fn closing_finishes_the_queue_and_leaves_one_complete_file() {
    let place = Place::new();
    let db = place.open();
    let blockade = Blockade::new(&db);
    let waits = queued(&db, 1, |db| note(db, "waits"));
    let closer = thread::spawn({
        let db = db.clone();
        move || db.close(LIMIT)
    });
    until(|| db.quick_check() == Err(Error::Closed));
    assert_eq!(note(&db, "late"), Err(Error::Closed));
    blockade.lift();
    assert_eq!(waits.join().unwrap(), Ok(1));
    assert_eq!(closer.join().unwrap(), Ok(()));
    assert!(!place.path("jackfield.db-wal").exists());
    assert_eq!(notes(&place.open()), ["waits"]);
}

#[test]
fn closing_gives_up_at_its_deadline() {
    let place = Place::new();
    let db = place.open();
    let blockade = Blockade::new(&db);
    assert!(matches!(db.close(Duration::from_millis(20)), Err(Error::Busy { .. })));
    blockade.lift();
}

#[test]
fn closing_waits_for_a_read_that_is_running() {
    let place = Place::new();
    let db = place.open();
    let (begin, begun) = channel();
    let (release, released) = channel();
    let reader = thread::spawn({
        let db = db.clone();
        move || {
            db.read::<_, Error>(|read| {
                read.one("SELECT count(*) FROM note", [], |row| row.get::<_, i64>(0))?;
                hold(&begin, &released)
            })
        }
    });
    begun.recv_timeout(LIMIT).unwrap();
    note(&db, "after the snapshot").unwrap();
    let (tell, told) = channel();
    let closer = thread::spawn(move || {
        let closed = db.close(LIMIT);
        tell.send(()).unwrap();
        closed
    });
    assert!(told.recv_timeout(Duration::from_millis(300)).is_err(), "closed while a read was running");
    release.send(()).unwrap();
    assert_eq!(reader.join().unwrap(), Ok(()));
    assert_eq!(closer.join().unwrap(), Ok(()));
    assert!(!place.path("jackfield.db-wal").exists());
}

#[test]
fn closing_empties_the_log_even_while_another_program_looks_on() {
    let place = Place::new();
    let db = place.open();
    note(&db, "kept").unwrap();
    let onlooker = raw(&place.file());
    onlooker.query_row("SELECT 1 FROM note", [], |_| Ok(())).unwrap();
    close(&db);
    assert_eq!(std::fs::metadata(place.path("jackfield.db-wal")).unwrap().len(), 0);
}

#[test]
fn dropping_the_last_handle_ends_the_writer() {
    let place = Place::new();
    let db = place.open();
    note(&db, "kept").unwrap();
    drop(db);
    // The last connection to close removes the WAL.
    until(|| !place.path("jackfield.db-wal").exists());
    assert_eq!(notes(&place.open()), ["kept"]);
}

#[test]
fn dropping_the_last_handle_inside_a_job_does_not_hang() {
    let place = Place::new();
    let db = place.open();
    let inner = db.clone();
    let shared = db.write::<_, Error>(move |_| Ok(inner)).unwrap();
    drop(db);
    drop(shared);
    until(|| !place.path("jackfield.db-wal").exists());
}

#[test]
fn a_write_that_closes_is_refused() {
    let place = Place::new();
    let db = place.open();
    let inner = db.clone();
    assert!(matches!(db.write(move |_| inner.close(LIMIT)), Err(Error::Other { .. })));
    close(&db);
}
