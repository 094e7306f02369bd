//! What another server says of one contact: the last word of each of its resources. Kept while somebody of ours may see
//! it; bounded, because the other server decides how much there is.

use std::collections::BTreeMap;

use jid::Jid;

use super::words::{self, Shown};
use crate::xml::{Element, ns, written};

/// Most resources of one contact; more are delivered and not remembered.
const MOST: usize = 16;
/// Largest stanza that is passed on as it came; of a larger one, only show, status and priority.
const LARGEST: usize = 4 * 1024;
/// What clients make use of in presence besides RFC 6121's own: capabilities (XEP-0115), pictures (XEP-0153), nicknames
/// (XEP-0172), delays (XEP-0203), idle times (XEP-0319).
const KNOWN: [&str; 5] = [
    "http://jabber.org/protocol/caps",
    ns::VCARD_UPDATE,
    "http://jabber.org/protocol/nick",
    ns::DELAY,
    "urn:xmpp:idle:1",
];

/// The resources of a contact that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard(BTreeMap<String, (Shown, Element)>);

impl Heard {
    /// Takes what a resource says of itself, available or not.
    pub fn hear(&mut self, from: &Jid, presence: &Element) {
        let resource = from.as_str();
        if presence.attribute("type") == Some("unavailable") {
            // A server that speaks for the whole account speaks for every resource.
            match from.resource() {
                Some(_) => drop(self.0.remove(resource)),
                None => self.0.clear(),
            }
        } else if self.0.len() < MOST || self.0.contains_key(resource) {
            self.0.insert(resource.to_owned(), (Shown::of(presence), passed(presence)));
        }
    }

    /// What to tell somebody who comes later: one stanza for each resource, with `from`.
    pub fn stanzas(&self) -> impl Iterator<Item = Element> {
        self.0.iter().map(|(from, (_, presence))| presence.clone().with("from", from))
    }

    /// Nothing is known any more: the stanzas that say so.
    pub fn lose(&mut self) -> Vec<Element> {
        let gone = std::mem::take(&mut self.0);
        gone.into_keys().map(|from| words::stanza(&None).with("from", &from)).collect()
    }

    /// The resource that counts; none: none is there.
    pub fn best(&self) -> Option<&Shown> {
        Shown::best(self.0.values().map(|(shown, _)| shown))
    }

    /// Whether no resource is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is passed on of a stanza: without addresses, and without what nobody here knows.
pub fn passed(presence: &Element) -> Element {
    let kept = presence.elements().filter(|child| {
        let is_own = child.ns == ns::SERVER && ["show", "status", "priority"].contains(&child.name.as_str());
        is_own || KNOWN.contains(&child.ns.as_str())
    });
    let kind = presence.attribute("type");
    let passed = Element::new(ns::SERVER, "presence").with_some("type", kind);
    let passed = kept.fold(passed, |passed, child| passed.child(child.clone()));
    if written(&passed).len() <= LARGEST {
        return passed;
    }
    words::stanza(&(kind != Some("unavailable")).then(|| Shown::of(presence)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Jid {
        Jid::new(address).unwrap()
    }

    fn presence(show: &str) -> Element {
        Element::new(ns::SERVER, "presence").child(Element::new(ns::SERVER, "show").text(show))
    }

    fn gone() -> Element {
        Element::new(ns::SERVER, "presence").with("type", "unavailable")
    }

    #[test]
    fn each_resource_has_its_last_word_and_whoever_comes_later_hears_it() {
        let mut heard = Heard::default();
        heard.hear(&from("bob@far.example/desk"), &presence("away"));
        heard.hear(&from("bob@far.example/phone"), &presence("dnd"));
        heard.hear(&from("bob@far.example/desk"), &presence("xa"));
        let told: Vec<_> = heard.stanzas().map(|one| one.attribute("from").unwrap().to_owned()).collect();
        assert_eq!(told, ["bob@far.example/desk", "bob@far.example/phone"]);
        assert_eq!(heard.best().unwrap().show, Some("dnd"));
        heard.hear(&from("bob@far.example/phone"), &gone());
        assert_eq!(heard.best().unwrap().show, Some("xa"));
        let lost = heard.lose();
        assert_eq!((lost.len(), lost[0].attribute("type")), (1, Some("unavailable")));
        assert!(heard.is_empty() && heard.lose().is_empty());
    }

    #[test]
    fn unavailable_of_the_whole_account_is_of_every_resource() {
        let mut heard = Heard::default();
        heard.hear(&from("bob@far.example/desk"), &presence("away"));
        heard.hear(&from("bob@far.example"), &gone());
        assert!(heard.is_empty());
    }

    #[test]
    fn resources_and_sizes_are_bounded() {
        let mut heard = Heard::default();
        (0..1000).for_each(|n| heard.hear(&from(&format!("bob@far.example/{n}")), &presence("")));
        assert_eq!(heard.stanzas().count(), MOST);
        heard.hear(&from("bob@far.example/0"), &presence("dnd"));
        assert_eq!(heard.best().unwrap().show, None, "those that are known may change: {heard:?}");
        let large = presence("away").child(Element::new(ns::DELAY, "delay").text(&"x".repeat(LARGEST)));
        let passed = passed(&large);
        assert!(passed.find(ns::DELAY, "delay").is_none() && Shown::of(&passed).show == Some("away"));
    }

    #[test]
    fn what_nobody_knows_is_not_passed_on() {
        let odd = presence("away").child(Element::new("urn:x", "x")).child(Element::new(KNOWN[0], "c"));
        let passed = passed(&odd.with("from", "a@b").with("id", "1"));
        assert!(passed.find("urn:x", "x").is_none() && passed.find(KNOWN[0], "c").is_some());
        assert!(passed.attributes.is_empty());
    }
}
