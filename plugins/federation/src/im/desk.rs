//! What reaches the office: from clients, from other servers and from the appliance, in one bounded queue.

use std::fmt;

use jackfield_sdk::Event;
use jid::FullJid;
use tokio::sync::{mpsc, oneshot, watch};

use super::out::Out;
use crate::s2s::Pair;
use crate::xml::Element;

/// Most calls that wait. Whoever hands over more waits until there is room, and reads nothing meanwhile.
const WAITING: usize = 512;

/// One login of a client, from its binding until it is over for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A client that has bound a resource.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its number, which no other session of this process has.
    pub id: SessionId,
    /// Id of the account.
    pub account: String,
    /// When the password was set with which it came in; none: the account has none of its own.
    pub password_at: Option<String>,
    /// Its address with the resource.
    pub address: FullJid,
    /// The way to it.
    pub out: Out,
}

/// What reaches the office.
#[derive(Debug)]
pub enum Call {
    /// A client is in.
    Bound(NewSession),
    /// A stanza of a client, in the namespace of servers. The office sets its `from`.
    Stanza {
        /// Whose it is.
        session: SessionId,
        /// The stanza.
        stanza: Element,
    },
    /// A session is over for good: after the time in which it could have been resumed.
    Gone {
        /// Which.
        session: SessionId,
    },
    /// The connection of a session broke; it may be resumed (XEP-0198 section 5).
    Asleep {
        /// Which.
        session: SessionId,
    },
    /// It was resumed.
    Awake {
        /// Which.
        session: SessionId,
    },
    /// Stored messages have reached a client: acknowledged where it does that (XEP-0198), else written and flushed.
    Written {
        /// Which.
        session: SessionId,
        /// Their ids.
        ids: Vec<String>,
    },
    /// A stanza of a partner. What answers it goes by [`super::Outside::send`].
    Federated {
        /// The pair that its stream is ready for.
        pair: Pair,
        /// The stanza.
        stanza: Element,
    },
    /// A partner has confirmed these stored messages: it answered a ping that followed them.
    Confirmed {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A stanza of ours did not reach a partner.
    Bounced {
        /// Who should have sent it to whom.
        pair: Pair,
        /// The stanza.
        stanza: Element,
        /// The stored message that it was.
        id: Option<String>,
        /// Condition of RFC 6120 section 8.3.3.
        condition: &'static str,
        /// Why, for people.
        words: String,
    },
    /// The link to a partner stands.
    LinkUp {
        /// Who sends to whom.
        pair: Pair,
    },
    /// It broke or did not come up; one that was closed in peace is opened again when something is sent.
    LinkDown {
        /// Who sends to whom.
        pair: Pair,
    },
    /// Corporate directories with more entries than that are not shown in rosters.
    DirectoryBound(usize),
    /// Something happened in the appliance.
    Event(Event),
    /// Is told once everything that was handed in before has been done, messages stored included.
    Settled(oneshot::Sender<()>),
}

/// Where calls are handed in; clone it freely.
#[derive(Clone)]
pub struct Desk(mpsc::Sender<Call>);

/// The other side of it.
pub struct Inbox {
    calls: mpsc::Receiver<Call>,
    closing: watch::Receiver<bool>,
}

/// Closes the office.
pub struct Keys(watch::Sender<bool>);

/// A desk, what is handed in there, and what closes it.
pub fn desk() -> (Desk, Inbox, Keys) {
    let (calls, waiting) = mpsc::channel(WAITING);
    let (keys, closing) = watch::channel(false);
    (Desk(calls), Inbox { calls: waiting, closing }, Keys(keys))
}

impl Desk {
    /// Hands a call in, waiting for room. After the office has closed it goes nowhere: then everything ends.
    pub async fn hand(&self, call: Call) {
        let _ = self.0.send(call).await;
    }

    /// Waits until everything that was handed in before has been done; false: the office has closed, and nobody knows.
    pub async fn settled(&self) -> bool {
        let (tell, told) = oneshot::channel();
        self.hand(Call::Settled(tell)).await;
        told.await.is_ok()
    }

    /// Hands a call in from a thread that has no event loop.
    pub fn hand_blocking(&self, call: Call) {
        let _ = self.0.blocking_send(call);
    }
}

impl Inbox {
    /// Waits for calls and takes up to `most` of them; false: the office closes.
    pub async fn take(&mut self, calls: &mut Vec<Call>, most: usize) -> bool {
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => false,
            count = self.calls.recv_many(calls, most) => count > 0,
        }
    }

    /// Takes what waits now, until there are `most`.
    pub fn take_more(&mut self, calls: &mut Vec<Call>, most: usize) {
        while calls.len() < most
            && let Ok(call) = self.calls.try_recv()
        {
            calls.push(call);
        }
    }
}

impl Keys {
    /// Nothing is taken any more.
    pub fn close(&self) {
        self.0.send_replace(true);
    }
}
