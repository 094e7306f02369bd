//! A directory on its way to the appliance: one thread reads, another tells what was read, a batch at a time, so that
//! memory does not grow with the directory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use jackfield_sdk::{Code, DirectoryEntry, Failure, Host, Job, Run};

use super::harvest::{self, Batch, Summary};
use super::person::{Flaw, Person};
use super::photo;
use super::record::MOST_FLAWS;
use super::run::Order;
use super::source::Source;
use crate::ldap::trouble::{Step, Trouble};
use crate::owner::Of;

/// Longest time for one run.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// Batches that wait to be told.
const WAITING: usize = 4;
/// How often it says how far it is.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Entries with errors: all are counted, the first are kept.
#[derive(Default)]
pub struct Flaws {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Flaw>,
    /// How many of them are photos, without which somebody was taken.
    pub photos: u64,
    /// What the appliance has refused while it was told, field by field.
    pub refusals: usize,
}

impl Flaws {
    /// A photo that was not taken.
    fn note_photo(&mut self, flaw: Flaw) {
        self.photos += 1;
        self.note(flaw);
    }

    /// One more.
    pub fn note(&mut self, flaw: Flaw) {
        self.count += 1;
        if self.first.len() < MOST_FLAWS {
            self.first.push(flaw);
        }
    }
}

/// Reads and tells at the same time; the first of the two that fails ends both.
pub fn gather(
    host: &Host,
    job: &Job<'_>,
    source: &Source<'_>,
    order: &Order,
    run: &mut Run,
    flaws: &mut Flaws,
) -> Result<Summary, Trouble> {
    let until = Instant::now() + LONGEST;
    let has_ended = AtomicBool::new(false);
    let stop = || has_ended.load(Ordering::Acquire) || job.is_cancelled() || Instant::now() >= until;
    let (sender, receiver) = sync_channel::<Batch>(WAITING);
    std::thread::scope(|scope| {
        let (stop, is_contact) = (&stop, order.of == Of::Peer);
        let reading = scope.spawn(move || {
            let take = |batch| sender.send(batch).map_err(|_| Trouble::cancelled(Step::Filter));
            harvest::read(source, is_contact, stop, take)
        });
        let mut teller = Teller { host, synchronizer: format!("peering/{}", order.key()), run, flaws };
        let told = tell(job, &receiver, &mut teller);
        has_ended.store(true, Ordering::Release);
        drop(receiver);
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        match (told, read) {
            (Err(trouble), _) | (Ok(()), Err(trouble)) => Err(timed(trouble, until)),
            (Ok(()), Ok(summary)) => Ok(summary),
        }
    })
}

/// A run that took too long was not cancelled by anybody.
fn timed(trouble: Trouble, until: Instant) -> Trouble {
    if trouble.is_cancelled && Instant::now() >= until {
        return Trouble::new(
            trouble.step,
            "it took longer than two hours",
            "Ask for fewer entries by a narrower filter",
        );
    }
    trouble
}

/// Tells the appliance what is read, until there is no more.
fn tell(job: &Job<'_>, batches: &Receiver<Batch>, teller: &mut Teller<'_>) -> Result<(), Trouble> {
    let mut done = 0;
    let mut said = Instant::now();
    loop {
        let batch = match batches.recv_timeout(HEARTBEAT) {
            Ok(batch) => Some(batch),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let is_waiting = batch.is_none();
        if let Some(batch) = batch {
            done += (batch.people.len() + batch.flaws.len()) as u64;
            teller.put(batch).map_err(|failure| Trouble::new(Step::Sample, failure.msg, ""))?;
        }
        if is_waiting || said.elapsed() >= HEARTBEAT || done <= 500 {
            said = Instant::now();
            job.progress(done, 0, &format!("{done} entries are read")).map_err(|failure| {
                if job.is_cancelled() || failure.code == Code::Timeout {
                    Trouble::cancelled(Step::Filter)
                } else {
                    Trouble::new(Step::Filter, failure.msg, "")
                }
            })?;
        }
    }
}

/// Who tells the appliance what was read.
struct Teller<'t> {
    host: &'t Host,
    /// As accounts name it.
    synchronizer: String,
    run: &'t mut Run,
    flaws: &'t mut Flaws,
}

impl Teller<'_> {
    /// Whoever has an entry that is wrong stays as they are: the appliance is told the key, and nothing that it could
    /// take.
    fn put(&mut self, batch: Batch) -> Result<(), Failure> {
        let (mut names, mut entries) = (Vec::new(), Vec::new());
        for Person { name, entry, photo_flaw, .. } in batch.people {
            photo_flaw.into_iter().for_each(|flaw| self.flaws.note_photo(flaw));
            names.push(name);
            entries.push(entry);
        }
        for flaw in batch.flaws {
            if let Some(key) = &flaw.key {
                let (key, hash) = (key.clone(), "wrong".to_owned());
                entries.push(DirectoryEntry { key, hash, ..Default::default() });
            }
            self.flaws.note(flaw);
        }
        photo::leave_known(self.host, &self.synchronizer, &mut entries)?;
        let taken = self.run.put(&entries)?;
        self.flaws.refusals += taken.refused.len();
        for refused in taken.refused {
            // Of those without a name here it is told already what is wrong.
            let place = entries.iter().rposition(|entry| entry.key == refused.key);
            let Some(name) = place.and_then(|place| names.get(place)) else { continue };
            let (key, attribute, detail) = (Some(refused.key), refused.field, refused.detail);
            let is_photo = attribute == "photo";
            let flaw = Flaw { name: name.clone(), key, attribute, detail };
            if is_photo { self.flaws.note_photo(flaw) } else { self.flaws.note(flaw) }
        }
        Ok(())
    }
}
