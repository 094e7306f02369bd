//! Looks into a library without loading it: what it exports, and which C library it needs. Reads the two
//! tables of an ELF file that say so (System V ABI, chapters 4 and 5; LSB core, symbol versioning), of 64-bit
//! little-endian machines, which are all that are supported. Every offset is checked: the file may be anything.

use jackfield_abi::SYMBOL;

/// Tables by their type.
const DYNAMIC_SYMBOLS: u32 = 11;
const NEEDED_VERSIONS: u32 = 0x6fff_fffe;
const SECTION_BYTES: usize = 64;
const SYMBOL_BYTES: usize = 24;
/// C library of the oldest system that is supported, Debian 12.
const FLOOR: (u32, u32) = (2, 36);

/// Whether the plugin's table is the only thing that it exports.
pub fn exports(code: &[u8]) -> Result<String, String> {
    let names = defined(code).ok_or(NO_LIBRARY)?;
    if names == [SYMBOL] {
        return Ok(SYMBOL.to_owned());
    }
    let (few, more) =
        (names.iter().take(5).cloned().collect::<Vec<_>>().join(", "), names.len().saturating_sub(5));
    Err(format!(
        "it exports {} symbols ({few} and {more} more); only {SYMBOL} should be: hide the others",
        names.len()
    ))
}

/// Whether the oldest supported system has the C library that it needs.
pub fn c_library(code: &[u8]) -> Result<String, String> {
    let needed = versions(code).ok_or(NO_LIBRARY)?;
    let newest = needed.iter().filter_map(|version| number(version)).max();
    match newest {
        None => Ok("it needs no particular version of the C library".to_owned()),
        Some((major, minor)) if (major, minor) <= FLOOR => Ok(format!("it needs GLIBC_{major}.{minor}")),
        Some((major, minor)) => Err(format!(
            "it needs GLIBC_{major}.{minor}, Debian 12 has {}.{}: build it on the oldest system it is for",
            FLOOR.0, FLOOR.1
        )),
    }
}

const NO_LIBRARY: &str = "it is no library for this system: its tables cannot be read";

/// One table with its strings.
struct Table<'a> {
    bytes: &'a [u8],
    strings: &'a [u8],
}

/// Names that it defines for others: global or weak, and in a section.
fn defined(code: &[u8]) -> Option<Vec<String>> {
    let table = table(code, DYNAMIC_SYMBOLS)??;
    let symbols = table.bytes.chunks_exact(SYMBOL_BYTES);
    let is_defined = |symbol: &&[u8]| matches!(symbol[4] >> 4, 1 | 2) && number_at::<2>(symbol, 6) != Some(0);
    symbols.filter(is_defined).map(|symbol| table.text(number_at::<4>(symbol, 0)?)).collect()
}

/// Names of the versions that it needs of other libraries.
fn versions(code: &[u8]) -> Option<Vec<String>> {
    let Some(table) = table(code, NEEDED_VERSIONS)? else { return Some(Vec::new()) };
    let (mut names, mut library) = (Vec::new(), 0);
    loop {
        let mut version = library + number_at::<4>(table.bytes, library + 8)?;
        for _ in 0..number_at::<2>(table.bytes, library + 2)? {
            names.push(table.text(number_at::<4>(table.bytes, version + 8)?)?);
            version += number_at::<4>(table.bytes, version + 12)?;
        }
        match number_at::<4>(table.bytes, library + 12)? {
            0 => return Some(names),
            next => library += next,
        }
    }
}

/// The table of that type; none inside when the library has none.
fn table(code: &[u8], wanted: u32) -> Option<Option<Table<'_>>> {
    const ELF_64_LITTLE: &[u8] = b"\x7fELF\x02\x01";
    code.starts_with(ELF_64_LITTLE).then_some(())?;
    let (first, count) = (number_at::<8>(code, 40)?, number_at::<2>(code, 60)?);
    let section = |index: usize| code.get(first.checked_add(index * SECTION_BYTES)?..)?.get(..SECTION_BYTES);
    for index in 0..count {
        let header = section(index)?;
        if number_at::<4>(header, 4)? == wanted as usize {
            let strings = section(number_at::<4>(header, 40)?)?;
            return Some(Some(Table { bytes: content(code, header)?, strings: content(code, strings)? }));
        }
    }
    Some(None)
}

/// The bytes that a section's header speaks of.
fn content<'a>(code: &'a [u8], header: &[u8]) -> Option<&'a [u8]> {
    code.get(number_at::<8>(header, 24)?..)?.get(..number_at::<8>(header, 32)?)
}

/// The number of `N` bytes at that place.
fn number_at<const N: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let mut number = [0; 8];
    number[..N].copy_from_slice(bytes.get(at..)?.get(..N)?);
    usize::try_from(u64::from_le_bytes(number)).ok()
}

impl Table<'_> {
    /// The text at that place, up to its zero byte.
    fn text(&self, at: usize) -> Option<String> {
        let text = self.strings.get(at..)?.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

/// `GLIBC_2.36` as numbers; what follows the second is left out.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix("GLIBC_")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_numbers() {
        assert_eq!(number("GLIBC_2.36"), Some((2, 36)));
        assert_eq!(number("GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(number("GLIBC_PRIVATE"), None);
        assert_eq!(number("GCC_3.0"), None);
    }

    #[test]
    fn the_tables_of_a_real_program_are_read_and_no_cut_of_it_does_harm() {
        let code = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(versions(&code).unwrap().iter().any(|version| version.starts_with("GLIBC_2.")));
        assert!(defined(&code).is_some());
        for length in (0..4096).chain([code.len() / 2]) {
            assert_eq!(versions(&code[..length]), None);
        }
    }

    #[test]
    fn what_is_no_library_is_said_to_be_none() {
        assert!(exports(b"text").unwrap_err().contains("no library"));
    }
}
