//! Group commit: what shares a commit, what is lost alone, what is lost together.

use std::time::Duration;

use super::*;
use crate::Constraint;

#[test]
fn many_threads_share_commits_and_lose_nothing() {
    let place = Place::new();
    let db = place.open();
    let before = db.stats().commits;
    let threads: Vec<_> = (0..8).map(|thread| spawn_notes(&db, thread)).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let stats = db.stats();
    assert_eq!(notes(&db).len(), 8 * 200);
    assert_eq!((stats.writes, stats.failed_writes, stats.queued), (8 * 200, 0, 0));
    assert!(stats.commits - before < stats.writes, "{stats:?}");
}

fn spawn_notes(db: &Db, thread: usize) -> JoinHandle<()> {
    let db = db.clone();
    thread::spawn(move || {
        for number in 0..200 {
            note(&db, &format!("{thread}-{number}")).unwrap();
        }
    })
}

#[test]
fn one_failing_job_loses_only_itself() {
    let place = Place::new();
    let db = place.open();
    let blockade = Blockade::new(&db);
    let first = queued(&db, 1, |db| note(db, "same"));
    let twin = queued(&db, 2, |db| note(db, "same"));
    let panics = queued(&db, 3, |db| db.write(panicking));
    let last = queued(&db, 4, |db| note(db, "last"));
    blockade.lift();
    assert_eq!(first.join().unwrap(), Ok(1));
    assert!(matches!(twin.join().unwrap(), Err(Error::Constraint { kind: Constraint::Unique, .. })));
    assert_eq!(panics.join().unwrap(), Err(Error::Panicked { detail: "half done".to_owned() }));
    assert_eq!(last.join().unwrap(), Ok(1));
    assert_eq!(notes(&db), ["last", "same"]);
    let stats = db.stats();
    // The blockade's own commit, and one for the group.
    assert_eq!((stats.commits, stats.writes, stats.failed_writes), (2, 3, 2));
}

#[test]
fn what_fails_or_is_rehearsed_before_the_others_loses_only_itself() {
    let place = Place::new();
    let db = place.open();
    let blockade = Blockade::new(&db);
    let panics = queued(&db, 1, |db| db.write(panicking));
    let tried = queued(&db, 2, |db| db.rehearse(|tx| tx.execute("INSERT INTO note VALUES ('tried')", [])));
    let kept = queued(&db, 3, |db| note(db, "kept"));
    let refused = queued(&db, 4, |db| db.write(panicking));
    let last = queued(&db, 5, |db| note(db, "last"));
    blockade.lift();
    assert!(matches!(panics.join().unwrap(), Err(Error::Panicked { .. })));
    assert_eq!(tried.join().unwrap(), Ok(1));
    assert_eq!(kept.join().unwrap(), Ok(1));
    assert!(matches!(refused.join().unwrap(), Err(Error::Panicked { .. })));
    assert_eq!(last.join().unwrap(), Ok(1));
    assert_eq!(notes(&db), ["kept", "last"]);
    // The blockade's own commit, and one for the group.
    assert_eq!(db.stats().commits, 2);
}

fn panicking(tx: &crate::Tx<'_>) -> Result<(), Error> {
    tx.execute("INSERT INTO note VALUES ('half')", [])?;
    panic!("half done")
}

#[test]
fn a_job_with_several_statements_is_all_or_nothing() {
    let place = Place::new();
    let db = place.open();
    let outcome = db.write::<(), Error>(|tx| {
        tx.execute("INSERT INTO note VALUES ('a')", [])?;
        Err(Error::Other { detail: "changed my mind".to_owned() })
    });
    assert_eq!(outcome, Err(Error::Other { detail: "changed my mind".to_owned() }));
    assert_eq!(notes(&db), Vec::<String>::new());
}

/// The only way to make COMMIT itself fail on a sound disk is a rule that waits for it.
#[test]
fn a_failing_commit_is_told_to_the_whole_group() {
    let place = Place::new();
    let db = place.open();
    let sql = "CREATE TABLE late (id INTEGER PRIMARY KEY, up INTEGER REFERENCES late (id) DEFERRABLE INITIALLY DEFERRED) STRICT";
    db.write(move |tx| tx.execute(sql, [])).unwrap();
    let blockade = Blockade::new(&db);
    let innocent = queued(&db, 1, |db| note(db, "innocent"));
    let guilty = queued(&db, 2, |db| db.write(|tx| tx.execute("INSERT INTO late VALUES (1, 9)", [])));
    blockade.lift();
    for answer in [innocent, guilty] {
        let error = answer.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Constraint { kind: Constraint::ForeignKey, .. }), "{error:?}");
    }
    assert_eq!(notes(&db), Vec::<String>::new());
    assert_eq!(note(&db, "life goes on"), Ok(1));
}

#[test]
fn a_full_disk_loses_exactly_what_was_answered_with_an_error() {
    let place = Place::new();
    let db = place.open();
    db.write::<_, Error>(|tx| tx.one("PRAGMA max_page_count=20", [], |_| Ok(()))).unwrap();
    let blockade = Blockade::new(&db);
    let small = queued(&db, 1, |db| note(db, "small"));
    let huge = queued(&db, 2, |db| note(db, &"x".repeat(1_000_000)));
    let late = queued(&db, 3, |db| note(db, "late"));
    blockade.lift();
    assert_eq!(huge.join().unwrap(), Err(Error::Full));
    let saved: Vec<_> = [("late", late), ("small", small)]
        .into_iter()
        .filter_map(|(text, answer)| answer.join().unwrap().is_ok().then_some(text))
        .collect();
    assert_eq!(notes(&db), saved);
    assert!(saved.contains(&"late"), "{saved:?}");
}

