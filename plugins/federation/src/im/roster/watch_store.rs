//! Which contacts of external peers are watched, on the disk: who is waiting to be asked, was asked, may be seen, has
//! refused, or has gone and is told so.

use jackfield_sdk::{Failure, Host, json, params};
use jid::BareJid;
use serde::{Deserialize, Serialize};

/// Most that one statement takes up.
const TAKEN_AT_ONCE: usize = 5000;
/// Contacts that are not watched yet.
const COMING: &str =
    "SELECT c.id, c.enterprise, c.peer, 'directory@' || lower(e.domain), lower(c.address), 'waiting', 0
    FROM core_contacts c JOIN core_peers p ON p.id = c.peer JOIN core_enterprises e ON e.id = c.enterprise
    WHERE p.kind = 'external' AND c.in_directory = 1 AND c.address <> ''
        AND NOT EXISTS (SELECT 1 FROM federation_watch w WHERE w.contact = c.id) LIMIT ?1";
/// Contacts that are watched and have gone, or have another address.
const GOING: &str = "FROM federation_watch WHERE state <> 'leaving' AND NOT EXISTS
    (SELECT 1 FROM core_contacts c JOIN core_peers p ON p.id = c.peer JOIN core_enterprises e ON e.id = c.enterprise
        WHERE c.id = federation_watch.contact AND p.kind = 'external' AND c.in_directory = 1
            AND lower(c.address) = federation_watch.address
            AND 'directory@' || lower(e.domain) = federation_watch.watcher)";
/// Not asked yet, not reached five minutes ago, or not answered for a week.
const DUE: &str = "SELECT contact, watcher, address FROM federation_watch
    WHERE state = 'waiting' AND asked_at <= unixepoch() - 300
        OR state = 'asked' AND asked_at <= unixepoch() - 604800 ORDER BY asked_at";
const LEAVING: &str = "SELECT contact, watcher, address FROM federation_watch WHERE state = 'leaving'";
const SEEN: &str = "SELECT contact, watcher, address FROM federation_watch
    WHERE state = 'seen' AND contact > ?1 ORDER BY contact";
const ASKED: &str = "UPDATE federation_watch SET state = 'asked', asked_at = unixepoch()
    WHERE contact IN (SELECT value FROM json_each(?1))";
const LATER: &str = "UPDATE federation_watch SET asked_at = unixepoch()
    WHERE contact IN (SELECT value FROM json_each(?1))";
const LEFT: &str = "DELETE FROM federation_watch WHERE contact IN (SELECT value FROM json_each(?1))";
const ALLOWED: &str =
    "UPDATE federation_watch SET state = 'seen' WHERE address = ?1 AND state IN ('waiting', 'asked')";
const REFUSED: &str =
    "UPDATE federation_watch SET state = 'refused' WHERE address = ?1 AND state <> 'leaving'";
const MISSED: &str = "UPDATE federation_watch SET state = 'waiting', asked_at = unixepoch()
    WHERE address = ?1 AND state = 'asked'";
/// Whom a change of partners may let us reach.
const PAUSING: &str = "SELECT contact FROM federation_watch WHERE state = 'waiting' AND asked_at > 0 LIMIT 1";
const HURRY: &str = "UPDATE federation_watch SET asked_at = 0 WHERE state = 'waiting' AND asked_at > 0";
const CONTACTS: &str = "SELECT contact FROM federation_watch WHERE address = ?1 AND state = 'seen'";
const COUNTS: &str = "SELECT w.enterprise, w.peer, w.watcher,
        count(*) FILTER (WHERE w.state = 'waiting') AS waiting, count(*) FILTER (WHERE w.state = 'asked') AS asked,
        count(*) FILTER (WHERE w.state = 'seen') AS seen, count(*) FILTER (WHERE w.state = 'refused') AS refused,
        count(*) FILTER (WHERE w.state = 'leaving') AS leaving
    FROM federation_watch w WHERE w.peer > ?1 GROUP BY w.peer, w.enterprise, w.watcher ORDER BY w.peer";

/// A contact that somebody has to say something to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Due {
    /// Its id.
    pub contact: String,
    /// In whose name.
    pub watcher: String,
    /// Its address.
    pub address: String,
}

