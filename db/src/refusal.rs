//! Why a database file was not opened, each in one sentence: what was tried, what is wrong, what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::connection::APPLICATION_ID;
use crate::error::Error;

/// A refusal to open a database. The file's content is then as it was before; only a fault that comes after a finished
/// migration (no reader, no thread) leaves it migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// The folder that should hold the file, or the copies, does not exist.
    FolderMissing {
        /// The missing folder.
        folder: PathBuf,
    },
    /// The file does not start as SQLite files do.
    NotADatabase {
        /// The file.
        file: PathBuf,
    },
    /// The file is SQLite, but was written by another program.
    Foreign {
        /// The file.
        file: PathBuf,
        /// The `application_id` found in it.
        found: i32,
    },
    /// A later release wrote the file.
    Newer {
        /// The file.
        file: PathBuf,
        /// Schema version of the file.
        found: u32,
        /// Newest schema version that this program knows.
        known: u32,
        /// The copy made before a migration that this program can open, if one is still there.
        copy: Option<PathBuf>,
    },
    /// The operating system does not let this user read and write the file or folder.
    Forbidden {
        /// The file or folder.
        path: PathBuf,
        /// The system's message.
        detail: String,
    },
    /// SQLite's check found content that cannot be right.
    Damaged {
        /// The file.
        file: PathBuf,
        /// SQLite's findings, at least one.
        findings: Vec<String>,
    },
    /// No room on the disk for the copy, the migration or SQLite's own files.
    Full {
        /// What could not be written.
        path: PathBuf,
    },
    /// A migration failed and was undone.
    Migration {
        /// The database.
        file: PathBuf,
        /// File name of the migration, e.g. `0007_tokens_expire.sql`.
        name: String,
        /// SQLite's message.
        detail: String,
    },
    /// The copy before a migration could not be made, so the migration was not started.
    Copy {
        /// The folder of the copies.
        folder: PathBuf,
        /// The cause.
        detail: String,
    },
    /// Anything else.
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// The cause.
        detail: String,
    },
}

impl OpenError {
    /// Sorts a failed system call on `path` into the refusal that helps most.
    pub(crate) fn from_io(path: &Path, doing: &'static str, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Forbidden { path, detail: error.to_string() }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Unusable { path, doing, detail: error.to_string() },
        }
    }

    /// Sorts a failed SQLite call on `path` into the refusal that helps most.
    pub(crate) fn from_sqlite(path: &Path, doing: &'static str, error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::ReadOnly | Code::PermissionDenied | Code::CannotOpen) => {
                Self::Forbidden { path: path.to_owned(), detail: error.to_string() }
            }
            _ => Self::from_error(path, doing, error.into()),
        }
    }

    pub(crate) fn from_error(path: &Path, doing: &'static str, error: Error) -> Self {
        let path = path.to_owned();
        match error {
            Error::Full => Self::Full { path },
            Error::Damaged { detail } => Self::Damaged { file: path, findings: vec![detail] },
            Error::Other { detail } | Error::Busy { detail } => Self::Unusable { path, doing, detail },
            error => Self::Unusable { path, doing, detail: error.to_string() },
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FolderMissing { folder } => {
                write!(
                    f,
                    "The folder {} does not exist; create it or correct the storage path.",
                    folder.display()
                )
            }
            Self::NotADatabase { file } => write!(
                f,
                "{} is not a database; correct the storage path, or move the file away and restore a backup.",
                file.display()
            ),
            Self::Foreign { file, found } => write!(
                f,
                "{} belongs to another program: its application id is {} and Jackfield's is {}; correct the storage path.",
                file.display(),
                Id(*found),
                Id(APPLICATION_ID)
            ),
            Self::Newer { file, found, known, copy } => {
                write!(
                    f,
                    "{} has schema version {found} and this program knows only versions up to {known}; install the newer release again{}",
                    file.display(),
                    WayBack { file, copy: copy.as_deref() }
                )
            }
            Self::Forbidden { path, detail } => write!(
                f,
                "{} cannot be read and written ({detail}); give it and its folder to the user that runs the service.",
                path.display()
            ),
            Self::Damaged { file, findings } => write!(
                f,
                "{} is damaged ({}); keep the file for examination and restore the latest backup.",
                file.display(),
                findings.join("; ")
            ),
            Self::Full { path } => write!(
                f,
                "{} could not be written because the disk is full; free some space and start the service again.",
                path.display()
            ),
            Self::Migration { file, name, detail } => write!(
                f,
                "The migration {name} of {} failed and nothing was changed ({detail}); install the previous release again and report this message.",
                file.display()
            ),
            Self::Copy { folder, detail } => write!(
                f,
                "The copy that must exist before a migration could not be made in {} and nothing was changed ({detail}); make that folder writable and start again.",
                folder.display()
            ),
            Self::Unusable { path, doing, detail } => write!(
                f,
                "{} could not be used: {doing} failed ({detail}); check the disk and the system log, then start the service again.",
                path.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// The second half of the sentence about a newer file.
struct WayBack<'a> {
    file: &'a Path,
    copy: Option<&'a Path>,
}

impl fmt::Display for WayBack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(copy) = self.copy else { return f.write_str(" or restore a backup made by this one.") };
        let file = self.file.display();
        write!(
            f,
            ", or lose what was changed since by removing {file}-wal and {file}-shm and putting {} in place of {file}.",
            copy.display()
        )
    }
}

/// An `application_id` as number and, where it spells one, as word.
struct Id(i32);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)?;
        let bytes = self.0.to_be_bytes();
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Ok(());
        }
        write!(f, " \"{}\"", String::from_utf8_lossy(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_refusal_is_sorted_by_its_kind() {
        let refuse = |kind: io::ErrorKind| OpenError::from_io(Path::new("/x"), "opening it", &kind.into());
        assert!(matches!(refuse(io::ErrorKind::PermissionDenied), OpenError::Forbidden { .. }));
        assert!(matches!(refuse(io::ErrorKind::ReadOnlyFilesystem), OpenError::Forbidden { .. }));
        assert!(matches!(refuse(io::ErrorKind::StorageFull), OpenError::Full { .. }));
        assert!(matches!(refuse(io::ErrorKind::IsADirectory), OpenError::Unusable { .. }));
    }

    #[test]
    fn both_programs_are_named() {
        let text = OpenError::Foreign { file: "/x".into(), found: 0x4750_4B47 }.to_string();
        assert!(text.contains("0x47504B47 \"GPKG\"") && text.contains("0x4A41434B \"JACK\""), "{text}");
    }
}
