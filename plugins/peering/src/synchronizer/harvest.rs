//! Reads all of a directory's people, page by page. What is wrong with one entry is told with the batch that it came in;
//! what is wrong with the answer as a whole ends the reading, and whoever reads must not take it for all there is.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::person::{Flaw, Mapper, Person};
use super::source::Source;
use crate::ldap::client::{Client, Item, Search, must_be_whole};
use crate::ldap::connect::Course;
use crate::ldap::line::Stop;
use crate::ldap::trouble::{Step, Trouble};

/// Most entries of a directory.
const MOST_ENTRIES: u64 = 250_000;
/// Most entries of one batch.
const BATCH: usize = 500;
/// Most entries of one page that are too big to be looked at.
const MOST_TOO_BIG: usize = 100;

/// People that were read, and entries that are none.
#[derive(Debug, Default)]
pub struct Batch {
    /// People.
    pub people: Vec<Person>,
    /// What is wrong with the others.
    pub flaws: Vec<Flaw>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.people.len() + self.flaws.len() >= BATCH
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

/// Keys and logins that were met, as the beginnings of hashes: what counts is that memory stays small.
#[derive(Default)]
struct Met {
    keys: HashSet<u128>,
    logins: HashSet<u128>,
}

fn digest(text: &str) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    digest[..16].iter().fold(0, |whole, octet| (whole << 8) | u128::from(*octet))
}

impl Met {
    /// What is wrong with a person whose key or login was met before.
    fn judge(&mut self, person: &Person) -> Result<(), Flaw> {
        let flaw = |key: Option<String>, detail: &str| Flaw {
            name: person.name.clone(),
            key,
            attribute: String::new(),
            detail: detail.to_owned(),
        };
        let entry = &person.entry;
        if !self.keys.insert(digest(&entry.key)) {
            // Nothing is said of the key, because the one before has it.
            return Err(flaw(None, "has the key of an entry before it; the first one counts"));
        }
        if !self.logins.insert(digest(&entry.login_id.to_lowercase())) {
            let detail =
                format!("has the login {:?} of an entry before it; the first one counts", entry.login_id);
            return Err(flaw(Some(entry.key.clone()), &detail));
        }
        Ok(())
    }
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
    let (mut summary, mut met, mut cookie) = (Summary::default(), Met::default(), Vec::new());
    loop {
        let mut batch = Batch::default();
        let mut too_big = Vec::new();
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
                Item::Entry(entry) => match judged(&mut mapper, &mut met, entry) {
                    Ok(person) => batch.people.push(person),
                    Err(flaw) => batch.flaws.push(flaw),
                },
                Item::TooBig(name, bytes) if too_big.len() < MOST_TOO_BIG => too_big.push((name, bytes)),
                Item::TooBig(..) => {
                    let detail =
                        format!("more than {MOST_TOO_BIG} entries of one page are too big to be read");
                    return Err(Trouble::new(
                        Step::Filter,
                        detail,
                        "Map attributes with fewer and smaller values",
                    ));
                }
            }
            if batch.is_full() { take(std::mem::take(&mut batch)) } else { Ok(()) }
        })?;
        must_be_whole(&page.outcome)?;
        for (name, bytes) in too_big {
            batch.flaws.push(too_big_to_read(&mut client, &mapper, name, bytes)?);
        }
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

fn judged(mapper: &mut Mapper, met: &mut Met, entry: crate::ldap::entry::Entry<'_>) -> Result<Person, Flaw> {
    let person = mapper.person(entry)?;
    met.judge(&person)?;
    Ok(person)
}

/// An entry that is too big still has a key, by which the person it belongs to stays as they are.
fn too_big_to_read(
    client: &mut Client<'_>,
    mapper: &Mapper,
    name: String,
    bytes: usize,
) -> Result<Flaw, Trouble> {
    let attributes = [mapper.key_attribute().to_owned()];
    let search =
        Search { base: &name, scope: "base", filter: "(objectClass=*)", attributes: &attributes, page: 1 };
    let mut key = None;
    let page = client.page(&search, &[], |item| {
        if let Item::Entry(entry) = item {
            key = mapper.key(entry).ok();
        }
        Ok(())
    })?;
    must_be_whole(&page.outcome)?;
    if key.is_none() {
        let detail = format!("the entry {name} has {bytes} bytes, and whose it is cannot be found out");
        return Err(Trouble::new(Step::Filter, detail, "Leave it out by the filter"));
    }
    let detail = format!("has {bytes} bytes; {} are read", crate::ldap::wire::LARGEST);
    Ok(Flaw { name, key, attribute: String::new(), detail })
}

#[cfg(test)]
mod tests {
    use jackfield_sdk::abi::ops::DirectoryEntry;

    use super::*;

    fn person(key: &str, login: &str) -> Person {
        let entry = DirectoryEntry { key: key.into(), login_id: login.into(), ..DirectoryEntry::default() };
        Person { name: format!("CN={key}"), entry }
    }

    #[test]
    fn the_first_of_two_with_one_key_or_one_login_counts() {
        let mut met = Met::default();
        assert_eq!(met.judge(&person("1", "jo")), Ok(()));
        let same_key = met.judge(&person("1", "al")).unwrap_err();
        assert!(same_key.key.is_none() && same_key.detail.contains("has the key"), "{same_key:?}");
        let same_login = met.judge(&person("2", "JO")).unwrap_err();
        assert_eq!(same_login.key.as_deref(), Some("2"));
        assert!(same_login.detail.contains("\"JO\""), "{same_login:?}");
        assert_eq!(met.judge(&person("3", "al")), Ok(()));
    }
}
