//! Clients that ask as fast as they are answered, and what that amounts to. Leaves out what they ask.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::Connection;

/// What was seen in one or several rounds.
#[derive(Debug, Default)]
pub struct Samples {
    took: Vec<Duration>,
    elapsed: Duration,
    rates: Vec<f64>,
}

impl Samples {
    /// One round: how long each request took, and the whole.
    pub fn new(took: Vec<Duration>, elapsed: Duration) -> Self {
        let rates = vec![took.len() as f64 / elapsed.as_secs_f64()];
        Self { took, elapsed, rates }
    }

    /// Adds another round.
    pub fn add(&mut self, round: Self) {
        self.took.extend(round.took);
        self.elapsed += round.elapsed;
        self.rates.extend(round.rates);
        self.took.sort_unstable();
    }

    /// Requests in a second.
    pub fn rate(&self) -> f64 {
        self.took.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// How many times as fast this is as `other`: the median over the pairs of neighbouring rounds, so that a
    /// disk that changes its pace between rounds does not decide.
    pub fn ratio(&self, other: &Self) -> f64 {
        let pairs = self.rates.iter().zip(&other.rates);
        let mut ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The time in milliseconds that this part of the requests did not exceed.
    pub fn quantile(&self, part: f64) -> f64 {
        let at = (self.took.len() as f64 * part) as usize;
        let took = self.took.get(at.min(self.took.len().saturating_sub(1)));
        took.map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
    }
}

/// Runs that many clients for that long, each on a connection of its own that is open before the clock starts.
/// `request` gets the client's and the request's number.
pub fn drive(
    clients: usize,
    for_time: Duration,
    connect: impl Fn() -> Outcome<Connection>,
    request: impl Fn(usize, usize) -> Vec<u8> + Sync,
    status: u16,
) -> Outcome<Samples> {
    let connections = (0..clients).map(|_| connect()).collect::<Outcome<Vec<_>>>()?;
    let (request, start) = (&request, &Barrier::new(clients + 1));
    std::thread::scope(|scope| {
        let one = |(client, connection): (usize, Connection)| {
            scope.spawn(move || {
                start.wait();
                ask(connection, for_time, |n| request(client, n), status)
            })
        };
        let running: Vec<_> = connections.into_iter().enumerate().map(one).collect();
        start.wait();
        let begun = Instant::now();
        let mut took = Vec::new();
        for client in running {
            took.extend(client.join().map_err(|_| "a client panicked")??);
        }
        Ok(Samples::new(took, begun.elapsed()))
    })
}

fn ask(
    mut connection: Connection,
    for_time: Duration,
    request: impl Fn(usize) -> Vec<u8>,
    status: u16,
) -> Outcome<Vec<Duration>> {
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < for_time {
        let bytes = request(took.len());
        let asked = Instant::now();
        connection.ask(&bytes, status)?;
        took.push(asked.elapsed());
    }
    Ok(took)
}
