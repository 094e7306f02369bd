//! How many probes are under way: a few in all, and never two at one host, so that no PBX is disturbed by us being
//! in a hurry.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jackfield_abi::ops::{Code, Failure};

/// Most hosts that are probed at the same time.
const MOST: usize = 8;

/// The hosts that are being probed.
#[derive(Default)]
pub struct Gate {
    inside: Mutex<HashSet<IpAddr>>,
    left: Condvar,
}

/// Held while a host is probed.
pub struct Ticket<'a> {
    gate: &'a Gate,
    host: IpAddr,
}

impl Gate {
    fn inside(&self) -> MutexGuard<'_, HashSet<IpAddr>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for one's turn at a host, but not for ever.
    pub fn enter(&self, host: IpAddr, until: Instant) -> Result<Ticket<'_>, Failure> {
        let host = host.to_canonical();
        let mut inside = self.inside();
        while inside.contains(&host) || inside.len() >= MOST {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let words =
                    format!("other probes keep {host} busy, or there are too many at once; try again");
                return Err(Failure { retry_ms: Some(5000), ..Failure::new(Code::Busy, words) });
            }
            (inside, _) = self.left.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner);
        }
        inside.insert(host);
        Ok(Ticket { gate: self, host })
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.gate.inside().remove(&self.host);
        self.gate.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_host_is_probed_by_one_at_a_time_and_others_beside_it() {
        let (gate, host) = (Gate::default(), IpAddr::from([127, 0, 0, 1]));
        let held = gate.enter(host, Instant::now()).unwrap();
        assert_eq!(gate.enter(host, Instant::now()).err().unwrap().code, Code::Busy);
        assert!(gate.enter("::ffff:127.0.0.1".parse().unwrap(), Instant::now()).is_err());
        assert!(gate.enter(IpAddr::from([127, 0, 0, 2]), Instant::now()).is_ok());
        drop(held);
        assert!(gate.enter(host, Instant::now()).is_ok());
    }

    #[test]
    fn only_a_few_hosts_are_probed_at_once_and_all_get_their_turn() {
        let (gate, inside, most) = (Gate::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let until = Instant::now() + Duration::from_secs(20);
        std::thread::scope(|scope| {
            for n in 0..40 {
                let (gate, inside, most) = (&gate, &inside, &most);
                scope.spawn(move || {
                    let _ticket = gate.enter(IpAddr::from([127, 0, 1, n]), until).unwrap();
                    most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, SeqCst);
                });
            }
        });
        assert!((1..=MOST).contains(&most.load(SeqCst)));
    }
}
