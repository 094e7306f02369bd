//! Acknowledgements (XEP-0198): how many stanzas each side has handled, and those of ours that are not acknowledged.
//! Counts begin anew after 2^32 (section 4).

use std::collections::VecDeque;

use crate::im::Delivery;

/// Most stanzas that wait for an acknowledgement; no more are taken from what waits for the client.
const WINDOW: usize = 500;
/// Most bytes of them.
const WINDOW_BYTES: usize = 256 * 1024;

/// A client acknowledges more than was sent: `h`, and what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooHigh {
    /// What it says.
    pub h: u32,
    /// What it got.
    pub sent: u32,
}

/// What is counted of one session.
#[derive(Debug, Default)]
pub struct Acks {
    handled: u32,
    acknowledged: u32,
    waiting: VecDeque<Delivery>,
    bytes: usize,
    is_asked: bool,
}

impl Acks {
    /// One of the client's stanzas was taken.
    pub fn handled_one(&mut self) {
        self.handled = self.handled.wrapping_add(1);
    }

    /// Stanzas of the client's that were taken.
    pub fn handled(&self) -> u32 {
        self.handled
    }

    /// Whether more may be sent before an acknowledgement comes.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < WINDOW && self.bytes < WINDOW_BYTES
    }

    /// Bytes that wait for an acknowledgement.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// One is sent; it is kept until the client has it.
    pub fn sent(&mut self, delivery: Delivery) {
        self.bytes += delivery.size();
        self.waiting.push_back(delivery);
    }

    /// Whether an acknowledgement should be asked for now; says so once until one comes.
    pub fn wants_ask(&mut self) -> bool {
        !self.waiting.is_empty() && !std::mem::replace(&mut self.is_asked, true)
    }

    /// The client has handled so many; gives ids of the stored messages among those that are new.
    pub fn acknowledged(&mut self, h: u32) -> Result<Vec<String>, TooHigh> {
        let count = h.wrapping_sub(self.acknowledged) as usize;
        if count > self.waiting.len() {
            let sent = self.acknowledged.wrapping_add(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX));
            return Err(TooHigh { h, sent });
        }
        self.is_asked = false;
        self.acknowledged = h;
        let bytes = &mut self.bytes;
        let arrived = self.waiting.drain(..count).inspect(|delivery| *bytes -= delivery.size());
        Ok(arrived.filter_map(|delivery| delivery.id).collect())
    }

    /// What must be sent again on a new connection, in order.
    pub fn unacknowledged(&self) -> impl Iterator<Item = &Delivery> {
        self.waiting.iter()
    }

    /// A new connection carries on: what was asked on the old one is not answered any more.
    pub fn carried_on(&mut self) {
        self.is_asked = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(id: &str) -> Delivery {
        Delivery { text: "<message/>".into(), id: Some(id.to_owned()) }
    }

    #[test]
    fn what_is_acknowledged_is_let_go_and_the_rest_is_kept() {
        let mut acks = Acks::default();
        ["a", "b", "c"].into_iter().for_each(|id| acks.sent(stored(id)));
        assert!(acks.wants_ask() && !acks.wants_ask(), "it is asked once");
        assert_eq!(acks.acknowledged(2), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert!(acks.wants_ask());
        assert_eq!(acks.unacknowledged().filter_map(|one| one.id.as_deref()).collect::<Vec<_>>(), ["c"]);
        assert_eq!(acks.acknowledged(2), Ok(vec![]));
        assert_eq!(acks.acknowledged(4), Err(TooHigh { h: 4, sent: 3 }));
        assert_eq!(acks.acknowledged(1), Err(TooHigh { h: 1, sent: 3 }), "less than before is nonsense too");
        assert_eq!(acks.acknowledged(3), Ok(vec!["c".to_owned()]));
        assert!(!acks.wants_ask(), "nothing waits");
        assert_eq!(acks.bytes, 0);
    }

    #[test]
    fn counts_begin_anew_after_the_last_number() {
        let mut acks = Acks { acknowledged: u32::MAX - 1, handled: u32::MAX, ..Acks::default() };
        ["a", "b", "c"].into_iter().for_each(|id| acks.sent(stored(id)));
        assert_eq!(acks.acknowledged(0), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(acks.acknowledged(1), Ok(vec!["c".to_owned()]));
        acks.handled_one();
        assert_eq!(acks.handled(), 0);
    }

    #[test]
    fn a_client_that_acknowledges_nothing_gets_no_more() {
        let mut acks = Acks::default();
        while acks.has_room() {
            acks.sent(stored("x"));
        }
        assert_eq!(acks.unacknowledged().count(), WINDOW);
        acks.acknowledged(1).unwrap();
        assert!(acks.has_room());
        acks.sent(Delivery { text: "x".repeat(WINDOW_BYTES).into(), id: None });
        assert!(!acks.has_room());
    }
}
