//! Whether those who are connected still may be: their account is deployed, signs in with the same password, and has the
//! same address. Looked at when they come in and whenever something of accounts or enterprises changes.

use std::collections::{HashMap, HashSet};

use jackfield_sdk::{Event, json, log, params};
use serde::Deserialize;

use super::effect::Effect;
use super::sessions::Session;
use super::site::Site;
use crate::s2s::{Condition, address};

/// Those of these accounts that may sign in.
const ALLOWED: &str = "SELECT l.account, l.password_changed_at, a.login_id, e.domain
    FROM core_logins l JOIN core_accounts a ON a.id = l.account JOIN core_enterprises e ON e.id = a.enterprise
    WHERE l.account IN (SELECT value FROM json_each(?1))";

/// Most accounts that are looked at in one turn.
const AT_ONCE: usize = 1000;

/// An account that may sign in.
#[derive(Debug, Deserialize)]
struct Allowed {
    account: String,
    password_changed_at: Option<String>,
    login_id: String,
    domain: String,
}

/// Accounts that must be looked at.
#[derive(Default)]
pub struct Access(HashSet<String>);

impl Access {
    /// A client is in.
    pub fn bound(&mut self, account: &str) {
        self.0.insert(account.to_owned());
    }

    /// Something happened in the appliance.
    pub fn hear(&mut self, site: &Site, event: &Event) {
        match event.event.as_str() {
            "account.changed" if site.sessions.of_account(&event.object).next().is_some() => {
                self.0.insert(event.object.clone());
            }
            "accounts.changed" | "enterprise.changed" => {
                self.0.extend(site.sessions.all().map(|session| session.account.clone()));
            }
            _ => {}
        }
    }

    /// Ends who may not be in any more. What cannot be looked at now stays for the next turn.
    pub fn settle(&mut self, site: &Site) -> Vec<Effect> {
        if self.0.is_empty() {
            return vec![];
        }
        let some: Vec<String> = self.0.iter().take(AT_ONCE).cloned().collect();
        let rows: Vec<Allowed> = match site.host.db().query(ALLOWED, params![json!(some).to_string()]) {
            Ok(rows) => rows,
            Err(failure) => {
                log::warn!("whether clients may still be in could not be looked at: {failure}");
                return vec![];
            }
        };
        let allowed: HashMap<_, _> = rows.iter().map(|row| (row.account.as_str(), row)).collect();
        let mut effects = Vec::new();
        for account in &some {
            self.0.remove(account);
            let row = allowed.get(account.as_str()).copied();
            effects.extend(site.sessions.of_account(account).filter_map(|session| ended(session, row)));
        }
        effects
    }
}

fn ended(session: &Session, allowed: Option<&Allowed>) -> Option<Effect> {
    let end = |condition, words: &str| Some(Effect::End(session.id, condition, words.to_owned()));
    let Some(allowed) = allowed else {
        return end(Condition::NotAuthorized, "this account may not sign in any more");
    };
    if allowed.password_changed_at != session.password_at {
        return end(Condition::NotAuthorized, "the password was changed; sign in again");
    }
    let domain = address::domain(&allowed.domain);
    let address = domain.and_then(|domain| address::of_login(&allowed.login_id, &domain));
    match address {
        Some(address) if address == session.address.to_bare() => None,
        _ => end(Condition::PolicyViolation, "this account has another address now; sign in with that"),
    }
}

#[cfg(test)]
mod tests {

    use jid::FullJid;

    use super::*;
    use crate::im::desk::{NewSession, SessionId};
    use crate::im::out::Outs;
    use crate::im::sessions::Sessions;

    #[test]
    fn a_session_stays_as_long_as_account_password_and_address_do() {
        let mut sessions = Sessions::default();
        let new = NewSession {
            id: SessionId(1),
            account: "a1".to_owned(),
            password_at: Some("then".to_owned()),
            address: FullJid::new("ann\\40corp@home.example/desk").unwrap(),
            out: Outs::default().open(),
        };
        sessions.insert(new);
        let session = sessions.get(SessionId(1)).unwrap();
        let allowed = |password: Option<&str>, login: &str, domain: &str| Allowed {
            account: "a1".to_owned(),
            password_changed_at: password.map(str::to_owned),
            login_id: login.to_owned(),
            domain: domain.to_owned(),
        };
        assert_eq!(ended(session, Some(&allowed(Some("then"), "Ann@Corp", "Home.Example"))), None);
        for (now, condition) in [
            (None, Condition::NotAuthorized),
            (Some(allowed(Some("later"), "ann@corp", "home.example")), Condition::NotAuthorized),
            (Some(allowed(None, "ann@corp", "home.example")), Condition::NotAuthorized),
            (Some(allowed(Some("then"), "anna@corp", "home.example")), Condition::PolicyViolation),
            (Some(allowed(Some("then"), "ann@corp", "other.example")), Condition::PolicyViolation),
        ] {
            let Some(Effect::End(id, told, words)) = ended(session, now.as_ref()) else { panic!("{now:?}") };
            assert_eq!((id, told, words.is_empty()), (SessionId(1), condition, false), "{now:?}");
        }
    }
}
