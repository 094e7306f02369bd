//! Rosters on the disk: one row for each contact of an account, and the version of each account's roster. Everything is
//! durable before anybody is answered.

use jackfield_sdk::{Failure, Host, Page, Tx, flag, json, params};
use jid::BareJid;
use serde::Deserialize;

use super::contact::Contact;
use super::table::State;
use crate::s2s::{Pair, address};

const ALL: &str = "SELECT address, name, groups, state, listed, request FROM federation_contact
    WHERE account = ?1 ORDER BY address";
const ONE: &str = "SELECT address, name, groups, state, listed, request FROM federation_contact
    WHERE account = ?1 AND address = ?2";
const COUNT: &str = "SELECT count(*) FILTER (WHERE listed = 1) AS listed,
        count(*) FILTER (WHERE listed = 0) AS strangers
    FROM federation_contact WHERE account = ?1";
const PUT: &str = "INSERT INTO federation_contact (account, address, name, groups, state, listed, request)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (account, address) DO UPDATE SET name = excluded.name, groups = excluded.groups,
        state = excluded.state, listed = excluded.listed, request = excluded.request";
const REMOVE: &str = "DELETE FROM federation_contact WHERE account = ?1 AND address = ?2";
const CHANGED: &str = "INSERT INTO federation_roster (account, own, version) VALUES (?1, ?2, 1)
    ON CONFLICT (account) DO UPDATE SET version = version + 1";
const VERSION: &str = "SELECT version FROM federation_roster WHERE account = ?1";
/// Contacts that see these accounts, page by page.
const WATCHERS: &str = "SELECT c.account, c.address, r.own, coalesce(a.deployed, 0) AS deployed
    FROM federation_contact c JOIN federation_roster r ON r.account = c.account
        LEFT JOIN core_accounts a ON a.id = c.account
    WHERE c.account IN (SELECT value FROM json_each(?1)) AND c.state IN ('F', 'F+o', 'B')
        AND (c.account, c.address) > (?2, ?3) ORDER BY c.account, c.address";
/// Contacts at a domain that see accounts at a domain of ours, page by page.
const WATCHERS_AT: &str = "SELECT c.account, c.address, r.own, coalesce(a.deployed, 0) AS deployed
    FROM federation_contact c JOIN federation_roster r ON r.account = c.account
        LEFT JOIN core_accounts a ON a.id = c.account
    WHERE c.state IN ('F', 'F+o', 'B') AND substr(c.address, instr(c.address, '@') + 1) = ?1
        AND substr(r.own, instr(r.own, '@') + 1) = ?2
        AND (c.account, c.address) > (?3, ?4) ORDER BY c.account, c.address";
/// Accounts that somebody sees.
const WATCHED: &str = "SELECT DISTINCT account FROM federation_contact
    WHERE state IN ('F', 'F+o', 'B') AND account > ?1 ORDER BY account";
/// Accounts that have a roster and are not there any more.
const ORPHANS: &str = "SELECT account, own FROM federation_roster r
    WHERE NOT EXISTS (SELECT 1 FROM core_accounts a WHERE a.id = r.account) LIMIT 100";
/// Where accounts with a roster are now, and the address that others know: after that account, or these.
const PLACES: &str = "SELECT r.account, r.own, a.login_id, e.domain FROM federation_roster r
        JOIN core_accounts a ON a.id = r.account JOIN core_enterprises e ON e.id = a.enterprise";
/// An address of ours has become another one, in rosters, among those who are blocked, and as somebody's own.
const MOVE: [&str; 4] = [
    "UPDATE OR REPLACE federation_contact SET address = ?1 WHERE address = ?2",
    "UPDATE OR REPLACE federation_blocked SET address = ?1 WHERE address = ?2",
    "UPDATE federation_roster SET own = ?1, version = version + 1 WHERE own = ?2",
    "UPDATE federation_roster SET version = version + 1
        WHERE own <> ?2 AND account IN (SELECT account FROM federation_contact WHERE address = ?1)",
];
const FORGET: &str = "DELETE FROM federation_contact WHERE account = ?1";
const FORGET_ROSTER: &str = "DELETE FROM federation_roster WHERE account = ?1";
/// Rows of one read.
const PAGE: usize = 10_000;

#[derive(Deserialize)]
struct Row {
    address: String,
    name: String,
    groups: String,
    state: String,
    #[serde(deserialize_with = "flag")]
    listed: bool,
    request: String,
}

/// How much an account's roster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Counts {
    /// Contacts that the user has put there.
    pub listed: usize,
    /// Others that have asked to see the user.
    pub strangers: usize,
}

/// Somebody who sees an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Watcher {
    /// The account.
    pub account: String,
    /// Its address.
    pub own: String,
    /// Who sees it.
    pub address: String,
    #[serde(deserialize_with = "flag")]
    deployed: bool,
}

impl Watcher {
    /// Whether the account can be reached; else it is shown as not there.
    pub fn is_deployed(&self) -> bool {
        self.deployed
    }
}

/// An account that has gone, with the address that it had.
#[derive(Debug, Clone, Deserialize)]
pub struct Orphan {
    /// Its id.
    pub account: String,
    /// Its address.
    pub own: String,
}

/// An account with a roster, and where it is.
#[derive(Debug, Clone, Deserialize)]
pub struct Place {
    /// Its id.
    pub account: String,
    /// The address that others know.
    pub own: String,
    /// Its login.
    pub login_id: String,
    /// Its enterprise's domain.
    pub domain: String,
}

#[derive(Deserialize)]
struct Watched {
    account: String,
}

