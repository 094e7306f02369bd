//! Opens files that nobody but root and ourselves can have put there. Every folder on the way is opened from
//! the one before it, without following links, and judged by its descriptor: what was judged is what is used.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::refusal::{Refusal, Rule};

/// A folder that only root and ourselves can change.
pub struct Folder {
    path: PathBuf,
    descriptor: OwnedFd,
}

/// What is asked of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On the way: a shared folder such as `/tmp` will do, because its sticky bit keeps others from renaming
    /// or removing what is ours in it, and the next folder on the way must be ours again.
    OnTheWay,
    /// Holds files that are trusted: nobody else may put one there.
    Trusted,
}

impl Folder {
    /// Opens an existing folder and judges it and every folder above it.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        // Links in the configured path are the administrator's own, so they are followed once, here.
        let real = path.canonicalize().map_err(|e| missing(path, &e.to_string()))?;
        let root = open("/", FOLDER, Mode::empty()).map_err(|e| missing(Path::new("/"), &e.to_string()))?;
        let mut folder = Self { path: PathBuf::from("/"), descriptor: root };
        for part in real.components() {
            let Component::Normal(name) = part else { continue };
            folder.judge(Place::OnTheWay)?;
            folder = folder.step(name)?;
        }
        folder.judge(Place::Trusted)?;
        Ok(folder)
    }

    /// Opens a folder in it.
    pub fn sub(&self, name: &str) -> Result<Self, Refusal> {
        let folder = self.step(OsStr::new(name))?;
        folder.judge(Place::Trusted)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file in it for reading.
    pub fn file(&self, name: &str) -> Result<File, Refusal> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let descriptor =
            openat(&self.descriptor, name, flags, Mode::empty()).map_err(|cause| match cause {
                Errno::LOOP => Refusal::new(
                    Rule::FileKind,
                    format!("{} is a link; put the file itself there", path.display()),
                ),
                cause => missing(&path, &cause.to_string()),
            })?;
        let stat = fstat(&descriptor).map_err(|e| missing(&path, &e.to_string()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Refusal::new(Rule::FileKind, format!("{} is not a plain file", path.display())));
        }
        judge_owner(&path, &stat)?;
        judge_mode(&path, &stat, Place::Trusted)?;
        Ok(File::from(descriptor))
    }

    /// Reads a file in it as text of at most so many bytes.
    pub fn text(&self, name: &str, most: u64) -> Result<String, Refusal> {
        let mut text = String::new();
        let path = self.path.join(name);
        let read = self.file(name)?.take(most + 1).read_to_string(&mut text);
        read.map_err(|e| missing(&path, &e.to_string()))?;
        if text.len() as u64 > most {
            let sentence = format!("{} is longer than {most} bytes", path.display());
            return Err(Refusal::new(Rule::FileKind, sentence));
        }
        Ok(text)
    }

    fn step(&self, name: &OsStr) -> Result<Self, Refusal> {
        let path = self.path.join(name);
        let descriptor = openat(&self.descriptor, name, FOLDER, Mode::empty())
            .map_err(|cause| missing(&path, &cause.to_string()))?;
        Ok(Self { path, descriptor })
    }

    fn judge(&self, place: Place) -> Result<(), Refusal> {
        let stat = fstat(&self.descriptor).map_err(|e| missing(&self.path, &e.to_string()))?;
        judge_owner(&self.path, &stat)?;
        judge_mode(&self.path, &stat, place)
    }
}

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const STICKY: u32 = 0o1000;
const WRITE_BY_OTHERS: u32 = 0o022;

fn judge_owner(path: &Path, stat: &Stat) -> Result<(), Refusal> {
    let ours = geteuid().as_raw();
    if stat.st_uid == 0 || stat.st_uid == ours {
        return Ok(());
    }
    Err(Refusal::new(
        Rule::Owner,
        format!(
            "{} belongs to user {}, who could swap it; make it root's (chown root) and install the plugin again",
            path.display(),
            stat.st_uid
        ),
    ))
}

fn judge_mode(path: &Path, stat: &Stat, place: Place) -> Result<(), Refusal> {
    let mode = stat.st_mode;
    let is_shared_way = place == Place::OnTheWay && mode & STICKY != 0;
    if mode & WRITE_BY_OTHERS == 0 || is_shared_way {
        return Ok(());
    }
    Err(Refusal::new(
        Rule::Mode,
        format!(
            "{} can be written by others (mode {:o}); run chmod go-w on it after checking what is in it",
            path.display(),
            mode & 0o7777
        ),
    ))
}

fn missing(path: &Path, cause: &str) -> Refusal {
    Refusal::new(Rule::Missing, format!("{} cannot be opened: {cause}", path.display()))
}
