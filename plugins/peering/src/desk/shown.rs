//! What of our own enterprise its peers are shown: deployed accounts that are in the directory. Each change has a number
//! that counts from the beginning of an epoch, so that a peer asks for what came after the last one it knows.

use std::collections::HashMap;

use jackfield_sdk::{Failure, Host, Value, params};
use serde::Deserialize;

use crate::random;
use crate::sister::frame::{Entry, PEOPLE, Page, Place};
use crate::sister::share::Reached;

/// Greater than every key.
const END: &str = "~";
/// Bytes of one page, so that a frame holds it.
const PAGE_BYTES: usize = 180 * 1024;
/// How many who are gone are remembered; a peer that was away for longer brings the whole.
const GONE_MOST: usize = 100_000;
/// People of one read.
const ROWS: usize = 2_000;
/// Accounts of one window.
const WINDOW: usize = 1_000;

/// Accounts that are named in one statement.
const NAMED: usize = 200;

/// Whose account is shown. By id, some at a time: no statement may take long (the plus keeps SQLite from the enterprise's
/// index).
const IS_SHOWN: &str = "+a.enterprise = ?1 AND a.peer IS NULL AND a.deployed = 1 AND a.in_directory = 1";

const BEGIN: &str =
    "INSERT OR IGNORE INTO peering_epoch (enterprise, enterprise_made, epoch, change, forgotten)
    SELECT id, created_at, ?2, 0, 0 FROM core_enterprises WHERE id = ?1";
const COUNT: &str = "UPDATE peering_epoch SET change = change + 1 WHERE enterprise = ?1
    AND EXISTS (SELECT 1 FROM peering_shown s WHERE s.enterprise = ?1 AND s.change > peering_epoch.change)";
const FORGET_FROM: &str =
    "UPDATE peering_epoch SET forgotten = max(forgotten, coalesce((SELECT change FROM peering_shown
    WHERE enterprise = ?1 AND gone = 1 ORDER BY change DESC LIMIT 1 OFFSET ?2), 0)) WHERE enterprise = ?1
    AND forgotten < coalesce((SELECT change FROM peering_shown
    WHERE enterprise = ?1 AND gone = 1 ORDER BY change DESC LIMIT 1 OFFSET ?2), 0)";
const FORGET: &str = "DELETE FROM peering_shown WHERE enterprise = ?1 AND gone = 1
    AND change <= (SELECT forgotten FROM peering_epoch WHERE enterprise = ?1)";
const BOUND: &str = "SELECT id AS account FROM core_accounts WHERE id >= ?1 ORDER BY id LIMIT 1 OFFSET ?2";
const EPOCH: &str = "SELECT epoch, change, forgotten FROM peering_epoch WHERE enterprise = ?1";
const TOTAL: &str = "SELECT count(*) AS total FROM peering_shown WHERE +enterprise = ?1 AND gone = 0";
const SOME: &str = "SELECT account, change, gone, login_id, first_name, last_name, email, extension
    FROM peering_shown WHERE enterprise = ?1 AND (change, account) > (?2, ?3) AND change <= ?4 AND (gone = 0 OR ?5)
    ORDER BY change, account";
const ALL: &str =
    "SELECT account, enterprise, login_id FROM peering_shown WHERE enterprise = ?1 AND gone = 0 AND account > ?2
    ORDER BY account";

#[derive(Deserialize)]
struct Epoch {
    epoch: String,
    change: i64,
    forgotten: i64,
}

#[derive(Deserialize)]
struct Total {
    total: u64,
}

#[derive(Deserialize)]
struct Bound {
    account: String,
}

#[derive(Deserialize)]
struct Shown {
    account: String,
    change: i64,
    #[serde(deserialize_with = "jackfield_sdk::flag")]
    gone: bool,
    login_id: String,
    first_name: String,
    last_name: String,
    email: String,
    extension: String,
}

#[derive(Deserialize)]
struct Login {
    account: String,
    enterprise: String,
    login_id: String,
}

