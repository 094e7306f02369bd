//! From an entry of a directory to a person: which attribute fills which field, what a text may hold, and what is wrong
//! with an entry that does not become one.

use jackfield_sdk::abi::ops::DirectoryEntry;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::hash::hash;
use super::photo;
use super::value::{extension, key, text};
use crate::ldap::entry::Entry;
use crate::ldap::name::Name;

/// Most values of one attribute: an Active Directory gives at most 1,500 at once, later versions 5,000.
pub const MOST_VALUES: usize = 5000;
/// What is filled, by its name in a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Key,
    Login,
    FirstName,
    LastName,
    Email,
    Phone,
    Node,
    Address,
    Photo,
}

/// Fields of a mapping that an account or contact has; others are configured for later versions.
const FIELDS: &[(&str, Field)] = &[
    ("user_id", Field::Key),
    ("login", Field::Login),
    ("first_name", Field::FirstName),
    ("last_name", Field::LastName),
    ("email", Field::Email),
    ("primary_phone", Field::Phone),
    ("home_element", Field::Node),
    ("address", Field::Address),
    ("photo", Field::Photo),
];

/// What is wrong with one entry. The others are not harmed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaw {
    /// The entry's name, as far as it can be shown.
    pub name: String,
    /// Its key where it has one: whom it belongs to stays as they are.
    pub key: Option<String>,
    /// Attribute that is wrong; empty: the entry as a whole.
    pub attribute: String,
    /// What is wrong, as a clause about the attribute or the entry.
    pub detail: String,
}

impl Flaw {
    /// Attribute and detail together.
    pub fn sentence(&self) -> String {
        if self.attribute.is_empty() {
            self.detail.clone()
        } else {
            format!("{} {}", self.attribute, self.detail)
        }
    }
}

/// A person, and where they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The entry's name.
    pub name: String,
    /// As the appliance takes it.
    pub entry: DirectoryEntry,
    /// What is wrong with the photo, without which they are taken; the one that is there stays.
    pub photo_flaw: Option<Flaw>,
    /// Attributes of which only the first values came.
    pub ranged: Vec<Ranged>,
}

impl Person {
    /// The same without a photo, for that reason.
    pub fn without_photo(mut self, attribute: &str, detail: String) -> Self {
        self.entry.photo = None;
        self.entry.hash = hash(&self.entry);
        self.photo_flaw = Some(flaw(&self.name, Some(&self.entry.key), attribute, detail));
        self
    }
}

/// An attribute of which only the first values came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranged {
    /// Its name.
    pub attribute: String,
    /// Number of the first value that did not come.
    pub rest: u32,
}

/// Makes people of entries.
pub struct Mapper {
    fields: Vec<(String, Field)>,
    base: Name,
    is_contact: bool,
    /// Name of a place and its folder: entries of one place mostly come together.
    last: (String, String),
}

/// Values of an entry by field.
#[derive(Default)]
struct Found<'b> {
    values: [Option<&'b [u8]>; FIELDS.len()],
    ranged: Vec<Ranged>,
}

impl Mapper {
    /// By a mapping; folders are relative to `base`. Contacts have an address, accounts a PBX node.
    pub fn new(mapping: &Map<String, Value>, base: &str, is_contact: bool) -> Self {
        let named = |name: &str| mapping.get(name).and_then(Value::as_str).map(str::to_owned);
        let fields = FIELDS.iter().filter(|(_, field)| match field {
            Field::Address => is_contact,
            Field::Node => !is_contact,
            _ => true,
        });
        let fields = fields.filter_map(|(name, field)| Some((named(name)?, *field))).collect();
        let base = Name::parse(base).unwrap_or_else(|_| Name::root());
        Self { fields, base, is_contact, last: Default::default() }
    }

    /// The attributes to ask for, each once.
    pub fn attributes(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for (attribute, _) in &self.fields {
            if all.iter().all(|known| !known.eq_ignore_ascii_case(attribute)) {
                all.push(attribute.clone());
            }
        }
        all
    }

    /// The attribute that photos are in; none: they are not asked for.
    pub fn photo_attribute(&self) -> Option<&str> {
        Some(self.attribute(Field::Photo)).filter(|attribute| !attribute.is_empty())
    }

    /// The attribute that the key is in.
    pub fn key_attribute(&self) -> &str {
        self.attribute(Field::Key)
    }

    fn attribute(&self, field: Field) -> &str {
        let named = self.fields.iter().find(|(_, known)| *known == field);
        named.map_or("", |(attribute, _)| attribute.as_str())
    }

