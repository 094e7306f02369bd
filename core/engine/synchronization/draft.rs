//! What a run would write, kept beside the database until the run is closed: a file without a name, so that nothing of
//! it is left when the appliance is killed, and memory stays the same however much there is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use serde::{Deserialize, Serialize};

use crate::catalog::problems::{Problem, STORAGE_FULL};
use crate::catalog::shape::Object;
use crate::engine::fault;

/// Most bytes of one run.
const MOST_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes that are written at a time.
const GULP: usize = 64 * 1024;

/// An entry that differs from what is stored; written down by the names of an account's fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Drafted {
    /// Id that its account gets if it is new.
    pub id: String,
    /// The source's key.
    #[serde(rename = "directory_key")]
    pub key: String,
    /// The source's version of it.
    #[serde(rename = "directory_hash")]
    pub hash: String,
    /// What the source says.
    #[serde(flatten)]
    pub fields: Object,
}

/// An entry as it is written down.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it is.
    pub place: u64,
    /// The text.
    pub json: String,
}

impl Line {
    /// The entry.
    pub fn read(&self) -> Result<Drafted, Problem> {
        serde_json::from_str(&self.json).map_err(|e| unreadable(&e))
    }
}

/// The file.
pub struct Draft {
    file: Arc<File>,
    unwritten: Vec<u8>,
    length: u64,
}

impl Draft {
    /// A new one in a folder.
    pub fn new(folder: &Path) -> Result<Self, Problem> {
        let opened = open(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
        let file = opened.map(File::from).map_err(|e| unwritable(&e.into()))?;
        Ok(Self { file: Arc::new(file), unwritten: Vec::new(), length: 0 })
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds an entry; where it is.
    pub fn add(&mut self, drafted: &Drafted) -> Result<u64, Problem> {
        let place = self.length;
        let before = self.unwritten.len();
        serde_json::to_writer(&mut self.unwritten, drafted).map_err(|e| unreadable(&e))?;
        self.unwritten.push(b'\n');
        self.length += (self.unwritten.len() - before) as u64;
        if self.length > MOST_BYTES {
            let detail = format!(
                "One run may bring {MOST_BYTES} bytes, and this one brings more. Nothing was changed. Narrow its filter, or split the directory."
            );
            return Err(Problem::new(STORAGE_FULL, detail));
        }
        if self.unwritten.len() > GULP {
            self.write()?;
        }
        Ok(place)
    }

    fn write(&mut self) -> Result<(), Problem> {
        (&*self.file).write_all(&self.unwritten).map_err(|e| unwritable(&e))?;
        self.unwritten.clear();
        Ok(())
    }

    /// The entry at a place.
    pub fn at(&mut self, place: u64) -> Result<Drafted, Problem> {
        let found = self.after(place)?.next()?;
        found.ok_or_else(|| fault("read an entry again", "it is not there"))?.read()
    }

    /// The entries from a place on.
    pub fn after(&mut self, place: u64) -> Result<Entries, Problem> {
        self.write()?;
        let lines = BufReader::with_capacity(GULP, Placed { file: Arc::clone(&self.file), place });
        Ok(Entries { lines, place })
    }
}

/// Entries one after another.
pub struct Entries {
    lines: BufReader<Placed>,
    place: u64,
}

impl Entries {
    /// The next ones, so many at most; none: that was all.
    pub fn some(&mut self, most: usize) -> Result<Vec<Line>, Problem> {
        let mut some = Vec::new();
        while some.len() < most {
            let Some(line) = self.next()? else { break };
            some.push(line);
        }
        Ok(some)
    }

    fn next(&mut self) -> Result<Option<Line>, Problem> {
        let mut json = String::new();
        let length = self.lines.read_line(&mut json).map_err(|e| unwritable(&e))?;
        let place = self.place;
        self.place += length as u64;
        Ok((length > 0).then_some(Line { place, json }))
    }
}

/// Reads a file at a place of its own, so that several readers and the writer do not disturb each other.
struct Placed {
    file: Arc<File>,
    place: u64,
}

impl Read for Placed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.place)?;
        self.place += length as u64;
        Ok(length)
    }
}

fn unwritable(cause: &io::Error) -> Problem {
    let detail = format!(
        "What the synchronization brings could not be kept: {cause}. Nothing was changed. Free some space on the disk, then run it again."
    );
    Problem::new(STORAGE_FULL, detail)
}

fn unreadable(cause: &serde_json::Error) -> Problem {
    fault("write down an entry of a synchronization and read it again", &cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_in_order_and_from_any_place() {
        let folder = tempfile::tempdir().unwrap();
        let mut draft = Draft::new(folder.path()).unwrap();
        assert!(draft.is_empty());
        let drafted = |n: usize| Drafted {
            id: format!("acc-{n}"),
            key: format!("key {n}"),
            hash: "\n".to_owned(),
            fields: Object::from_iter([("login_id".to_owned(), "x".repeat(n).into())]),
        };
        let places: Vec<u64> = (0..2000).map(|n| draft.add(&drafted(n)).unwrap()).collect();
        let mut entries = draft.after(0).unwrap();
        let read = [entries.some(1999).unwrap(), entries.some(2000).unwrap()].concat();
        assert_eq!(read.len(), places.len());
        for (n, (place, line)) in places.iter().zip(&read).enumerate() {
            let read = line.read().unwrap();
            assert_eq!((line.place, read.key, read.fields), (*place, format!("key {n}"), drafted(n).fields));
        }
        assert!(entries.some(1).unwrap().is_empty());
        assert_eq!(draft.at(places[1234]).unwrap().key, "key 1234");
        draft.add(&drafted(7)).unwrap();
        assert_eq!(draft.at(places[3]).unwrap().key, "key 3", "also after more was added");
        assert!(folder.path().read_dir().unwrap().next().is_none(), "it has no name");
    }
}