/// Brings what is shown of an enterprise up to date; whether something is another. Where nothing is, nothing is written.
pub fn refresh(host: &Host, enterprise: &str) -> Result<bool, Failure> {
    let (mut from, mut is_another) = (String::new(), false);
    loop {
        let bound = host.db().first::<Bound>(BOUND, params![from, WINDOW])?;
        let to = bound.map_or_else(|| END.to_owned(), |bound| bound.account);
        is_another |= refresh_part(host, enterprise, &Part::Window(&from, &to))?;
        if to == END {
            return Ok(is_another);
        }
        from = to;
    }
}

/// The same of some accounts.
pub fn refresh_some(host: &Host, enterprise: &str, accounts: &[String]) -> Result<bool, Failure> {
    let refreshed = accounts.chunks(NAMED).map(|some| refresh_part(host, enterprise, &Part::Named(some)));
    refreshed.into_iter().try_fold(false, |before, is_another| Ok(before | is_another?))
}

/// Some accounts.
enum Part<'a> {
    /// From one id up to another.
    Window(&'a str, &'a str),
    /// These.
    Named(&'a [String]),
}

impl Part<'_> {
    /// Whether a column names one of them, in SQL with values from the second on.
    fn holds(&self, column: &str) -> String {
        match self {
            Part::Window(..) => format!("{column} >= ?2 AND {column} <= ?3"),
            Part::Named(ids) => {
                let marks: Vec<String> = (0..ids.len()).map(|n| format!("?{}", n + 2)).collect();
                format!("{column} IN ({})", marks.join(", "))
            }
        }
    }

    fn bound(&self, enterprise: &str) -> Vec<Value> {
        let ids: Vec<&str> = match self {
            Part::Window(from, to) => vec![from, to],
            Part::Named(ids) => ids.iter().map(String::as_str).collect(),
        };
        [enterprise].into_iter().chain(ids).map(Value::from).collect()
    }

    fn take(&self) -> String {
        let holds = self.holds("a.id");
        format!(
            "INSERT INTO peering_shown
                (account, enterprise, change, gone, login_id, first_name, last_name, email, extension)
            SELECT a.id, a.enterprise, (SELECT change + 1 FROM peering_epoch WHERE enterprise = ?1), 0, a.login_id,
                coalesce(a.first_name, ''), coalesce(a.last_name, ''), coalesce(a.email, ''), coalesce(a.extension, '')
            FROM core_accounts a LEFT JOIN peering_shown s ON s.account = a.id
            WHERE {holds} AND {IS_SHOWN}
                AND (s.account IS NULL OR s.gone = 1 OR s.enterprise <> a.enterprise OR s.login_id <> a.login_id
                OR s.first_name <> coalesce(a.first_name, '') OR s.last_name <> coalesce(a.last_name, '')
                OR s.email <> coalesce(a.email, '') OR s.extension <> coalesce(a.extension, ''))
            ON CONFLICT (account) DO UPDATE SET enterprise = excluded.enterprise, change = excluded.change, gone = 0,
                login_id = excluded.login_id, first_name = excluded.first_name, last_name = excluded.last_name,
                email = excluded.email, extension = excluded.extension"
        )
    }

    fn lose(&self) -> String {
        let holds = self.holds("account");
        format!(
            "UPDATE peering_shown SET gone = 1,
                change = (SELECT change + 1 FROM peering_epoch WHERE enterprise = ?1),
                login_id = '', first_name = '', last_name = '', email = '', extension = ''
            WHERE +enterprise = ?1 AND {holds} AND gone = 0 AND NOT EXISTS (SELECT 1 FROM core_accounts a
                WHERE a.id = peering_shown.account AND {IS_SHOWN})"
        )
    }
}

fn refresh_part(host: &Host, enterprise: &str, part: &Part<'_>) -> Result<bool, Failure> {
    let epoch = random::text()?;
    let changes = host.db().tx(|tx| {
        tx.run(BEGIN, params![enterprise, epoch])
            .run(&part.take(), part.bound(enterprise))
            .run(&part.lose(), part.bound(enterprise))
            .run(COUNT, params![enterprise])
            .run(FORGET_FROM, params![enterprise, GONE_MOST])
            .run(FORGET, params![enterprise]);
        Ok(())
    })?;
    Ok(changes.changed.get(3).is_some_and(|rows| *rows > 0))
}

