//! Who is calling and what they may do: administrators with sessions, programs with tokens, the local
//! command line, and the first claim.

pub mod claim;
pub mod credential;
pub mod passwords;
pub mod sessions;
pub mod throttle;
pub mod tokens;

use sha2::{Digest, Sha256};

use crate::catalog::problems::{DENIED, Problem};
use crate::catalog::rights::{Right, Role};

/// A caller who has proved who they are.
#[derive(Debug, Clone)]
pub struct Principal {
    /// How revisions and logs name them, such as `admin alice`.
    pub label: String,
    /// Identifies them among all callers.
    pub key: String,
    /// What they may do at most.
    pub role: Role,
    /// Rights they are narrowed to, if they are.
    pub scopes: Option<Vec<String>>,
    /// The CSRF value that writes must carry, when they come by cookie.
    pub csrf: Option<String>,
}

impl Principal {
    /// Whoever may open the control socket or the state folder administers this machine.
    pub fn local(uid: u32) -> Self {
        Self {
            label: format!("local user {uid}"),
            key: format!("local:{uid}"),
            role: Role::Admin,
            scopes: None,
            csrf: None,
        }
    }

    /// Whether they hold a right.
    pub fn holds(&self, right: &Right) -> bool {
        let narrowed = |scopes: &Vec<String>| scopes.iter().any(|name| name == right.name);
        self.role >= right.least && self.scopes.as_ref().is_none_or(narrowed)
    }

    /// Refuses who lacks a right, naming it.
    pub fn demand(&self, right: &Right) -> Result<(), Problem> {
        if self.holds(right) {
            return Ok(());
        }
        let needed = right.least.name();
        let why = if self.role < right.least {
            format!("the role {needed} has it")
        } else {
            "the token is narrowed to other rights".to_owned()
        };
        Err(Problem::new(DENIED, format!("{} lacks the right {:?}; {why}.", self.label, right.name)))
    }
}

/// What the database keeps of a token or a session: its hash. The value has 160 random bits, so a plain
/// hash cannot be reversed by guessing.
pub fn digest(value: &str) -> Vec<u8> {
    Sha256::digest(value.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::rights;

    fn principal(role: Role, scopes: Option<&[&str]>) -> Principal {
        let scopes = scopes.map(|s| s.iter().map(ToString::to_string).collect());
        Principal { role, scopes, ..Principal::local(0) }
    }

    #[test]
    fn a_role_holds_its_own_rights_and_those_below() {
        assert!(principal(Role::Operator, None).holds(rights::ACCOUNTS_WRITE));
        assert!(!principal(Role::Viewer, None).holds(rights::ACCOUNTS_WRITE));
        assert!(!principal(Role::Operator, None).holds(rights::ADMINS_READ));
    }

    #[test]
    fn scopes_narrow_but_never_widen() {
        let scoped = principal(Role::Viewer, Some(&["accounts:read", "accounts:write"]));
        assert!(scoped.holds(rights::ACCOUNTS_READ));
        assert!(!scoped.holds(rights::ACCOUNTS_WRITE), "the role lacks it");
        assert!(!scoped.holds(rights::PEERS_READ), "the scopes lack it");
    }
}