#[derive(Deserialize)]
struct Version {
    version: i64,
}

impl Row {
    /// A row that cannot be read any more counts as none.
    fn contact(self) -> Option<(BareJid, Contact)> {
        let Self { address, name, groups, state, listed, request } = self;
        let address = address::parsed(&address)?.into_bare();
        let groups = groups.parse::<jackfield_sdk::Value>().ok()?;
        let groups =
            groups.as_array()?.iter().filter_map(|group| group.as_str().map(str::to_owned)).collect();
        Some((address, Contact { name, groups, state: State::of(&state)?, is_listed: listed, request }))
    }
}

/// All contacts of an account.
pub fn all(host: &Host, account: &str) -> Result<Vec<(BareJid, Contact)>, Failure> {
    let rows: Vec<Row> = host.db().query(ALL, params![account])?;
    Ok(rows.into_iter().filter_map(Row::contact).collect())
}

/// One contact; one that is not there is an empty one.
pub fn one(host: &Host, account: &str, address: &BareJid) -> Result<Contact, Failure> {
    let row: Option<Row> = host.db().first(ONE, params![account, address.as_str()])?;
    Ok(row.and_then(Row::contact).map(|(_, contact)| contact).unwrap_or_default())
}

/// How much an account has.
pub fn counts(host: &Host, account: &str) -> Result<Counts, Failure> {
    Ok(host.db().first(COUNT, params![account])?.unwrap_or_default())
}

/// Version of an account's roster; 0: it has never had anything.
pub fn version(host: &Host, account: &str) -> Result<i64, Failure> {
    let row: Option<Version> = host.db().first(VERSION, params![account])?;
    Ok(row.map(|row| row.version).unwrap_or_default())
}

/// Writes a contact, or removes it when there is nothing to keep. `own` is the account's address.
pub fn put(
    host: &Host,
    account: &str,
    own: &BareJid,
    address: &BareJid,
    contact: &Contact,
) -> Result<(), Failure> {
    let written = host.db().tx(|tx| {
        fill(tx, account, address, contact);
        tx.run(CHANGED, params![account, own.as_str()]);
        Ok(())
    });
    written.map(drop)
}

fn fill(tx: &mut Tx, account: &str, address: &BareJid, contact: &Contact) {
    let Contact { name, groups, state, is_listed, request } = contact;
    let at = address.as_str();
    if contact.is_empty() {
        tx.run(REMOVE, params![account, at]);
    } else {
        let groups = json!(groups).to_string();
        tx.run(PUT, params![account, at, name, groups, state.word(), is_listed, request]);
    }
}

/// So many places of accounts with a roster, after that account.
pub fn places(host: &Host, after: &str, most: usize) -> Result<Vec<Place>, Failure> {
    let sql = format!("{PLACES} WHERE r.account > ?1 ORDER BY r.account");
    Ok(host.db().page(&sql, params![after], most)?.rows)
}

/// Places of those of these accounts that have a roster.
pub fn places_of(host: &Host, accounts: &[String]) -> Result<Vec<Place>, Failure> {
    let sql = format!("{PLACES} WHERE r.account IN (SELECT value FROM json_each(?1))");
    host.db().query(&sql, params![json!(accounts).to_string()])
}

/// The account's address is another one, and its contacts are these.
pub fn moved(
    host: &Host,
    account: &str,
    (old, new): (&str, &BareJid),
    contacts: &[(BareJid, Contact)],
) -> Result<(), Failure> {
    let written = host.db().tx(|tx| {
        contacts.iter().for_each(|(address, contact)| fill(tx, account, address, contact));
        for sql in MOVE {
            tx.run(sql, params![new.as_str(), old]);
        }
        Ok(())
    });
    written.map(drop)
}

/// Contacts that see any of these accounts.
pub fn watchers(host: &Host, accounts: &[&str]) -> Result<Vec<Watcher>, Failure> {
    let accounts = json!(accounts).to_string();
    let (mut found, mut after) = (Vec::<Watcher>::new(), (String::new(), String::new()));
    loop {
        let page = host.db().page(WATCHERS, params![accounts, after.0, after.1], PAGE)?;
        found.extend(page.rows);
        let Some(last) = found.last().filter(|_| page.more) else { return Ok(found) };
        after = (last.account.clone(), last.address.clone());
    }
}

/// A place in the order of contacts.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    /// The account.
    pub account: String,
    /// The contact.
    pub address: String,
}

/// So many contacts of the far domain that see accounts of the near one, after that place.
pub fn watchers_at(host: &Host, pair: &Pair, after: &Mark, most: usize) -> Result<Page<Watcher>, Failure> {
    let params = params![pair.to, pair.from, after.account, after.address];
    host.db().page(WATCHERS_AT, params, most)
}

/// So many accounts that somebody sees, after that one.
pub fn watched(host: &Host, after: &str, most: usize) -> Result<Vec<String>, Failure> {
    let rows: Vec<Watched> = host.db().page(WATCHED, params![after], most)?.rows;
    Ok(rows.into_iter().map(|row| row.account).collect())
}

/// Accounts that have gone and still have a roster.
pub fn orphans(host: &Host) -> Result<Vec<Orphan>, Failure> {
    host.db().query(ORPHANS, params![])
}

/// Forgets the roster of an account that has gone.
pub fn forget(host: &Host, account: &str) -> Result<(), Failure> {
    let written = host.db().tx(|tx| {
        tx.run(FORGET, params![account]).run(FORGET_ROSTER, params![account]);
        Ok(())
    });
    written.map(drop)
}
