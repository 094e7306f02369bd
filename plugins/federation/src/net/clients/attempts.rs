//! Wrong passwords, counted where they come from. An office has one address: what is bounded first is one login from one
//! address, so that a telephone with an old password stops nobody but its user. An address as a whole has a bound far
//! above that, against those who try many logins; a login has one wherever it is tried from. That one is the appliance's
//! as well, which does not see, however, how many proofs are under way when it gives out keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most of one login from one address; below the most of a login, so that its user gets in from elsewhere.
const MOST_OF_PAIR: u32 = 5;
/// Most of one login from all addresses, as the appliance has it.
const MOST_OF_LOGIN: u32 = 10;
/// Most from one address.
const MOST_OF_ADDRESS: u32 = 300;
/// How long they count, from the first one.
const WITHIN: Duration = Duration::from_secs(300);
/// Most that is remembered in each table.
const REMEMBERED: usize = 10_000;

/// What is remembered.
pub struct Attempts(Mutex<Inside>);

struct Inside {
    pairs: Table<(String, IpAddr)>,
    logins: Table<String>,
    addresses: Table<IpAddr>,
}

/// Somebody must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// For that long.
    pub left: Duration,
    /// Of what there were too many wrong passwords, in words.
    pub of: &'static str,
}

impl Default for Attempts {
    fn default() -> Self {
        Self(Mutex::new(Inside {
            pairs: Table::new(MOST_OF_PAIR),
            logins: Table::new(MOST_OF_LOGIN),
            addresses: Table::new(MOST_OF_ADDRESS),
        }))
    }
}

impl Attempts {
    /// A password for that login (in small letters, with its domain) was wrong.
    pub fn wrong(&self, login: &str, ip: IpAddr, now: Instant) {
        let (mut inside, ip) = (self.lock(), grouped(ip));
        inside.pairs.count((login.to_owned(), ip), now);
        inside.logins.count(login.to_owned(), now);
        inside.addresses.count(ip, now);
    }

    /// It was right: whoever knows it has not guessed from there.
    pub fn right(&self, login: &str, ip: IpAddr) {
        self.lock().pairs.all.remove(&(login.to_owned(), grouped(ip)));
    }

    /// Whether it must not be tried now.
    pub fn must_wait(&self, login: &str, ip: IpAddr, now: Instant) -> Option<Wait> {
        let (inside, ip) = (self.lock(), grouped(ip));
        let of_pair = inside.pairs.left(&(login.to_owned(), ip), now);
        let of_login = inside.logins.left(login, now);
        let of_address = inside.addresses.left(&ip, now);
        [
            (of_pair, "for this login from your address"),
            (of_login, "for this login"),
            (of_address, "from your address"),
        ]
        .into_iter()
        .filter_map(|(left, of)| Some(Wait { left: left?, of }))
        .max_by_key(|wait| wait.left)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts of one kind.
struct Table<K> {
    most: u32,
    all: HashMap<K, Wrong>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    since: Instant,
}

impl<K: Eq + Hash> Table<K> {
    fn new(most: u32) -> Self {
        Self { most, all: HashMap::new() }
    }

    /// One more. Who is over the bound is never forgotten for another one; where all are, a new one is not remembered.
    fn count(&mut self, key: K, now: Instant) {
        if self.all.len() >= REMEMBERED && !self.all.contains_key(&key) {
            self.all.retain(|_, wrong| wrong.counts(now));
            if self.all.len() >= REMEMBERED {
                self.all.retain(|_, wrong| wrong.count >= self.most);
            }
            if self.all.len() >= REMEMBERED {
                return;
            }
        }
        let wrong = self.all.entry(key).or_insert(Wrong { count: 0, since: now });
        if !wrong.counts(now) {
            *wrong = Wrong { count: 0, since: now };
        }
        wrong.count += 1;
    }

    fn left<Q>(&self, key: &Q, now: Instant) -> Option<Duration>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let wrong = self.all.get(key).filter(|wrong| wrong.count >= self.most && wrong.counts(now))?;
        Some(WITHIN - now.duration_since(wrong.since))
    }
}

impl Wrong {
    fn counts(&self, now: Instant) -> bool {
        now.duration_since(self.since) < WITHIN
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

    const OFFICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn of(attempts: &Attempts, login: &str, ip: IpAddr, now: Instant) -> Option<&'static str> {
        attempts.must_wait(login, ip, now).map(|wait| wait.of)
    }

