//! Copies a library into memory that nobody can change any more, and hashes what was copied. The process that
//! loads it gets this copy, so there is no moment in which the file could be swapped.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// Largest library, in bytes; far more than any plugin needs.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

/// A library in sealed memory.
pub struct Sealed {
    /// The memory; closed on exec.
    pub code: OwnedFd,
    /// SHA-256 of it, 64 hexadecimal digits.
    pub sha256: String,
}

/// Copies the rest of the file into sealed memory.
pub fn seal(file: &mut File) -> io::Result<Sealed> {
    let mut memory = File::from(memory()?);
    let sha256 = copy(&mut file.take(MOST_BYTES + 1), &mut memory)?;
    let code = OwnedFd::from(memory);
    fcntl_add_seals(&code, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(Sealed { code, sha256 })
}

fn memory() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know EXEC and allow it anyway.
    match memfd_create("jackfield-plugin", flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => Ok(memfd_create("jackfield-plugin", flags)?),
        other => Ok(other?),
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<String> {
    let mut hash = Context::new(&SHA256);
    let mut piece = vec![0; 64 * 1024];
    let mut total = 0;
    loop {
        let count = from.read(&mut piece)?;
        if count == 0 {
            return Ok(HEXLOWER.encode(hash.finish().as_ref()));
        }
        total += count as u64;
        if total > MOST_BYTES {
            return Err(io::Error::other(format!("it is larger than {MOST_BYTES} bytes")));
        }
        hash.update(&piece[..count]);
        to.write_all(&piece[..count])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom};

    #[test]
    fn a_sealed_copy_has_the_hash_of_the_file_and_cannot_be_changed() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let sealed = seal(&mut file).unwrap();
        // FIPS 180-4, the example of one block.
        assert_eq!(sealed.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let mut memory = File::from(sealed.code);
        assert!(memory.write_all(b"x").is_err());
        assert!(memory.set_len(0).is_err());
    }
}