/// The page of a directory that begins after a place; from the beginning where that is not known any more.
pub fn page(host: &Host, enterprise: &str, asked: &Reached) -> Result<Page, Failure> {
    let Some(epoch) = host.db().first::<Epoch>(EPOCH, params![enterprise])? else {
        refresh(host, enterprise)?;
        return page_of_new(host, enterprise);
    };
    let is_known = asked.epoch == epoch.epoch
        && (epoch.forgotten..=epoch.change).contains(&asked.place.change)
        && asked.place.change >= 0;
    let after = if is_known { asked.place.clone() } else { Place::default() };
    read(host, enterprise, epoch, &after, !is_known)
}

fn page_of_new(host: &Host, enterprise: &str) -> Result<Page, Failure> {
    let missing =
        || Failure::new(jackfield_sdk::Code::NotFound, format!("there is no enterprise {enterprise:?}"));
    let epoch = host.db().first::<Epoch>(EPOCH, params![enterprise])?.ok_or_else(missing)?;
    read(host, enterprise, epoch, &Place::default(), true)
}

fn read(
    host: &Host,
    enterprise: &str,
    epoch: Epoch,
    after: &Place,
    from_start: bool,
) -> Result<Page, Failure> {
    let bound = params![enterprise, after.change, after.key, epoch.change, !from_start];
    let rows = host.db().page::<Shown>(SOME, bound, PEOPLE)?;
    let mut page = Page { epoch: epoch.epoch, from_start, total: 0, more: rows.more, ..Page::default() };
    if from_start {
        // Said once: counting takes a while.
        let total = host.db().first::<Total>(TOTAL, params![enterprise])?;
        page.total = total.map_or(0, |total| total.total);
    }
    let (mut bytes, mut last) = (0, None);
    for row in rows.rows {
        bytes += row.login_id.len() + row.first_name.len() + row.last_name.len() + row.email.len() + 200;
        if bytes > PAGE_BYTES && last.is_some() {
            page.more = true;
            break;
        }
        last = Some(Place { change: row.change, key: row.account.clone() });
        let Shown { account: key, gone, login_id, first_name, last_name, email, extension, .. } = row;
        match gone {
            true => page.gone.push(key),
            false => page.entries.push(Entry { key, login_id, first_name, last_name, email, extension }),
        }
    }
    let end = Place { change: epoch.change, key: END.to_owned() };
    page.next = if page.more { last.unwrap_or(end) } else { end };
    Ok(page)
}

/// Who of some accounts is shown: their enterprises, and whether their logins are in UPN form, by account.
pub fn who_of(host: &Host, accounts: &[String]) -> Result<HashMap<String, (String, bool)>, Failure> {
    let mut found = HashMap::new();
    for some in accounts.chunks(NAMED) {
        let marks = vec!["?"; some.len()].join(", ");
        let sql = format!(
            "SELECT account, enterprise, login_id FROM peering_shown WHERE gone = 0 AND account IN ({marks})"
        );
        let bound = some.iter().map(|id| Value::from(id.as_str())).collect();
        let rows: Vec<Login> = host.db().query(&sql, bound)?;
        found.extend(rows.into_iter().map(|one| (one.account, (one.enterprise, one.login_id.contains('@')))));
    }
    Ok(found)
}

/// All who are shown of an enterprise: whether their logins are in UPN form, by account.
pub fn people(host: &Host, enterprise: &str) -> Result<HashMap<String, bool>, Failure> {
    let mut found = HashMap::new();
    let mut after = String::new();
    loop {
        let page = host.db().page::<Login>(ALL, params![enterprise, after], ROWS)?;
        let Some(last) = page.rows.last() else { return Ok(found) };
        after.clone_from(&last.account);
        found.extend(page.rows.into_iter().map(|one| (one.account, one.login_id.contains('@'))));
        if !page.more {
            return Ok(found);
        }
    }
}
