//! What people are doing: telling it for a source, and asking what to tell a world. Needs the service `presence/1`.

use jackfield_abi::ops::{
    self, Failure, Presence, PresenceChange, PresenceFound, PresenceGet, PresenceGovern, PresencePublish,
    PresencePublished, PresenceRefused,
};

use crate::host::Host;
use crate::message::typed;

/// Most accounts of one operation (the treaty's bound).
const AT_ONCE: usize = 1000;

/// Presence.
pub struct People<'a>(pub(crate) &'a Host);

impl People<'_> {
    /// Says for a source (`xmpp`, `teams`, …) what people are doing, a thousand at a time, in order. Answers what
    /// was refused; all else was taken. It lives in memory: say it again before it is over (a day, unless
    /// `expires_in` says less) and after a restart of the appliance.
    pub fn publish(&self, source: &str, changes: &[PresenceChange]) -> Result<Vec<PresenceRefused>, Failure> {
        let mut refused = Vec::new();
        for some in changes.chunks(AT_ONCE) {
            let told = PresencePublish { source: source.to_owned(), changes: some.to_vec() };
            let answer = self.0.call(ops::PRESENCE_PUBLISH, told)?;
            let answer: PresencePublished = typed(ops::PRESENCE_PUBLISH, answer)?;
            refused.extend(answer.refused);
        }
        Ok(refused)
    }

    /// What people are doing, in the order asked, without accounts that are not there. `without` leaves a source
    /// out: what is told to a world must not come from it.
    pub fn get(&self, accounts: &[String], without: Option<&str>) -> Result<Vec<Presence>, Failure> {
        let mut found = Vec::new();
        for some in accounts.chunks(AT_ONCE) {
            let asked = PresenceGet { accounts: some.to_vec(), without: without.map(str::to_owned) };
            let answer: PresenceFound = typed(ops::PRESENCE_GET, self.0.call(ops::PRESENCE_GET, asked)?)?;
            found.extend(answer.presence);
        }
        Ok(found)
    }

    /// Switches Teams on or off for accounts: while it is on, only the source `teams` is shown and states by hand
    /// are refused. It lasts `lasts` seconds (none: an hour), so say it again before.
    pub fn govern(&self, accounts: &[String], on: bool, lasts: Option<u64>) -> Result<(), Failure> {
        accounts.chunks(AT_ONCE).try_for_each(|some| {
            let asked = PresenceGovern { accounts: some.to_vec(), on, lasts };
            self.0.call(ops::PRESENCE_GOVERN, asked).map(drop)
        })
    }
}
