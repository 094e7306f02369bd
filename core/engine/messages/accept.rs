//! Taking messages in. What is answered well is on the disk; several that come together share the trip to it, and what
//! they have in common is looked up once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jackfield_abi::ops::NewMessage;
use jackfield_db::{Read, Tx, params};

use super::address::{Address, Home};
use super::backlogs::Backlogs;
use super::numbers::Numbers;
use super::reading::WAITS;
use super::{ACCEPTED_AT_ONCE, BODY_BYTES, ENVELOPE_BYTES, ORIGIN_BYTES};
use crate::catalog::events::{MESSAGE_RECEIVED, MESSAGE_SENT};
use crate::catalog::problems::{CONFLICT, MESSAGES_ARCHIVED, MESSAGES_WAITING, NOT_FOUND, Problem};
use crate::catalog::settings::{MESSAGES_ARCHIVED as ARCHIVED, MESSAGES_WAITING_MOST};
use crate::engine::Engine;
use crate::engine::events::Fired;

/// How far a clock may be set back before messages are stored out of the order of their times.
pub const LEAP_MS: i64 = 3600 * 1000;

/// A message that was checked, on its way in.
struct Incoming {
    from: Address,
    to: Address,
    sender: String,
    recipient: String,
    body: String,
    origin_id: Option<String>,
    envelope: Option<String>,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// When it was stored first, in milliseconds since 1970.
    pub at: i64,
    /// Whether it had been stored before.
    pub duplicate: bool,
}

/// What came of one message.
pub type Taken = Result<Accepted, Problem>;

/// Stores a message for a plugin, once for each id that its sender's side gave.
pub fn accept(engine: &Engine, plugin: &str, message: NewMessage) -> Taken {
    let taken = accept_all(engine, plugin, vec![message])?.pop();
    taken.unwrap_or_else(|| Err(Problem::field("messages", "must not be empty")))
}

/// Stores several in one write. Each is taken or refused by itself, in the order given.
pub fn accept_all(engine: &Engine, plugin: &str, messages: Vec<NewMessage>) -> Result<Vec<Taken>, Problem> {
    if messages.len() > ACCEPTED_AT_ONCE {
        let detail = format!("must hold at most {ACCEPTED_AT_ONCE}; there are {}", messages.len());
        return Err(Problem::field("messages", detail));
    }
    let most = i64::try_from(engine.settings.number(MESSAGES_WAITING_MOST)).unwrap_or(i64::MAX);
    let incoming: Vec<_> = messages.into_iter().map(checked).collect();
    let backlogs = Arc::clone(&engine.backlogs);
    let (taken, told) = engine.db.write(move |tx| {
        let mut intake = Intake::begin(tx, &backlogs, most)?;
        let taken = incoming.into_iter().map(|message| message.and_then(|message| intake.take(&message)));
        Ok::<_, Problem>((taken.collect::<Vec<_>>(), intake.told))
    })?;
    let fired: Vec<_> =
        told.into_iter().map(|(event, object)| Fired { event: event.to_owned(), object }).collect();
    // Who brought them knows what they were.
    engine.bus.publish_by(&fired, Some(plugin));
    Ok(taken)
}

fn checked(message: NewMessage) -> Result<Incoming, Problem> {
    let address =
        |field: &str, text: &str| Address::parse(text).map_err(|wrong| Problem::field(field, wrong));
    let NewMessage { from, to, body, origin_id, envelope } = message;
    if body.is_empty() || body.len() > BODY_BYTES {
        let detail = format!("must be 1 to {BODY_BYTES} bytes long; it has {}", body.len());
        return Err(Problem::field("body", detail));
    }
    if origin_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > ORIGIN_BYTES) {
        return Err(Problem::field("origin_id", format!("must be 1 to {ORIGIN_BYTES} bytes long")));
    }
    if let Some(length) = envelope.as_ref().map(String::len).filter(|length| *length > ENVELOPE_BYTES) {
        let detail = format!("must be at most {ENVELOPE_BYTES} bytes long; it has {length}");
        return Err(Problem::field("envelope", detail));
    }
    let (from, to) = (address("from", &from)?, address("to", &to)?);
    let (sender, recipient) = (from.to_string(), to.to_string());
    Ok(Incoming { from, to, sender, recipient, body, origin_id, envelope })
}

