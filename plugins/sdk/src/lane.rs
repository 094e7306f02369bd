//! A bounded queue between the host's thread and the plugin's threads: never blocks who puts something in,
//! and hands back what is left when it is closed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The queue.
pub struct Lane<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

impl<T> Lane<T> {
    /// A queue for that many.
    pub fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), is_closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    /// Puts one in, or gives it back when the queue is full or closed.
    pub fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.is_closed || state.waiting.len() >= self.capacity {
            return Err(item);
        }
        state.waiting.push_back(item);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for the next one; none once the queue is closed. Bounded by [`Self::close`], which every stop
    /// calls.
    pub fn pop(&self) -> Option<T> {
        let state = self.lock();
        let wanting = |state: &mut State<T>| state.waiting.is_empty() && !state.is_closed;
        let mut state = self.filled.wait_while(state, wanting).unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }

    /// Takes nothing more and gives back what nobody has taken.
    pub fn close(&self) -> VecDeque<T> {
        let mut state = self.lock();
        state.is_closed = true;
        self.filled.notify_all();
        std::mem::take(&mut state.waiting)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_lane_gives_the_item_back() {
        let lane = Lane::new(1);
        assert_eq!(lane.push(1), Ok(()));
        assert_eq!(lane.push(2), Err(2));
        assert_eq!(lane.pop(), Some(1));
        assert_eq!(lane.push(3), Ok(()));
    }

    #[test]
    fn closing_hands_back_the_rest_and_ends_who_waits() {
        let lane = Lane::new(2);
        assert_eq!(lane.push(1), Ok(()));
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| (lane.pop(), lane.pop()));
            while !lane.lock().waiting.is_empty() {
                std::thread::yield_now();
            }
            assert!(lane.close().is_empty());
            assert_eq!(taken.join().unwrap(), (Some(1), None));
        });
        assert_eq!(lane.push(2), Err(2));
    }
}
