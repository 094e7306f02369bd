//! By what somebody proved who they are, kept for as long as they are being told something: so that a stream ends
//! when the token is revoked or the session is over. Looking is not using: a session does not live longer by it.

use super::{Principal, digest, sessions, tokens};
use crate::catalog::problems::Problem;
use crate::engine::Engine;

/// What was shown; of a secret only its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The control socket, which whoever may open it administers.
    Local(u32),
    /// A token.
    Token(Vec<u8>),
    /// The cookie of a session.
    Session(Vec<u8>),
}

impl Credential {
    /// That token.
    pub fn of_token(token: &str) -> Self {
        Self::Token(digest(token))
    }

    /// The session of that cookie.
    pub fn of_cookie(cookie: &str) -> Self {
        Self::Session(digest(cookie))
    }

    /// Whose it is now; none: it is not good any more.
    pub fn holder(&self, engine: &Engine) -> Result<Option<Principal>, Problem> {
        match self {
            Self::Local(uid) => Ok(Some(Principal::local(*uid))),
            Self::Token(hash) => tokens::holder(engine, hash.clone()),
            Self::Session(hash) => sessions::holder(engine, hash.clone()),
        }
    }
}