/// One write's work, with what it has looked up already.
struct Intake<'a, 'c> {
    tx: &'a Tx<'c>,
    numbers: Numbers,
    backlogs: &'a Backlogs,
    most_waiting: i64,
    is_archived: bool,
    homes: HashMap<Address, Home>,
    conversations: HashMap<(String, String), i64>,
    /// Recipients whose waiting messages this write has counted.
    counted: HashSet<String>,
    /// Events with their accounts; one for several messages, because it only says that there is something new.
    told: BTreeSet<(&'static str, String)>,
}

impl<'a, 'c> Intake<'a, 'c> {
    fn begin(tx: &'a Tx<'c>, backlogs: &'a Backlogs, most_waiting: i64) -> Result<Self, Problem> {
        Ok(Self {
            tx,
            numbers: Numbers::begin(tx)?,
            backlogs,
            most_waiting,
            is_archived: is_archived(tx)?,
            homes: HashMap::new(),
            conversations: HashMap::new(),
            counted: HashSet::new(),
            told: BTreeSet::new(),
        })
    }

    fn take(&mut self, message: &Incoming) -> Taken {
        if self.is_archived {
            return Err(archived());
        }
        if let Some(before) = known(self.tx, message)? {
            return Ok(before);
        }
        let (from, to) = (self.account(&message.from)?, self.account(&message.to)?);
        let direction = match (&from, &to) {
            (Some(_), Some(_)) => "local",
            (Some(_), None) => "out",
            (None, Some(_)) => "in",
            (None, None) => return Err(strangers(message)),
        };
        self.refuse_overflow(message, to.as_deref())?;
        let (seq, id) = self.numbers.next()?;
        let sql =
            "INSERT INTO message (seq, id, conversation, sender, recipient, recipient_domain, sender_account,
                       recipient_account, direction, origin_id, body, at, envelope)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let conversation = self.conversation(message)?;
        let Incoming { sender, recipient, origin_id, body, envelope, .. } = message;
        let (domain, now) = (&message.to.domain, self.numbers.now);
        let values = params![
            seq,
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
            now,
            envelope
        ];
        self.tx.execute(sql, values)?;
        let told = [(MESSAGE_SENT, from), (MESSAGE_RECEIVED, to)];
        self.told.extend(told.into_iter().filter_map(|(event, account)| Some((event.name, account?))));
        Ok(Accepted { id, at: now, duplicate: false })
    }

    /// The account of an address; none: it is elsewhere.
    fn account(&mut self, address: &Address) -> Result<Option<String>, Problem> {
        let home = match self.homes.get(address) {
            Some(home) => home.clone(),
            None => {
                let home = address.home(self.tx)?;
                self.homes.insert(address.clone(), home.clone());
                home
            }
        };
        match home {
            Home::Account(id) => Ok(Some(id)),
            Home::Elsewhere => Ok(None),
            Home::Nobody => {
                Err(Problem::new(NOT_FOUND, format!("There is no account with the address {address}.")))
            }
        }
    }

    fn refuse_overflow(&mut self, message: &Incoming, account: Option<&str>) -> Result<(), Problem> {
        let recipient = account.unwrap_or(&message.recipient);
        let known = self.backlogs.most(recipient);
        let known = known.filter(|most| *most < self.most_waiting || self.counted.contains(recipient));
        let waiting = match known {
            Some(most) => most,
            None => {
                self.counted.insert(recipient.to_owned());
                self.count(message, account)?
            }
        };
        if waiting < self.most_waiting {
            self.backlogs.note(recipient, waiting + 1);
            return Ok(());
        }
        self.backlogs.note(recipient, waiting);
        Err(Problem::new(
            MESSAGES_WAITING,
            format!(
                "{waiting} messages wait for {} already, which is the most (messages.waiting_most). This one was not taken.",
                message.recipient
            ),
        ))
    }

