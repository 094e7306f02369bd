//! The way to one client: what waits for it, bounded by count and bytes. A client that does not read is cut off, so that
//! it holds up nobody else; messages that are stored wait in the store.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::s2s::Condition;
use crate::xml::{Element, written_to_client, written_to_client_with};

/// Most deliveries that wait for one client; as many as a large directory has people whose presence comes at login.
const MOST: usize = 20_000;
/// Most bytes that wait for one client.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Most deliveries, and bytes, that are taken at once.
const AT_ONCE: (usize, usize) = (500, 128 * 1024);
/// Most bytes that wait for all clients.
const MOST_OF_ALL: usize = 64 * 1024 * 1024;
/// What a delivery takes besides its text.
const AROUND: usize = 100;

/// One stanza on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// As it is sent; shared by all who get the same.
    pub text: Arc<str>,
    /// Id of the stored message that it is; [`super::Call::Written`] names it afterwards.
    pub id: Option<String>,
}

impl Delivery {
    /// A stanza that is not stored.
    pub fn new(stanza: &Element) -> Self {
        Self { text: written_to_client(stanza).into(), id: None }
    }

    /// A message of the appliance's store, with what names it there.
    pub fn stored(stanza: &Element, named: &Element, id: &str) -> Self {
        Self { text: written_to_client_with(stanza, named).into(), id: Some(id.to_owned()) }
    }

    /// What it counts for.
    pub fn size(&self) -> usize {
        self.text.len() + AROUND
    }
}

/// Why a session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The stream error.
    pub condition: Condition,
    /// The same for people.
    pub words: String,
}

/// It takes no more, and will be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// What comes next for a client.
#[derive(Debug)]
pub enum Next {
    /// These, in order.
    Deliveries(VecDeque<Delivery>),
    /// Its session is over.
    End(End),
}

/// Makes ways to clients; they share a bound.
#[derive(Clone, Default)]
pub struct Outs(Arc<AtomicUsize>);

impl Outs {
    /// The way to one more client.
    pub fn open(&self) -> Out {
        let (inside, news, unacknowledged) = Default::default();
        Out(Arc::new(Mailbox { inside, news, unacknowledged, all: Arc::clone(&self.0) }))
    }
}

/// The way to one client.
#[derive(Clone)]
pub struct Out(Arc<Mailbox>);

struct Mailbox {
    inside: Mutex<Inside>,
    news: Notify,
    /// Bytes that were sent and are not acknowledged.
    unacknowledged: AtomicUsize,
    /// Bytes that wait for all.
    all: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Inside {
    waiting: VecDeque<Delivery>,
    bytes: usize,
    end: Option<End>,
}

impl Out {
    /// Sends, or says that the client takes no more: then its session is ended.
    pub fn send(&self, delivery: Delivery) -> Result<(), Full> {
        let mut inside = self.lock();
        if inside.end.is_some() {
            return Err(Full);
        }
        let size = delivery.size();
        let is_full = inside.waiting.len() >= MOST
            || inside.bytes + size > MOST_BYTES
            || self.0.all.fetch_add(size, Ordering::Relaxed) + size > MOST_OF_ALL && {
                self.0.all.fetch_sub(size, Ordering::Relaxed);
                true
            };
        if is_full {
            drop(inside);
            self.end(Condition::ResourceConstraint, "this client does not take what is sent to it");
            return Err(Full);
        }
        inside.bytes += size;
        inside.waiting.push_back(delivery);
        drop(inside);
        self.0.news.notify_one();
        Ok(())
    }

    /// Ends the session: what still waits is not sent, and the first reason counts.
    pub fn end(&self, condition: Condition, words: &str) {
        let mut inside = self.lock();
        self.0.forget(&mut inside);
        inside.end.get_or_insert_with(|| End { condition, words: words.to_owned() });
        drop(inside);
        self.0.news.notify_one();
    }

