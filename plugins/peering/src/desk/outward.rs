//! What our people are doing, told to the peers of their enterprise: everything when a link begins, then each change.
//! What the appliance does not show (privacy) is told as unknown.

use std::collections::HashMap;

use jackfield_sdk::{Presence, log};

use super::{Desk, shown};
use crate::sister::frame::{Frame, PEOPLE, Part, Person};
use crate::sister::link::Conn;

const UNKNOWN: &str = "unknown";

impl Desk {
    /// Tells a peer everything.
    pub(super) fn tell_whole(&mut self, id: &str) {
        let Some((conn, enterprise, shows_upn)) = self.audience(id) else { return };
        let mine = self.own.iter().filter(|(_, (of, is_upn))| *of == enterprise && (shows_upn || !is_upn));
        let accounts: Vec<String> = mine.map(|(account, _)| account.clone()).collect();
        let Some(found) = self.look(&accounts) else { return };
        let known: Vec<Person> = found.into_iter().filter(|one| one.state != UNKNOWN).map(person).collect();
        for (part, items) in parts(known) {
            self.send(conn, Frame::Presence { part, items });
        }
    }

    /// Tells peers of those whose presence is another.
    pub(super) fn outward(&mut self) {
        let changed = self.dirty.take();
        let mine: Vec<String> =
            changed.into_iter().filter(|account| self.own.contains_key(account)).collect();
        let audiences: Vec<_> = self.peers.keys().filter_map(|id| self.audience(id)).collect();
        if mine.is_empty() || audiences.is_empty() {
            return;
        }
        let Some(found) = self.look(&mine) else { return self.dirty.add(mine) };
        for (conn, enterprise, shows_upn) in audiences {
            let is_meant = |one: &&Presence| {
                self.own
                    .get(&one.account)
                    .is_some_and(|(of, is_upn)| *of == enterprise && (shows_upn || !is_upn))
            };
            let items: Vec<Person> = found.iter().filter(is_meant).cloned().map(person).collect();
            for some in items.chunks(PEOPLE) {
                self.send(conn, Frame::Presence { part: Part::Change, items: some.to_vec() });
            }
        }
    }

    /// A link that stands: its connection, our enterprise, and whether logins in UPN form are told.
    fn audience(&self, id: &str) -> Option<(Conn, String, bool)> {
        let peer = self.peers.get(id)?;
        let agreed = peer.agreed.as_ref()?;
        Some((peer.link.conn()?, peer.row.enterprise.clone(), agreed.upn().is_ok()))
    }

    fn look(&self, accounts: &[String]) -> Option<Vec<Presence>> {
        let found = self.host.presence().get(accounts, None);
        found.inspect_err(|failure| log::warn!("presence for peers could not be read: {failure}")).ok()
    }

    /// Whether these are shown now.
    pub(super) fn know_own_of(&mut self, accounts: &[String]) {
        let found = match shown::who_of(&self.host, accounts) {
            Ok(found) => found,
            Err(failure) => return log::warn!("who is shown could not be read: {failure}"),
        };
        self.dirty.add(found.keys().filter(|account| !self.own.contains_key(*account)).cloned());
        accounts.iter().for_each(|account| drop(self.own.remove(account)));
        self.own.extend(found);
    }

    /// Who is shown of the enterprises that have peers, read anew.
    pub(super) fn know_own(&mut self) {
        let mut enterprises: Vec<String> =
            self.peers.values().map(|peer| peer.row.enterprise.clone()).collect();
        enterprises.sort_unstable();
        enterprises.dedup();
        let mut own = HashMap::new();
        for enterprise in enterprises {
            match shown::people(&self.host, &enterprise) {
                Ok(people) => own.extend(
                    people.into_iter().map(|(account, is_upn)| (account, (enterprise.clone(), is_upn))),
                ),
                Err(failure) => {
                    log::warn!("who is shown of {enterprise} could not be read: {failure}");
                    return;
                }
            }
        }
        // Who is new has a presence already that nobody was told.
        self.dirty.add(own.keys().filter(|account| !self.own.contains_key(*account)).cloned());
        self.own = own;
    }
}

fn person(one: Presence) -> Person {
    Person { key: one.account, state: one.state, note: one.note }
}

/// The whole in frames.
fn parts(mut known: Vec<Person>) -> Vec<(Part, Vec<Person>)> {
    if known.len() <= PEOPLE {
        return vec![(Part::Only, known)];
    }
    let mut parts = Vec::new();
    while !known.is_empty() {
        let rest = known.split_off(known.len().min(PEOPLE));
        let part = match (parts.is_empty(), rest.is_empty()) {
            (true, _) => Part::First,
            (false, true) => Part::Last,
            (false, false) => Part::More,
        };
        parts.push((part, std::mem::replace(&mut known, rest)));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_has_a_first_and_a_last_part() {
        let people = |count: usize| {
            (0..count)
                .map(|n| Person { key: n.to_string(), state: "busy".into(), note: String::new() })
                .collect()
        };
        let of = |count| {
            parts(people(count)).into_iter().map(|(part, items)| (part, items.len())).collect::<Vec<_>>()
        };
        assert_eq!(of(0), [(Part::Only, 0)]);
        assert_eq!(of(500), [(Part::Only, 500)]);
        assert_eq!(of(501), [(Part::First, 500), (Part::Last, 1)]);
        assert_eq!(of(1500), [(Part::First, 500), (Part::More, 500), (Part::Last, 500)]);
    }
}
