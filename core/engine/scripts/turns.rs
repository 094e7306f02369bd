//! Turns to change what the scripts' processes have loaded: one at a time, and few wait, because each who waits holds
//! one of the workers that answer requests.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest wait for a turn; one lasts about as long where a process is slow.
const WAIT: Duration = Duration::from_secs(15);
/// Most who wait.
const MOST_WAITING: usize = 3;

/// Who has the turn, and how many wait for it.
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_taken: bool,
    waiting: usize,
}

/// The turn; ends when it is dropped.
#[derive(Debug)]
pub struct Ticket<'a>(&'a Turns);

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of somebody who waits for an answer; the error is a sentence.
    pub fn take(&self) -> Result<Ticket<'_>, String> {
        self.take_within(WAIT)
    }

    /// The turn of a thread that has nothing else to do.
    pub fn wait(&self) -> Ticket<'_> {
        let state = self.freed.wait_while(self.state(), |state| state.is_taken);
        state.unwrap_or_else(PoisonError::into_inner).is_taken = true;
        Ticket(self)
    }

    fn take_within(&self, within: Duration) -> Result<Ticket<'_>, String> {
        let until = Instant::now() + within;
        let mut state = self.state();
        if state.is_taken && state.waiting >= MOST_WAITING {
            return Err(format!("{MOST_WAITING} others wait already until a script has been tried"));
        }
        state.waiting += 1;
        while state.is_taken {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.waiting -= 1;
                return Err(format!("another script was still being tried after {} s", within.as_secs()));
            }
            (state, _) = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.is_taken = true;
        Ok(Ticket(self))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.state().is_taken = false;
        // Some wait with a limit, one without: whoever wakes first takes it.
        self.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn one_has_the_turn_and_who_waits_too_long_is_told() {
        let turns = Turns::default();
        let held = turns.take().unwrap();
        let cause = turns.take_within(Duration::ZERO).unwrap_err();
        assert_eq!(cause, "another script was still being tried after 0 s");
        drop(held);
        drop(turns.take_within(Duration::ZERO).unwrap());
        drop(turns.wait());
        assert_eq!(turns.state().waiting, 0);
    }

    #[test]
    fn few_wait_and_all_of_them_get_their_turn() {
        let turns = Turns::default();
        thread::scope(|scope| {
            let held = turns.take().unwrap();
            let waiting: Vec<_> = (0..MOST_WAITING).map(|_| scope.spawn(|| turns.take().map(drop))).collect();
            while turns.state().waiting < MOST_WAITING {
                thread::yield_now();
            }
            assert!(turns.take().unwrap_err().contains("others wait already"));
            drop(held);
            assert!(waiting.into_iter().all(|one| one.join().unwrap().is_ok()));
        });
    }
}
