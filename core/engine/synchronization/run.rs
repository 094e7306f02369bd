//! A run under way: what the source has told so far. It reads and drafts; it changes nothing.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;

use jackfield_abi::ops::{DirectoryEntry, DirectoryRefused, DirectoryTaken};
use jackfield_db::{Read, params};

use super::draft::{Draft, Drafted};
use super::entry;
use super::order::Order;
use super::seen::Seen;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::objects::{ACCOUNTS, text};
use crate::engine::photos::Photo;

/// Most entries of one message.
pub const ENTRIES: usize = 500;
/// Most keys of one message.
pub const KEYS: usize = 5000;
/// Refusals that are told in full.
const MOST_REFUSALS: usize = 1000;
/// Tells the stored version of an entry whose photo was refused from the source's own, so that it is looked at, and
/// what is wrong with it told, in every run.
const WITHOUT_PHOTO: &str = " without its photo";

/// The run.
pub struct Run {
    /// What it was opened with.
    pub order: Order,
    /// Entries that differ from what is stored.
    pub draft: Draft,
    /// Accounts that the source still has.
    pub kept: Seen,
    /// Of these, the ones that the draft is about.
    pub drafted: Seen,
    /// Accounts that the source said it has no longer.
    pub gone: Seen,
    /// Entries that were already so.
    pub unchanged: u64,
    /// Entries of the draft that are new, as far as is known before it is done.
    pub adds: u64,
    /// Entries of the draft that are stored in another version.
    pub changes: u64,
    /// Entries that were not taken.
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<DirectoryRefused>,
    /// Entries that were told.
    pub told: u64,
    keys: Places,
    logins: Places,
    photos: Vec<Photo>,
}

/// Where in the draft a text was first met; by hashes, so that it takes a few bytes for each.
#[derive(Default)]
struct Places {
    state: RandomState,
    places: HashMap<u64, u64>,
}

impl Places {
    fn find(&self, text: &str) -> Option<u64> {
        self.places.get(&self.state.hash_one(text)).copied()
    }

    fn note(&mut self, text: &str, place: u64) {
        self.places.insert(self.state.hash_one(text), place);
    }
}

/// What is stored of an entry.
struct Known {
    seq: i64,
    login: String,
    is_current: bool,
}

impl Run {
    /// A run that has been told nothing yet.
    pub fn new(order: Order, folder: &Path) -> Result<Self, Problem> {
        Ok(Self {
            order,
            draft: Draft::new(folder)?,
            kept: Seen::default(),
            drafted: Seen::default(),
            gone: Seen::default(),
            unchanged: 0,
            adds: 0,
            changes: 0,
            refused: 0,
            refusals: Vec::new(),
            told: 0,
            keys: Places::default(),
            logins: Places::default(),
            photos: Vec::new(),
        })
    }

    /// Takes entries.
    pub fn put(&mut self, read: &Read<'_>, entries: &[DirectoryEntry]) -> Result<DirectoryTaken, Problem> {
        let before = self.unchanged;
        let mut refused = Vec::new();
        for entry in entries {
            self.told += 1;
            let wrong = match self.take(read, entry) {
                Ok(wrong) => wrong,
                Err(problem) if problem.kind.status < 500 => Some(problem),
                Err(problem) => return Err(problem),
            };
            refused.extend(wrong.into_iter().flat_map(|problem| self.refuse(&entry.key, &problem)));
        }
        Ok(DirectoryTaken { unchanged: self.unchanged - before, refused })
    }

    /// Notes what the source has no longer.
    pub fn gone(&mut self, read: &Read<'_>, keys: &[String]) -> Result<(), Problem> {
        for key in keys {
            if let Some(known) = self.known(read, key, "")? {
                self.gone.insert(known.seq);
            }
        }
        Ok(())
    }

    /// Notes an entry that is not taken; how it is told.
    pub fn refuse(&mut self, key: &str, problem: &Problem) -> Vec<DirectoryRefused> {
        self.refused += 1;
        let refusals = entry::refusals(key, problem);
        let room = MOST_REFUSALS.saturating_sub(self.refusals.len());
        self.refusals.extend(refusals.iter().take(room).cloned());
        refusals
    }

