//! Who may come in when it is full: pure rules on numbers. Leaves out sockets and what is done with the answer.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};

/// The unit in which connections of one origin are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An IPv4 address, or the first address of an IPv6 /64, which one household or host owns entirely.
    Network(IpAddr),
    /// The control socket.
    ThisMachine,
}

impl Origin {
    /// The origin an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        Self::Network(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        })
    }
}

/// What to do with a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// There is room.
    Welcome,
    /// There is room once this connection is closed.
    Replacing(u64),
    /// Everybody inside has delivered a request: close the newcomer.
    Refused,
}

/// Open connections, counted in total and by origin. Ids rise with time, so the smallest is the oldest.
#[derive(Debug, Default)]
pub struct Caps {
    total: usize,
    unproven: BTreeSet<u64>,
    origins: HashMap<Origin, Group>,
}

#[derive(Debug, Default)]
struct Group {
    open: usize,
    unproven: BTreeSet<u64>,
}

impl Caps {
    /// Decides on one more connection of that origin under caps of `total` and `per_origin` connections.
    /// Counts nothing: call [`Caps::enter`] once it is in.
    pub fn judge(&self, origin: Origin, total: usize, per_origin: usize) -> Admission {
        if let Some(group) = self.origins.get(&origin)
            && group.open >= per_origin
        {
            return replacing(group.unproven.first());
        }
        if self.total >= total {
            return replacing(self.unproven.first());
        }
        Admission::Welcome
    }

    /// A connection is in; it has not delivered a request yet.
    pub fn enter(&mut self, id: u64, origin: Origin) {
        self.total += 1;
        self.unproven.insert(id);
        let group = self.origins.entry(origin).or_default();
        group.open += 1;
        group.unproven.insert(id);
    }

    /// A connection has delivered a complete request and is safe from now on.
    pub fn delivered(&mut self, id: u64, origin: Origin) {
        self.unproven.remove(&id);
        if let Some(group) = self.origins.get_mut(&origin) {
            group.unproven.remove(&id);
        }
    }

    /// A connection is gone.
    pub fn leave(&mut self, id: u64, origin: Origin) {
        self.total = self.total.saturating_sub(1);
        self.unproven.remove(&id);
        let Some(group) = self.origins.get_mut(&origin) else { return };
        group.open = group.open.saturating_sub(1);
        group.unproven.remove(&id);
        if group.open == 0 {
            self.origins.remove(&origin);
        }
    }
}

fn replacing(oldest: Option<&u64>) -> Admission {
    oldest.map_or(Admission::Refused, |id| Admission::Replacing(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        Origin::of(address.parse().unwrap())
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_together() {
        assert_eq!(origin("2001:db8:0:1::5"), origin("2001:db8:0:1:ffff::9"));
        assert_ne!(origin("2001:db8:0:1::5"), origin("2001:db8:0:2::5"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
    }

    #[test]
    fn a_newcomer_replaces_the_oldest_that_never_delivered() {
        let mut caps = Caps::default();
        for (id, address) in [(1, "192.0.2.1"), (2, "192.0.2.2"), (3, "192.0.2.3")] {
            caps.enter(id, origin(address));
        }
        caps.delivered(1, origin("192.0.2.1"));
        assert_eq!(caps.judge(origin("192.0.2.9"), 4, 9), Admission::Welcome);
        assert_eq!(caps.judge(origin("192.0.2.9"), 3, 9), Admission::Replacing(2));
    }

    #[test]
    fn nobody_who_delivered_is_replaced() {
        let mut caps = Caps::default();
        caps.enter(1, origin("192.0.2.1"));
        caps.delivered(1, origin("192.0.2.1"));
        assert_eq!(caps.judge(origin("192.0.2.9"), 1, 9), Admission::Refused);
    }

    #[test]
    fn a_greedy_address_only_displaces_itself() {
        let mut caps = Caps::default();
        caps.enter(1, origin("192.0.2.1"));
        caps.enter(2, origin("192.0.2.2"));
        caps.enter(3, origin("192.0.2.2"));
        assert_eq!(caps.judge(origin("192.0.2.2"), 9, 2), Admission::Replacing(2));
        assert_eq!(caps.judge(origin("192.0.2.1"), 9, 2), Admission::Welcome);
    }

    #[test]
    fn who_leaves_makes_room() {
        let mut caps = Caps::default();
        caps.enter(1, origin("192.0.2.1"));
        caps.leave(1, origin("192.0.2.1"));
        assert_eq!(caps.judge(origin("192.0.2.1"), 1, 1), Admission::Welcome);
        assert!(caps.origins.is_empty());
    }
}
