//! `federation/links`: how every link does.

use jackfield_sdk::{Call, Outcome};

use crate::Federation;
use crate::net::{Link, Net};

impl Federation {
    pub(crate) fn list_links(&self, call: &Call<'_>) -> Outcome {
        let (part, words) = (call.part()?, call.words()?);
        let mut links = self.server().net().map(Net::links).unwrap_or_default();
        links.retain(|link| words.fit(&searched(link)));
        links.sort_by_cached_key(key);
        part.of(links, key)
    }
}

/// Links are in the order of partners, then of our domains; those of one pair stand together.
fn key(link: &Link) -> String {
    format!("{}/{}/{}", link.domain, link.own, link.direction.word())
}

/// What is searched of a link.
fn searched(Link { domain, own, state, last_error, .. }: &Link) -> String {
    format!("{domain} {own} {state} {last_error}")
}
