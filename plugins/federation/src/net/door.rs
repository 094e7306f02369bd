//! Who is in: connections are bounded, those that have not proved who they are more narrowly.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Bounds of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Most of one address that have not proved who they are.
    pub of_address: usize,
    /// Most of all that have not.
    pub strangers: usize,
    /// Most of all.
    pub all: usize,
}

/// Counts who is in.
pub struct Door {
    caps: Caps,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    strangers: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection that was let in.
pub struct Guest {
    door: Arc<Door>,
    ip: IpAddr,
    is_stranger: bool,
}

impl Door {
    /// Nobody is in.
    pub fn new(caps: Caps) -> Arc<Self> {
        Arc::new(Self { caps, inside: Mutex::default() })
    }

    /// Lets one more in, if there is room.
    pub fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Guest> {
        let Caps { of_address: most_of_address, strangers, all } = self.caps;
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = inside.by_address.get(&ip).copied().unwrap_or_default();
        if inside.all >= all || inside.strangers >= strangers || of_address >= most_of_address {
            return None;
        }
        inside.all += 1;
        inside.strangers += 1;
        *inside.by_address.entry(ip).or_default() += 1;
        Some(Guest { door: Arc::clone(self), ip, is_stranger: true })
    }
}

impl Guest {
    /// Whether it has not proved who it is.
    pub fn is_stranger(&self) -> bool {
        self.is_stranger
    }

    /// It has.
    pub fn become_known(&mut self) {
        if !std::mem::replace(&mut self.is_stranger, false) {
            return;
        }
        let mut inside = self.door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.strangers -= 1;
        if let Some(count) = inside.by_address.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                inside.by_address.remove(&self.ip);
            }
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.become_known();
        self.door.inside.lock().unwrap_or_else(PoisonError::into_inner).all -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_of_one_address_are_bounded_and_make_room_when_they_are_known_or_gone() {
        let (door, ip) =
            (Door::new(Caps { of_address: 16, strangers: 256, all: 2000 }), IpAddr::from([127, 0, 0, 1]));
        let mut guests: Vec<_> = (0..16).map(|_| door.enter(ip).unwrap()).collect();
        assert!(door.enter(ip).is_none());
        assert!(door.enter(IpAddr::from([127, 0, 0, 2])).is_some());
        guests[0].become_known();
        let more = door.enter(ip).unwrap();
        assert!(door.enter(ip).is_none());
        drop(more);
        assert!(door.enter(ip).is_some());
        drop(guests);
        let inside = door.inside.lock().unwrap();
        assert_eq!((inside.all, inside.strangers, inside.by_address.len()), (0, 0, 0));
    }
}