    /// Takes an entry; answers what is wrong with its photo, without which it is taken then.
    fn take(&mut self, read: &Read<'_>, entry: &DirectoryEntry) -> Result<Option<Problem>, Problem> {
        if let Some(problem) = entry::unfit(entry) {
            return Err(problem);
        }
        let known = self.known(read, &entry.key, &entry.hash)?;
        self.refuse_second(entry, known.as_ref())?;
        if let Some(known) = &known {
            // Whatever is wrong with it, the source has it, so it is not gone.
            self.kept.insert(known.seq);
        }
        if known.as_ref().is_some_and(|known| known.is_current) {
            self.unchanged += 1;
            return Ok(None);
        }
        let mut fields = entry::fields(read, &self.order, entry)?;
        let (photo, wrong) = match entry::photo(entry) {
            Ok(photo) => (photo, None),
            Err(problem) => (None, Some(problem)),
        };
        if let Some(photo) = &photo {
            fields.insert("photo".to_owned(), photo.as_ref().map(|photo| photo.hash.as_str()).into());
        }
        let mut hash = entry.hash.clone();
        if wrong.is_some() {
            hash.push_str(WITHOUT_PHOTO);
        }
        self.draft(entry, hash, fields, known)?;
        self.photos.extend(photo.flatten().filter(|_| !self.order.dry_run));
        Ok(wrong)
    }

    /// Photos that came since this was last asked, to be kept. A run that only looks keeps none.
    pub fn take_photos(&mut self) -> Vec<Photo> {
        std::mem::take(&mut self.photos)
    }

    fn draft(
        &mut self,
        entry: &DirectoryEntry,
        hash: String,
        fields: Object,
        known: Option<Known>,
    ) -> Result<(), Problem> {
        let login = text(&fields, "login_id").to_ascii_lowercase();
        self.refuse_taken_login(entry, &login)?;
        let id = if known.is_some() { String::new() } else { ACCOUNTS.new_id()?.unwrap_or_default() };
        let drafted = Drafted { id, key: entry.key.clone(), hash, fields };
        let place = self.draft.add(&drafted)?;
        self.keys.note(&entry.key, place);
        self.logins.note(&login, place);
        match known {
            Some(known) => {
                self.drafted.insert(known.seq);
                self.changes += 1;
            }
            None => self.adds += 1,
        }
        Ok(())
    }

    fn known(&self, read: &Read<'_>, key: &str, hash: &str) -> Result<Option<Known>, Problem> {
        let sql = "SELECT seq, login_id, directory_hash IS ?3 AND removed_at IS NULL FROM account
                   WHERE synchronizer = ?1 AND directory_key = ?2";
        Ok(read.one(sql, params![self.order.synchronizer, key, hash], |row| {
            Ok(Known { seq: row.get(0)?, login: row.get(1)?, is_current: row.get(2)? })
        })?)
    }

    /// A key names one entry: the first one is taken.
    fn refuse_second(&mut self, entry: &DirectoryEntry, known: Option<&Known>) -> Result<(), Problem> {
        let first = match self.keys.find(&entry.key) {
            Some(place) => Some(self.draft.at(place)?).filter(|drafted| drafted.key == entry.key),
            None => None,
        };
        let first = match (first, known) {
            (Some(drafted), _) => text(&drafted.fields, "login_id").to_owned(),
            (None, Some(known)) if self.kept.contains(known.seq) => known.login.clone(),
            _ => return Ok(()),
        };
        let detail = format!(
            "{:?} is the key of two entries: that of login {first:?} is taken, that of {:?} is not",
            entry.key, entry.login_id
        );
        Err(Problem::field("key", detail))
    }

    fn refuse_taken_login(&mut self, entry: &DirectoryEntry, login: &str) -> Result<(), Problem> {
        let Some(place) = self.logins.find(login) else { return Ok(()) };
        let first = self.draft.at(place)?;
        if !text(&first.fields, "login_id").eq_ignore_ascii_case(login) {
            return Ok(());
        }
        let detail = format!(
            "{:?} is the login of two entries: that with the key {:?} is taken, that with {:?} is not",
            entry.login_id, first.key, entry.key
        );
        Err(Problem::field("login_id", detail))
    }
}
