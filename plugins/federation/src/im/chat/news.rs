//! What other plugins did to our users' messages: who their domains are, and copies of what somebody wrote elsewhere.

use jackfield_sdk::{MessageSearch, log, params};
use jid::BareJid;
use serde::Deserialize;

use super::Chat;
use super::stamped::restored;
use crate::im::effect::Effect;
use crate::im::site::Site;
use crate::s2s::address;

/// Messages of somebody's own that are copied at once.
const COPIED: usize = 20;

const SISTERS: &str = "SELECT domain FROM core_peers WHERE kind = 'jackfield' AND domain IS NOT NULL";

#[derive(Deserialize)]
struct Domain {
    domain: String,
}

impl Chat {
    /// Reads the domains of sister appliances.
    pub(super) fn read_sisters(&mut self, site: &Site) {
        match site.host.db().query::<Domain>(SISTERS, params![]) {
            Ok(rows) => self.sisters = rows.iter().filter_map(|row| address::domain(&row.domain)).collect(),
            // Before the appliance keeps them there are none.
            Err(failure) => log::debug!("no domains of sister appliances: {failure}"),
        }
    }

    /// Copies of what an account wrote by another way, for its clients that are here.
    pub(super) fn copy_of_others(&mut self, site: &mut Site, account: &str) -> Vec<Effect> {
        self.outward.cursor.get_or_insert(0);
        let mut sessions = site.sessions.of_account(account).filter(|one| self.carbons.contains(&one.id));
        let Some(owner) = sessions.next().map(|session| session.address.to_bare()) else { return vec![] };
        let seen = self.seen.get(account).cloned();
        let asked = MessageSearch {
            of: owner.to_string(),
            last: seen.is_none(),
            limit: if seen.is_none() { 1 } else { COPIED },
            after: seen,
            ..MessageSearch::default()
        };
        let found = match site.host.chat().search(&asked) {
            Ok(found) => found,
            Err(failure) => {
                // The one before may have been dropped for its age.
                self.seen.remove(account);
                log::debug!("what {account} wrote elsewhere could not be read: {failure}");
                return vec![];
            }
        };
        if let Some(last) = found.messages.last() {
            self.seen.insert(account.to_owned(), last.id.clone());
        }
        let own = found.messages.iter().filter(|message| is_elsewhere(&owner, message));
        own.flat_map(|message| self.copies(site, "sent", &owner, &restored(message), Some(&message.id), &[]))
            .collect()
    }
}

/// What came by a client of ours has its envelope from here, and was copied when it came.
fn is_elsewhere(owner: &BareJid, message: &jackfield_sdk::ChatMessage) -> bool {
    message.from == owner.as_str() && message.envelope.is_none()
}
