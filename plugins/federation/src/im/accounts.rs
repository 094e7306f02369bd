//! Whom an address of ours belongs to. Asked for once and remembered until something changes, because every stanza asks.

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_sdk::{Event, Failure, Host, flag, params};
use jid::BareJid;
use serde::Deserialize;

/// Accounts of our own by login and domain.
const ACCOUNT: &str = "SELECT a.id, a.enterprise, a.first_name, a.last_name, a.deployed
    FROM core_accounts a JOIN core_enterprises e ON e.id = a.enterprise
    WHERE lower(a.login_id) = ?1 AND lower(e.domain) = ?2 AND a.peer IS NULL";
/// Most addresses that are remembered; all are forgotten when there are more.
const MOST: usize = 20_000;

/// An account of ours.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Id of its enterprise.
    pub enterprise: String,
    /// Whether it can be reached.
    #[serde(deserialize_with = "flag")]
    pub deployed: bool,
    /// First name.
    #[serde(default)]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default)]
    pub last_name: Option<String>,
}

/// What is remembered.
#[derive(Default)]
pub struct Accounts(HashMap<BareJid, Option<Arc<Account>>>);

impl Accounts {
    /// The account of that address that can be reached; none: there is none, or it is not deployed.
    pub fn find(&mut self, host: &Host, address: &BareJid) -> Result<Option<Arc<Account>>, Failure> {
        Ok(self.known(host, address)?.filter(|account| account.deployed))
    }

    /// The account of that address, deployed or not: who sees whom stays as it is while somebody is un-deployed.
    pub fn known(&mut self, host: &Host, address: &BareJid) -> Result<Option<Arc<Account>>, Failure> {
        if let Some(known) = self.0.get(address) {
            return Ok(known.clone());
        }
        let found = asked(host, address)?.map(Arc::new);
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(address.clone(), found.clone());
        Ok(found)
    }

    /// Forgets what that event may have changed.
    pub fn hear(&mut self, event: &Event) {
        match event.event.as_str() {
            // One that is new, or has another login, is found under an address that had nobody.
            "account.changed" => {
                self.0.retain(|_, known| known.as_ref().is_some_and(|account| account.id != event.object));
            }
            "accounts.changed" | "enterprise.changed" => self.0.clear(),
            _ => {}
        }
    }
}

fn asked(host: &Host, address: &BareJid) -> Result<Option<Account>, Failure> {
    let Some(node) = address.node() else { return Ok(None) };
    // A login in UPN form is escaped in addresses (XEP-0106).
    let Ok(login) = node.unescape() else { return Ok(None) };
    host.db().first(ACCOUNT, params![login.to_lowercase(), address.domain().as_str()])
}