#[test]
fn a_job_that_ignores_a_full_disk_cannot_save_its_rest() {
    let place = Place::new();
    let db = place.open();
    db.write::<_, Error>(|tx| tx.one("PRAGMA max_page_count=20", [], |_| Ok(()))).unwrap();
    let outcome = db.write::<_, Error>(|tx| {
        let ignored = tx.execute("INSERT INTO note VALUES (hex(zeroblob(500000)))", []);
        assert_eq!(ignored, Err(Error::Full));
        tx.execute("INSERT INTO note VALUES ('rest')", [])
    });
    assert_eq!(outcome, Err(Error::Full));
    assert_eq!(notes(&db), Vec::<String>::new());
}

#[test]
fn a_rehearsal_answers_and_leaves_nothing() {
    let place = Place::new();
    let db = place.open();
    let count = "SELECT count(*) FROM note";
    let seen = db.rehearse::<_, Error>(move |tx| {
        tx.execute("INSERT INTO note VALUES ('tried')", [])?;
        tx.one(count, [], |row| row.get::<_, i64>(0))
    });
    assert_eq!(seen, Ok(Some(1)));
    assert_eq!(notes(&db), Vec::<String>::new());
    assert_eq!(db.stats().commits, 0);
}

#[test]
fn a_rehearsal_among_writes_undoes_only_itself() {
    let place = Place::new();
    let db = place.open();
    let blockade = Blockade::new(&db);
    let insert =
        |text: &'static str| move |tx: &crate::Tx<'_>| tx.execute("INSERT INTO note VALUES (?1)", [text]);
    let before = queued(&db, 1, |db| note(db, "before"));
    let tried = queued(&db, 2, move |db| db.rehearse(insert("tried")));
    let refused = queued(&db, 3, move |db| db.rehearse(insert("before")));
    let after = queued(&db, 4, |db| note(db, "after"));
    blockade.lift();
    assert!(matches!(refused.join().unwrap(), Err(Error::Constraint { kind: Constraint::Unique, .. })));
    for answer in [before, tried, after] {
        assert_eq!(answer.join().unwrap(), Ok(1));
    }
    assert_eq!(notes(&db), ["after", "before"]);
}

#[test]
fn a_write_inside_a_write_is_refused_instead_of_waiting_for_ever() {
    let place = Place::new();
    let db = place.open();
    let inner = db.clone();
    let outcome = db.write(move |_| note(&inner, "nested"));
    assert!(matches!(outcome, Err(Error::Other { detail }) if detail.contains("inside a write")));
}

#[test]
fn a_full_queue_is_busy() {
    let place = Place { queue: 1, patience: Duration::from_millis(50), ..Place::new() };
    let db = place.open();
    let blockade = Blockade::new(&db);
    let waits = queued(&db, 1, |db| note(db, "waits"));
    assert!(matches!(note(&db, "too many"), Err(Error::Busy { .. })));
    blockade.lift();
    assert_eq!(waits.join().unwrap(), Ok(1));
    assert_eq!(notes(&db), ["waits"]);
}

#[test]
fn the_watchdog_sees_how_long_a_job_has_been_running() {
    let place = Place::new();
    let db = place.open();
    let blockade = Blockade::new(&db);
    until(|| db.stats().running_for.is_some_and(|age| age > Duration::from_millis(5)));
    blockade.lift();
    until(|| db.stats().running_for.is_none());
    assert!(db.stats().last_commit.is_some());
}

#[test]
fn a_long_job_that_gets_on_is_not_taken_for_one_that_hangs() {
    let place = Place::new();
    let db = place.open();
    let seen = db.clone();
    let (before, after) = db
        .write(move |tx| {
            let age = || seen.stats().running_for.unwrap_or_default();
            until(|| age() > Duration::from_millis(20));
            let before = age();
            tx.gets_on();
            Ok::<_, Error>((before, age()))
        })
        .unwrap();
    assert!(after < before, "{after:?} of {before:?}");
}

#[test]
fn a_write_of_very_many_rows_has_room_that_the_next_one_has_not() {
    let place = Place::new();
    let db = place.open();
    let room = |tx: &crate::Tx<'_>| {
        Ok::<_, Error>(tx.one("PRAGMA cache_size", [], |row| row.get::<_, i64>(0))?.unwrap())
    };
    let usual = db.write(room).unwrap();
    let roomy = db
        .write(move |tx| {
            tx.expects_many_rows()?;
            tx.execute("INSERT INTO note VALUES ('kept')", [])?;
            room(tx)
        })
        .unwrap();
    assert_eq!((usual, roomy), (-2000, -65536), "in KiB, as SQLite counts room");
    let failed: Result<(), Error> = db.write(|tx| {
        tx.expects_many_rows()?;
        Err(Error::Closed)
    });
    assert_eq!((failed, db.write(room).unwrap()), (Err(Error::Closed), usual), "also after one that failed");
    assert_eq!(notes(&db), ["kept"]);
}
