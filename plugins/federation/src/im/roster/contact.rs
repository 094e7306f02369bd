//! A contact of a user's: as it is kept, as a client sets it and as a roster shows it (RFC 6121 section 2).

use jid::BareJid;

use super::table::State;
use crate::s2s::address;
use crate::xml::{Element, ns};

/// Most groups of one contact.
const MOST_GROUPS: usize = 32;
/// Longest name and longest group, in bytes, as long as an address's part may be.
const LONGEST: usize = 1023;

/// What is kept of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// The user's name for it; often none.
    pub name: String,
    /// Groups that the user put it into.
    pub groups: Vec<String>,
    /// The subscription.
    pub state: State,
    /// Whether the user has it in the roster; who has only asked to see the user is not.
    pub is_listed: bool,
    /// Their request to see the user as it came, while it is open.
    pub request: String,
}

/// A line of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    /// Address.
    pub address: BareJid,
    /// Name; empty: none.
    pub name: String,
    /// `none`, `to`, `from`, `both`, or `remove` for a line that goes.
    pub subscription: &'static str,
    /// Whether the user's request is open.
    pub has_asked: bool,
    /// Groups.
    pub groups: Vec<String>,
}

/// What a client wants of its roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The contact shall have that name and these groups.
    Put(BareJid, String, Vec<String>),
    /// The contact shall go, with its subscription.
    Remove(BareJid),
}

impl Contact {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        !self.is_listed && self.state == State::None
    }

    /// Its line; none: the user does not have it in the roster.
    pub fn line(&self, address: &BareJid) -> Option<Line> {
        self.is_listed.then(|| Line {
            address: address.clone(),
            name: self.name.clone(),
            subscription: self.state.subscription(),
            has_asked: self.state.has_asked(),
            groups: self.groups.clone(),
        })
    }
}

impl Line {
    /// The line that says that one is gone.
    pub fn gone(address: &BareJid) -> Self {
        let address = address.clone();
        Self { address, name: String::new(), subscription: "remove", has_asked: false, groups: Vec::new() }
    }

    fn element(&self) -> Element {
        let item = Element::new(ns::ROSTER, "item")
            .with("jid", self.address.as_str())
            .with("subscription", self.subscription)
            .with_some("name", Some(self.name.as_str()).filter(|name| !name.is_empty()))
            .with_some("ask", self.has_asked.then_some("subscribe"));
        self.groups.iter().fold(item, |item, group| item.child(Element::new(ns::ROSTER, "group").text(group)))
    }
}

/// Lines as a client reads them, with the version of the whole (RFC 6121 section 2.6).
pub fn query<'a>(lines: impl IntoIterator<Item = &'a Line>, version: &str) -> Element {
    let query = Element::new(ns::ROSTER, "query").with("ver", version);
    lines.into_iter().fold(query, |query, line| query.child(line.element()))
}

/// What a client sets (RFC 6121 sections 2.3 to 2.5); the error is a condition of section 2.3.3.
pub fn wish(query: &Element) -> Result<Wish, &'static str> {
    let mut items = query.elements();
    let (Some(item), None) = (items.next(), items.next()) else { return Err("bad-request") };
    if !item.is(ns::ROSTER, "item") {
        return Err("bad-request");
    }
    let address = item.attribute("jid").and_then(address::parsed).ok_or("jid-malformed")?.into_bare();
    // What else a client says of the subscription is not its to say (RFC 6121 section 2.1.2.5).
    if item.attribute("subscription") == Some("remove") {
        return Ok(Wish::Remove(address));
    }
    let name = item.attribute("name").unwrap_or_default();
    let groups: Vec<String> =
        item.elements().filter(|child| child.is(ns::ROSTER, "group")).map(Element::words).collect();
    let fits = |text: &str| text.len() <= LONGEST;
    let all_fit = fits(name) && groups.iter().all(|group| !group.is_empty() && fits(group));
    if !all_fit || groups.len() > MOST_GROUPS {
        return Err("not-acceptable");
    }
    let is_twice = |(at, group): (usize, &String)| groups[..at].contains(group);
    if groups.iter().enumerate().any(is_twice) {
        return Err("bad-request");
    }
    Ok(Wish::Put(address, name.to_owned(), groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(item: Element) -> Result<Wish, &'static str> {
        wish(&Element::new(ns::ROSTER, "query").child(item))
    }

    fn item(address: &str) -> Element {
        Element::new(ns::ROSTER, "item").with("jid", address)
    }

    fn group(name: &str) -> Element {
        Element::new(ns::ROSTER, "group").text(name)
    }

    #[test]
    fn what_a_client_sets_is_read_or_refused_with_its_condition() {
        let bob = BareJid::new("bob@far.example").unwrap();
        let put = Wish::Put(bob.clone(), "Bob".to_owned(), vec!["Far".to_owned()]);
        let bobs = item("BOB@far.example/desk").with("name", "Bob");
        assert_eq!(set(bobs.clone().with("subscription", "both").child(group("Far"))), Ok(put));
        assert_eq!(set(item("bob@far.example").with("subscription", "remove")), Ok(Wish::Remove(bob)));
        let long = "x".repeat(LONGEST + 1);
        for (wrong, condition) in [
            (Element::new(ns::ROSTER, "item"), "jid-malformed"),
            (item("@"), "jid-malformed"),
            (item("a@b").with("name", &long), "not-acceptable"),
            (item("a@b").child(group("")), "not-acceptable"),
            (item("a@b").child(group(&long)), "not-acceptable"),
            (item("a@b").child(group("x")).child(group("x")), "bad-request"),
            (Element::new("urn:x", "item").with("jid", "a@b"), "bad-request"),
        ] {
            assert_eq!(set(wrong.clone()), Err(condition), "{wrong:?}");
        }
        let many = (0..=MOST_GROUPS).fold(item("a@b"), |item, n| item.child(group(&n.to_string())));
        assert_eq!(set(many), Err("not-acceptable"));
        let query = Element::new(ns::ROSTER, "query");
        assert_eq!(wish(&query), Err("bad-request"));
        assert_eq!(wish(&query.child(item("a@b")).child(item("c@d"))), Err("bad-request"));
    }

    #[test]
    fn a_line_says_what_a_client_needs_and_no_more() {
        let address = BareJid::new("bob@far.example").unwrap();
        let contact = Contact { state: State::FromOut, is_listed: true, ..Contact::default() };
        let line = contact.line(&address).unwrap();
        let element = query([&line], "7");
        let item = element.find(ns::ROSTER, "item").unwrap();
        let has = |name: &str| item.attribute(name);
        assert_eq!(
            [has("jid"), has("subscription"), has("ask"), has("name")],
            [Some("bob@far.example"), Some("from"), Some("subscribe"), None]
        );
        let only_asked = Contact { state: State::NoneIn, ..Contact::default() };
        assert_eq!((only_asked.line(&address), only_asked.is_empty()), (None, false));
    }
}
