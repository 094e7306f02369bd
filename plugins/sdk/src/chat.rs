//! Chat messages: the plugin carries them, the appliance keeps them. Needs the service `message/1`.

use jackfield_abi::ops::{
    self, Code, Failure, MessageAccepted, MessageHistory, MessagePending, MessageSearch, MessageTaken,
    Messages, MessagesAccepted, MessagesFound, NewMessage,
};
use serde::Serialize;
use serde_json::json;

use crate::host::Host;

/// Most messages of one operation, and most bytes of their texts (the treaty's bounds).
const AT_ONCE: (usize, usize) = (256, 384 * 1024);
/// Most messages whose waiting ends with one operation.
const ENDED_AT_ONCE: usize = 1000;

/// Arguments of `message.accept_all`.
#[derive(Serialize)]
struct MessagesGiven<'a> {
    messages: &'a [NewMessage],
}

/// The store of messages.
pub struct Chat<'a>(pub(crate) &'a Host);

impl Chat<'_> {
    /// Stores a message; on the disk when this returns. Repeat it with the same `origin_id` when no answer came:
    /// it is stored once.
    pub fn accept(&self, message: &NewMessage) -> Result<MessageAccepted, Failure> {
        self.0.asked(ops::MESSAGE_ACCEPT, message)
    }

    /// Stores messages with as few trips to the disk as the treaty allows, and says in order what came of each. Each is
    /// taken or refused by itself; repeat those that have no answer with the same `origin_id`.
    pub fn accept_all(&self, messages: &[NewMessage]) -> Vec<Result<MessageAccepted, Failure>> {
        let mut taken = Vec::with_capacity(messages.len());
        while taken.len() < messages.len() {
            let some = &messages[taken.len()..][..fitting(&messages[taken.len()..])];
            match self.accept_some(some) {
                Ok(answers) => taken.extend(answers.into_iter().map(outcome)),
                Err(failure) => taken.extend(some.iter().map(|_| Err(failure.clone()))),
            }
        }
        taken
    }

    fn accept_some(&self, messages: &[NewMessage]) -> Result<Vec<MessageTaken>, Failure> {
        let answer: MessagesAccepted = self.0.asked(ops::MESSAGE_ACCEPT_ALL, MessagesGiven { messages })?;
        if answer.accepted.len() == messages.len() {
            return Ok(answer.accepted);
        }
        let (got, sent) = (answer.accepted.len(), messages.len());
        Err(Failure::new(Code::Internal, format!("{sent} messages were sent, and {got} were answered")))
    }

    /// What waits for an account, an address or a domain, oldest first.
    pub fn pending(&self, asked: &MessagePending) -> Result<Messages, Failure> {
        self.0.asked(ops::MESSAGE_PENDING, asked)
    }

    /// Says that messages have arrived; those that had before are no error.
    pub fn delivered(&self, ids: &[String]) -> Result<(), Failure> {
        let tell = |some| self.0.call(ops::MESSAGE_DELIVERED, json!({"ids": some})).map(drop);
        ids.chunks(ENDED_AT_ONCE).try_for_each(tell)
    }

    /// Says that messages will not arrive, with the reason for people.
    pub fn failed(&self, ids: &[String], reason: &str) -> Result<(), Failure> {
        let tell = |some| self.0.call(ops::MESSAGE_FAILED, json!({"ids": some, "reason": reason})).map(drop);
        ids.chunks(ENDED_AT_ONCE).try_for_each(tell)
    }

    /// Part of a person's archive, in the order of time.
    pub fn search(&self, asked: &MessageSearch) -> Result<MessagesFound, Failure> {
        self.0.asked(ops::MESSAGE_SEARCH, asked)
    }

    /// One conversation, newest first.
    pub fn history(&self, asked: &MessageHistory) -> Result<Messages, Failure> {
        self.0.asked(ops::MESSAGE_HISTORY, asked)
    }

    /// Makes the appliance's own chat read-only, or writable again, in the name of who asked for it.
    pub fn archive(&self, archived: bool, who: &str) -> Result<(), Failure> {
        self.0.call(ops::MESSAGE_ARCHIVE, json!({"archived": archived, "who": who})).map(drop)
    }
}

/// How many of them go at once; at least one.
fn fitting(messages: &[NewMessage]) -> usize {
    let (most, mut bytes) = (AT_ONCE, 0);
    let fits = |message: &&NewMessage| {
        bytes += message.body.len() + message.envelope.as_ref().map_or(0, String::len);
        bytes <= most.1
    };
    messages.iter().take(most.0).take_while(fits).count().max(1)
}

fn outcome(taken: MessageTaken) -> Result<MessageAccepted, Failure> {
    let MessageTaken { id, at, duplicate, failure } = taken;
    failure.map_or(Ok(MessageAccepted { id, at, duplicate }), Err)
}
