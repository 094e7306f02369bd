//! Whether a library is whole. One that was cut short after it was built may be signed all the same; the system's
//! loader maps what its headers speak of, and the process dies at the first touch of what is not there (SIGBUS). So
//! the headers are compared with the length before anything is loaded (System V ABI, chapters 4 and 5).

use std::fs::File;
use std::os::fd::OwnedFd;

use object::Endianness;
use object::elf::{FileHeader64, SHT_NOBITS};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

/// Fails with a sentence unless everything that the headers speak of lies within the file.
pub fn judge(code: &OwnedFd) -> Result<(), String> {
    let file = code.try_clone().map(File::from).map_err(|e| e.to_string())?;
    let length = file.metadata().map_err(|e| e.to_string())?.len();
    let needed = needed(&ReadCache::new(file)).map_err(|cause| format!("it is no whole library: {cause}"))?;
    if needed <= length {
        return Ok(());
    }
    Err(format!("it is cut short: its headers speak of {needed} bytes, and there are {length}"))
}

/// Bytes that the file must have at least.
fn needed(file: &ReadCache<File>) -> object::Result<u64> {
    let header = FileHeader64::<Endianness>::parse(file)?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, file)?.iter();
    let segments = segments.map(|segment| (segment.p_offset(endian), segment.p_filesz(endian)));
    let sections = header.section_headers(endian, file)?.iter();
    // A section of that type takes room in memory only.
    let sections = sections.filter(|section| section.sh_type(endian) != SHT_NOBITS);
    let sections = sections.map(|section| (section.sh_offset(endian), section.sh_size(endian)));
    Ok(segments.chain(sections).map(|(offset, size)| offset.saturating_add(size)).max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn judged(bytes: &[u8]) -> Result<(), String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        judge(&OwnedFd::from(file))
    }

    #[test]
    fn a_library_is_whole_at_its_full_length_only() {
        // Any program will do: this one.
        let whole = std::fs::read("/proc/self/exe").unwrap();
        assert_eq!(judged(&whole), Ok(()));
        for length in [0, 4, 64, 4096, whole.len() / 2, whole.len() - 1] {
            assert!(judged(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        assert!(judged(b"\x7fELF and nothing more").unwrap_err().contains("no whole library"));
    }
}
