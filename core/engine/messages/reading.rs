//! Reading messages: what waits, one conversation, and the numbers that administrators see.

use jackfield_abi::ops::{Message, MessageHistory, MessagePending, Messages};
use jackfield_db::{Read, Row, RowResult, Value as Cell, params, params_from_iter};
use serde_json::{Value, json};

use super::accept::pair;
use super::address::{Address, Home};
use super::{READ_AT_ONCE, READ_BYTES};
use crate::catalog::problems::Problem;
use crate::catalog::settings::{MESSAGES_ARCHIVED, MESSAGES_RETENTION_DAYS};
use crate::engine::objects::{ACCOUNTS, ENTERPRISES, text};
use crate::engine::{Engine, clock};

/// What is read of a message.
pub const COLUMNS: &str =
    "seq, id, sender, recipient, body, at, direction, delivered_at, origin_id, failed_at, failure, envelope";
/// Of those that have neither arrived nor failed.
pub const WAITS: &str = "delivered_at IS NULL AND failed_at IS NULL";

/// For whom messages wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// For this account.
    Account(String),
    /// For this address, which is no account's here.
    Address(String),
    /// For any address of this domain that is no account's here.
    Domain(String),
    /// For any address that is no account's here.
    Elsewhere,
}

impl Waiting {
    /// For whom a plugin asks; exactly one must be named.
    pub fn of(read: &Read<'_>, asked: &MessagePending) -> Result<Self, Problem> {
        match (&asked.account, &asked.to, &asked.domain, asked.elsewhere) {
            (Some(id), None, None, false) => Ok(Self::Account(id.clone())),
            (None, Some(address), None, false) => {
                let address = Address::parse(address).map_err(|wrong| Problem::field("to", wrong))?;
                Ok(match address.home(read)? {
                    Home::Account(id) => Self::Account(id),
                    Home::Nobody | Home::Elsewhere => Self::Address(address.to_string()),
                })
            }
            (None, None, Some(domain), false) => Ok(Self::Domain(domain.to_lowercase())),
            (None, None, None, true) => Ok(Self::Elsewhere),
            _ => {
                let rule = "or to or domain or elsewhere must be given, and only one of them";
                Err(Problem::field("account", rule))
            }
        }
    }

    fn condition(self) -> (&'static str, String) {
        match self {
            Self::Account(id) => ("recipient_account = ?1", id),
            Self::Address(address) => ("recipient_account IS NULL AND recipient = ?1", address),
            Self::Domain(domain) => ("recipient_account IS NULL AND recipient_domain = ?1", domain),
            Self::Elsewhere => ("recipient_account IS NULL AND recipient_domain > ?1", String::new()),
        }
    }
}

/// What waits, oldest first.
pub fn pending(engine: &Engine, whom: Waiting, after: i64, limit: usize) -> Result<Messages, Problem> {
    let (condition, value) = whom.condition();
    let sql = format!(
        "SELECT {COLUMNS} FROM message WHERE {condition} AND {WAITS} AND seq > ?2 ORDER BY seq LIMIT ?3"
    );
    some(engine, &sql, vec![Cell::Text(value), Cell::Integer(after)], limit)
}

/// One conversation, newest first.
pub fn history(engine: &Engine, asked: &MessageHistory) -> Result<Messages, Problem> {
    let address =
        |field: &str, text: &str| Address::parse(text).map_err(|wrong| Problem::field(field, wrong));
    let (low, high) = pair(&address("of", &asked.of)?, &address("with", &asked.with)?);
    let sql = format!(
        "SELECT {COLUMNS} FROM message
         WHERE conversation = (SELECT seq FROM conversation WHERE low = ?1 AND high = ?2) AND seq < ?3
         ORDER BY seq DESC LIMIT ?4"
    );
    let before = Cell::Integer(asked.before.unwrap_or(i64::MAX));
    some(engine, &sql, vec![Cell::Text(low), Cell::Text(high), before], asked.limit)
}

