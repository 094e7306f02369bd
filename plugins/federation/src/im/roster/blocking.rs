//! Who is blocked sees nothing any more, and sees the user again when they are not (XEP-0191 sections 3.2 and 3.3).

use std::collections::BTreeSet;

use jid::Jid;

use super::Roster;
use super::people::Question;
use super::subscriptions::unavailable;
use super::user::User;
use crate::im::desk::SessionId;
use crate::im::effect::Effect;
use crate::im::site::Site;

impl Roster {
    /// A client has changed whom its user blocks.
    pub fn blocked(&mut self, site: &Site, id: SessionId) -> Vec<Effect> {
        let account = site.sessions.get(id).map(|session| session.account.clone());
        let Some(user) = account.and_then(|account| self.users.get_mut(&account)) else { return vec![] };
        let before = std::mem::take(&mut user.barred);
        user.bars(site);
        let own = user.own.clone();
        let effects = user.barred.difference(&before).map(|contact| unavailable(&own, contact)).collect();
        for contact in before.difference(&user.barred) {
            let (account, to) = (user.account.clone(), Jid::from(contact.clone()));
            self.people.ask(Question { account, own: own.clone(), to });
        }
        effects
    }
}

impl User {
    /// Notes which of those who may see the user are blocked.
    pub fn bars(&mut self, site: &Site) {
        let seeing = self.contacts.iter().filter(|(_, contact)| contact.state.is_seen());
        let barred =
            seeing.filter(|(address, _)| site.blocks.has(&self.account, &Jid::from((*address).clone())));
        self.barred = barred.map(|(address, _)| address.clone()).collect::<BTreeSet<_>>();
    }
}