    #[test]
    fn a_telephone_with_an_old_password_stops_only_its_user_and_only_there() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        (0..MOST_OF_PAIR).for_each(|_| attempts.wrong("ben@x", OFFICE, now));
        assert_eq!(of(&attempts, "ben@x", OFFICE, now), Some("for this login from your address"));
        assert_eq!(of(&attempts, "ben@x", HOME, now), None);
        assert_eq!(of(&attempts, "ann@x", OFFICE, now), None);
        let wait = attempts.must_wait("ben@x", OFFICE, now + Duration::from_secs(60)).unwrap();
        assert_eq!(wait.left, Duration::from_secs(240));
        assert_eq!(of(&attempts, "ben@x", OFFICE, now + WITHIN), None);
        attempts.wrong("ben@x", OFFICE, now + WITHIN);
        assert_eq!(of(&attempts, "ben@x", OFFICE, now + WITHIN), None, "they are counted anew");
    }

    #[test]
    fn a_right_password_forgives_the_wrong_ones_from_there_but_not_those_from_elsewhere() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        (1..MOST_OF_PAIR).for_each(|_| attempts.wrong("ben@x", OFFICE, now));
        attempts.right("ben@x", OFFICE);
        (1..MOST_OF_PAIR).for_each(|_| attempts.wrong("ben@x", OFFICE, now));
        assert_eq!(of(&attempts, "ben@x", OFFICE, now), None);
        (0..2).for_each(|_| attempts.wrong("ben@x", HOME, now));
        assert_eq!(of(&attempts, "ben@x", OFFICE, now), Some("for this login"));
        assert_eq!(of(&attempts, "ben@x", HOME, now), Some("for this login"));
    }

    #[test]
    fn who_tries_many_logins_waits_whoever_he_says_he_is() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for n in 0..MOST_OF_ADDRESS {
            assert_eq!(of(&attempts, "ann@x", OFFICE, now), None);
            attempts.wrong(&format!("{n}@x"), OFFICE, now);
        }
        assert_eq!(of(&attempts, "ann@x", OFFICE, now), Some("from your address"));
        assert_eq!(of(&attempts, "ann@x", HOME, now), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_one_is_itself() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for at in 0..MOST_OF_PAIR {
            attempts.wrong("ann@x", format!("2001:db8:0:1::{at:x}").parse().unwrap(), now);
            attempts.wrong("ben@x", "::ffff:10.0.0.1".parse().unwrap(), now);
        }
        for (login, ip, is_bad) in [
            ("ann@x", "2001:db8:0:1:f::1", true),
            ("ann@x", "2001:db8:0:2::1", false),
            ("ben@x", "10.0.0.1", true),
        ] {
            assert_eq!(of(&attempts, login, ip.parse().unwrap(), now).is_some(), is_bad, "{ip}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_guilty_are_not_forgotten() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let spread = |n: u32| IpAddr::from((0x0B00_0000 + n).to_be_bytes());
        (0..MOST_OF_PAIR).for_each(|_| attempts.wrong("ben@x", OFFICE, now));
        for n in 0..3 * REMEMBERED as u32 {
            attempts.wrong(&format!("{n}@x"), spread(n), now);
        }
        assert!(of(&attempts, "ben@x", OFFICE, now).is_some());
        // Guilty ones everywhere.
        for n in 0..REMEMBERED as u32 + 20 {
            (0..MOST_OF_LOGIN).for_each(|_| attempts.wrong(&format!("{n}@y"), spread(n), now));
        }
        let inside = attempts.lock();
        for len in [inside.pairs.all.len(), inside.logins.all.len(), inside.addresses.all.len()] {
            assert!(len <= REMEMBERED, "{len}");
        }
    }
}
