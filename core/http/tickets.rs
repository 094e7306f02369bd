//! The table by which a worker knows that a request came through the door, and from whom. Leaves out
//! authentication, which is the API's.
//!
//! An answer that goes on is handed to the door the same way: the worker leaves the rest of it under the ticket
//! and is free again once the head is sent.
//!
//! A ticket is good for one request on one private connection. The port alone would not do: a request that
//! outlives its connection could meet the same port again under another client's name.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::message::{Client, Feed};

/// Name of the header that carries the ticket between the door and a worker; never passed on to either side.
pub const HEADER: &str = "x-door-ticket";

/// What a ticket entitles to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// The door asks whether the connection has found a thread.
    Greeting,
    /// A request of this client.
    From(Client),
}

/// Why a ticket opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// It was good once: used, or withdrawn because the client went away before a worker was free.
    Spent,
    /// The door never issued it, or not for this connection.
    Foreign,
}

/// Tickets issued and not yet used.
#[derive(Debug, Default)]
pub struct Tickets {
    next: AtomicU64,
    issued: Mutex<HashMap<u64, (u16, Pass)>>,
    /// Requests that are on their way, with the rest of the answer once there is one.
    rests: Mutex<HashMap<u64, Option<Box<dyn Feed>>>>,
}

impl Tickets {
    /// A ticket for the private connection with that local port.
    pub fn issue(&self, port: u16, pass: Pass) -> u64 {
        let ticket = self.next.fetch_add(1, Relaxed);
        self.table().insert(ticket, (port, pass));
        if let Pass::From(_) = pass {
            self.rests().insert(ticket, None);
        }
        ticket
    }

    /// Leaves the rest of an answer for the door; dropped when the door has given the request up.
    pub fn leave(&self, ticket: u64, feed: Box<dyn Feed>) {
        if let Some(rest) = self.rests().get_mut(&ticket) {
            *rest = Some(feed);
        }
    }

    /// Whether the answer goes on.
    pub fn has_rest(&self, ticket: u64) -> bool {
        self.rests().get(&ticket).is_some_and(Option::is_some)
    }

    /// The rest of the answer, if it goes on.
    pub fn take_rest(&self, ticket: u64) -> Option<Box<dyn Feed>> {
        self.rests().remove(&ticket).flatten()
    }

    /// Uses up a ticket.
    pub fn redeem(&self, ticket: u64, port: u16) -> Result<Pass, Invalid> {
        let mut table = self.table();
        match table.get(&ticket) {
            Some((issued_for, pass)) if *issued_for == port => {
                let pass = *pass;
                table.remove(&ticket);
                Ok(pass)
            }
            None if ticket < self.next.load(Relaxed) => Err(Invalid::Spent),
            _ => Err(Invalid::Foreign),
        }
    }

    /// Withdraws a ticket, used or not.
    pub fn withdraw(&self, ticket: u64) {
        self.table().remove(&ticket);
        self.rests().remove(&ticket);
    }

    fn rests(&self) -> MutexGuard<'_, HashMap<u64, Option<Box<dyn Feed>>>> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, HashMap<u64, (u16, Pass)>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_one_request_on_one_port() {
        let tickets = Tickets::default();
        let ticket = tickets.issue(4000, Pass::Greeting);
        assert_eq!(tickets.redeem(ticket, 4001), Err(Invalid::Foreign));
        assert_eq!(tickets.redeem(ticket + 1, 4000), Err(Invalid::Foreign));
        assert_eq!(tickets.redeem(ticket, 4000), Ok(Pass::Greeting));
        assert_eq!(tickets.redeem(ticket, 4000), Err(Invalid::Spent));
    }

    #[derive(Debug)]
    struct Nothing;

    impl Feed for Nothing {
        fn pull(&mut self, _: &mut Vec<u8>, _: usize) -> crate::http::Flow {
            crate::http::Flow::Ended
        }

        fn beat(&mut self, _: &mut Vec<u8>) {}
    }

    #[test]
    fn the_rest_of_an_answer_waits_for_the_door_unless_it_has_given_up() {
        let tickets = Tickets::default();
        let ticket = || tickets.issue(4000, Pass::From(Client::Local { uid: 7 }));
        let (wanted, given_up) = (ticket(), ticket());
        tickets.withdraw(given_up);
        for one in [wanted, given_up] {
            tickets.leave(one, Box::new(Nothing));
        }
        assert!(tickets.has_rest(wanted) && tickets.take_rest(wanted).is_some());
        assert!(!tickets.has_rest(given_up) && tickets.take_rest(given_up).is_none());
        tickets.issue(4000, Pass::Greeting);
        assert!(tickets.rests().is_empty(), "nothing is left behind");
    }

    #[test]
    fn a_withdrawn_ticket_opens_nothing() {
        let tickets = Tickets::default();
        let ticket = tickets.issue(4000, Pass::From(Client::Local { uid: 7 }));
        tickets.withdraw(ticket);
        assert_eq!(tickets.redeem(ticket, 4000), Err(Invalid::Spent));
    }
}
