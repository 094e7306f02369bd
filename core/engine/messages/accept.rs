//! Taking a message in, and noting that one has arrived. What is answered well is on the disk.

use jackfield_abi::ops::NewMessage;
use jackfield_db::{Read, Tx, params};

use super::address::{Address, Home};
use super::{BODY_BYTES, DELIVERED_AT_ONCE, ORIGIN_BYTES};
use crate::catalog::events::{MESSAGE_RECEIVED, MESSAGE_SENT};
use crate::catalog::problems::{CONFLICT, MESSAGES_ARCHIVED, MESSAGES_WAITING, NOT_FOUND, Problem};
use crate::catalog::settings::{MESSAGES_ARCHIVED as ARCHIVED, MESSAGES_WAITING_MOST};
use crate::engine::events::Fired;
use crate::engine::secrets::random_text;
use crate::engine::{Engine, clock};

/// A message that was checked, on its way in.
struct Incoming {
    from: Address,
    to: Address,
    body: String,
    origin_id: Option<String>,
    most_waiting: i64,
}

/// A stored message: its id, and whether it had been stored before.
pub type Accepted = (String, bool);

/// Stores a message, once for each id that its sender's side gave.
pub fn accept(engine: &Engine, message: NewMessage) -> Result<Accepted, Problem> {
    let most = i64::try_from(engine.settings.number(MESSAGES_WAITING_MOST)).unwrap_or(i64::MAX);
    let incoming = checked(message, most)?;
    let (accepted, fired) = engine.db.write(move |tx| store(tx, &incoming))?;
    engine.bus.publish(&fired);
    Ok(accepted)
}

fn checked(message: NewMessage, most_waiting: i64) -> Result<Incoming, Problem> {
    let address =
        |field: &str, text: &str| Address::parse(text).map_err(|wrong| Problem::field(field, wrong));
    let NewMessage { from, to, body, origin_id } = message;
    if body.is_empty() || body.len() > BODY_BYTES {
        let detail = format!("must be 1 to {BODY_BYTES} bytes long; it has {}", body.len());
        return Err(Problem::field("body", detail));
    }
    if origin_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > ORIGIN_BYTES) {
        return Err(Problem::field("origin_id", format!("must be 1 to {ORIGIN_BYTES} bytes long")));
    }
    let (from, to) = (address("from", &from)?, address("to", &to)?);
    Ok(Incoming { from, to, body, origin_id, most_waiting })
}

fn store(tx: &Tx<'_>, message: &Incoming) -> Result<(Accepted, Vec<Fired>), Problem> {
    refuse_archived(tx)?;
    if let Some(id) = known(tx, message)? {
        return Ok(((id, true), Vec::new()));
    }
    let (from, to) = (account(tx, &message.from)?, account(tx, &message.to)?);
    let direction = match (&from, &to) {
        (Some(_), Some(_)) => "local",
        (Some(_), None) => "out",
        (None, Some(_)) => "in",
        (None, None) => return Err(strangers(message)),
    };
    refuse_overflow(tx, message)?;
    let id = format!("msg-{}", random_text()?);
    let sql = "INSERT INTO message (id, conversation, sender, recipient, recipient_domain, sender_account,
                   recipient_account, direction, origin_id, body, at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let conversation = conversation(tx, &message.from, &message.to)?;
    let (sender, recipient) = (message.from.to_string(), message.to.to_string());
    let Incoming { body, origin_id, .. } = message;
    let domain = &message.to.domain;
    tx.execute(
        sql,
        params![
            id,
            conversation,
            sender,
            recipient,
            domain,
            from,
            to,
            direction,
            origin_id,
            body,
            clock::millis()
        ],
    )?;
    let told = [(MESSAGE_SENT, from), (MESSAGE_RECEIVED, to)];
    let fired = told
        .into_iter()
        .filter_map(|(event, account)| Some(Fired { event: event.name.to_owned(), object: account? }));
    Ok(((id, false), fired.collect()))
}