    /// Notes how many bytes were sent and are not acknowledged.
    pub fn note_unacknowledged(&self, bytes: usize) {
        self.0.unacknowledged.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that the client does not have yet, as far as is known.
    pub fn waiting(&self) -> usize {
        self.lock().bytes + self.0.unacknowledged.load(Ordering::Relaxed)
    }

    /// Waits for what comes next. Nothing is lost when the wait is given up; one waits at a time.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.0.news.notified().await;
        }
    }

    /// What comes next, if there is anything.
    pub fn take(&self) -> Option<Next> {
        let mut inside = self.lock();
        if let Some(end) = &inside.end {
            return Some(Next::End(end.clone()));
        }
        let some = self.0.take_some(&mut inside);
        (!some.is_empty()).then_some(Next::Deliveries(some))
    }

    /// Waits until the session has ended.
    pub async fn ended(&self) -> End {
        loop {
            if let Some(end) = &self.lock().end {
                return end.clone();
            }
            self.0.news.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailbox {
    /// The first ones, as many as go at once.
    fn take_some(&self, inside: &mut Inside) -> VecDeque<Delivery> {
        let (mut some, mut bytes) = (VecDeque::new(), 0);
        while some.len() < AT_ONCE.0
            && bytes < AT_ONCE.1
            && let Some(delivery) = inside.waiting.pop_front()
        {
            bytes += delivery.size();
            some.push_back(delivery);
        }
        inside.bytes -= bytes;
        self.all.fetch_sub(bytes, Ordering::Relaxed);
        if inside.waiting.is_empty() {
            inside.waiting = VecDeque::new();
        }
        some
    }

    /// Empties it, and gives back the room.
    fn forget(&self, inside: &mut Inside) -> VecDeque<Delivery> {
        self.all.fetch_sub(std::mem::take(&mut inside.bytes), Ordering::Relaxed);
        std::mem::take(&mut inside.waiting)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let inside = self.inside.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.all.fetch_sub(inside.bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(size: usize) -> Delivery {
        Delivery { text: "x".repeat(size).into(), id: None }
    }

    #[test]
    fn what_is_sent_comes_in_order_and_the_room_is_given_back() {
        let outs = Outs::default();
        let out = outs.open();
        for size in 1..4 {
            out.send(text(size)).unwrap();
        }
        let Some(Next::Deliveries(all)) = out.take() else { panic!("nothing came") };
        assert_eq!(all.iter().map(|one| one.text.len()).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(out.take().is_none());
        out.send(text(5)).unwrap();
        drop(out);
        assert_eq!(outs.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn who_does_not_read_is_cut_off_and_the_others_go_on() {
        let outs = Outs::default();
        let (slow, other) = (outs.open(), outs.open());
        let sent = (0..100).take_while(|_| slow.send(text(100_000)).is_ok()).count();
        assert!((30..50).contains(&sent), "{sent}");
        assert!(matches!(slow.take(), Some(Next::End(End { condition: Condition::ResourceConstraint, .. }))));
        assert_eq!(slow.send(text(1)), Err(Full));
        assert_eq!(outs.0.load(Ordering::Relaxed), 0);
        other.send(text(1)).unwrap();
    }

    #[test]
    fn all_of_them_together_are_bounded() {
        let outs = Outs::default();
        let all: Vec<_> = (0..20).map(|_| outs.open()).collect();
        let full = all.iter().filter(|out| (0..40).any(|_| out.send(text(100_000)).is_err())).count();
        assert!((1..20).contains(&full), "{full}");
        assert!(outs.0.load(Ordering::Relaxed) <= MOST_OF_ALL);
    }

    #[test]
    fn the_first_reason_of_an_end_counts() {
        let out = Outs::default().open();
        out.end(Condition::NotAuthorized, "the password was changed");
        out.end(Condition::SystemShutdown, "");
        assert!(matches!(out.take(), Some(Next::End(End { condition: Condition::NotAuthorized, .. }))));
    }
}
