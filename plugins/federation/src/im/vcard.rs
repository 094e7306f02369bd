//! Business cards (XEP-0054) of our users and of contacts in the directory: what the directory has of them. Nobody sets
//! them here, and there are no pictures, because the directory has none.

use jackfield_sdk::{Failure, Host, params};
use jid::BareJid;
use serde::Deserialize;

use crate::xml::{Element, ns};

/// An account, or a contact of a peer: both are in this view.
const PERSON: &str = "SELECT a.login_id, a.first_name, a.last_name, a.email, a.extension, a.folder,
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
}

/// The card of an account or contact; none: it is not there.
pub fn read(host: &Host, id: &str, address: &BareJid) -> Result<Option<Element>, Failure> {
    let person: Option<Person> = host.db().first(PERSON, params![id])?;
    Ok(person.map(|person| person.card(address)))
}

impl Person {
    fn card(&self, address: &BareJid) -> Element {
        let full = format!("{} {}", self.first_name, self.last_name).trim().to_owned();
        let full = if full.is_empty() { &self.login_id } else { &full };
        let name = group("N", [text("FAMILY", &self.last_name), text("GIVEN", &self.first_name)]);
        let company = group("ORG", [text("ORGNAME", &self.company), text("ORGUNIT", &self.folder)]);
        let email = group("EMAIL", [Some(empty("INTERNET")), text("USERID", &self.email)]);
        let phone = [Some(empty("WORK")), Some(empty("VOICE")), text("NUMBER", &self.extension)];
        let phone = group("TEL", phone);
        let email = email.filter(|_| !self.email.is_empty());
        let phone = phone.filter(|_| !self.extension.is_empty());
        let all = [text("FN", full), name, email, phone, company, text("JABBERID", address.as_str())];
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
    use super::*;
    use crate::xml::written;

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
        };
        let card = written(&ann.card(&address));
        assert_eq!(
            card,
            "<vCard xmlns='vcard-temp'><FN>Ann &lt;Lee&gt;</FN><N><FAMILY>&lt;Lee&gt;</FAMILY><GIVEN>Ann</GIVEN></N>\
             <EMAIL><INTERNET/><USERID>ann@home.example</USERID></EMAIL>\
             <TEL><WORK/><VOICE/><NUMBER>201</NUMBER></TEL>\
             <ORG><ORGNAME>Home Ltd</ORGNAME><ORGUNIT>Sales</ORGUNIT></ORG><JABBERID>ann@home.example</JABBERID></vCard>"
        );
        let nobody = Person { login_id: "x1".to_owned(), ..Person::default() };
        assert_eq!(
            written(&nobody.card(&address)),
            "<vCard xmlns='vcard-temp'><FN>x1</FN><JABBERID>ann@home.example</JABBERID></vCard>"
        );
    }
}