    /// The key of an entry, or why it has none.
    pub fn key(&self, entry: Entry<'_>) -> Result<String, Flaw> {
        let shown = String::from_utf8_lossy(entry.name).into_owned();
        let found = self.find(entry).map_err(|(attribute, detail)| flaw(&shown, None, attribute, detail))?;
        let attribute = self.key_attribute();
        let value = found.of(Field::Key).ok_or_else(|| flaw(&shown, None, attribute, "is missing"))?;
        key(value).map_err(|detail| flaw(&shown, None, attribute, detail))
    }

    /// The person that an entry is, or what is wrong with it.
    pub fn person(&mut self, entry: Entry<'_>) -> Result<Person, Flaw> {
        let shown = String::from_utf8_lossy(entry.name);
        let key = self.key_of_any(entry, &shown)?;
        let wrong = |attribute: &str, detail: &str| flaw(&shown, Some(&key), attribute, detail);
        let found = self.find(entry).map_err(|(attribute, detail)| wrong(attribute, &detail))?;
        let text = |field: Field| -> Result<Option<String>, Flaw> {
            let Some(value) = found.of(field) else { return Ok(None) };
            text(value).map(Some).map_err(|detail| wrong(self.attribute(field), &detail))
        };
        let need = |field: Field, what: &str| {
            text(field)?.filter(|text| !text.is_empty()).ok_or_else(|| {
                let attribute = self.attribute(field);
                wrong(attribute, &format!("is missing or empty, and a {what} is needed"))
            })
        };
        let (login_id, last_name) = (need(Field::Login, "login")?, need(Field::LastName, "last name")?);
        let (first_name, email) = (text(Field::FirstName)?, text(Field::Email)?);
        let extension = text(Field::Phone)?.map(|number| extension(&number));
        let (pbx_node, address) = (text(Field::Node)?, text(Field::Address)?);
        let name = std::str::from_utf8(entry.name).map_err(|_| wrong("", "has a name that is no UTF-8"))?;
        let folder = self.folder(name).map_err(|detail| flaw(name, Some(&key), "", detail))?;
        // What the directory has no longer is emptied here as well, and not kept.
        let kept = |text: Option<String>| Some(text.unwrap_or_default());
        let entry = DirectoryEntry {
            key,
            hash: String::new(),
            login_id,
            last_name,
            first_name: kept(first_name),
            email: kept(email),
            extension: kept(extension),
            folder: Some(folder),
            pbx_node: if self.is_contact { None } else { kept(pbx_node) },
            address: if self.is_contact { kept(address) } else { None },
            photo: None,
        };
        let person = Person { name: name.to_owned(), entry, photo_flaw: None, ranged: found.ranged };
        Ok(self.with_photo(person, found.values[Field::Photo as usize]))
    }

    fn with_photo(&self, mut person: Person, value: Option<&[u8]>) -> Person {
        let photo = self.photo_attribute().map(|attribute| (attribute, photo::taken(value)));
        match photo {
            Some((attribute, Err(detail))) => return person.without_photo(attribute, detail),
            Some((_, Ok(photo))) => person.entry.photo = Some(photo),
            None => {}
        }
        person.entry.hash = hash(&person.entry);
        person
    }

    /// Also where another attribute is broken, the key says whose entry it is.
    fn key_of_any(&self, entry: Entry<'_>, shown: &str) -> Result<String, Flaw> {
        let attribute = self.key_attribute();
        let mut rest = entry;
        let missing = || flaw(shown, None, attribute, "is missing");
        loop {
            let next = rest.attribute().map_err(|_| flaw(shown, None, "", "cannot be read"))?;
            let mut one = next.ok_or_else(missing)?;
            if one.kind.eq_ignore_ascii_case(attribute.as_bytes())
                && let Ok(Some(value)) = one.values.value()
            {
                return key(value).map_err(|detail| flaw(shown, None, attribute, detail));
            }
        }
    }

