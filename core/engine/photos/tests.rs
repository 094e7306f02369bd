//! Photos on a real database: set, put back, kept once, and forgotten.

use jackfield_db::params;

use super::*;
use crate::catalog::problems::{NOT_UNDOABLE, STALE};
use crate::catalog::settings::REVISIONS_KEPT_DAYS;
use crate::engine::settings;
use crate::engine::synchronization::tests::bench::{Bench, bench, field};

const BOB: &str = "acc-bob";

impl Bench {
    fn set(&self, photo: &Photo) -> i64 {
        let photo = photo.clone();
        self.change(move |change| set(change, BOB, &Precondition::Exists, &photo)).unwrap();
        revision(&self.own("bob"))
    }

    fn remove(&self) -> i64 {
        self.change(|change| remove(change, BOB, &Precondition::Exists)).unwrap();
        revision(&self.own("bob"))
    }

    fn photo(&self) -> Option<Photo> {
        self.engine.db.read(|read| of_account(read, BOB)).map(|(_, photo)| photo).ok()
    }

    /// Photos that are kept.
    pub fn kept(&self) -> i64 {
        self.count("SELECT count(*) FROM photo")
    }

    fn days(&self, days: i64) {
        let engine = std::sync::Arc::clone(&self.engine);
        self.change(move |change| {
            let setting = settings::declared(REVISIONS_KEPT_DAYS)?;
            settings::set(change, &engine.keyring, setting, &days.into(), &Precondition::Exists).map(drop)
        })
        .unwrap();
    }
}

fn photo(side: u16) -> Photo {
    Photo::accept(a_jpeg(side, side)).unwrap()
}

#[test]
fn what_is_taken_is_small_enough_in_bytes_and_in_pixels() {
    let padded = |size: usize| [a_jpeg(96, 96), vec![0; size - a_jpeg(96, 96).len()]].concat();
    assert!(Photo::accept(padded(PHOTO_BYTES)).is_ok());
    let said = Photo::accept(padded(PHOTO_BYTES + 1)).unwrap_err();
    assert_eq!(said, "may have at most 102400 bytes; it has 102401");
    for (bytes, size) in
        [(a_jpeg(0, 96), "0 by 96"), (a_jpeg(2049, 1), "2049 by 1"), (a_png(9, u32::MAX), "9 by 4294967295")]
    {
        assert!(Photo::accept(bytes).unwrap_err().ends_with(size), "{size}");
    }
    let said = Photo::accept_as("image/png", a_jpeg(96, 96)).unwrap_err();
    assert_eq!(
        said.detail,
        "The photo is sent as image/png, and is image/jpeg by its bytes. Nothing was changed."
    );
    assert_eq!(Photo::accept(b"\xff\xd8\xff".to_vec()).unwrap_err(), "is a JPEG that is cut short");
}

#[test]
fn a_photo_comes_back_as_it_went_and_revisions_name_it_without_its_bytes() {
    let bench = bench();
    let (one, other) = (photo(96), photo(48));
    let n = bench.set(&one);
    assert_eq!(
        (bench.photo(), field(&bench.own("bob"), "photo")),
        (Some(one.clone()), &one.hash.as_str().into())
    );
    assert_eq!(bench.set(&one), n, "the same again is no change");
    let n = bench.set(&other);
    let longest = "SELECT max(length(after)) FROM revision";
    assert!(bench.count(longest) < 2000);
    let stale = Precondition::OneOf(vec![n - 1]);
    let refused = bench.change(move |change| remove(change, BOB, &stale)).unwrap_err();
    assert_eq!(refused.kind, STALE);
    bench.undo(n).unwrap();
    assert_eq!(bench.photo(), Some(one));
}

#[test]
fn many_who_have_the_same_photo_share_it() {
    let bench = bench();
    bench.set(&photo(96));
    bench.sql("UPDATE account SET photo = (SELECT photo FROM account WHERE id = 'acc-bob')");
    assert_eq!(bench.kept(), 1);
}

#[test]
fn a_photo_that_was_given_up_is_kept_while_a_revision_names_it() {
    let bench = bench();
    bench.set(&photo(96));
    let n = bench.remove();
    assert_eq!((bench.photo(), bench.kept()), (None, 1));
    bench.sql("UPDATE photo SET added_at = '2000-01-01T00:00:00.000Z'");
    assert_eq!(sweep(&bench.engine).unwrap(), 0);
    bench.sql("UPDATE photo SET released_at = '2000-01-01T00:00:00.000Z'");
    bench.days(0);
    assert_eq!(sweep(&bench.engine).unwrap(), 0, "revisions are kept for ever");
    bench.days(30);
    assert_eq!((sweep(&bench.engine).unwrap(), bench.kept()), (1, 0));
    let refused = bench.undo(n).unwrap_err();
    assert_eq!(refused.kind, NOT_UNDOABLE);
    assert!(refused.detail.contains("is not kept any more"), "{}", refused.detail);
}

#[test]
fn what_nobody_ever_had_goes_after_a_day_and_what_somebody_has_never() {
    let bench = bench();
    bench.set(&photo(96));
    let unused = photo(48);
    bench.engine.db.write(move |tx| keep(tx, &unused)).unwrap();
    assert_eq!(sweep(&bench.engine).unwrap(), 0);
    bench.sql("UPDATE photo SET added_at = '2000-01-01T00:00:00.000Z'");
    bench.sql("UPDATE photo SET released_at = '2000-01-01T00:00:00.000Z' WHERE width = 96");
    assert_eq!((sweep(&bench.engine).unwrap(), bench.photo()), (1, Some(photo(96))));
}

#[test]
fn an_account_that_is_deleted_and_put_back_has_its_photo_again() {
    let bench = bench();
    bench.set(&photo(96));
    bench.change(|change| ACCOUNTS.remove(change, BOB, &Precondition::Exists)).unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM photo WHERE released_at IS NOT NULL"), 1);
    let n = bench.count("SELECT max(n) FROM revision");
    bench.undo(n).unwrap();
    assert_eq!(bench.photo(), Some(photo(96)));
}

#[test]
fn without_photos_nothing_is_written_and_nothing_is_looked_for() {
    let bench = bench();
    let before = bench.engine.db.stats().commits;
    assert_eq!(sweep(&bench.engine).unwrap(), 0);
    assert_eq!(bench.engine.db.stats().commits, before);
    let plan = "EXPLAIN QUERY PLAN SELECT id, photo FROM core_accounts WHERE photo IS NOT NULL AND (photo, id) > (?1, ?2)
                ORDER BY photo, id LIMIT 10";
    let plan = bench.engine.db.read(|read| {
        let rows = read.all(plan, params!["", ""], |row| row.get::<_, String>(3));
        rows.map_err(Problem::from)
    });
    assert!(plan.unwrap().iter().all(|step| step.contains("COVERING INDEX account_photo")));
}
