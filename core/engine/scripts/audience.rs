//! Wakes whoever tells scripts of presence when other scripts serve than before, and says from where on they listen: the
//! place in the news at that moment, so that nothing that happens right after is missed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::news::{News, Position};

/// Since when the scripts that serve are the same.
pub struct Audience {
    news: Arc<News>,
    since: Mutex<Since>,
    changed: Condvar,
}

/// One such time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// Where the news stood when it began.
    pub place: Position,
    /// How many there were before.
    number: u64,
    /// Whether it is the last: the appliance ends.
    pub is_over: bool,
}

impl Audience {
    /// Of these news.
    pub fn new(news: Arc<News>) -> Self {
        let since = Since { place: news.here(), number: 0, is_over: false };
        Self { news, since: Mutex::new(since), changed: Condvar::new() }
    }

    /// Other scripts serve from now on.
    pub fn change(&self) {
        let mut since = self.lock();
        (since.place, since.number) = (self.news.here(), since.number + 1);
        self.changed.notify_all();
    }

    /// Nobody listens any more.
    pub fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// The time now.
    pub fn since(&self) -> Since {
        *self.lock()
    }

    /// Waits until another time begins than the one that was seen, or for so long.
    pub fn await_another(&self, seen: Since, within: Option<Duration>) -> Since {
        let since = self.lock();
        let is_same = |since: &mut Since| *since == seen;
        match within {
            None => *self.changed.wait_while(since, is_same).unwrap_or_else(PoisonError::into_inner),
            Some(within) => {
                let waited = self.changed.wait_timeout_while(since, within, is_same);
                *waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Since> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::Fired;

    #[test]
    fn who_waits_is_woken_by_another_time_and_told_where_it_began() {
        let news = Arc::new(News::of_epoch(1));
        let audience = Arc::new(Audience::new(Arc::clone(&news)));
        let seen = audience.since();
        assert_eq!(audience.await_another(seen, Some(Duration::ZERO)), seen);
        let waiting = Arc::clone(&audience);
        let waiter = std::thread::spawn(move || waiting.await_another(seen, None));
        news.tell(&Fired { event: "hook.changed".to_owned(), object: "x".to_owned() });
        audience.change();
        let woken = waiter.join().unwrap();
        assert_eq!((woken.place, woken.is_over), (Position { epoch: 1, number: 1 }, false));
        audience.end();
        assert!(audience.await_another(woken, None).is_over);
    }
}
