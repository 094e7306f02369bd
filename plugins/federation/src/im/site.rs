//! What all parts of the office share: the appliance, who our users are, who of them is connected, the way outside.

use std::collections::HashSet;

use jackfield_sdk::{Failure, Host, params};
use serde::Deserialize;

use super::accounts::Accounts;
use super::chat::Blocks;
use super::outside::Outside;
use super::sessions::Sessions;
use crate::s2s::address;

const DOMAINS: &str = "SELECT domain FROM core_enterprises";

/// What all parts share.
pub struct Site {
    /// The appliance.
    pub host: Host,
    /// Who our users are.
    pub accounts: Accounts,
    /// Who of them is connected.
    pub sessions: Sessions,
    /// Servers of other companies.
    pub outside: Outside,
    /// Whom people want to hear nothing from.
    pub blocks: Blocks,
    domains: HashSet<String>,
}

#[derive(Deserialize)]
struct Domain {
    domain: String,
}

impl Site {
    /// With nobody connected.
    pub fn new(host: Host, outside: Outside) -> Self {
        Self {
            host,
            outside,
            accounts: Accounts::default(),
            sessions: Sessions::default(),
            blocks: Blocks::default(),
            domains: HashSet::new(),
        }
    }

    /// Reads the enterprises' domains.
    pub fn read_domains(&mut self) -> Result<(), Failure> {
        let rows: Vec<Domain> = self.host.db().query(DOMAINS, params![])?;
        self.domains = rows.iter().filter_map(|row| address::domain(&row.domain)).collect();
        Ok(())
    }

    /// Whether that is the domain of an enterprise of ours.
    pub fn serves(&self, domain: &str) -> bool {
        self.domains.contains(domain)
    }
}
