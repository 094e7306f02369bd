//! Who is in the directory with what was filled in: the enterprise's accounts and the contacts of its peers that the
//! directory shows.

use jackfield_sdk::{Failure, Host, PeopleFind, Person, PersonField, PersonWith};
use jid::BareJid;

use crate::s2s::address;

/// Most that are found at once.
pub const MOST: usize = 50;
/// Fields: name in a search, label, what it is of a person.
pub const FIELDS: [(&str, &str, PersonField); 6] = [
    ("first", "First name", PersonField::FirstName),
    ("last", "Last name", PersonField::LastName),
    ("nick", "Login", PersonField::LoginId),
    ("email", "E-mail", PersonField::Email),
    ("x-extension", "Extension", PersonField::Extension),
    ("x-folder", "Folder", PersonField::Folder),
];

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Address.
    pub address: BareJid,
    /// Values in the order of [`FIELDS`].
    pub values: [String; 6],
}

/// Where a search is made.
pub struct Directory<'a> {
    /// Id of the enterprise.
    pub enterprise: &'a str,
    /// Its domain.
    pub domain: &'a str,
}

/// Those who have all of that, one more than [`MOST`] when there are more.
pub fn find(host: &Host, at: &Directory<'_>, wanted: &[(usize, String)]) -> Result<Vec<Found>, Failure> {
    let with = |(at, text): &(usize, String)| PersonWith { field: FIELDS[*at].2, text: text.clone() };
    let (enterprise, all) = (at.enterprise.to_owned(), wanted.iter().map(with).collect());
    let people = host.colleagues().find(&PeopleFind { enterprise, all, limit: MOST + 1 })?;
    Ok(people.into_iter().filter_map(|person| found(person, at.domain)).collect())
}

fn found(person: Person, domain: &str) -> Option<Found> {
    let Person { login_id, address, first_name, last_name, email, extension, folder } = person;
    let address = match address {
        Some(address) => address::parsed(&address)?.into_bare(),
        None => address::of_login(&login_id, domain)?,
    };
    Some(Found { address, values: [first_name, last_name, login_id, email, extension, folder] })
}
