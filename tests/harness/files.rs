//! Folders as a test compares them, and the few bytes of a database's header that tests change from outside.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Every file below a folder with its bytes; folders and sockets count as empty files.
pub fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let kind = fs::symlink_metadata(&path).expect("the file is there").file_type();
        let bytes = match kind.is_dir() || kind.is_socket() {
            true => Vec::new(),
            false => fs::read(&path).expect("the file can be read"),
        };
        if kind.is_dir() {
            found.extend(snapshot(&path));
        }
        found.insert(path, bytes);
    }
    found
}

/// Checks that two snapshots hold the same files with the same bytes; names those that differ.
#[track_caller]
pub fn assert_unchanged(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) {
    let paths = before.keys().chain(after.keys());
    let mut differ: Vec<_> = paths.filter(|path| before.get(*path) != after.get(*path)).collect();
    differ.dedup();
    assert!(differ.is_empty(), "these files were changed, made or removed: {differ:?}");
}

/// Where a database's header has its schema version.
pub const USER_VERSION: usize = 60;
/// Where it has the id of the program that it belongs to.
pub const APPLICATION_ID: usize = 68;

/// Four bytes of a closed database's header.
pub fn header(database: &Path, offset: usize) -> u32 {
    let bytes = fs::read(database).expect("the database can be read");
    u32::from_be_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"))
}

/// Overwrites four bytes of a closed database's header (<https://sqlite.org/fileformat.html> section 1.3).
pub fn set_header(database: &Path, offset: usize, value: u32) {
    let mut bytes = fs::read(database).expect("the database can be read");
    bytes[offset..offset + 4].copy_from_slice(&value.to_be_bytes());
    fs::write(database, bytes).expect("the database can be written");
}