    fn count(&self, message: &Incoming, account: Option<&str>) -> Result<i64, Problem> {
        let (whose, whom) = match account {
            Some(account) => ("recipient_account = ?1", account),
            None => ("recipient_account IS NULL AND recipient = ?1", message.recipient.as_str()),
        };
        let sql = format!("SELECT count(*) FROM message WHERE {whose} AND {WAITS}");
        Ok(self.tx.one(&sql, params![whom], |row| row.get(0))?.unwrap_or_default())
    }

    fn conversation(&mut self, message: &Incoming) -> Result<i64, Problem> {
        let pair = ordered(&message.sender, &message.recipient);
        if let Some(seq) = self.conversations.get(&pair) {
            return Ok(*seq);
        }
        let seq = conversation(self.tx, &pair)?;
        self.conversations.insert(pair, seq);
        Ok(seq)
    }
}

/// Read inside the transaction, so that nothing is taken after the switch was acknowledged.
fn is_archived(read: &Read<'_>) -> Result<bool, Problem> {
    let sql = "SELECT value FROM setting WHERE name = ?1";
    let value = read.one(sql, params![ARCHIVED], |row| row.get::<_, String>(0))?;
    Ok(value.as_deref() == Some("true"))
}

fn archived() -> Problem {
    Problem::new(
        MESSAGES_ARCHIVED,
        "Chat on this appliance is read-only: what was written can be read, nothing new is taken. Write in \
         CloudLink Chat, or have an administrator switch messages.archived off.",
    )
}

/// The same message sent again. Another text under the same id is a mistake of the sender's side.
fn known(read: &Read<'_>, message: &Incoming) -> Result<Option<Accepted>, Problem> {
    let Some(origin) = &message.origin_id else { return Ok(None) };
    let sql = "SELECT id, recipient, body, at FROM message WHERE sender = ?1 AND origin_id = ?2";
    let found = read.one(sql, params![message.sender, origin], |row| {
        let (to, body): (String, String) = (row.get(1)?, row.get(2)?);
        let is_same = to == message.recipient && body == message.body;
        Ok((Accepted { id: row.get(0)?, at: row.get(3)?, duplicate: true }, is_same))
    })?;
    match found {
        Some((before, true)) => Ok(Some(before)),
        Some((before, false)) => Err(Problem::new(
            CONFLICT,
            format!(
                "The id {origin:?} of {} was used for another message ({}) already.",
                message.sender, before.id
            ),
        )),
        None => Ok(None),
    }
}

fn strangers(message: &Incoming) -> Problem {
    let Incoming { sender, recipient, .. } = message;
    Problem::new(NOT_FOUND, format!("Neither {sender} nor {recipient} is the address of an account."))
}

fn conversation(tx: &Tx<'_>, pair: &(String, String)) -> Result<i64, Problem> {
    let (low, high) = pair;
    let sql = "SELECT seq FROM conversation WHERE low = ?1 AND high = ?2";
    if let Some(seq) = tx.one(sql, params![low, high], |row| row.get(0))? {
        return Ok(seq);
    }
    tx.execute("INSERT INTO conversation (low, high) VALUES (?1, ?2)", params![low, high])?;
    Ok(tx.last_insert_rowid())
}

/// Two addresses in the order in which their conversation has them.
pub fn pair(one: &Address, other: &Address) -> (String, String) {
    ordered(&one.to_string(), &other.to_string())
}

fn ordered(one: &str, other: &str) -> (String, String) {
    if one <= other { (one.to_owned(), other.to_owned()) } else { (other.to_owned(), one.to_owned()) }
}
