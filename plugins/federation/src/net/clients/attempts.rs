//! Wrong proofs by address: whoever has too many may try again later. The appliance bounds them by login besides.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most wrong proofs from one address within [`WITHIN`].
const MOST: u32 = 30;
/// How long they count, from the first one.
const WITHIN: Duration = Duration::from_secs(300);
/// Most addresses that are remembered; who is over the bound is never forgotten for another one.
const REMEMBERED: usize = 10_000;

/// Wrong proofs of one address.
#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    since: Instant,
}

/// What is remembered.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<IpAddr, Wrong>>);

impl Attempts {
    /// One more was wrong.
    pub fn wrong(&self, ip: IpAddr, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ip = grouped(ip);
        if all.len() >= REMEMBERED && !all.contains_key(&ip) {
            all.retain(|_, wrong| now.duration_since(wrong.since) < WITHIN);
            if all.len() >= REMEMBERED {
                all.retain(|_, wrong| wrong.count >= MOST);
            }
        }
        let wrong = all.entry(ip).or_insert(Wrong { count: 0, since: now });
        if now.duration_since(wrong.since) >= WITHIN {
            *wrong = Wrong { count: 0, since: now };
        }
        wrong.count += 1;
    }

    /// How long that address must wait; none: it may try.
    pub fn must_wait(&self, ip: IpAddr, now: Instant) -> Option<Duration> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = all.get(&grouped(ip))?;
        let left = WITHIN.checked_sub(now.duration_since(wrong.since))?;
        (wrong.count >= MOST && !left.is_zero()).then_some(left)
    }
}

/// Somebody has a whole network of IPv6 for himself.
fn grouped(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_wrong_too_often_waits_and_others_do_not() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let (bad, good) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        (0..MOST).for_each(|_| attempts.wrong(bad, now));
        assert_eq!(attempts.must_wait(bad, now + Duration::from_secs(60)), Some(Duration::from_secs(240)));
        assert_eq!(attempts.must_wait(good, now), None);
        assert_eq!(attempts.must_wait(bad, now + WITHIN), None);
        attempts.wrong(bad, now + WITHIN);
        assert_eq!(attempts.must_wait(bad, now + WITHIN), None, "they are counted anew");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_one_is_itself() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for at in 0..MOST {
            let ip: IpAddr = format!("2001:db8:0:1::{at:x}").parse().unwrap();
            attempts.wrong(ip, now);
            attempts.wrong("::ffff:10.0.0.1".parse().unwrap(), now);
        }
        for (ip, is_bad) in [("2001:db8:0:1:f::1", true), ("2001:db8:0:2::1", false), ("10.0.0.1", true)] {
            assert_eq!(attempts.must_wait(ip.parse().unwrap(), now).is_some(), is_bad, "{ip}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let bad = IpAddr::from([10, 0, 0, 1]);
        (0..MOST).for_each(|_| attempts.wrong(bad, now));
        for at in 0..30_000u32 {
            attempts.wrong(IpAddr::from((0x0B00_0000 + at).to_be_bytes()), now);
        }
        assert!(attempts.0.lock().unwrap().len() <= REMEMBERED);
        assert!(attempts.must_wait(bad, now).is_some());
    }
}
