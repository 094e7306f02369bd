//! Messages on their way to a peer: one handful at a time, sent again until the other side says what became of it. The
//! appliance keeps them; here is only which of them are under way, so that none is lost or settled by hearsay.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::frame::{Letter, MESSAGES, Returned};

/// Most bytes of texts in one frame.
const BYTES: usize = 160 * 1024;
/// Without an answer it is sent again.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// What the other side cannot take now waits so long.
const LATER: Duration = Duration::from_secs(15);
/// Most messages that are remembered as refused, until the appliance takes that.
const MOST_PARKED: usize = 10_000;

/// What is under way.
#[derive(Debug, Default)]
pub struct Post {
    under_way: HashSet<String>,
    since: Option<Instant>,
    not_before: Option<Instant>,
    parked: HashSet<String>,
}

/// What became of messages that were under way.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// These have arrived.
    pub delivered: Vec<String>,
    /// These never will.
    pub refused: Vec<Returned>,
}

impl Post {
    /// Whether it is time to send.
    pub fn may_send(&self, now: Instant) -> bool {
        let waits = self.since.is_some_and(|since| now.duration_since(since) < ANSWER_WITHIN);
        !waits && self.not_before.is_none_or(|at| now >= at)
    }

    /// Whether a message is to be passed over.
    pub fn is_parked(&self, id: &str) -> bool {
        self.parked.contains(id)
    }

    /// How many are passed over.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// As many of these as fit into one frame; they are under way then.
    pub fn pack(&mut self, letters: Vec<Letter>, now: Instant) -> Vec<Letter> {
        let mut bytes = 0;
        let fits = |letter: &Letter| {
            bytes += letter.body.len() + letter.from.len() + letter.to.len();
            bytes <= BYTES
        };
        let packed: Vec<Letter> = letters.into_iter().take(MESSAGES).take_while(fits).collect();
        self.under_way = packed.iter().map(|letter| letter.id.clone()).collect();
        self.since = (!packed.is_empty()).then_some(now);
        packed
    }

    /// The other side has answered; only what was under way counts.
    pub fn answered(
        &mut self,
        done: Vec<String>,
        refused: Vec<Returned>,
        later: &[String],
        now: Instant,
    ) -> Settled {
        let delivered: Vec<String> = done.into_iter().filter(|id| self.under_way.remove(id)).collect();
        let refused: Vec<Returned> =
            refused.into_iter().filter(|one| self.under_way.remove(&one.id)).collect();
        self.not_before =
            (!later.is_empty() || (delivered.is_empty() && refused.is_empty())).then_some(now + LATER);
        self.under_way.clear();
        self.since = None;
        Settled { delivered, refused }
    }

    /// The appliance cannot end the waiting of these; they are passed over.
    pub fn park(&mut self, ids: impl IntoIterator<Item = String>) {
        for id in ids {
            if self.parked.len() < MOST_PARKED {
                self.parked.insert(id);
            }
        }
    }

    /// The link is another one: what was under way is sent again.
    pub fn restart(&mut self) {
        self.under_way.clear();
        (self.since, self.not_before) = (None, None);
    }
}

/// The domain of an address, in small letters.
pub fn domain(address: &str) -> String {
    address.split_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default()
}

/// Why a message of a peer is not taken whatever the appliance says; none: it may be asked. `ours` and `theirs` are the
/// domains of the two enterprises.
pub fn not_theirs(letter: &Letter, ours: &str, theirs: &str) -> Option<String> {
    let (from, to) = (domain(&letter.from), domain(&letter.to));
    if theirs.is_empty() || from != theirs {
        return Some(format!(
            "its sender is of the domain {from:?}, and this peer speaks for {theirs:?} alone"
        ));
    }
    (to != ours).then(|| format!("it is for the domain {to:?}, and this peer's enterprise here has {ours:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(id: &str, bytes: usize) -> Letter {
        Letter {
            id: id.into(),
            from: "a@x.example".into(),
            to: "b@y.example".into(),
            body: "x".repeat(bytes),
        }
    }

    fn ids(letters: &[Letter]) -> Vec<&str> {
        letters.iter().map(|letter| letter.id.as_str()).collect()
    }

    #[test]
    fn a_frame_takes_what_fits() {
        let (mut post, now) = (Post::default(), Instant::now());
        let many = (0..200).map(|n| letter(&n.to_string(), 10)).collect();
        assert_eq!(post.pack(many, now).len(), MESSAGES);
        let large = ["a", "b", "c", "d", "e", "f"].map(|id| letter(id, 32 * 1024)).to_vec();
        assert_eq!(ids(&post.pack(large, now)), ["a", "b", "c", "d"]);
    }

    #[test]
    fn one_handful_is_under_way_until_it_is_answered_or_too_late() {
        let (mut post, now) = (Post::default(), Instant::now());
        assert!(post.may_send(now));
        post.pack(vec![letter("a", 1), letter("b", 1)], now);
        assert!(!post.may_send(now + ANSWER_WITHIN / 2) && post.may_send(now + ANSWER_WITHIN));
        let settled = post.answered(vec!["a".into()], vec![], &[], now);
        assert_eq!(settled.delivered, ["a"]);
        assert!(post.may_send(now));
        post.pack(vec![letter("b", 1)], now);
        post.answered(vec![], vec![], &["b".to_owned()], now);
        assert!(!post.may_send(now) && post.may_send(now + LATER));
        post.pack(vec![letter("b", 1)], now);
        post.restart();
        assert!(post.may_send(now));
    }

    #[test]
    fn nobody_settles_what_was_not_sent() {
        let (mut post, now) = (Post::default(), Instant::now());
        post.pack(vec![letter("a", 1)], now);
        let refused = vec![Returned { id: "z".into(), detail: String::new() }];
        let settled = post.answered(vec!["x".into(), "a".into(), "a".into()], refused, &[], now);
        assert_eq!((settled.delivered, settled.refused), (vec!["a".to_owned()], vec![]));
    }

    #[test]
    fn a_peer_speaks_for_its_own_domain_and_to_its_own_enterprise_alone() {
        let letter = letter("a", 1);
        assert_eq!(not_theirs(&letter, "y.example", "x.example"), None);
        for (ours, theirs) in [("y.example", "z.example"), ("y.example", ""), ("z.example", "x.example")] {
            assert!(not_theirs(&letter, ours, theirs).is_some(), "{ours} {theirs}");
        }
        let odd = Letter { from: "nobody".into(), ..letter };
        assert!(not_theirs(&odd, "y.example", "").is_some());
    }
}
