//! One peer's link in time: when to dial, when to ask whether the other side is there, when it is gone, and which of two
//! connections stays. No sockets, no clock of its own.

use std::time::{Duration, Instant};

use super::status::{Trouble, Word};

/// First wait before dialing again, and the longest; the waits between double.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Where somebody must do something first, it is tried more rarely.
const REFUSED_WAIT: Duration = Duration::from_secs(30);
/// Longest attempt.
const DIAL_WITHIN: Duration = Duration::from_secs(15);
/// How often the other side is asked whether it is there, and how long its silence is borne.
pub const PING_EVERY: Duration = Duration::from_secs(8);
pub const SILENCE: Duration = Duration::from_secs(25);
/// After a link is gone, what was said over it holds so long.
const HOLDS: Duration = Duration::from_secs(15);

/// Number of a connection.
pub type Conn = u64;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    /// Dial.
    Dial,
    /// Ask on the link whether the other side is there.
    Ping(Conn),
    /// End the connection: nobody is there.
    Drop(Conn),
    /// What the other side said of its people holds no longer.
    Forget,
}

/// A link that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Up {
    conn: Conn,
    /// Whether we dialed.
    is_ours: bool,
    heard: Instant,
    pinged: Instant,
}

/// The state.
#[derive(Debug, Clone)]
pub struct Link {
    up: Option<Up>,
    /// An attempt runs since then.
    dialing: Option<Instant>,
    next: Instant,
    wait: Duration,
    /// Since when there is no link, until what was said is forgotten.
    gone: Option<Instant>,
    trouble: Option<Trouble>,
}

impl Link {
    /// Before anything.
    pub fn new(now: Instant) -> Self {
        Self { up: None, dialing: None, next: now, wait: FIRST_WAIT, gone: None, trouble: None }
    }

    /// The connection that carries it.
    pub fn conn(&self) -> Option<Conn> {
        self.up.map(|up| up.conn)
    }