    /// The first value of each attribute that is asked for.
    fn find<'b>(&self, mut entry: Entry<'b>) -> Result<Found<'b>, (&str, String)> {
        let mut found = Found::default();
        let unreadable = |_| ("", "cannot be read".to_owned());
        while let Some(mut attribute) = entry.attribute().map_err(unreadable)? {
            let named = |(name, _): &&(String, Field)| attribute.kind.eq_ignore_ascii_case(name.as_bytes());
            let Some((name, _)) = self.fields.iter().find(named) else { continue };
            if attribute.values.count(MOST_VALUES).map_err(unreadable)? > MOST_VALUES {
                return Err((name, format!("has more than {MOST_VALUES} values")));
            }
            found.ranged.extend(attribute.rest.map(|rest| Ranged { attribute: name.clone(), rest }));
            let value = attribute.values.value().map_err(unreadable)?;
            for (other, field) in &self.fields {
                if other.eq_ignore_ascii_case(name) {
                    let place = &mut found.values[*field as usize];
                    *place = place.or(value);
                }
            }
        }
        Ok(found)
    }

    fn folder(&mut self, name: &str) -> Result<String, String> {
        let place = name.split_once(',').map_or("", |(_, place)| place);
        // A comma of the entry's own name cuts elsewhere, and the whole name is looked at.
        if !name.contains('\\') && !place.is_empty() && self.last.0 == place {
            return Ok(self.last.1.clone());
        }
        let parsed = Name::parse(name).map_err(|cause| format!("has a malformed name: {cause}"))?;
        let units = parsed.units_below(&self.base);
        let plain = |unit: &String| unit.replace('/', "-").trim().to_owned();
        let folder = units.iter().map(plain).filter(|unit| !unit.is_empty()).collect::<Vec<_>>().join("/");
        if !name.contains('\\') {
            self.last = (place.to_owned(), folder.clone());
        }
        Ok(folder)
    }
}

impl<'b> Found<'b> {
    fn of(&self, field: Field) -> Option<&'b [u8]> {
        self.values[field as usize]
    }
}

