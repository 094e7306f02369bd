//! A person's archive by time and by parts (XEP-0313). A part is found by an index, however much is stored.

use jackfield_abi::ops::{Message, MessageSearch, MessagesFound};
use jackfield_db::{Read, params};
use jiff::Timestamp;

use super::READ_AT_ONCE;
use super::accept::pair;
use super::address::{Address, Home};
use super::numbers;
use super::reading::{COLUMNS, bounded, message};
use crate::catalog::problems::{NOT_FOUND, Problem};
use crate::engine::Engine;

/// Messages are counted up to this many.
const COUNTED: i64 = 10_000;

/// Whose messages, and which of them.
enum Of {
    /// All of an account.
    Account(String),
    /// Those of one conversation.
    Conversation(i64),
}

/// Numbers of messages, both left out.
#[derive(Clone, Copy)]
struct Between(i64, i64);

/// Part of an account's archive.
pub fn search(engine: &Engine, asked: &MessageSearch) -> Result<MessagesFound, Problem> {
    let of = address("of", &asked.of)?;
    let with = asked.with.as_ref().map(|with| address("with", with)).transpose()?;
    let (start, end) = (time("start", asked.start.as_ref())?, time("end", asked.end.as_ref())?);
    engine.db.read(|read| {
        let Home::Account(account) = of.home(read)? else {
            return Err(Problem::new(NOT_FOUND, format!("There is no account with the address {of}.")));
        };
        let all = within(read, start, end)?;
        let scope = match &with {
            Some(with) => conversation(read, &of, with)?.map(Of::Conversation),
            None => Some(Of::Account(account.clone())),
        };
        let place = |id: &Option<String>| id.as_ref().map(|id| number(read, &account, id)).transpose();
        let part = Between(
            place(&asked.after)?.map_or(all.0, |after| after.max(all.0)),
            place(&asked.before)?.map_or(all.1, |before| before.min(all.1)),
        );
        let Some(scope) = scope else {
            return Ok(MessagesFound { messages: vec![], complete: true, count: Some(0) });
        };
        let from_end = asked.last || asked.before.is_some();
        let (messages, complete) = page(read, &scope, part, from_end, asked.limit.min(READ_AT_ONCE))?;
        Ok(MessagesFound { messages, complete, count: count(read, &scope, all)? })
    })
}

fn address(field: &str, text: &str) -> Result<Address, Problem> {
    Address::parse(text).map_err(|wrong| Problem::field(field, wrong))
}

fn time(field: &str, text: Option<&String>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let wrong =
        |_| Problem::field(field, format!("must be a time such as 2026-01-31T08:00:00Z; {text:?} is not"));
    text.parse::<Timestamp>().map(|at| Some(at.as_millisecond())).map_err(wrong)
}

/// Messages are stored in the order of their times, so a time is a place among their numbers.
fn within(read: &Read<'_>, start: Option<i64>, end: Option<i64>) -> Result<Between, Problem> {
    let first = |at: Option<i64>, sql: &str| {
        let Some(at) = at else { return Ok(None) };
        Ok::<_, Problem>(Some(read.one(sql, params![at], |row| row.get::<_, i64>(0))?))
    };
    let from = first(start, "SELECT seq FROM message WHERE at >= ?1 ORDER BY at, seq LIMIT 1")?;
    let to = first(end, "SELECT seq FROM message WHERE at > ?1 ORDER BY at, seq LIMIT 1")?;
    // A start after everything leaves nothing; an end after everything leaves all.
    let after = from.map_or(0, |seq| seq.map_or(i64::MAX, |seq| seq - 1));
    Ok(Between(after, to.flatten().unwrap_or(i64::MAX)))
}

fn conversation(read: &Read<'_>, of: &Address, with: &Address) -> Result<Option<i64>, Problem> {
    let (low, high) = pair(of, with);
    let sql = "SELECT seq FROM conversation WHERE low = ?1 AND high = ?2";
    Ok(read.one(sql, params![low, high], |row| row.get(0))?)
}

/// The number of a message in an account's archive. Another's is as unknown as one that never was.
fn number(read: &Read<'_>, account: &str, id: &str) -> Result<i64, Problem> {
    let sql =
        "SELECT seq FROM message WHERE seq = ?1 AND id = ?2 AND ?3 IN (sender_account, recipient_account)";
    let found = read.one(sql, params![numbers::number(id), id, account], |row| row.get(0))?;
    found.ok_or_else(|| Problem::new(NOT_FOUND, format!("There is no message {id:?} in this archive.")))
}

fn page(
    read: &Read<'_>,
    of: &Of,
    Between(after, before): Between,
    from_end: bool,
    limit: usize,
) -> Result<(Vec<Message>, bool), Problem> {
    let order = if from_end { "DESC" } else { "ASC" };
    let most = i64::try_from(limit).unwrap_or(0) + 1;
    let mut found = match of {
        Of::Conversation(seq) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM message WHERE conversation = ?1 AND seq > ?2 AND seq < ?3
                 ORDER BY seq {order} LIMIT ?4"
            );
            read.all(&sql, params![seq, after, before, most], message)?
        }
        Of::Account(id) => {
            // Two indexes that are in order already, merged until there is enough.
            let sql = format!(
                "SELECT {COLUMNS} FROM message WHERE seq IN (
                     SELECT seq FROM message WHERE sender_account = ?1 AND seq > ?2 AND seq < ?3
                     UNION SELECT seq FROM message WHERE recipient_account = ?1 AND seq > ?2 AND seq < ?3
                     ORDER BY seq {order} LIMIT ?4)
                 ORDER BY seq {order}"
            );
            read.all(&sql, params![id, after, before, most], message)?
        }
    };
    let has_more = bounded(&mut found, limit);
    if from_end {
        found.reverse();
    }
    Ok((found.into_iter().map(|(_, message)| message).collect(), !has_more))
}

fn count(read: &Read<'_>, of: &Of, Between(after, before): Between) -> Result<Option<u64>, Problem> {
    let most = COUNTED + 1;
    let counted = match of {
        Of::Conversation(seq) => read.one(
            "SELECT count(*) FROM (SELECT 1 FROM message WHERE conversation = ?1 AND seq > ?2 AND seq < ?3 LIMIT ?4)",
            params![seq, after, before, most],
            |row| row.get::<_, i64>(0),
        )?,
        Of::Account(id) => read.one(
            "SELECT count(*) FROM (
                 SELECT seq FROM message WHERE sender_account = ?1 AND seq > ?2 AND seq < ?3
                 UNION SELECT seq FROM message WHERE recipient_account = ?1 AND seq > ?2 AND seq < ?3
                 ORDER BY seq LIMIT ?4)",
            params![id, after, before, most],
            |row| row.get::<_, i64>(0),
        )?,
    };
    Ok(counted.filter(|count| *count <= COUNTED).and_then(|count| u64::try_from(count).ok()))
}
