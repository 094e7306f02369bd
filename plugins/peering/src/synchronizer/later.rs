//! Entries of a page that need a question of their own: those that are too big to be looked at, and those of whose
//! attributes an Active Directory gave only the first values. Asked when the page is over, because a connection answers
//! one question at a time.

use jackfield_sdk::abi::ops::PHOTO_BYTES;

use super::harvest::Batch;
use super::person::{Flaw, MOST_VALUES, Mapper, Person, Ranged};
use crate::ldap::client::{Client, Item, Search, must_be_whole};
use crate::ldap::trouble::{Step, Trouble};

/// Most that are too big in one page, as all of one may be whose people have large photos.
const MOST_TOO_BIG: usize = 1000;
/// Most of the others in one page.
const MOST: usize = 100;
/// Most questions for one attribute, however few values each answer has.
const MOST_RANGES: usize = 50;
const FEWER: &str = "Map attributes with fewer and smaller values";

/// The entries of one page.
#[derive(Default)]
pub struct Later {
    too_big: Vec<(String, usize)>,
    ranged: Vec<Person>,
}

impl Later {
    /// One of so many bytes.
    pub fn too_big(&mut self, name: String, bytes: usize) -> Result<(), Trouble> {
        if self.too_big.len() == MOST_TOO_BIG {
            let detail = format!("more than {MOST_TOO_BIG} entries of one page are too big to be read");
            return Err(Trouble::new(Step::Filter, detail, FEWER));
        }
        self.too_big.push((name, bytes));
        Ok(())
    }

    /// Somebody of whom only the first values came.
    pub fn ranged(&mut self, person: Person) -> Result<(), Trouble> {
        if self.ranged.len() == MOST {
            let detail =
                format!("more than {MOST} entries of one page have attributes with very many values");
            return Err(Trouble::new(Step::Filter, detail, FEWER));
        }
        self.ranged.push(person);
        Ok(())
    }

    /// Asks, and adds what came of it to the batch.
    pub fn settle(
        self,
        client: &mut Client<'_>,
        mapper: &mut Mapper,
        batch: &mut Batch,
    ) -> Result<(), Trouble> {
        for (name, bytes) in self.too_big {
            match without_photo(client, mapper, &name, bytes)? {
                Some(person) => batch.push(person),
                None => batch.flaws.push(whose(client, mapper, name, bytes)?),
            }
        }
        for person in self.ranged {
            match flaw_of(client, &person)? {
                None => batch.push(person),
                Some(flaw) => batch.flaws.push(flaw),
            }
        }
        Ok(())
    }
}

/// Whose entry is too big by a photo is taken without it; none: something else is wrong.
fn without_photo(
    client: &mut Client<'_>,
    mapper: &mut Mapper,
    name: &str,
    bytes: usize,
) -> Result<Option<Person>, Trouble> {
    let Some(photo) = mapper.photo_attribute().map(str::to_owned) else { return Ok(None) };
    let others = mapper.attributes().into_iter().filter(|attribute| !attribute.eq_ignore_ascii_case(&photo));
    let mut found = None;
    ask(client, name, others.collect(), |item| {
        if let Item::Entry(entry) = item {
            found = mapper.person(entry).ok().filter(|person| person.ranged.is_empty());
        }
    })?;
    let detail = format!("is in an entry of {bytes} bytes, and a photo of at most {PHOTO_BYTES} is taken");
    Ok(found.map(|person| person.without_photo(&photo, detail)))
}

/// An entry that is too big still has a key, by which the person it belongs to stays as they are.
fn whose(client: &mut Client<'_>, mapper: &Mapper, name: String, bytes: usize) -> Result<Flaw, Trouble> {
    let mut key = None;
    ask(client, &name, vec![mapper.key_attribute().to_owned()], |item| {
        if let Item::Entry(entry) = item {
            key = mapper.key(entry).ok();
        }
    })?;
    if key.is_none() {
        let detail = format!("the entry {name} has {bytes} bytes, and whose it is cannot be found out");
        return Err(Trouble::new(Step::Filter, detail, "Leave it out by the filter"));
    }
    let detail = format!("has {bytes} bytes; {} are read", crate::ldap::wire::LARGEST);
    Ok(Flaw { name, key, attribute: String::new(), detail })
}

/// A field is filled by the first value, which has come; the rest is read because nobody with too many is taken.
fn flaw_of(client: &mut Client<'_>, person: &Person) -> Result<Option<Flaw>, Trouble> {
    for Ranged { attribute, rest } in &person.ranged {
        let Some(detail) = too_many(client, &person.name, attribute, *rest)? else { continue };
        let (name, key) = (person.name.clone(), Some(person.entry.key.clone()));
        return Ok(Some(Flaw { name, key, attribute: attribute.clone(), detail }));
    }
    Ok(None)
}

fn too_many(
    client: &mut Client<'_>,
    name: &str,
    attribute: &str,
    mut from: u32,
) -> Result<Option<String>, Trouble> {
    for _ in 0..MOST_RANGES {
        if from as usize > MOST_VALUES {
            return Ok(Some(format!("has more than {MOST_VALUES} values")));
        }
        let mut found = None;
        ask(client, name, vec![format!("{attribute};range={from}-*")], |item| {
            if let Item::Entry(mut entry) = item {
                while let Ok(Some(one)) = entry.attribute() {
                    if one.kind.eq_ignore_ascii_case(attribute.as_bytes()) {
                        found = Some((one.values.count(MOST_VALUES).unwrap_or_default(), one.rest));
                    }
                }
            }
        })?;
        match found {
            Some((count, _)) if from as usize + count > MOST_VALUES => {
                return Ok(Some(format!("has more than {MOST_VALUES} values")));
            }
            Some((_, Some(rest))) if rest > from => from = rest,
            Some((_, None)) => return Ok(None),
            Some(_) | None => break,
        }
    }
    Ok(Some(format!("came in ranges, and what comes after value {from} was not given")))
}

fn ask(
    client: &mut Client<'_>,
    name: &str,
    attributes: Vec<String>,
    mut take: impl FnMut(Item<'_>),
) -> Result<(), Trouble> {
    let search =
        Search { base: name, scope: "base", filter: "(objectClass=*)", attributes: &attributes, page: 1 };
    let page = client.page(&search, &[], |item| {
        take(item);
        Ok(())
    })?;
    must_be_whole(&page.outcome)
}
