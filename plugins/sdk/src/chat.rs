//! Chat messages: the plugin carries them, the appliance keeps them. Needs the service `message/1`.

use jackfield_abi::ops::{
    self, Failure, MessageAccepted, MessageHistory, MessagePending, Messages, NewMessage,
};
use serde_json::json;

use crate::host::Host;
use crate::message::typed;

/// The store of messages.
pub struct Chat<'a>(pub(crate) &'a Host);

impl Chat<'_> {
    /// Stores a message; on the disk when this returns. Repeat it with the same `origin_id` when no answer came:
    /// it is stored once.
    pub fn accept(&self, message: &NewMessage) -> Result<MessageAccepted, Failure> {
        typed(ops::MESSAGE_ACCEPT, self.0.call(ops::MESSAGE_ACCEPT, message)?)
    }

    /// What waits for an account, an address or a domain, oldest first.
    pub fn pending(&self, asked: &MessagePending) -> Result<Messages, Failure> {
        typed(ops::MESSAGE_PENDING, self.0.call(ops::MESSAGE_PENDING, asked)?)
    }

    /// Says that messages have arrived, at most a thousand; those that had before are no error.
    pub fn delivered(&self, ids: &[String]) -> Result<(), Failure> {
        self.0.call(ops::MESSAGE_DELIVERED, json!({"ids": ids})).map(drop)
    }

    /// One conversation, newest first.
    pub fn history(&self, asked: &MessageHistory) -> Result<Messages, Failure> {
        typed(ops::MESSAGE_HISTORY, self.0.call(ops::MESSAGE_HISTORY, asked)?)
    }

    /// Makes the appliance's own chat read-only, or writable again, in the name of who asked for it.
    pub fn archive(&self, archived: bool, who: &str) -> Result<(), Failure> {
        self.0.call(ops::MESSAGE_ARCHIVE, json!({"archived": archived, "who": who})).map(drop)
    }
}
