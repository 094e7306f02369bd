//! A peer's directory on its way here: first whole, then only what changed since the place that was reached. A place that
//! the other side does not know any more, or another epoch, means the whole again. Decides what to ask for and what to do
//! with a page; guards and writing are the appliance's.

use std::time::{Duration, Instant};

use super::frame::{Page, Place};

/// Longest wait for a page.
const PAGE_WITHIN: Duration = Duration::from_secs(60);
/// Most people of one peer.
const MOST: u64 = 1_000_000;

/// Where a directory was reached: what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// The other side's epoch; empty: nothing was brought yet.
    pub epoch: String,
    /// The place in it.
    pub place: Place,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Order {
    /// The whole, whatever was reached.
    pub whole: bool,
    /// Only say what would change.
    pub dry_run: bool,
    /// An administrator has confirmed what was held.
    pub confirm: bool,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask the other side for a page.
    Ask(Reached),
    /// Hand a page to the appliance; in a new run where `opens` says so (`Some(true)`: the whole), and it is the last
    /// where `closes`.
    Work {
        /// What came.
        page: Box<Page>,
        /// Begins a run.
        opens: Option<bool>,
        /// Ends it.
        closes: bool,
    },
    /// Break the run off; nothing of it stays.
    Abandon(String),
    /// Nothing has changed.
    Nothing(Reached),
}

#[derive(Debug)]
enum State {
    Idle,
    /// A page was asked for.
    Asked {
        since: Instant,
    },
    /// The appliance has a page.
    Working {
        closes: bool,
    },
}

/// The directory of one peer.
#[derive(Debug)]
pub struct Share {
    reached: Reached,
    state: State,
    order: Order,
    /// What the run under way has reached; none: no run is open.
    run: Option<Reached>,
    at: Reached,
    got: u64,
    total: u64,
    /// Something changed meanwhile.
    again: Option<Order>,
}

impl Share {
    /// From what is kept.
    pub fn new(reached: Reached) -> Self {
        let (at, order) = (Reached::default(), Order::default());
        Self { reached, state: State::Idle, order, run: None, at, got: 0, total: 0, again: None }
    }

    /// How far a run is: people so far, and of how many; none: nothing runs.
    pub fn progress(&self) -> Option<(u64, u64)> {
        (!matches!(self.state, State::Idle)).then_some((self.got, self.total.max(self.got)))
    }

    /// The order of the run under way.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Begins, or does it once more after what runs now.
    pub fn want(&mut self, order: Order, now: Instant) -> Option<Step> {
        if !matches!(self.state, State::Idle) {
            let before = self.again.unwrap_or_default();
            let whole = before.whole || order.whole;
            self.again =
                Some(Order { whole, confirm: before.confirm || order.confirm, dry_run: order.dry_run });
            return None;
        }
        self.order = order;
        let is_new = order.whole || order.dry_run;
        self.at = if is_new { Reached::default() } else { self.reached.clone() };
        (self.got, self.total) = (0, 0);
        Some(self.ask(now))
    }

    /// What was wanted meanwhile, when nothing runs any more.
    pub fn next(&mut self, now: Instant) -> Option<Step> {
        let is_idle = matches!(self.state, State::Idle);
        let order = self.again.take_if(|_| is_idle)?;
        self.want(order, now)
    }

    fn ask(&mut self, now: Instant) -> Step {
        self.state = State::Asked { since: now };
        Step::Ask(self.at.clone())
    }

