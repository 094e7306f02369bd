//! The private connections to the workers' server and the requests that wait for one. Leaves out moving
//! bytes over them.
//!
//! There are as many connections as workers, so a request waits here, where it is counted and can be
//! withdrawn, and not inside the workers' server, whose queue has no bound. Requests whose body is not yet
//! complete may use at most half of them: slow uploads only delay uploads.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use super::buffer::Buffer;
use super::stream::Stream;

/// Which queue a request waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Complete: a worker will not wait for its client.
    Quick,
    /// Its body is passed on while it arrives.
    Upload,
}

/// What a private connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Connecting, and asking the server for a sign of life under that ticket.
    Greeting(u64),
    /// Ready.
    Free,
    /// Serving that client.
    Serving(u64, Lane),
}

/// One private connection.
#[derive(Debug)]
pub struct Backend {
    /// Rises from connection to connection.
    pub id: u64,
    /// The bytes' way.
    pub stream: Stream,
    /// The server it leads to.
    pub server: SocketAddr,
    /// Its local port, by which the workers know it.
    pub port: u16,
    /// From the worker.
    pub inbox: Buffer,
    /// To the worker.
    pub outbox: Buffer,
    /// What it is doing.
    pub job: Job,
}

/// All private connections and the waiting requests.
#[derive(Debug)]
pub struct Pool {
    size: usize,
    backends: HashMap<u64, Backend>,
    free: Vec<u64>,
    queues: [VecDeque<(u64, u64)>; 2],
    uploading: usize,
    asked: u64,
}

impl Pool {
    /// An empty pool for `size` connections.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            backends: HashMap::new(),
            free: Vec::new(),
            queues: Default::default(),
            uploading: 0,
            asked: 0,
        }
    }

    /// Whether another connection should be opened. One at a time: the workers' server loses sight of a
    /// connection that arrives while it still hands the previous one to a thread.
    pub fn wants_another(&self) -> bool {
        self.backends.len() < self.size && !self.backends.values().any(|b| matches!(b.job, Job::Greeting(_)))
    }

    /// Adds a connection.
    pub fn add(&mut self, backend: Backend) {
        self.backends.insert(backend.id, backend);
    }

    /// A connection by id.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Backend> {
        self.backends.get_mut(&id)
    }

    /// A connection has nothing to do any more.
    pub fn release(&mut self, id: u64) {
        let Some(backend) = self.backends.get_mut(&id) else { return };
        if matches!(backend.job, Job::Serving(_, Lane::Upload)) {
            self.uploading -= 1;
        }
        backend.job = Job::Free;
        self.free.push(id);
    }

    /// Removes a connection.
    pub fn remove(&mut self, id: u64) -> Option<Backend> {
        let backend = self.backends.remove(&id)?;
        if matches!(backend.job, Job::Serving(_, Lane::Upload)) {
            self.uploading -= 1;
        }
        self.free.retain(|free| *free != id);
        Some(backend)
    }

    /// Free connections that lead to another server than `current`.
    pub fn outdated(&self, current: SocketAddr) -> Vec<u64> {
        let leads_elsewhere = |id: &u64| self.backends.get(id).is_none_or(|b| b.server != current);
        self.free.iter().copied().filter(leads_elsewhere).collect()
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// Puts a client's request into its queue.
    pub fn ask(&mut self, client: u64, lane: Lane) {
        self.asked += 1;
        self.queues[lane as usize].push_back((self.asked, client));
    }

    /// Takes a client's request out of the queues.
    pub fn withdraw(&mut self, client: u64) {
        for queue in &mut self.queues {
            queue.retain(|(_, waiting)| *waiting != client);
        }
    }

    /// The next pair of client and connection, now serving it; first come, first served within what the
    /// lanes allow.
    pub fn pair(&mut self) -> Option<(u64, u64)> {
        let lane = self.next_lane()?;
        let backend = self.free.pop()?;
        let (_, client) = self.queues[lane as usize].pop_front()?;
        if lane == Lane::Upload {
            self.uploading += 1;
        }
        self.backends.get_mut(&backend)?.job = Job::Serving(client, lane);
        Some((client, backend))
    }

    fn next_lane(&self) -> Option<Lane> {
        if self.free.is_empty() {
            return None;
        }
        let may_upload = self.uploading < (self.size / 2).max(1);
        let quick = self.queues[Lane::Quick as usize].front();
        let upload = self.queues[Lane::Upload as usize].front().filter(|_| may_upload);
        match (quick, upload) {
            (None, None) => None,
            (Some((asked, _)), Some((earlier, _))) if earlier < asked => Some(Lane::Upload),
            (Some(_), _) => Some(Lane::Quick),
            (None, Some(_)) => Some(Lane::Upload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::door::stream::Socket;
    use mio::net::UnixStream;
    use mio::{Poll, Token};

    fn pool(size: usize) -> Pool {
        let poll = Poll::new().unwrap();
        let mut pool = Pool::new(size);
        for id in 1..=size as u64 {
            let (socket, _) = UnixStream::pair().unwrap();
            let stream = Stream::new(Socket::Unix(socket), poll.registry(), Token(id as usize)).unwrap();
            pool.add(Backend {
                id,
                stream,
                server: SERVER.parse().unwrap(),
                port: 0,
                inbox: Buffer::default(),
                outbox: Buffer::default(),
                job: Job::Free,
            });
            pool.release(id);
        }
        pool
    }

    const SERVER: &str = "127.0.0.1:1";

    #[test]
    fn requests_are_served_in_the_order_they_came() {
        let mut pool = pool(2);
        pool.ask(10, Lane::Upload);
        pool.ask(11, Lane::Quick);
        assert_eq!(pool.pair().map(|(client, _)| client), Some(10));
        assert_eq!(pool.pair().map(|(client, _)| client), Some(11));
        assert_eq!(pool.pair(), None);
    }

    #[test]
    fn uploads_use_at_most_half_of_the_connections() {
        let mut pool = pool(4);
        for client in 10..14 {
            pool.ask(client, Lane::Upload);
        }
        pool.ask(20, Lane::Quick);
        let (_, first) = pool.pair().unwrap();
        assert_eq!(pool.pair().map(|(client, _)| client), Some(11));
        assert_eq!(pool.pair().map(|(client, _)| client), Some(20));
        assert_eq!(pool.pair(), None);
        pool.remove(first);
        assert_eq!(pool.pair().map(|(client, _)| client), Some(12));
    }

    #[test]
    fn a_withdrawn_request_is_not_served() {
        let mut pool = pool(1);
        pool.ask(10, Lane::Quick);
        pool.withdraw(10);
        assert_eq!((pool.waiting(), pool.pair()), (0, None));
    }

    #[test]
    fn only_one_connection_is_opened_at_a_time() {
        let mut pool = pool(2);
        assert!(!pool.wants_another());
        pool.remove(1);
        assert!(pool.wants_another());
        pool.get_mut(2).unwrap().job = Job::Greeting(0);
        assert!(!pool.wants_another());
    }

    #[test]
    fn connections_to_a_replaced_server_are_outdated() {
        let pool = pool(1);
        assert_eq!(pool.outdated(SERVER.parse().unwrap()), Vec::<u64>::new());
        assert_eq!(pool.outdated("127.0.0.1:2".parse().unwrap()), vec![1]);
    }
}