/// Read inside the transaction, so that nothing is taken after the switch was acknowledged.
fn refuse_archived(read: &Read<'_>) -> Result<(), Problem> {
    let sql = "SELECT value FROM setting WHERE name = ?1";
    let value = read.one(sql, params![ARCHIVED], |row| row.get::<_, String>(0))?;
    if value.as_deref() != Some("true") {
        return Ok(());
    }
    Err(Problem::new(
        MESSAGES_ARCHIVED,
        "Chat on this appliance is read-only: what was written can be read, nothing new is taken. Write in \
         CloudLink Chat, or have an administrator switch messages.archived off.",
    ))
}

/// The same message sent again. Another text under the same id is a mistake of the sender's side.
fn known(read: &Read<'_>, message: &Incoming) -> Result<Option<String>, Problem> {
    let Some(origin) = &message.origin_id else { return Ok(None) };
    let sql = "SELECT id, recipient, body FROM message WHERE sender = ?1 AND origin_id = ?2";
    let found = read.one(sql, params![message.from.to_string(), origin], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    match found {
        Some((id, to, body)) if body == message.body && to == message.to.to_string() => Ok(Some(id)),
        Some((id, ..)) => Err(Problem::new(
            CONFLICT,
            format!("The id {origin:?} of {} was used for another message ({id}) already.", message.from),
        )),
        None => Ok(None),
    }
}

/// The account of an address; none: it is elsewhere.
fn account(read: &Read<'_>, address: &Address) -> Result<Option<String>, Problem> {
    match address.home(read)? {
        Home::Account(id) => Ok(Some(id)),
        Home::Elsewhere => Ok(None),
        Home::Nobody => {
            Err(Problem::new(NOT_FOUND, format!("There is no account with the address {address}.")))
        }
    }
}

fn strangers(message: &Incoming) -> Problem {
    let Incoming { from, to, .. } = message;
    Problem::new(NOT_FOUND, format!("Neither {from} nor {to} is the address of an account."))
}

fn refuse_overflow(read: &Read<'_>, message: &Incoming) -> Result<(), Problem> {
    let sql = "SELECT count(*) FROM message WHERE recipient = ?1 AND delivered_at IS NULL";
    let waiting = read.one(sql, params![message.to.to_string()], |row| row.get::<_, i64>(0))?;
    if waiting.unwrap_or(0) < message.most_waiting {
        return Ok(());
    }
    Err(Problem::new(
        MESSAGES_WAITING,
        format!(
            "{} messages wait for {} already, which is the most (messages.waiting_most). This one was not taken.",
            waiting.unwrap_or(0),
            message.to
        ),
    ))
}

fn conversation(tx: &Tx<'_>, one: &Address, other: &Address) -> Result<i64, Problem> {
    let (low, high) = pair(one, other);
    let sql = "SELECT seq FROM conversation WHERE low = ?1 AND high = ?2";
    if let Some(seq) = tx.one(sql, params![low, high], |row| row.get(0))? {
        return Ok(seq);
    }
    tx.execute("INSERT INTO conversation (low, high) VALUES (?1, ?2)", params![low, high])?;
    Ok(tx.last_insert_rowid())
}

/// Two addresses in the order in which their conversation has them.
pub fn pair(one: &Address, other: &Address) -> (String, String) {
    let (one, other) = (one.to_string(), other.to_string());
    if one <= other { (one, other) } else { (other, one) }
}

/// Notes that messages have arrived; how many of them had been waiting.
pub fn delivered(engine: &Engine, ids: Vec<String>) -> Result<usize, Problem> {
    if ids.len() > DELIVERED_AT_ONCE {
        let detail = format!("must hold at most {DELIVERED_AT_ONCE}; there are {}", ids.len());
        return Err(Problem::field("ids", detail));
    }
    engine.db.write(move |tx| {
        let sql = "UPDATE message SET delivered_at = ?2 WHERE id = ?1 AND delivered_at IS NULL";
        let now = clock::millis();
        ids.iter().try_fold(0, |count, id| Ok(count + tx.execute(sql, params![id, now])?))
    })
}