    /// A page has come; the error is what is wrong with it, and the link ends.
    pub fn page(&mut self, page: Page) -> Result<Step, String> {
        if !matches!(self.state, State::Asked { .. }) {
            return Err("a page of the directory came that nobody has asked for".to_owned());
        }
        if page.epoch.is_empty() {
            return Err("a page of the directory names no epoch".to_owned());
        }
        let is_ahead = (page.next.change, &page.next.key) > (self.at.place.change, &self.at.place.key);
        if !page.from_start && page.epoch != self.at.epoch {
            return Err("a page of the directory is of another epoch, and does not begin it".to_owned());
        }
        if page.more && !page.from_start && !is_ahead {
            return Err("the directory's pages do not go on".to_owned());
        }
        self.got += (page.entries.len() + page.gone.len()) as u64;
        if self.got > MOST {
            return Err(format!("the directory has more than {MOST} people"));
        }
        self.total = self.total.max(page.total);
        let next = Reached { epoch: page.epoch.clone(), place: page.next.clone() };
        let is_empty = page.entries.is_empty() && page.gone.is_empty();
        match (&self.run, page.from_start) {
            // The other side began anew in the middle: what was brought so far does not count.
            (Some(_), true) => {
                self.run = None;
                self.order.whole = true;
                self.at = Reached::default();
                self.state = State::Idle;
                self.again = Some(self.order);
                Ok(Step::Abandon("the directory over there began anew meanwhile".to_owned()))
            }
            (None, false) if is_empty && !page.more => {
                self.state = State::Idle;
                self.reached = next.clone();
                Ok(Step::Nothing(next))
            }
            (run, from_start) => {
                let opens = run.is_none().then_some(from_start);
                let closes = !page.more;
                self.run = Some(next.clone());
                self.at = next;
                self.state = State::Working { closes };
                Ok(Step::Work { page: Box::new(page), opens, closes })
            }
        }
    }

    /// The appliance has dealt with a page. After the last one: what was reached, to be kept; none where nothing was
    /// changed because it was a dry run or held.
    pub fn worked(&mut self, is_kept: bool, now: Instant) -> Result<Step, Option<Reached>> {
        if let State::Working { closes: false } = self.state {
            return Ok(self.ask(now));
        }
        self.state = State::Idle;
        let reached = self.run.take().filter(|_| is_kept && !self.order.dry_run);
        if let Some(reached) = &reached {
            self.reached = reached.clone();
        }
        Err(reached)
    }

    /// The run is over before its end: the link is gone, or the appliance refused. Whether one was open there.
    pub fn broken(&mut self) -> bool {
        self.state = State::Idle;
        self.run.take().is_some()
    }

