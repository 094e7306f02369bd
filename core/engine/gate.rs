//! A narrow door for work that takes a processor for a while, such as hashing passwords: so many at a time, and who
//! waits too long is turned away. So guessing cannot take the machine away from everybody.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::catalog::problems::{OVERLOADED, Problem};

const WAIT: Duration = Duration::from_secs(5);

/// The door.
pub struct Gate {
    free: Mutex<usize>,
    released: Condvar,
}

impl Gate {
    /// Lets so many through at a time.
    pub const fn new(at_a_time: usize) -> Self {
        Self { free: Mutex::new(at_a_time), released: Condvar::new() }
    }

    /// Does the work once there is room for it.
    pub fn pass<T>(&self, work: impl FnOnce() -> T) -> Result<T, Problem> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.released.wait_timeout_while(free, WAIT, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            return Err(Problem::new(
                OVERLOADED,
                "Too many people sign in at this moment. Try again in a few seconds.",
            ));
        }
        *free -= 1;
        drop(free);
        let done = work();
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.released.notify_one();
        Ok(done)
    }
}