/// How far the watching of one peer's contacts has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Id of the enterprise.
    pub enterprise: String,
    /// Id of the peer.
    pub peer: String,
    /// Address that watches.
    pub watcher: String,
    /// Not asked yet, or not reached.
    pub waiting: u64,
    /// Asked, and not answered.
    pub asked: u64,
    /// May be seen.
    pub seen: u64,
    /// Do not want to be seen.
    pub refused: u64,
    /// Have gone and are told so.
    pub leaving: u64,
}

#[derive(Deserialize)]
struct Found {
    found: i64,
}

#[derive(Deserialize)]
struct Contact {
    contact: String,
}

/// Takes up who has come and who has gone; whether there is more.
pub fn follow(host: &Host) -> Result<bool, Failure> {
    // Most of the time there is neither, and then nothing is written.
    let looks = format!("SELECT EXISTS ({COMING}) OR EXISTS (SELECT 1 {GOING}) AS found");
    let found: Option<Found> = host.db().first(&looks, params![1])?;
    if found.is_none_or(|found| found.found == 0) {
        return Ok(false);
    }
    let gone =
        format!("UPDATE federation_watch SET state = 'leaving' WHERE contact IN (SELECT contact {GOING})");
    let come = format!(
        "INSERT INTO federation_watch (contact, enterprise, peer, watcher, address, state, asked_at) {COMING}"
    );
    let done = host.db().tx(|tx| {
        tx.run(&gone, params![]).run(&come, params![TAKEN_AT_ONCE]);
        Ok(())
    })?;
    Ok(done.changed.get(1).is_some_and(|come| *come >= TAKEN_AT_ONCE))
}

/// Who has to be asked.
pub fn due(host: &Host, most: usize) -> Result<Vec<Due>, Failure> {
    Ok(host.db().page(DUE, params![], most)?.rows)
}

/// Who has gone.
pub fn leaving(host: &Host, most: usize) -> Result<Vec<Due>, Failure> {
    Ok(host.db().page(LEAVING, params![], most)?.rows)
}

/// Who may be seen, after that one.
pub fn seen(host: &Host, after: &str, most: usize) -> Result<Vec<Due>, Failure> {
    Ok(host.db().page(SEEN, params![after], most)?.rows)
}

/// These are asked now.
pub fn asked(host: &Host, due: &[Due]) -> Result<(), Failure> {
    each(host, ASKED, due)
}

/// These cannot be reached now.
pub fn later(host: &Host, due: &[Due]) -> Result<(), Failure> {
    each(host, LATER, due)
}

/// These were told, and are forgotten.
pub fn left(host: &Host, due: &[Due]) -> Result<(), Failure> {
    each(host, LEFT, due)
}

fn each(host: &Host, sql: &str, due: &[Due]) -> Result<(), Failure> {
    if due.is_empty() {
        return Ok(());
    }
    let contacts: Vec<&str> = due.iter().map(|due| due.contact.as_str()).collect();
    run(host, sql, &json!(contacts).to_string())
}

/// That contact allows it.
pub fn allowed(host: &Host, address: &BareJid) -> Result<(), Failure> {
    run(host, ALLOWED, address.as_str())
}

/// That contact does not, or not any more.
pub fn refused(host: &Host, address: &BareJid) -> Result<(), Failure> {
    run(host, REFUSED, address.as_str())
}

/// That contact's server was not reached.
pub fn missed(host: &Host, address: &BareJid) -> Result<(), Failure> {
    run(host, MISSED, address.as_str())
}

/// Those who could not be reached are tried at once.
pub fn hurry(host: &Host) -> Result<(), Failure> {
    if host.db().first::<Contact>(PAUSING, params![])?.is_none() {
        return Ok(());
    }
    let done = host.db().tx(|tx| {
        tx.run(HURRY, params![]);
        Ok(())
    });
    done.map(drop)
}

fn run(host: &Host, sql: &str, text: &str) -> Result<(), Failure> {
    let done = host.db().tx(|tx| {
        tx.run(sql, params![text]);
        Ok(())
    });
    done.map(drop)
}

/// Ids of the contacts of that address that may be seen.
pub fn contacts(host: &Host, address: &BareJid) -> Result<Vec<String>, Failure> {
    let rows: Vec<Contact> = host.db().query(CONTACTS, params![address.as_str()])?;
    Ok(rows.into_iter().map(|row| row.contact).collect())
}

/// How far it has come, by peer, after that one.
pub fn counts(host: &Host, after: &str, most: usize) -> Result<jackfield_sdk::Page<Counts>, Failure> {
    host.db().page(COUNTS, params![after], most)
}
