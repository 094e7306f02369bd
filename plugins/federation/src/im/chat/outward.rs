//! Messages on their way to other servers, until a server has confirmed them or it is clear that they did not go. What
//! was under way when the plugin ended is taken up again from the store. Pure, apart from what its caller does.

use std::collections::HashMap;

use jackfield_sdk::ChatMessage;

use crate::xml::Element;

/// Who wrote to whom under which id, as an error that comes back names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Named {
    from: String,
    to: String,
    id: String,
}

impl Named {
    fn of(stanza: &Element, from: &str, to: &str) -> Option<Self> {
        let text = |name: &str| stanza.attribute(name).map(str::to_owned);
        Some(Self { from: text(from)?, to: text(to)?, id: text("id")? })
    }
}

/// A message that is under way, with the turn of the links' hub that has it.
#[derive(Debug)]
struct Open {
    named: Option<Named>,
    turn: u64,
}

/// Everything that is under way to other servers.
#[derive(Debug)]
pub struct Outward {
    open: HashMap<String, Open>,
    by_name: HashMap<Named, String>,
    /// The store is read on from there; none: all of it has been taken up.
    pub cursor: Option<i64>,
    turn: u64,
}

impl Default for Outward {
    fn default() -> Self {
        Self { open: HashMap::new(), by_name: HashMap::new(), cursor: Some(0), turn: 0 }
    }
}

impl Outward {
    /// There is another hub, or none: what an earlier one had is not under way any more, and the store has it.
    pub fn follow(&mut self, turn: u64) {
        if std::mem::replace(&mut self.turn, turn) == turn {
            return;
        }
        let ended = |(id, open): (&String, &Open)| (open.turn != turn).then(|| id.clone());
        for id in self.open.iter().filter_map(ended).collect::<Vec<_>>() {
            self.end(&id);
        }
        self.cursor = Some(0);
    }

    /// A stored message goes to its link, by the hub of that turn.
    pub fn begin(&mut self, id: &str, stanza: &Element, turn: u64) {
        let named = Named::of(stanza, "from", "to");
        if let Some(named) = &named {
            self.by_name.insert(named.clone(), id.to_owned());
        }
        self.open.insert(id.to_owned(), Open { named, turn });
    }

    /// Its way has ended; false: it had before.
    pub fn end(&mut self, id: &str) -> bool {
        let Some(open) = self.open.remove(id) else { return false };
        if let Some(named) = open.named {
            self.by_name.remove(&named);
        }
        true
    }

    /// The stored message that an error which came back is about, if its way has not ended.
    pub fn refused(&mut self, error: &Element) -> Option<String> {
        let id = self.by_name.get(&Named::of(error, "to", "from")?)?.clone();
        self.end(&id).then_some(id)
    }

    /// Whether it is under way.
    pub fn has(&self, id: &str) -> bool {
        self.open.contains_key(id)
    }

    /// Of what the store has, what is not under way.
    pub fn missing(&self, found: Vec<ChatMessage>) -> Vec<ChatMessage> {
        found.into_iter().filter(|message| !self.has(&message.id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::ns;

    fn stanza(from: &str, to: &str) -> Element {
        Element::new(ns::SERVER, "message").with("from", from).with("to", to).with("id", "x1")
    }

    #[test]
    fn a_way_ends_once() {
        let mut outward = Outward::default();
        outward.begin("m1", &stanza("ann@home.example/desk", "zoe@far.example"), 1);
        assert!(outward.has("m1") && outward.end("m1") && !outward.end("m1"));
        assert!(outward.by_name.is_empty());
    }

    #[test]
    fn an_error_that_comes_back_ends_the_way_of_its_message_alone() {
        let mut outward = Outward::default();
        outward.begin("m1", &stanza("ann@home.example/desk", "zoe@far.example"), 1);
        outward.begin("m2", &stanza("bob@home.example/desk", "zoe@far.example"), 1);
        let error = stanza("zoe@far.example", "ann@home.example/desk").with("type", "error");
        assert_eq!(outward.refused(&error).as_deref(), Some("m1"));
        assert_eq!(outward.refused(&error), None);
        let stranger = stanza("eve@far.example", "bob@home.example/desk").with("type", "error");
        assert_eq!(outward.refused(&stranger), None);
        assert!(outward.has("m2"));
    }

    #[test]
    fn what_an_earlier_hub_had_is_read_from_the_store_again() {
        let mut outward = Outward::default();
        outward.follow(1);
        outward.begin("m1", &stanza("ann@home.example/desk", "zoe@far.example"), 1);
        outward.cursor = None;
        outward.follow(1);
        assert!(outward.has("m1") && outward.cursor.is_none());
        // The next hub may have had something before it is noticed.
        outward.begin("m2", &stanza("bob@home.example/desk", "zoe@far.example"), 2);
        outward.follow(2);
        assert_eq!((outward.has("m1"), outward.has("m2"), outward.cursor), (false, true, Some(0)));
    }
}
