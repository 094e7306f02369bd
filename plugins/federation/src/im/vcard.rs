//! Business cards (XEP-0054) of our users and of contacts in the directory: what the directory has of them, also their
//! photo. Nobody sets them here.

use jackfield_sdk::{Failure, Host, params};
use jid::BareJid;
use serde::Deserialize;

use super::avatar::{self, Stored};
use crate::xml::{Element, ns};

/// An account, or a contact of a peer: both are in this view.
const PERSON: &str = "SELECT a.login_id, a.first_name, a.last_name, a.email, a.extension, a.folder, a.photo,
        coalesce(nullif(p.description, ''), nullif(e.description, ''), e.id) AS company
    FROM core_accounts a JOIN core_enterprises e ON e.id = a.enterprise LEFT JOIN core_peers p ON p.id = a.peer
    WHERE a.id = ?1";

/// What the directory has of a person.
#[derive(Debug, Clone, Default, Deserialize)]
struct Person {
    login_id: String,
    first_name: String,
    last_name: String,
    email: String,
    extension: String,
    folder: String,
    company: String,
    photo: Option<String>,
}

/// The card of an account or contact; none: it is not there.
pub fn read(host: &Host, id: &str, address: &BareJid) -> Result<Option<Element>, Failure> {
    let person: Option<Person> = host.db().first(PERSON, params![id])?;
    let Some(person) = person else { return Ok(None) };
    let photo = if person.photo.is_some() { avatar::stored(host, id)? } else { None };
    Ok(Some(person.card(address, photo)))
}

impl Person {
    fn card(&self, address: &BareJid, photo: Option<Stored>) -> Element {
        let full = format!("{} {}", self.first_name, self.last_name).trim().to_owned();
        let full = if full.is_empty() { &self.login_id } else { &full };
        let name = group("N", [text("FAMILY", &self.last_name), text("GIVEN", &self.first_name)]);
        let company = group("ORG", [text("ORGNAME", &self.company), text("ORGUNIT", &self.folder)]);
        let email = group("EMAIL", [Some(empty("INTERNET")), text("USERID", &self.email)]);
        let phone = [Some(empty("WORK")), Some(empty("VOICE")), text("NUMBER", &self.extension)];
        let phone = group("TEL", phone);
        let email = email.filter(|_| !self.email.is_empty());
        let phone = phone.filter(|_| !self.extension.is_empty());
        let photo = photo.and_then(|photo| {
            group("PHOTO", [text("TYPE", &photo.media_type), text("BINVAL", &photo.bytes?.base64)])
        });
        let all = [text("FN", full), name, photo, email, phone, company, text("JABBERID", address.as_str())];
        all.into_iter().flatten().fold(Element::new(ns::VCARD, "vCard"), Element::child)
    }
}

fn empty(name: &str) -> Element {
    Element::new(ns::VCARD, name)
}

fn text(name: &str, text: &str) -> Option<Element> {
    (!text.is_empty()).then(|| empty(name).text(text))
}

fn group<const N: usize>(name: &str, parts: [Option<Element>; N]) -> Option<Element> {
    let mut parts = parts.into_iter().flatten().peekable();
    parts.peek()?;
    Some(parts.fold(empty(name), Element::child))
}

#[cfg(test)]
mod tests {
    use jackfield_sdk::abi::ops::PHOTO_BYTES;
    use jackfield_sdk::json;

    use super::*;
    use crate::xml::{AFTER, written};

    #[test]
    fn a_card_has_what_the_directory_has_and_nothing_empty() {
        let address = BareJid::new("ann@home.example").unwrap();
        let ann = Person {
            login_id: "ann".to_owned(),
            first_name: "Ann".to_owned(),
            last_name: "<Lee>".to_owned(),
            email: "ann@home.example".to_owned(),
            extension: "201".to_owned(),
            folder: "Sales".to_owned(),
            company: "Home Ltd".to_owned(),
            photo: None,
        };
        let card = written(&ann.card(&address, None));
        assert_eq!(
            card,
            "<vCard xmlns='vcard-temp'><FN>Ann &lt;Lee&gt;</FN><N><FAMILY>&lt;Lee&gt;</FAMILY><GIVEN>Ann</GIVEN></N>\
             <EMAIL><INTERNET/><USERID>ann@home.example</USERID></EMAIL>\
             <TEL><WORK/><VOICE/><NUMBER>201</NUMBER></TEL>\
             <ORG><ORGNAME>Home Ltd</ORGNAME><ORGUNIT>Sales</ORGUNIT></ORG><JABBERID>ann@home.example</JABBERID></vCard>"
        );
        let nobody = Person { login_id: "x1".to_owned(), ..Person::default() };
        assert_eq!(
            written(&nobody.card(&address, None)),
            "<vCard xmlns='vcard-temp'><FN>x1</FN><JABBERID>ann@home.example</JABBERID></vCard>"
        );
    }

    #[test]
    fn the_longest_card_with_the_largest_photo_fits_into_a_stanza() {
        let long = |most: usize| "&".repeat(most);
        let person = Person {
            login_id: long(113),
            first_name: long(64),
            last_name: long(64),
            email: long(254),
            extension: long(32),
            folder: long(255),
            company: long(512),
            photo: Some("00".repeat(20)),
        };
        let base64 = data_encoding::BASE64.encode(&vec![0; PHOTO_BYTES]);
        let photo = json!({"hash": "00", "media_type": "image/jpeg", "width": 1, "height": 1, "size": 1, "bytes": {"base64": base64}});
        let card = person.card(
            &BareJid::new("ann@home.example").unwrap(),
            Some(serde::Deserialize::deserialize(photo).unwrap()),
        );
        let card = written(&card);
        assert!(card.contains("<PHOTO><TYPE>image/jpeg</TYPE><BINVAL>AAAA"), "{}", &card[..200]);
        // Around it stand two addresses, which are 3071 bytes at most each (RFC 7622 section 3.1).
        assert!(card.len() + 2 * 3071 + 100 < AFTER.bytes, "{}", card.len());
    }
}
