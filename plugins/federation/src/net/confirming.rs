//! Which stored messages a peer has confirmed, by its answers to pings that were sent behind them. Pure, with the time as
//! an argument.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::xml::Element;

/// Longest wait for the confirmation of messages.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(30);
/// Pings without an answer after which the peer is gone.
const MISSES: u32 = 2;

/// A message that the peer has not confirmed: the ping behind it, its id, and what an error about it needs.
type Open = (u64, String, Element);

/// Messages and pings that are under way on one link.
#[derive(Debug, Default)]
pub struct Confirming {
    open: VecDeque<Open>,
    /// Number of the last ping.
    number: u64,
    /// When it was sent, while it has no answer.
    asked: Option<Instant>,
    misses: u32,
    /// Whether one is to be sent although no message waits.
    is_due: bool,
}

impl Confirming {
    /// A message was written.
    pub fn sent(&mut self, id: String, shell: Element) {
        self.open.push_back((self.number + 1, id, shell));
    }

    /// The number of a ping to be written now; none: no.
    pub fn ping(&mut self, now: Instant) -> Option<u64> {
        // One at a time: the next covers all that is written meanwhile.
        let covers =
            self.asked.is_none() && self.open.back().is_some_and(|(number, ..)| *number > self.number);
        if !covers && !self.is_due {
            return None;
        }
        self.is_due = false;
        self.number += 1;
        self.asked = Some(now);
        Some(self.number)
    }

    /// A ping was answered; the messages before it.
    pub fn answered(&mut self, number: u64) -> Vec<String> {
        if number == self.number {
            (self.asked, self.misses) = (None, 0);
        }
        let count = self.open.iter().take_while(|(behind, ..)| *behind <= number).count();
        self.open.drain(..count).map(|(_, id, _)| id).collect()
    }

    /// When to look again, where the peer was last heard then and is asked after so long a silence whether it is there
    /// (XEP-0199).
    pub fn due(&self, heard: Instant, ping_after: Duration) -> Instant {
        match self.asked {
            Some(asked) if !self.open.is_empty() => asked + CONFIRMED_WITHIN,
            Some(asked) => asked + ping_after,
            None => heard + ping_after,
        }
    }

    /// The time has come: another ping, or the end.
    pub fn overdue(&mut self, now: Instant) -> Result<(), String> {
        if let Some(asked) = self.asked {
            if !self.open.is_empty() && now.duration_since(asked) >= CONFIRMED_WITHIN {
                return Err("its server did not answer within 30 seconds".to_owned());
            }
            self.misses += 1;
            if self.misses >= MISSES {
                return Err("its server did not answer two pings".to_owned());
            }
        }
        self.is_due = true;
        Ok(())
    }

    /// Whether every message was confirmed.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The stream has ended: what was not confirmed.
    pub fn take_all(&mut self) -> Vec<(String, Element)> {
        (self.asked, self.misses, self.is_due) = (None, 0, false);
        self.open.drain(..).map(|(_, id, shell)| (id, shell)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING_AFTER: Duration = Duration::from_secs(300);

    fn sent(confirming: &mut Confirming, ids: &[&str]) {
        ids.iter().for_each(|id| confirming.sent((*id).to_owned(), Element::default()));
    }

    #[test]
    fn a_pong_confirms_what_was_written_before_its_ping_and_nothing_else() {
        let (mut confirming, now) = (Confirming::default(), Instant::now());
        assert_eq!(confirming.ping(now), None, "nothing waits");
        sent(&mut confirming, &["a", "b"]);
        assert_eq!(confirming.ping(now), Some(1));
        sent(&mut confirming, &["c"]);
        assert_eq!(confirming.ping(now), None, "one ping at a time");
        assert_eq!(confirming.answered(1), ["a", "b"]);
        assert_eq!(confirming.ping(now), Some(2));
        assert!(confirming.answered(1).is_empty(), "an old answer says nothing new");
        assert!(!confirming.is_empty());
        assert_eq!(confirming.answered(2), ["c"]);
        assert!(confirming.is_empty());
    }

    #[test]
    fn a_stream_that_ends_leaves_what_was_not_confirmed_and_late_answers_confirm_nothing() {
        let (mut confirming, now) = (Confirming::default(), Instant::now());
        sent(&mut confirming, &["a"]);
        confirming.ping(now);
        assert_eq!(confirming.take_all().len(), 1);
        sent(&mut confirming, &["b"]);
        assert!(confirming.answered(1).is_empty());
        assert_eq!(confirming.ping(now), Some(2));
        assert_eq!(confirming.answered(2), ["b"]);
    }

    #[test]
    fn silence_is_asked_about_and_ends_sooner_while_messages_wait() {
        let (mut confirming, now) = (Confirming::default(), Instant::now());
        assert_eq!(confirming.due(now, PING_AFTER), now + PING_AFTER);
        assert_eq!(
            confirming.due(now, PING_AFTER / 2),
            now + PING_AFTER / 2,
            "a changed setting counts at once"
        );
        confirming.overdue(now).unwrap();
        assert_eq!(confirming.ping(now), Some(1));
        let later = now + PING_AFTER;
        assert_eq!(confirming.due(later, PING_AFTER), later);
        confirming.overdue(later).unwrap();
        assert_eq!(confirming.ping(later), Some(2));
        assert!(confirming.overdue(later + PING_AFTER).is_err());
        let mut waiting = Confirming::default();
        sent(&mut waiting, &["a"]);
        waiting.ping(now);
        assert_eq!(waiting.due(now, PING_AFTER), now + CONFIRMED_WITHIN);
        assert!(waiting.overdue(now + CONFIRMED_WITHIN).is_err());
    }
}
