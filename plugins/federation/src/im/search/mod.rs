//! Search in the corporate directory (XEP-0055), by forms (XEP-0004) or by the four fields that older clients know. It is
//! offered to an enterprise's own users at `directory.DOMAIN`, which stands among the items of the domain; other servers
//! do not reach it. The office waits for the answer, and a short text is looked for in the whole directory: so each person searches
//! once a second, and all searches together take a fifth of the office's time at most.

mod find;
mod form;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jackfield_sdk::log;

use super::effect::Effect;
use super::parcel::Parcel;
use super::site::Site;
use crate::s2s::stanza::explained;
use crate::xml::{Element, ns};
use find::{Directory, find};

/// Before the domain whose directory it is.
const HOST: &str = "directory.";
/// Pause between two searches of a person.
const PAUSE: Duration = Duration::from_secs(1);
/// How many times as long as it took the office rests from searching.
const REST: u32 = 4;
/// Most people whose last search is remembered; all are forgotten when there are more.
const MOST: usize = 10_000;

/// The part that searches.
#[derive(Default)]
pub struct Search {
    last: HashMap<String, Instant>,
    rests_until: Option<Instant>,
}

/// A condition of RFC 6120 section 8.3.3, and words; none: they add nothing.
type Refusal = (&'static str, &'static str);

/// Address at which the directory of that domain is searched.
pub fn host_of(domain: &str) -> String {
    format!("{HOST}{domain}")
}

/// Whether that question is for the directory of the domain whose user asks.
pub fn is_for_directory(site: &Site, parcel: &Parcel) -> bool {
    let (Some(to), Some(_)) = (&parcel.to, parcel.session()) else { return false };
    let to = to.domain().as_str();
    to.strip_prefix(HOST) == Some(parcel.from.domain().as_str()) && !site.serves(to)
}

impl Search {
    /// Answers it.
    pub fn take(&mut self, site: &mut Site, parcel: &Parcel, now: Instant) -> Vec<Effect> {
        if !matches!(parcel.kind(), "get" | "set") {
            return vec![];
        }
        let mut payloads = parcel.stanza.elements();
        let answer = match (payloads.next(), payloads.next()) {
            (Some(payload), None) => self.answer(site, parcel, payload, now),
            _ => Err(("bad-request", "")),
        };
        Effect::send(match answer {
            Ok(said) => Some(parcel.answer("result").child(said)),
            Err((condition, "")) => parcel.error(condition),
            Err((condition, words)) => explained(parcel.error(condition), words),
        })
    }

    fn answer(
        &mut self,
        site: &mut Site,
        parcel: &Parcel,
        payload: &Element,
        now: Instant,
    ) -> Result<Element, Refusal> {
        match (parcel.kind(), payload.ns.as_str(), payload.name.as_str()) {
            ("get", ns::DISCO_INFO, "query") => Ok(form::about()),
            ("get", ns::DISCO_ITEMS, "query") => Ok(Element::new(ns::DISCO_ITEMS, "query")),
            ("get", ns::SEARCH, "query") => Ok(form::blank()),
            ("set", ns::SEARCH, "query") => self.search(site, parcel, payload, now),
            _ => Err(("service-unavailable", "")),
        }
    }

    fn search(
        &mut self,
        site: &mut Site,
        parcel: &Parcel,
        query: &Element,
        now: Instant,
    ) -> Result<Element, Refusal> {
        let wanted = form::filled(query);
        if !wanted.iter().any(|(_, text)| text.chars().any(char::is_alphanumeric)) {
            return Err(("not-acceptable", "Fill in at least one field, with a letter or a digit."));
        }
        let account = site.accounts.find(&site.host, &parcel.from.to_bare());
        let account = account.map_err(|failure| unread(&failure))?.ok_or(("forbidden", ""))?;
        if self.last.get(&account.id).is_some_and(|last| now.duration_since(*last) < PAUSE) {
            return Err(("resource-constraint", "One search a second, please."));
        }
        if self.rests_until.is_some_and(|until| now < until) {
            return Err(("resource-constraint", "Many people search just now. Try again in a moment."));
        }
        if self.last.len() >= MOST {
            self.last.clear();
        }
        self.last.insert(account.id.clone(), now);
        let begun = Instant::now();
        let at = Directory { enterprise: &account.enterprise, domain: parcel.from.domain().as_str() };
        let found = find(&site.host, &at, &wanted).map_err(|failure| unread(&failure))?;
        self.rests_until = Some(Instant::now() + begun.elapsed() * REST);
        Ok(form::results(query, &found))
    }
}

fn unread(failure: &jackfield_sdk::Failure) -> Refusal {
    log::warn!("the directory could not be searched: {failure}");
    ("internal-server-error", "")
}
