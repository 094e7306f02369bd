//! Synchronizing accounts and contacts with a directory outside: tell a run what the source has, and close it; until
//! then nothing is changed, and then all of it is one change. Needs the service `directory/1`.

use std::time::Duration;

use jackfield_abi::ops::{
    self, DirectoryClose, DirectoryClosed, DirectoryEntry, DirectoryForget, DirectoryForgotten,
    DirectoryGone, DirectoryNews, DirectoryOpen, DirectoryOpened, DirectoryOutcome, DirectoryOwner,
    DirectoryRefused, DirectoryTaken, Failure, PeerDomain,
};
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::host::Host;
use crate::message::{typed, unwritable};

/// Most entries of one message (the treaty's bound).
const ENTRIES: usize = 500;
/// Most keys of one message (the treaty's bound).
const KEYS: usize = 2000;
/// Most bytes of entries in one message, so that it stays below the treaty's bound whatever surrounds them.
const BYTES: usize = 768 * 1024;
/// How long a large directory may take to be stored.
const CLOSING: Duration = Duration::from_secs(20 * 60);

/// The appliance's side of directories.
pub struct Directory<'a>(pub(crate) &'a Host);

impl Directory<'_> {
    /// Begins a run. A conflict: one of this synchronizer is under way.
    pub fn open(&self, order: &DirectoryOpen) -> Result<Run, Failure> {
        let answer = self.0.call(ops::DIRECTORY_OPEN, order)?;
        let opened: DirectoryOpened = typed(ops::DIRECTORY_OPEN, answer)?;
        Ok(Run { host: self.0.clone(), id: opened.run, is_over: false })
    }

    /// Deletes all that a synchronizer has brought, as one revision; a dry run says how many there are.
    pub fn forget(
        &self,
        synchronizer: &str,
        who: &str,
        dry_run: bool,
    ) -> Result<DirectoryForgotten, Failure> {
        let owner = DirectoryOwner { synchronizer: synchronizer.to_owned() };
        let asked = DirectoryForget { owner, who: who.to_owned(), dry_run };
        let answer = self.0.call_within(ops::DIRECTORY_FORGET, asked, CLOSING)?;
        typed(ops::DIRECTORY_FORGET, answer)
    }

    /// Which accounts were changed since the `next` of an earlier answer; without one only where to begin.
    pub fn since(&self, after: Option<&str>) -> Result<DirectoryNews, Failure> {
        self.0.asked(ops::DIRECTORY_SINCE, json!({"after": after}))
    }

    /// Says which domain a peer's people have, as it said of itself. Saying the same again writes nothing.
    pub fn peer_domain(&self, peer: &str, domain: &str, version: Option<&str>) -> Result<(), Failure> {
        let (peer, domain) = (peer.to_owned(), domain.to_owned());
        let told = PeerDomain { peer, domain, version: version.map(str::to_owned) };
        self.0.call(ops::PEER_DOMAIN, told).map(drop)
    }
}

/// `DirectoryPut` with its entries written already.
#[derive(Serialize)]
struct Put<'a> {
    run: &'a str,
    entries: Vec<Box<RawValue>>,
}

/// A run under way. Dropping it gives it up, and nothing of it stays.
#[derive(Debug)]
pub struct Run {
    host: Host,
    id: String,
    is_over: bool,
}

impl Run {
    /// Tells what the source has, however many entries. Answers what was not taken; one that is there already stays as
    /// it is.
    pub fn put(&mut self, entries: &[DirectoryEntry]) -> Result<DirectoryTaken, Failure> {
        let mut taken = DirectoryTaken { unchanged: 0, refused: Vec::new() };
        let mut waiting = Vec::new();
        let mut size = 0;
        for entry in entries {
            let entry_as_text = to_raw_value(entry).map_err(|e| unwritable(&e))?;
            let bytes = entry_as_text.get().len();
            if bytes > BYTES {
                taken.refused.push(too_large(entry, bytes));
                continue;
            }
            if waiting.len() == ENTRIES || size + bytes > BYTES {
                self.put_some(std::mem::take(&mut waiting), &mut taken)?;
                size = 0;
            }
            size += bytes;
            waiting.push(entry_as_text);
        }
        self.put_some(waiting, &mut taken)?;
        Ok(taken)
    }

    fn put_some(&self, entries: Vec<Box<RawValue>>, taken: &mut DirectoryTaken) -> Result<(), Failure> {
        if entries.is_empty() {
            return Ok(());
        }
        let answer: DirectoryTaken = self.host.asked(ops::DIRECTORY_PUT, Put { run: &self.id, entries })?;
        taken.unchanged += answer.unchanged;
        taken.refused.extend(answer.refused);
        Ok(())
    }

    /// Tells what the source has no longer, in a run that is not full.
    pub fn gone(&mut self, keys: &[String]) -> Result<(), Failure> {
        keys.chunks(KEYS).try_for_each(|some| {
            let told = DirectoryGone { run: self.id.clone(), keys: some.to_vec() };
            self.host.call(ops::DIRECTORY_GONE, told).map(drop)
        })
    }

    /// Does what was told; on the disk when this returns. `held` of the answer says why nothing was changed. When no
    /// answer comes, begin a new run: it finds out by itself what is there.
    pub fn close(mut self, outcome: DirectoryOutcome, detail: &str) -> Result<DirectoryClosed, Failure> {
        self.is_over = true;
        let told = DirectoryClose { run: self.id.clone(), outcome, detail: detail.to_owned() };
        let answer = self.host.call_within(ops::DIRECTORY_CLOSE, told, CLOSING)?;
        typed(ops::DIRECTORY_CLOSE, answer)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.is_over {
            // Otherwise the appliance drops it by itself, when it has been silent for a while.
            let _ = self.host.call(ops::DIRECTORY_DROP, json!({"run": self.id}));
        }
    }
}

fn too_large(entry: &DirectoryEntry, bytes: usize) -> DirectoryRefused {
    let detail = format!("must be at most {BYTES} bytes as a whole; this entry has {bytes}");
    DirectoryRefused { key: entry.key.chars().take(256).collect(), field: String::new(), detail }
}
