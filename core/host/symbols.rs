//! Looks into a library without loading it: what it exports, and which C library it needs. Two tables of an ELF
//! file say so (System V ABI, chapters 4 and 5; LSB core, symbol versioning), of 64-bit little-endian machines,
//! which are all that are supported. The file may be anything.

use jackfield_abi::SYMBOL;
use object::LittleEndian;
use object::elf::{FileHeader64, SHT_DYNSYM, STB_GLOBAL, STB_WEAK, Sym64};
use object::read::elf::{FileHeader, Sym};

/// C library of the oldest system that is supported, Debian 12.
const FLOOR: (u32, u32) = (2, 36);

/// Whether the plugin's table is the only thing that it exports.
pub fn exports(code: &[u8]) -> Result<String, String> {
    let names = defined(code).map_err(|_| NO_LIBRARY)?;
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
    let needed = versions(code).map_err(|_| NO_LIBRARY)?;
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

type Elf = FileHeader64<LittleEndian>;

/// Names that it defines for others: global or weak, and in a section.
fn defined(code: &[u8]) -> object::Result<Vec<String>> {
    let header = Elf::parse(code)?;
    let endian = header.endian()?;
    let symbols = header.sections(endian, code)?.symbols(endian, code, SHT_DYNSYM)?;
    let is_defined = |symbol: &&Sym64<LittleEndian>| {
        matches!(symbol.st_bind(), STB_GLOBAL | STB_WEAK) && !symbol.is_undefined(endian)
    };
    let names = symbols.iter().filter(is_defined).map(|symbol| symbol.name(endian, symbols.strings()));
    names.map(|name| Ok(text(name?))).collect()
}

/// Names of the versions that it needs of other libraries.
fn versions(code: &[u8]) -> object::Result<Vec<String>> {
    let header = Elf::parse(code)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, code)?;
    let Some((mut libraries, strings)) = sections.gnu_verneed(endian, code)? else { return Ok(Vec::new()) };
    let (mut names, strings) = (Vec::new(), sections.strings(endian, code, strings)?);
    while let Some((_, mut needed)) = libraries.next()? {
        while let Some(version) = needed.next()? {
            names.push(text(version.name(endian, strings)?));
        }
    }
    Ok(names)
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
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
        assert!(defined(&code).is_ok());
        for length in (0..4096).chain([code.len() / 2]) {
            assert!(versions(&code[..length]).is_err());
        }
    }

    #[test]
    fn what_is_no_library_is_said_to_be_none() {
        assert!(exports(b"text").unwrap_err().contains("no library"));
    }
}
