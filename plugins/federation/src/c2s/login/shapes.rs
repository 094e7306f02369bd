//! What a login wants done, what it asks and what it is told.

use jackfield_sdk::Secret;
use jid::BareJid;

use crate::c2s::scram::{Hash, Keys};
use crate::xml::Element;

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Send that text.
    Send(String),
    /// Begin TLS, unless bytes came behind the word for it.
    StartTls,
    /// The peer's next bytes are a new stream's.
    Restart,
    /// Ask the appliance, and say what it said by [`Login::told`]; nothing is read before.
    Ask(Ask),
    /// The proof was wrong: that is to be counted, and the answer takes effect afterwards.
    Failed {
        /// Login that was tried.
        login: String,
        /// Whether the appliance has not counted it by itself.
        is_uncounted: bool,
    },
    /// Bind a resource, and say by [`Login::bound`] which.
    Bind(Wish),
    /// Resume the session of that name; [`Login::not_resumed`] where there is none.
    Resume {
        /// Its name.
        id: String,
        /// How many stanzas the client has handled.
        h: u32,
    },
    /// End the connection once everything is sent.
    Close,
}

/// What the appliance is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Keys of a login.
    Keys {
        /// Login id.
        login: String,
        /// Domain of its enterprise.
        domain: String,
        /// For which mechanism.
        hash: Hash,
    },
    /// Whether a password is right.
    Check {
        /// Login id.
        login: String,
        /// Domain of its enterprise.
        domain: String,
        /// In clear.
        password: Secret,
    },
}

/// What the appliance said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The account and its keys.
    Keys(Account, Keys),
    /// There are no keys: nobody has that login, or only its directory knows the password. For the latter a client that
    /// begins with SCRAM has done nothing wrong, and goes on to PLAIN.
    NoKeys {
        /// Whether what comes of it counts as a wrong proof.
        is_counted: bool,
    },
    /// The account whose password it is.
    Right(Account),
    /// It is nobody's.
    Wrong,
    /// Not now, in words.
    Later(String),
}

/// An account that may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// When its password was set; none: it has none of its own.
    pub password_at: Option<String>,
}

/// Who has proved itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The account.
    pub account: Account,
    /// Its address.
    pub address: BareJid,
    /// By which mechanism.
    pub mechanism: &'static str,
}

/// A resource that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name; none: any.
    pub resource: Option<String>,
    /// What answers are made from.
    pub(super) iq: Element,
}
