//! What accounts and contacts are doing, as the appliance has it: what was last told of each, whose has to be looked at,
//! and what our users' clients and other servers say, on its way to the appliance.
//!
//! **What goes outward.** A world gets the merge without its own input, so that nothing comes back as an echo. The own
//! input of the XMPP world is what other servers tell of *their* users, and that becomes the source `xmpp` of contacts
//! only. The source `xmpp` of an account of ours is what that user's own clients said *to us*; other servers have not
//! heard of it, and a colleague elsewhere who is shown nothing of it sees somebody at work as absent. So of our accounts
//! the whole merge goes out (nothing is left out), and of contacts nothing goes out at all. While Teams is on for an
//! account, the merge is its Teams state, outward too.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use jackfield_sdk::abi::ops::{Presence, PresenceChange};
use jackfield_sdk::{Failure, Host, log};
use jid::Jid;

use crate::im::presence::words::{Seen, Shown};

/// Most accounts of which it is remembered what was told; when there are more, all are forgotten and told once more.
const MOST: usize = 100_000;
/// For how long what the appliance was told holds, in seconds: when this process dies, nobody seems to be there for
/// longer than that.
const HOLDS: u64 = 1800;
/// It is told again before.
const AGAIN: Duration = Duration::from_secs(HOLDS / 3);
/// Most that is told again at a time.
const AGAIN_AT_ONCE: usize = 500;

/// Somebody who is allowed to has asked what an account is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The account.
    pub account: String,
    /// Its address, in whose name it is answered.
    pub own: jid::BareJid,
    /// Who has asked.
    pub to: Jid,
}

/// Everybody.
#[derive(Default)]
pub struct People {
    told: HashMap<String, Seen>,
    said: HashMap<String, (Said, Instant)>,
    unsaid: HashMap<String, Option<Said>>,
    dirty: BTreeSet<String>,
    questions: Vec<Question>,
}

/// What XMPP says of somebody: a state of the appliance's, and words.
pub type Said = (&'static str, String);

impl People {
    /// The presence of that account may be another, and whoever sees it has to be told.
    pub fn look_at(&mut self, account: &str) {
        self.dirty.insert(account.to_owned());
    }

    /// That account's clients, or that contact's server, say this; none: they say nothing any more.
    pub fn says(&mut self, account: &str, shown: Option<&Shown>) {
        self.says_state(account, shown.map(|shown| (shown.state(), shown.note())));
    }

    /// The same as a state of the appliance's.
    pub fn says_state(&mut self, account: &str, said: Option<Said>) {
        self.unsaid.insert(account.to_owned(), said);
        // Also when the appliance knows no other state for it: `xa` may have become `away`.
        self.look_at(account);
    }

    /// Somebody who may see an account wants to know.
    pub fn ask(&mut self, question: Question) {
        self.questions.push(question);
    }

    /// Tells the appliance what is new, and again what it would forget.
    pub fn publish(&mut self, host: &Host, now: Instant) {
        let mut changes = Vec::new();
        for (account, said) in std::mem::take(&mut self.unsaid) {
            let before = self.said.get(&account).map(|(said, _)| said);
            if before == said.as_ref() {
                continue;
            }
            changes.push(change(&account, said.as_ref()));
            match said {
                Some(said) => drop(self.said.insert(account, (said, now))),
                None => drop(self.said.remove(&account)),
            }
        }
        let old = self.said.iter_mut().filter(|(_, (_, at))| now.duration_since(*at) >= AGAIN);
        for (account, (said, at)) in old.take(AGAIN_AT_ONCE) {
            *at = now;
            changes.push(change(account, Some(said)));
        }
        if changes.is_empty() {
            return;
        }
        match host.presence().publish("xmpp", &changes) {
            Ok(refused) => refused.iter().for_each(|one| {
                log::debug!("the presence of {} was not taken: {}", one.account, one.detail);
            }),
            Err(failure) => log::warn!("presence was not told to the appliance: {failure}"),
        }
    }

    /// Whose presence has to be looked at, and what was asked; both are taken out.
    pub fn waiting(&mut self) -> (BTreeSet<String>, Vec<Question>) {
        (std::mem::take(&mut self.dirty), std::mem::take(&mut self.questions))
    }

    /// What the appliance has of those accounts.
    pub fn merged(host: &Host, accounts: &[String]) -> Result<Vec<Presence>, Failure> {
        if accounts.is_empty() {
            return Ok(vec![]);
        }
        // Nothing is left out: see above.
        host.presence().get(accounts, None)
    }

    /// Notes what is told of an account; whether it is news.
    pub fn tells(&mut self, account: &str, seen: &Seen) -> bool {
        if self.told.get(account) == Some(seen) {
            return false;
        }
        if self.told.len() >= MOST {
            self.told.clear();
        }
        self.told.insert(account.to_owned(), seen.clone());
        true
    }

    /// What was told of an account counts no more: somebody sees it who did not.
    pub fn forget(&mut self, account: &str) {
        self.told.remove(account);
    }

    /// What was last told of an account; none: it is not known.
    pub fn told(&self, account: &str) -> Option<&Seen> {
        self.told.get(account)
    }

    /// Notes what somebody who has just come is told: where others were told something else, they have to be told.
    pub fn sees(&mut self, account: &str, seen: &Seen) {
        match self.told.get(account) {
            Some(told) if told != seen => self.look_at(account),
            Some(_) => {}
            None => drop(self.tells(account, seen)),
        }
    }
}

fn change(account: &str, said: Option<&Said>) -> PresenceChange {
    PresenceChange {
        account: account.to_owned(),
        state: said.map(|(state, _)| (*state).to_owned()),
        note: said.map(|(_, note)| note.clone()).unwrap_or_default(),
        expires_in: said.map(|_| HOLDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(show: Option<&'static str>) -> Shown {
        Shown { show, ..Shown::default() }
    }

    #[test]
    fn only_news_is_told() {
        let mut people = People::default();
        assert!(people.tells("a1", &None), "nothing was told before");
        assert!(!people.tells("a1", &None));
        assert!(people.tells("a1", &Some(shown(Some("away")))));
        people.sees("a1", &Some(shown(None)));
        assert_eq!(people.waiting().0, BTreeSet::from(["a1".to_owned()]));
        people.sees("a2", &Some(shown(None)));
        assert_eq!(people.told("a2"), Some(&Some(shown(None))));
        assert!(people.waiting().0.is_empty());
    }

    #[test]
    fn what_clients_say_has_to_be_looked_at_even_where_the_state_is_the_same() {
        let mut people = People::default();
        people.says("a1", Some(&shown(Some("xa"))));
        people.says("a1", Some(&shown(Some("away"))));
        assert_eq!(people.unsaid.len(), 1);
        assert_eq!(people.waiting().0.len(), 1);
    }
}
