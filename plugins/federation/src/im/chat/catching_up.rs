//! What had waited for somebody, once a client takes messages: in parts, each when the one before has arrived.

use jackfield_sdk::{ChatMessage, MessagePending, Messages, log};

use super::Chat;
use super::home::delivery;
use super::stamped::{delayed, restored};
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::site::Site;

/// Messages of one part.
const PART: usize = 100;
/// Most parts that are fetched at once for clients that are there.
const MOST_PARTS: usize = 10;

/// A client that is being given what had waited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatchingUp {
    account: String,
    after: i64,
}

impl Chat {
    /// A client of ours has sent presence: one that takes messages now gets what had waited (XEP-0160 section 3).
    pub fn present(&mut self, site: &mut Site, id: SessionId) -> Vec<Effect> {
        let Some(session) = site.sessions.get(id) else { return vec![] };
        if !session.takes_messages() {
            self.served.remove(&id);
            self.catching_up.remove(&id);
            return vec![];
        }
        if !self.served.insert(id) {
            return vec![];
        }
        let mut effects = told_before(site, id);
        let Some(session) = site.sessions.get(id) else { return effects };
        self.catching_up.insert(id, CatchingUp { account: session.account.clone(), after: 0 });
        effects.extend(self.catch_up_more(site, id));
        effects
    }

    /// The next part, if the one before has arrived.
    pub(super) fn catch_up_more(&mut self, site: &mut Site, id: SessionId) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.flights.open(id) == 0
            && let Some(CatchingUp { account, after }) = self.catching_up.get(&id).cloned()
        {
            let Some(found) = waiting(site, &account, after) else { break };
            for message in &found.messages {
                effects.extend(self.hand_out(site, &[id], message, true));
            }
            match found.next {
                Some(next) => self.catching_up.insert(id, CatchingUp { account, after: next }),
                None => self.catching_up.remove(&id),
            };
        }
        effects
    }

    /// What others have brought for somebody, and what a client that has gone did not get, to the clients that are there.
    pub(super) fn fetch(&mut self, site: &mut Site, account: &str, is_late: bool) -> Vec<Effect> {
        let all = site.sessions.of_account(account).filter(|session| session.takes_messages());
        let to: Vec<SessionId> = all.map(|session| session.id).collect();
        let (mut effects, mut after) = (Vec::new(), 0);
        if to.is_empty() || to.iter().all(|id| self.catching_up.contains_key(id)) {
            return effects;
        }
        for _ in 0..MOST_PARTS {
            let Some(found) = waiting(site, account, after) else { break };
            for message in &found.messages {
                effects.extend(self.hand_out(site, &to, message, is_late));
            }
            match found.next {
                Some(next) => after = next,
                None => break,
            }
        }
        effects
    }

    /// The person's address may be another one than when it was said.
    fn hand_out(
        &mut self,
        site: &Site,
        to: &[SessionId],
        message: &ChatMessage,
        is_late: bool,
    ) -> Vec<Effect> {
        let owner = to.first().and_then(|id| site.sessions.get(*id)).map(|session| session.address.to_bare());
        let Some(owner) = owner else { return vec![] };
        if self.flights.has(&message.id) {
            return vec![];
        }
        let mut stanza = restored(message);
        if message.to != owner.as_str() {
            stanza.set("to", owner.as_str());
        }
        let stanza = if is_late { delayed(stanza, owner.domain().as_str(), &message.at) } else { stanza };
        self.hand_over(to, &delivery(&stanza, &owner, Some(&message.id)))
    }
}

fn waiting(site: &Site, account: &str, after: i64) -> Option<Messages> {
    let asked =
        MessagePending { account: Some(account.to_owned()), after, limit: PART, ..MessagePending::default() };
    let found = site.host.chat().pending(&asked);
    found.inspect_err(|failure| log::warn!("what waits for {account} could not be read: {failure}")).ok()
}

/// What this client's person was to be told when nobody was there.
fn told_before(site: &Site, id: SessionId) -> Vec<Effect> {
    super::outside::notices(site, id)
}
