//! What a partner may have missed while it was not reached or not talked to: it is told anew how those are whom its people
//! see, because it asks by itself only when they sign in.

use std::collections::{BTreeMap, BTreeSet};

use jackfield_sdk::log;
use jid::BareJid;

use super::Roster;
use super::people::Question;
use super::store::{self, Mark, Watcher};
use super::subscriptions::unavailable;
use super::telling::is_barred;
use crate::im::effect::Effect;
use crate::im::site::Site;
use crate::s2s::{Pair, address};

/// Contacts that are told in one turn.
const AT_ONCE: usize = 50;

/// Who is told anew, and who will be.
#[derive(Default)]
pub struct Anew {
    /// How far the telling has come with each partner.
    under_way: BTreeMap<Pair, Mark>,
    /// Partners that are not talked to, and have missed something.
    missed: BTreeSet<Pair>,
}

impl Anew {
    /// That partner is reached again.
    pub fn begin(&mut self, pair: &Pair) {
        self.missed.remove(pair);
        self.under_way.insert(pair.clone(), Mark::default());
    }

    /// That partner is not talked to, and was not told something.
    pub fn misses(&mut self, pair: &Pair) {
        self.missed.insert(pair.clone());
    }

    /// Who is talked to may be another one: those who are again are told.
    pub fn partners_changed(&mut self, talks_to: impl Fn(&str) -> bool) {
        let back: Vec<Pair> = self.missed.iter().filter(|pair| talks_to(&pair.to)).cloned().collect();
        back.iter().for_each(|pair| self.begin(pair));
    }
}

impl Roster {
    /// A presence stanza could not even begin its way.
    pub fn missed(&mut self, pair: &Pair) {
        self.anew.misses(pair);
    }

    /// Tells some of those who have to be told anew.
    pub(super) fn tells_anew(&mut self, site: &Site) -> Vec<Effect> {
        let Some((pair, after)) = self.anew.under_way.pop_first() else { return vec![] };
        match store::watchers_at(&site.host, &pair, &after, AT_ONCE) {
            Ok(page) => {
                if let Some(last) = page.rows.last().filter(|_| page.more) {
                    let mark = Mark { account: last.account.clone(), address: last.address.clone() };
                    self.anew.under_way.insert(pair, mark);
                }
                let watchers = page.rows.into_iter().filter(|watcher| !is_barred(site, watcher));
                watchers.filter_map(|watcher| self.tells_one(watcher)).collect()
            }
            Err(failure) => {
                log::warn!("{} could not be told who is there, trying again: {failure}", pair.to);
                self.anew.under_way.insert(pair, after);
                vec![]
            }
        }
    }

    fn tells_one(&mut self, watcher: Watcher) -> Option<Effect> {
        let bare = |text: &str| -> Option<BareJid> { Some(address::parsed(text)?.into_bare()) };
        let (own, to) = (bare(&watcher.own)?, bare(&watcher.address)?);
        if !watcher.is_deployed() {
            return Some(unavailable(&own, &to));
        }
        self.people.ask(Question { account: watcher.account, own, to: to.into() });
        None
    }
}