    /// Why there is none, as far as anything is known.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref().filter(|_| self.up.is_none())
    }

    /// What is due.
    pub fn tick(&mut self, now: Instant) -> Option<Do> {
        if let Some(up) = &mut self.up {
            if now.duration_since(up.heard) >= SILENCE {
                return Some(Do::Drop(up.conn));
            }
            if now.duration_since(up.pinged.max(up.heard)) >= PING_EVERY {
                up.pinged = now;
                return Some(Do::Ping(up.conn));
            }
            return None;
        }
        if self.gone.is_some_and(|since| now.duration_since(since) >= HOLDS) {
            self.gone = None;
            return Some(Do::Forget);
        }
        let is_dialing = self.dialing.is_some_and(|since| now.duration_since(since) < DIAL_WITHIN);
        if is_dialing || now < self.next {
            return None;
        }
        self.dialing = Some(now);
        self.later(now, self.wait);
        Some(Do::Dial)
    }

    /// An attempt has failed, or the other side has refused. `spread` from 0 to 1 keeps many from dialing at once.
    pub fn failed(&mut self, trouble: Trouble, now: Instant, spread: f64) {
        self.dialing = None;
        let needs_somebody = trouble.word != Word::Unreachable;
        self.later(now, if needs_somebody { REFUSED_WAIT } else { self.wait });
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        self.next += self.wait.mul_f64(spread.clamp(0.0, 1.0) / 4.0);
        if self.up.is_none() {
            self.trouble = Some(trouble);
        }
    }

    /// The other side holds another connection to be the link; ours is not needed.
    pub fn yielded(&mut self, now: Instant) {
        self.dialing = None;
        self.later(now, LONGEST_WAIT);
    }

    /// Whether a connection whose hello was good becomes the link; `is_ours`: we dialed it, `prefers_ours`: of two
    /// that began at once ours is to stay, which both sides work out alike. The connection to end comes along.
    pub fn offered(
        &mut self,
        conn: Conn,
        is_ours: bool,
        prefers_ours: bool,
        now: Instant,
    ) -> Result<Option<Conn>, ()> {
        if let Some(up) = self.up
            && up.is_ours != is_ours
            && up.is_ours == prefers_ours
            // What was heard of lately is no remnant of before a restart.
            && now.duration_since(up.heard) < PING_EVERY + Duration::from_secs(2)
        {
            return Err(());
        }
        let before = self.up.map(|up| up.conn).filter(|old| *old != conn);
        self.up = Some(Up { conn, is_ours, heard: now, pinged: now });
        (self.dialing, self.gone, self.trouble) = (None, None, None);
        self.wait = FIRST_WAIT;
        Ok(before)
    }

    /// Something came on a connection.
    pub fn heard(&mut self, conn: Conn, now: Instant) {
        if let Some(up) = self.up.as_mut().filter(|up| up.conn == conn) {
            up.heard = now;
        }
    }

    /// A connection has ended; whether it was the link.
    pub fn closed(&mut self, conn: Conn, trouble: Trouble, now: Instant) -> bool {
        if self.conn() != Some(conn) {
            return false;
        }
        self.up = None;
        self.gone = Some(now);
        self.trouble = Some(trouble);
        self.later(now, FIRST_WAIT);
        true
    }

    /// Something has changed that may help: try now.
    pub fn hurry(&mut self, now: Instant) {
        (self.next, self.wait) = (now, FIRST_WAIT);
    }

    fn later(&mut self, now: Instant, wait: Duration) {
        self.next = now + wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    fn unreachable() -> Trouble {
        Trouble::new(Word::Unreachable, "nobody answers")
    }

    /// What is due in each second from then on.
    fn due(link: &mut Link, from: Instant, seconds: u64) -> Vec<(u64, Do)> {
        (0..seconds).filter_map(|second| Some((second, link.tick(after(from, second))?))).collect()
    }

    #[test]
    fn it_dials_at_once_and_then_more_rarely_but_within_a_minute() {
        let now = Instant::now();
        let mut link = Link::new(now);
        let mut dialed = Vec::new();
        for second in 0..200 {
            let at = after(now, second);
            if link.tick(at) == Some(Do::Dial) {
                dialed.push(second);
                link.failed(unreachable(), at, 1.0);
            }
        }
        assert_eq!(dialed[0], 0);
        let waits: Vec<u64> = dialed.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(waits.is_sorted() && waits.iter().all(|wait| (1..=25).contains(wait)), "{waits:?}");
        assert_eq!(link.trouble(), Some(&unreachable()));
    }

    #[test]
    fn an_attempt_that_never_ends_does_not_hold_it_up_for_ever() {
        let now = Instant::now();
        let mut link = Link::new(now);
        assert_eq!(due(&mut link, now, 20), [(0, Do::Dial), (15, Do::Dial)]);
    }

    #[test]
    fn what_needs_somebody_is_tried_more_rarely() {
        let now = Instant::now();
        let mut link = Link::new(now);
        link.failed(Trouble::new(Word::NotTrusted, ""), now, 0.0);
        assert_eq!(due(&mut link, now, 60).first(), Some(&(30, Do::Dial)));
        link.hurry(now);
        assert_eq!(link.tick(after(now, 60)), Some(Do::Dial));
    }

    #[test]
    fn silence_ends_a_link_and_after_a_while_what_was_said() {
        let now = Instant::now();
        let mut link = Link::new(now);
        assert_eq!(link.offered(7, true, true, now), Ok(None));
        assert_eq!(
            due(&mut link, now, 26),
            [(8, Do::Ping(7)), (16, Do::Ping(7)), (24, Do::Ping(7)), (25, Do::Drop(7))]
        );
        assert!(link.closed(7, unreachable(), after(now, 25)));
        let next = due(&mut link, after(now, 25), 16);
        assert_eq!((next[0], next[1]), ((1, Do::Dial), (15, Do::Forget)));
        assert!(!link.closed(7, unreachable(), now), "it is known already");
    }

    #[test]
    fn a_link_that_is_heard_stays() {
        let now = Instant::now();
        let mut link = Link::new(now);
        assert_eq!(link.offered(7, true, true, now), Ok(None));
        for second in 0..200 {
            if let Some(Do::Ping(conn)) = link.tick(after(now, second)) {
                link.heard(conn, after(now, second));
            }
        }
        assert_eq!(link.conn(), Some(7));
    }

    #[test]
    fn of_two_at_once_both_sides_keep_the_same_one() {
        // Connection 1 is dialed by a, 2 by b; a is preferred. In whatever order they come, 1 stays on both sides.
        let now = Instant::now();
        for order in [[1, 2], [2, 1]] {
            for is_a in [true, false] {
                let mut link = Link::new(now);
                for conn in order {
                    let is_ours = (conn == 1) == is_a;
                    let _ = link.offered(conn, is_ours, is_a, now);
                }
                assert_eq!(link.conn(), Some(1), "{order:?} {is_a}");
            }
        }
    }

    #[test]
    fn a_restarted_side_takes_the_place_of_its_own_remnant_at_once_and_of_the_other_s_when_that_is_silent() {
        let now = Instant::now();
        let mut link = Link::new(now);
        assert_eq!(link.offered(1, false, true, now), Ok(None));
        assert_eq!(link.offered(2, false, true, now), Ok(Some(1)), "the same side has dialed again");
        let mut link = Link::new(now);
        assert_eq!(link.offered(1, true, true, now), Ok(None));
        assert_eq!(link.offered(2, false, true, after(now, 3)), Err(()));
        assert_eq!(link.offered(3, false, true, after(now, 11)), Ok(Some(1)));
    }
}
