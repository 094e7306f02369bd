//! The state folder: where everything that must last lives, and the lock that makes sure only one process
//! has it open.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest path of a socket that Linux takes, in bytes, without the ending zero.
const SOCKET_PATH_BYTES: usize = 107;

/// The state folder's paths.
#[derive(Debug, Clone)]
pub struct StateDir {
    folder: PathBuf,
}

/// Held while this process has the state folder open; released by the kernel however the process ends.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateDir {
    /// Opens the folder, making it (0700) if it is not there.
    pub fn open(folder: &Path) -> Result<Self, String> {
        refuse_other_owner(folder)?;
        let state = Self::at(folder);
        state.refuse_long_path()?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|e| {
            format!(
                "Cannot make the state folder {}: {} Check [storage] path and its owner.",
                folder.display(),
                told(&e)
            )
        })?;
        Ok(state)
    }

    /// The paths of a folder that may not be there yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Takes the lock; the error names the process that holds it.
    pub fn lock(&self) -> Result<StateLock, String> {
        let path = self.folder.join("lock");
        let cannot = |e: std::io::Error| format!("Cannot use the lock file {}: {}", path.display(), told(&e));
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = opened.map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(self.in_use(&mut file)),
            Err(TryLockError::Error(e)) => return Err(cannot(e)),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(cannot)?;
        Ok(StateLock { _file: file })
    }

    fn in_use(&self, file: &mut File) -> String {
        let mut holder = String::new();
        let known = file.rewind().and_then(|()| file.take(20).read_to_string(&mut holder)).is_ok();
        let pid = if known && !holder.trim().is_empty() { holder.trim() } else { "unknown" };
        format!(
            "The state folder {} is in use by process {pid}. Stop that one first, or give this one another [storage] path.",
            self.folder.display()
        )
    }

    /// The system's bound for the path of a socket (unix(7)) would else be met much later.
    fn refuse_long_path(&self) -> Result<(), String> {
        let socket = self.control_socket();
        let length = socket.as_os_str().len();
        if length <= SOCKET_PATH_BYTES {
            return Ok(());
        }
        Err(format!(
            "The path of the control socket {} has {length} bytes; the system allows {SOCKET_PATH_BYTES}. Give [storage] path a shorter name.",
            socket.display()
        ))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("jackfield.db")
    }

    /// Copies made before a migration.
    pub fn copies(&self) -> PathBuf {
        self.folder.join("backups")
    }

    /// The socket of the local command line.
    pub fn control_socket(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    /// The master key, where systemd hands over none.
    pub fn master_key(&self) -> PathBuf {
        self.folder.join("master.key")
    }

    /// Makes the folder for copies.
    pub fn make_copies_folder(&self) -> Result<(), String> {
        match DirBuilder::new().mode(0o700).create(self.copies()) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => {
                Err(format!("Cannot make the folder {}: {}", self.copies().display(), told(&e)))
            }
            _ => Ok(()),
        }
    }
}

/// What the system said, and what to do where that is known.
pub fn told(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("{error}. Free some space on that disk, then try again.")
        }
        ErrorKind::PermissionDenied => format!("{error}. Check who owns it and who you are."),
        _ => format!("{error}."),
    }
}

/// Files made by another user would lock the service out of its own state.
fn refuse_other_owner(folder: &Path) -> Result<(), String> {
    let Ok(found) = folder.metadata() else { return Ok(()) };
    let (owner, us) = (found.uid(), rustix::process::geteuid().as_raw());
    if owner == us {
        return Ok(());
    }
    let shown = folder.display();
    Err(format!(
        "The state folder {shown} belongs to user {owner}, and you are user {us}. Run this as that user: sudo -u '#{owner}' jackfield …"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let held = state.lock().unwrap();
        let refused = state.lock().unwrap_err();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(held);
        assert!(state.lock().is_ok());
    }
}
