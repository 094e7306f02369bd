//! Subscribers of event streams: each on a connection and a thread of its own, counting what it is told and saying
//! when it knows the last value of everybody.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde::Deserialize;

use crate::Outcome;
use crate::client::dial;

/// Note of a last value.
pub const LAST: &str = "last";
const PATIENCE: Duration = Duration::from_secs(30);

/// All subscribers; they leave when this is dropped.
pub struct Crowd {
    told: Arc<AtomicU64>,
    knowing: Receiver<()>,
    count: usize,
    ways: Vec<TcpStream>,
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // Who has left already cannot leave again.
        self.ways.iter().for_each(|way| drop(way.shutdown(Shutdown::Both)));
    }
}

/// As much of an event as a subscriber looks at: clients share the machine with the appliance.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    object: Cow<'a, str>,
    #[serde(borrow)]
    presence: Option<Note<'a>>,
}

#[derive(Deserialize)]
struct Note<'a> {
    #[serde(borrow)]
    note: Cow<'a, str>,
}

impl Crowd {
    /// Opens so many streams with this request; returns when each has been greeted.
    pub fn gather(
        count: usize,
        accounts: usize,
        to: SocketAddr,
        trust: &Arc<ClientConfig>,
        request: &[u8],
    ) -> Outcome<Self> {
        let (told, (ready, greeted), (know, knowing)) = (Arc::default(), channel(), channel());
        let mut ways = Vec::with_capacity(count);
        for _ in 0..count {
            let connection = ClientConnection::new(trust.clone(), ServerName::try_from("localhost")?)?;
            let way = dial(to)?;
            ways.push(way.try_clone()?);
            let mut stream = StreamOwned::new(connection, way);
            stream.write_all(request)?;
            stream.flush()?;
            let (told, ready, know) = (Arc::clone(&told), ready.clone(), know.clone());
            std::thread::spawn(move || listen(BufReader::new(stream), accounts, &told, &ready, &know));
        }
        for _ in 0..count {
            greeted.recv_timeout(PATIENCE)?;
        }
        Ok(Self { told, knowing, count, ways })
    }

    /// Values told so far, to all of them together.
    pub fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }

    /// Waits until each knows the last value of everybody; how long that took.
    pub fn await_last(&self) -> Outcome<Duration> {
        let begun = Instant::now();
        for _ in 0..self.count {
            self.knowing.recv_timeout(PATIENCE).map_err(|_| "a subscriber was not told the last values")?;
        }
        Ok(begun.elapsed())
    }
}

fn listen(lines: impl BufRead, accounts: usize, told: &AtomicU64, ready: &Sender<()>, know: &Sender<()>) {
    let mut known = HashSet::new();
    for line in lines.lines().map_while(Result::ok) {
        if line == "event: ready" {
            // Nobody waits any more when gathering has failed.
            let _ = ready.send(());
        }
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let Ok(Told { object, presence: Some(presence) }) = serde_json::from_str(data) else { continue };
        told.fetch_add(1, Ordering::Relaxed);
        match presence.note == LAST {
            true => drop(known.insert(object.into_owned())),
            false => drop(known.remove(&*object)),
        }
        if known.len() == accounts {
            known.clear();
            let _ = know.send(());
        }
    }
}
