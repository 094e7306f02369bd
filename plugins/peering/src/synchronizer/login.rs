//! `login.bind`: whether a password is the one that a directory has for somebody who came from it. Their entry is found
//! by its key, so that one that was renamed or moved is found as well, and signs in by itself. The password is kept
//! nowhere.

use std::time::{Duration, Instant};

use jackfield_sdk::{Code, Failure, Request, Secret, Value, params};
use serde::Deserialize;

use super::Tls;
use super::source::Source;
use super::table::{self, Row};
use crate::Peering;
use crate::ldap::client::{Client, Item, NO_ATTRIBUTE, Search, must_be_whole};
use crate::ldap::connect::Course;
use crate::ldap::filter_ber::equals;
use crate::ldap::trouble::Trouble;
use crate::ldap::words::{INVALID_CREDENTIALS, SUCCESS};
use crate::owner::{Of, Owner};

/// Longest time for all of it; the treaty has ten seconds.
const LONGEST: Duration = Duration::from_secs(9);
/// What core puts before the name of a synchronizer of ours.
const OURS: &str = "peering/";

const ACCOUNT: &str = "SELECT synchronizer, directory_key AS key FROM core_accounts
    WHERE id = ?1 AND peer IS NULL AND removed_at IS NULL AND directory_key IS NOT NULL";

#[derive(Deserialize)]
struct Account {
    synchronizer: String,
    key: String,
}

impl Peering {
    /// Whether the password is that of whoever the account stands for.
    pub(crate) fn bind_login(
        &self,
        account: &str,
        password: &Secret,
        request: &Request,
    ) -> Result<(), Failure> {
        if password.reveal().is_empty() {
            // A directory says yes to a name without a password, and means that it checked nothing (RFC 4513 5.1.2).
            return Err(Failure::new(Code::Denied, "an empty password is never right"));
        }
        let (row, key) = self.directory_of(account)?;
        if row.settings.tls == Tls::Off {
            let text = "people's passwords are not sent over a connection in clear; choose ldaps or starttls";
            return Err(Failure::new(Code::Unavailable, text));
        }
        let source = Source::open(&self.host, &row)?;
        let until = Instant::now() + LONGEST;
        let stop = || request.is_cancelled() || Instant::now() >= until;
        let unavailable = |trouble: Trouble| {
            let late = "it did not answer in time".to_owned();
            let why = if trouble.is_cancelled { late } else { trouble.sentence() };
            Failure::new(Code::Unavailable, why)
        };
        let mut client = source.enter(&stop, &mut Course::default()).map_err(unavailable)?;
        let name = find(&mut client, &source, &key).map_err(unavailable)?;
        let Some(name) = name else {
            return Err(Failure::new(Code::Denied, "the directory has nobody of that key any more"));
        };
        let outcome = client.bind(&name, password.reveal()).map_err(unavailable)?;
        client.unbind();
        match outcome.code {
            SUCCESS => Ok(()),
            INVALID_CREDENTIALS => {
                Err(Failure::new(Code::Denied, format!("the directory says no: {}", outcome.words())))
            }
            _ => Err(Failure::new(
                Code::Unavailable,
                format!("the directory does not judge: {}", outcome.words()),
            )),
        }
    }

    /// The synchronizer that an account came from, and its key there.
    fn directory_of(&self, account: &str) -> Result<(Row, String), Failure> {
        let none = || Failure::new(Code::NotFound, "the account is not from a directory of peering's");
        let found: Option<Account> = self.host.db().first(ACCOUNT, params![account])?;
        let Account { synchronizer, key } = found.ok_or_else(none)?;
        let owner = synchronizer.strip_prefix(OURS).and_then(|rest| rest.strip_prefix("enterprise/"));
        let owner = Owner::find(&self.host, Of::Enterprise, owner.ok_or_else(none)?)?.ok_or_else(none)?;
        Ok((table::one(&self.host, Of::Enterprise, &owner)?.ok_or_else(none)?, key))
    }
}

/// The name of the only entry with that key. Keys that are no text are kept in hexadecimal.
fn find(client: &mut Client<'_>, source: &Source<'_>, key: &str) -> Result<Option<String>, Trouble> {
    let attribute = source.settings.mapping.get("user_id").and_then(Value::as_str).unwrap_or_default();
    let octets = data_encoding::HEXLOWER.decode(key.as_bytes()).ok();
    let as_octets = octets.map(|octets| equals(attribute, &octets)).unwrap_or_default();
    let either = format!("(|{}{as_octets})", equals(attribute, key.as_bytes()));
    let filter = format!("(&{either}{})", source.settings.filter);
    let (base, none) = (source.search_base(), [NO_ATTRIBUTE.to_owned()]);
    let search =
        Search { base: &base, scope: &source.settings.scope, filter: &filter, attributes: &none, page: 2 };
    let mut names = Vec::new();
    let page = client.page(&search, &[], |item| {
        if let Item::Entry(entry) = item
            && names.len() < 2
        {
            names.push(String::from_utf8_lossy(entry.name).into_owned());
        }
        Ok(())
    })?;
    must_be_whole(&page.outcome)?;
    // Two of one key are nobody in particular.
    Ok(names.pop().filter(|_| names.is_empty()))
}
