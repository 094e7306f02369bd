//! Reads all of a directory's people, page by page. What is wrong with one entry is told with the batch that it came in;
//! what is wrong with the answer as a whole ends the reading, and whoever reads must not take it for all there is.

use super::later::Later;
use super::person::{Flaw, Mapper, Person};
use super::source::Source;
use crate::ldap::client::{Item, Search, must_be_whole};
use crate::ldap::connect::Course;
use crate::ldap::line::Stop;
use crate::ldap::trouble::{Step, Trouble};

/// Most entries of a directory.
const MOST_ENTRIES: u64 = 250_000;
/// Most entries of one batch.
const BATCH: usize = 500;
/// Bytes of photos, as they travel, after which a batch is full.
const PHOTOS: usize = 512 * 1024;

/// People that were read, and entries that are none.
#[derive(Debug, Default)]
pub struct Batch {
    /// People.
    pub people: Vec<Person>,
    /// What is wrong with the others.
    pub flaws: Vec<Flaw>,
    photos: usize,
}

impl Batch {
    /// Adds somebody.
    pub fn push(&mut self, person: Person) {
        self.photos += person.entry.photo.as_ref().map_or(0, String::len);
        self.people.push(person);
    }

    fn is_full(&self) -> bool {
        self.people.len() + self.flaws.len() >= BATCH || self.photos >= PHOTOS
    }

    fn is_empty(&self) -> bool {
        self.people.is_empty() && self.flaws.is_empty()
    }
}

/// What was read in the end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Entries.
    pub entries: u64,
    /// Places that the directory told of instead of looking there.
    pub references: u64,
}

/// Reads everything; each batch is handed over before the next page is asked for.
pub fn read(
    source: &Source<'_>,
    is_contact: bool,
    stop: Stop<'_>,
    mut take: impl FnMut(Batch) -> Result<(), Trouble>,
) -> Result<Summary, Trouble> {
    let mut client = source.enter(stop, &mut Course::default())?;
    let mut mapper = Mapper::new(&source.settings.mapping, &source.settings.base_dn, is_contact);
    let (base, attributes) = (source.search_base(), mapper.attributes());
    let settings = &source.settings;
    let search = Search {
        base: &base,
        scope: &settings.scope,
        filter: &settings.filter,
        attributes: &attributes,
        page: settings.page_size,
    };
    let (mut summary, mut cookie) = (Summary::default(), Vec::new());
    loop {
        let mut batch = Batch::default();
        let mut later = Later::default();
        let page = client.page(&search, &cookie, |item| {
            summary.entries += 1;
            if summary.entries > MOST_ENTRIES {
                let detail = format!("it has more than {MOST_ENTRIES} entries");
                return Err(Trouble::new(
                    Step::Filter,
                    detail,
                    "Ask for fewer by a narrower filter or context",
                ));
            }
            match item {
                Item::Entry(entry) => match mapper.person(entry) {
                    Ok(person) if !person.ranged.is_empty() => later.ranged(person)?,
                    Ok(person) => batch.push(person),
                    Err(flaw) => batch.flaws.push(flaw),
                },
                Item::TooBig(name, bytes) => later.too_big(name, bytes)?,
            }
            if batch.is_full() { take(std::mem::take(&mut batch)) } else { Ok(()) }
        })?;
        must_be_whole(&page.outcome)?;
        later.settle(&mut client, &mut mapper, &mut batch)?;
        if !batch.is_empty() {
            take(batch)?;
        }
        summary.references += page.references;
        if page.cookie.is_empty() {
            client.unbind();
            return Ok(summary);
        }
        cookie = page.cookie;
    }
}