fn flaw(name: &str, key: Option<&String>, attribute: &str, detail: impl Into<String>) -> Flaw {
    let name = name.chars().filter(|c| !c.is_control()).take(300).collect();
    Flaw { name, key: key.cloned(), attribute: attribute.to_owned(), detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use jackfield_sdk::abi::ops::PHOTO_BYTES;
    use jackfield_sdk::json;

    use super::*;
    use crate::ldap::ber::{OCTETS, SEQUENCE, SET, Writer};
    use crate::synchronizer::mapping;
    use crate::synchronizer::value::LONGEST;

    const BASE: &str = "DC=ocs,DC=example";
    const GUID: [u8; 16] = [0xff, 0x0e, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd];

    fn content(name: &[u8], attributes: &[(&str, &[&[u8]])]) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(OCTETS, name);
        writer.nest(SEQUENCE, |list| {
            for (kind, values) in attributes {
                list.nest(SEQUENCE, |one| {
                    one.put(OCTETS, kind.as_bytes());
                    one.nest(SET, |set| values.iter().for_each(|value| set.put(OCTETS, value)));
                });
            }
        });
        writer.bytes()
    }

    fn mapped(name: &[u8], more: &[(&str, &[&[u8]])], is_contact: bool) -> Result<Person, Flaw> {
        let usual: [(&str, &[&[u8]]); 3] =
            [("objectGUID", &[&GUID]), ("sAMAccountName", &[b"jo"]), ("SN", &[b"Martin"])];
        let all: Vec<_> = more
            .iter()
            .copied()
            .chain(usual.into_iter().filter(|(kind, _)| more.iter().all(|(other, _)| other != kind)))
            .collect();
        let bytes = content(name, &all);
        Mapper::new(&mapping::usual(), BASE, is_contact).person(Entry::read(&bytes).unwrap())
    }

    const JO: &[u8] = b"CN=Jo,OU=Sales,OU=Paris,DC=ocs,DC=example";

    #[test]
    fn an_entry_of_an_active_directory_becomes_a_person() {
        let person = mapped(
            JO,
            &[
                ("givenName", &["Zoé".as_bytes()]),
                ("mail", &[b" jo@ocs.example "]),
                ("telephoneNumber", &[b"40-01", b"9"]),
                ("ipPhone", &[b"Main"]),
                ("memberOf", &[&[0xff]]),
            ],
            false,
        )
        .unwrap();
        let entry = person.entry;
        assert_eq!(entry.key, "ff0e000102030405060708090a0b0c0d");
        assert_eq!((entry.login_id.as_str(), entry.last_name.as_str()), ("jo", "Martin"));
        assert_eq!(
            (entry.first_name.as_deref(), entry.email.as_deref()),
            (Some("Zoé"), Some("jo@ocs.example"))
        );
        assert_eq!(
            (entry.extension.as_deref(), entry.folder.as_deref()),
            (Some("4001"), Some("Paris/Sales"))
        );
        assert_eq!((entry.pbx_node.as_deref(), entry.address), (Some("Main"), None));
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_told_with_its_key() {
        let many: Vec<&[u8]> = vec![b"x"; MOST_VALUES + 1];
        let rows: &[(&str, &[&[u8]], &str)] = &[
            ("givenName", &[b"J\xff"], "is no UTF-8: byte 2 does not fit"),
            ("givenName", &[b"J\x07"], "holds the character U+0007"),
            ("givenName", &["\u{FFFE}".as_bytes()], "holds the character U+FFFE"),
            ("mail", &many, "has more than 5000 values"),
            ("mail", &[&[b'x'; LONGEST + 1]], "has 4097 bytes"),
            ("sAMAccountName", &[], "is missing or empty, and a login is needed"),
            ("sn", &[b" "], "is missing or empty, and a last name is needed"),
        ];
        for (attribute, values, detail) in rows {
            let more =
                [(*attribute, *values), ("SN", if *attribute == "sn" { *values } else { &[b"Martin"] })];
            let flaw = mapped(JO, &more, false).unwrap_err();
            assert!(flaw.detail.contains(detail), "{attribute}: {flaw:?}");
            assert_eq!((flaw.key.is_some(), flaw.attribute.as_str()), (true, *attribute));
        }
        let flaw = mapped(JO, &[("objectGUID", &[])], false).unwrap_err();
        assert_eq!(
            (flaw.key, flaw.attribute.as_str(), flaw.detail.as_str()),
            (None, "objectGUID", "is missing")
        );
        assert!(mapped(b"CN=Jo\xff,DC=x", &[], false).unwrap_err().detail.contains("name that is no UTF-8"));
        assert!(mapped(b"CN=Jo,,DC=x", &[], false).unwrap_err().detail.contains("malformed name"));
    }

    #[test]
    fn the_hash_follows_what_is_kept_and_nothing_else() {
        let of = |more: &[(&str, &[&[u8]])]| mapped(JO, more, true).unwrap().entry.hash;
        let usual = of(&[]);
        assert_eq!(of(&[("department", &[b"Sales"])]), usual);
        assert_ne!(of(&[("mail", &[b"jo@ocs.example"])]), usual);
        assert_ne!(of(&[("givenName", &[b"a"])]), of(&[("mail", &[b"a"])]));
        let moved = mapped(b"CN=Jo,OU=Paris,DC=ocs,DC=example", &[], true).unwrap().entry.hash;
        assert_ne!(moved, usual);
    }

    #[test]
    fn a_photo_travels_as_it_is_and_one_that_is_too_large_is_left_out_alone() {
        let of = |photo: &[u8]| mapped(JO, &[("jpegPhoto", &[photo])], false).unwrap();
        let (none, small, large) =
            (mapped(JO, &[], false).unwrap(), of(b"\xff\xd8"), of(&vec![0xff; PHOTO_BYTES + 1]));
        assert_eq!(none.entry.photo.as_deref(), Some(""), "what the directory has no longer is taken away");
        assert_eq!((small.entry.photo.as_deref(), small.photo_flaw), (Some("/9g="), None));
        assert_ne!(small.entry.hash, none.entry.hash);
        let flaw = large.photo_flaw.unwrap();
        assert_eq!((large.entry.photo, flaw.attribute.as_str()), (None, "jpegPhoto"));
        assert_eq!(flaw.detail, "has 102401 bytes; a photo of at most 102400 is taken");
        assert_eq!(flaw.key, Some(large.entry.key));
        let mut mapping = mapping::usual();
        mapping.insert("photo".to_owned(), Value::Null);
        let mut mapper = Mapper::new(&mapping, BASE, false);
        assert!(mapper.attributes().iter().all(|name| name != "jpegPhoto"));
        let bytes = content(
            JO,
            &[
                ("jpegPhoto", &[b"x"]),
                ("sn", &[b"M"]),
                ("sAMAccountName", &[b"jo"]),
                ("objectGUID", &[&GUID]),
            ],
        );
        assert_eq!(mapper.person(Entry::read(&bytes).unwrap()).unwrap().entry.photo, None);
    }

    #[test]
    fn each_attribute_is_asked_for_once_and_one_may_fill_several_fields() {
        let mut mapping = mapping::usual();
        mapping.insert("address".to_owned(), json!("MAIL"));
        let mapper = Mapper::new(&mapping, BASE, true);
        let asked = mapper.attributes();
        assert_eq!(asked.iter().filter(|name| name.eq_ignore_ascii_case("mail")).count(), 1, "{asked:?}");
        let bytes = content(
            JO,
            &[
                ("mail", &[b"a@b.example"]),
                ("sn", &[b"M"]),
                ("sAMAccountName", &[b"jo"]),
                ("objectGUID", &[&GUID]),
            ],
        );
        let mut mapper = mapper;
        let entry = mapper.person(Entry::read(&bytes).unwrap()).unwrap().entry;
        assert_eq!(
            (entry.email, entry.address),
            (Some("a@b.example".to_owned()), Some("a@b.example".to_owned()))
        );
    }
}