/// Some messages and the cursor of the next; the last bound value is how many are read.
fn some(engine: &Engine, sql: &str, mut bound: Vec<Cell>, limit: usize) -> Result<Messages, Problem> {
    let limit = limit.clamp(1, READ_AT_ONCE);
    bound.push(Cell::Integer(i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1));
    let mut found =
        engine.db.read(|read| Ok::<_, Problem>(read.all(sql, params_from_iter(bound), message)?))?;
    let has_more = bounded(&mut found, limit);
    let next = found.last().map(|(seq, _)| *seq).filter(|_| has_more);
    Ok(Messages { messages: found.into_iter().map(|(_, message)| message).collect(), next })
}

/// Leaves as many as were asked for, and as fit into one message of the treaty; whether there were more.
pub fn bounded(found: &mut Vec<(i64, Message)>, limit: usize) -> bool {
    let mut bytes = 0;
    let fits = |(_, message): &&(i64, Message)| {
        let is_first = bytes == 0;
        bytes += message.body.len() + message.envelope.as_ref().map_or(0, String::len);
        is_first || bytes <= READ_BYTES
    };
    let kept = found.iter().take(limit).take_while(fits).count();
    let has_more = found.len() > kept;
    found.truncate(kept);
    has_more
}

/// A message with its number, from [`COLUMNS`].
pub fn message(row: &Row<'_>) -> RowResult<(i64, Message)> {
    let message = Message {
        id: row.get(1)?,
        from: row.get(2)?,
        to: row.get(3)?,
        body: row.get(4)?,
        at: clock::written(row.get(5)?),
        direction: row.get(6)?,
        delivered_at: row.get::<_, Option<i64>>(7)?.map(clock::written),
        origin_id: row.get(8)?,
        failed_at: row.get::<_, Option<i64>>(9)?.map(clock::written),
        failure: row.get(10)?,
        envelope: row.get(11)?,
    };
    Ok((row.get(0)?, message))
}

/// The numbers of the whole store.
pub fn summary(engine: &Engine) -> Result<Value, Problem> {
    let sql = format!(
        "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM conversation),
             (SELECT count(*) FROM message WHERE recipient_account IS NULL AND {WAITS})
                 + (SELECT count(*) FROM message WHERE recipient_account IS NOT NULL AND {WAITS}),
             (SELECT min(at) FROM message)"
    );
    let numbers = engine.db.read(|read| {
        Ok::<_, Problem>(read.one(&sql, params![], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, Option<i64>>(3)?,
            ))
        })?)
    })?;
    let (messages, conversations, waiting, oldest) = numbers.unwrap_or_default();
    Ok(json!({
        "messages": messages,
        "conversations": conversations,
        "waiting": waiting,
        "oldest_at": oldest.map(clock::written),
        "archived": engine.settings.value(MESSAGES_ARCHIVED),
        "retention_days": engine.settings.number(MESSAGES_RETENTION_DAYS),
    }))
}

/// The numbers of one account.
pub fn account(engine: &Engine, id: &str) -> Result<Value, Problem> {
    let sql = format!("SELECT count(*), min(at) FROM message WHERE recipient_account = ?1 AND {WAITS}");
    let (address, numbers) = engine.db.read(|read| {
        let account = ACCOUNTS.get(read, id)?;
        let enterprise = ENTERPRISES.get(read, text(&account, "enterprise"))?;
        let address = Address::of_login(text(&account, "login_id"), text(&enterprise, "domain"));
        let numbers =
            read.one(&sql, params![id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))?;
        Ok::<_, Problem>((address.to_string(), numbers))
    })?;
    let (waiting, oldest) = numbers.unwrap_or_default();
    let oldest = oldest.map(clock::written);
    Ok(json!({"account": id, "address": address, "waiting": waiting, "oldest_waiting_at": oldest}))
}
