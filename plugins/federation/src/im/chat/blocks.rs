//! Whom people want to hear nothing from (XEP-0191), by account. Kept in the plugin's own table; here in memory, because
//! every stanza asks.

use std::collections::{BTreeSet, HashMap};

use jackfield_sdk::{Failure, Host, Page, params};
use jid::Jid;
use serde::Deserialize;

/// Most addresses that one account blocks.
pub const MOST: usize = 1000;

const ALL: &str =
    "SELECT account, address FROM federation_blocked WHERE account IN (SELECT id FROM core_accounts)
    AND (account, address) > (?1, ?2) ORDER BY account, address";
const PAGE: usize = 5000;

/// Who blocks whom.
#[derive(Debug, Default)]
pub struct Blocks(HashMap<String, BTreeSet<String>>);

#[derive(Debug, Default, Deserialize)]
struct Row {
    account: String,
    address: String,
}

impl Blocks {
    /// Everything that is kept.
    pub fn read(host: &Host) -> Result<Self, Failure> {
        let mut blocks = Self::default();
        let mut last = Row::default();
        loop {
            let Page { rows, more } = host.db().page(ALL, params![last.account, last.address], PAGE)?;
            for row in &rows {
                let Row { account, address } = row;
                blocks.0.entry(account.clone()).or_default().insert(address.clone());
            }
            match rows.into_iter().next_back().filter(|_| more) {
                Some(row) => last = row,
                None => return Ok(blocks),
            }
        }
    }

    /// Whether an account wants to hear nothing from that address, or its server (XEP-0191 section 3.1).
    pub fn has(&self, account: &str, other: &Jid) -> bool {
        let Some(blocked) = self.0.get(account) else { return false };
        let bare = other.to_bare();
        let domain = bare.domain().as_str();
        blocked.contains(bare.as_str())
            || blocked.contains(domain)
            || blocked.contains(other.as_str())
            || other.resource().is_some_and(|resource| blocked.contains(&format!("{domain}/{resource}")))
    }

    /// Whether nobody blocks anybody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whom an account blocks, in order.
    pub fn of(&self, account: &str) -> impl Iterator<Item = &String> {
        self.0.get(account).into_iter().flatten()
    }

    /// Adds addresses, first to the table. The failure says why not.
    pub fn add(&mut self, host: &Host, account: &str, addresses: &[String]) -> Result<(), Failure> {
        host.db().tx(|tx| {
            for address in addresses {
                let sql = "INSERT OR IGNORE INTO federation_blocked (account, address) VALUES (?1, ?2)";
                tx.run(sql, params![account, address]);
            }
            Ok(())
        })?;
        self.0.entry(account.to_owned()).or_default().extend(addresses.iter().cloned());
        Ok(())
    }

    /// Takes addresses away, first from the table; none are named: all of them.
    pub fn remove(&mut self, host: &Host, account: &str, addresses: &[String]) -> Result<(), Failure> {
        let gone: Vec<String> =
            if addresses.is_empty() { self.of(account).cloned().collect() } else { addresses.to_vec() };
        host.db().tx(|tx| {
            for address in &gone {
                let sql = "DELETE FROM federation_blocked WHERE account = ?1 AND address = ?2";
                tx.run(sql, params![account, address]);
            }
            Ok(())
        })?;
        if let Some(blocked) = self.0.get_mut(account) {
            blocked.retain(|address| !gone.contains(address));
            if blocked.is_empty() {
                self.0.remove(account);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_blocked_by_itself_its_account_or_its_server() {
        let blocked = ["zoe@far.example", "spam.example", "max@far.example/desk", "odd.example/bot"];
        let of_ann = blocked.iter().map(|address| (*address).to_owned()).collect();
        let blocks = Blocks([("ann".to_owned(), of_ann)].into());
        let has = |account: &str, address: &str| blocks.has(account, &Jid::new(address).unwrap());
        for address in [
            "zoe@far.example",
            "zoe@far.example/phone",
            "any@spam.example/x",
            "spam.example",
            "odd.example/bot",
        ] {
            assert!(has("ann", address), "{address}");
            assert!(!has("bob", address), "{address}");
        }
        assert!(has("ann", "max@far.example/desk") && !has("ann", "max@far.example/phone"));
        assert!(!has("ann", "far.example") && !has("ann", "ann@odd.example/x"));
    }
}
