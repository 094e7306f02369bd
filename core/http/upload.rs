//! Bodies that are too large for memory: they go to a file without a name, which the kernel drops with its last
//! handle, however the process ends. Leaves out who may send one, which the door's limits decide.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};

use crate::catalog::problems::{Problem, STORAGE_FULL};

/// Larger bodies are not kept in memory, in bytes.
pub const IN_MEMORY: usize = 1024 * 1024;
const GULP: usize = 64 * 1024;

/// What came of taking a large body.
pub enum Taken {
    /// All of it, to be read from the beginning.
    Whole(File),
    /// It was cut short: nobody waits for an answer.
    Cut,
    /// There is no room for it.
    Refused(Problem),
}

/// Takes a body of that many bytes into a file without a name in `folder`.
pub fn take(source: &mut dyn Read, declared: usize, folder: &Path) -> Taken {
    let opened = open(folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
    let mut kept = opened.map(File::from).map_err(io::Error::from);
    let (mut left, mut gulp) = (declared, vec![0; GULP]);
    while left > 0 {
        let count = match source.read(&mut gulp[..left.min(GULP)]) {
            Ok(0) | Err(_) => return Taken::Cut,
            Ok(count) => count,
        };
        left -= count;
        // What does not fit is read out all the same, so that the refusal is read.
        kept = kept.and_then(|mut file| file.write_all(&gulp[..count]).map(|()| file));
    }
    match kept.and_then(|mut file| file.rewind().map(|()| file)) {
        Ok(file) => Taken::Whole(file),
        Err(cause) => Taken::Refused(refusal(folder, &cause)),
    }
}

fn refusal(folder: &Path, cause: &io::Error) -> Problem {
    let detail = format!(
        "The body could not be kept in {} while it came in: {cause}. Free some space on that disk, then send it again.",
        folder.display()
    );
    Problem::new(STORAGE_FULL, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_whole_and_leaves_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let body = vec![7; 3 * GULP + 5];
        let Taken::Whole(mut file) = take(&mut body.as_slice(), body.len(), folder.path()) else { panic!() };
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert!(read == body && folder.path().read_dir().unwrap().next().is_none());
    }

    #[test]
    fn a_body_that_ends_early_or_finds_no_room_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(take(&mut [1].as_slice(), 2, folder.path()), Taken::Cut));
        let nowhere = folder.path().join("nowhere");
        let Taken::Refused(problem) = take(&mut [1, 2].as_slice(), 2, &nowhere) else { panic!() };
        assert!(problem.detail.contains("could not be kept in"), "{}", problem.detail);
    }
}