    /// Whether a page is overdue.
    pub fn is_overdue(&self, now: Instant) -> bool {
        matches!(self.state, State::Asked { since } if now.duration_since(since) >= PAGE_WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Entry;
    use super::*;

    fn reached(epoch: &str, change: i64, key: &str) -> Reached {
        Reached { epoch: epoch.into(), place: Place { change, key: key.into() } }
    }

    fn page(epoch: &str, from_start: bool, next: i64, more: bool) -> Page {
        let entry = Entry { key: format!("k{next}"), ..Entry::default() };
        let next = Place { change: next, key: String::new() };
        Page {
            epoch: epoch.into(),
            from_start,
            entries: vec![entry],
            next,
            more,
            total: 9,
            ..Page::default()
        }
    }

    #[track_caller]
    fn works(step: Result<Step, String>, opens: Option<bool>, closes: bool) {
        let Ok(Step::Work { opens: opened, closes: closed, .. }) = step else { panic!("{step:?}") };
        assert_eq!((opened, closed), (opens, closes));
    }

    #[test]
    fn first_whole_then_changes_only() {
        let (mut share, now) = (Share::new(Reached::default()), Instant::now());
        assert_eq!(share.want(Order::default(), now), Some(Step::Ask(Reached::default())));
        works(share.page(page("e", true, 1, true)), Some(true), false);
        assert_eq!(share.worked(true, now), Ok(Step::Ask(reached("e", 1, ""))));
        assert_eq!(share.progress(), Some((1, 9)));
        works(share.page(page("e", false, 2, false)), None, true);
        assert_eq!(share.worked(true, now), Err(Some(reached("e", 2, ""))));
        assert_eq!(share.want(Order::default(), now), Some(Step::Ask(reached("e", 2, ""))));
        works(share.page(page("e", false, 3, false)), Some(false), true);
        assert_eq!(share.worked(true, now), Err(Some(reached("e", 3, ""))));
    }

    #[test]
    fn nothing_new_opens_no_run() {
        let (mut share, now) = (Share::new(reached("e", 2, "")), Instant::now());
        share.want(Order::default(), now);
        let empty = Page { entries: vec![], ..page("e", false, 5, false) };
        assert_eq!(share.page(empty), Ok(Step::Nothing(reached("e", 5, ""))));
        // An empty whole is for the appliance's guards to judge.
        share.want(Order { whole: true, ..Order::default() }, now);
        let empty = Page { entries: vec![], ..page("e", true, 5, false) };
        works(share.page(empty), Some(true), true);
    }

    #[test]
    fn a_place_that_is_not_known_any_more_means_the_whole_again() {
        let (mut share, now) = (Share::new(reached("old", 7, "")), Instant::now());
        assert_eq!(share.want(Order::default(), now), Some(Step::Ask(reached("old", 7, ""))));
        works(share.page(page("new", true, 1, false)), Some(true), true);
        assert_eq!(share.worked(true, now), Err(Some(reached("new", 1, ""))));
    }

    #[test]
    fn an_epoch_that_begins_in_the_middle_of_a_run_breaks_it_off_and_begins_the_whole() {
        let (mut share, now) = (Share::new(Reached::default()), Instant::now());
        share.want(Order::default(), now);
        works(share.page(page("e", true, 1, true)), Some(true), false);
        share.worked(true, now).unwrap();
        assert!(matches!(share.page(page("f", true, 1, true)), Ok(Step::Abandon(_))));
        assert_eq!(share.next(now), Some(Step::Ask(Reached::default())));
    }

    #[test]
    fn what_was_held_or_only_tried_is_asked_for_again() {
        let (mut share, now) = (Share::new(reached("e", 2, "")), Instant::now());
        share.want(Order::default(), now);
        works(share.page(page("e", false, 3, false)), Some(false), true);
        assert_eq!(share.worked(false, now), Err(None));
        let tried = share.want(Order { dry_run: true, ..Order::default() }, now);
        assert_eq!(tried, Some(Step::Ask(Reached::default())), "a dry run is of the whole");
        works(share.page(page("e", true, 3, false)), Some(true), true);
        assert_eq!(share.worked(true, now), Err(None));
        assert_eq!(share.want(Order::default(), now), Some(Step::Ask(reached("e", 2, ""))));
    }

    #[test]
    fn what_is_wanted_meanwhile_comes_afterwards_once() {
        let (mut share, now) = (Share::new(reached("e", 2, "")), Instant::now());
        share.want(Order::default(), now);
        assert_eq!(share.want(Order::default(), now), None);
        assert_eq!(share.want(Order { confirm: true, ..Order::default() }, now), None);
        assert_eq!(share.next(now), None);
        assert!(!share.broken(), "no run was open");
        assert_eq!(share.next(now), Some(Step::Ask(reached("e", 2, ""))));
        assert!(share.order().confirm);
        assert_eq!(share.next(now), None);
        assert!(!share.is_overdue(now) && share.is_overdue(now + PAGE_WITHIN));
    }

    #[test]
    fn pages_that_make_no_sense_end_the_link() {
        let now = Instant::now();
        for (wrong, words) in [
            (page("", true, 1, false), "no epoch"),
            (page("other", false, 3, false), "another epoch"),
            (page("e", false, 2, true), "do not go on"),
            (page("e", false, 1, true), "do not go on"),
        ] {
            let mut share = Share::new(reached("e", 2, ""));
            share.want(Order::default(), now);
            let error = share.page(wrong).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let mut share = Share::new(reached("e", 2, ""));
        assert!(share.page(page("e", false, 3, false)).unwrap_err().contains("nobody has asked"));
    }
}
