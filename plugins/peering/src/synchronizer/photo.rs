//! A person's photo on its way from a directory to the appliance, which judges the picture: it travels once, not in every
//! run.

use std::collections::HashMap;

use data_encoding::BASE64;
use jackfield_sdk::abi::ops::PHOTO_BYTES;
use jackfield_sdk::{DirectoryEntry, Failure, Host, json, params};
use serde::Deserialize;

/// Versions that the appliance has of these keys.
const KNOWN: &str = "SELECT directory_key AS key, directory_hash AS hash FROM core_accounts
    WHERE synchronizer = ?1 AND directory_key IN (SELECT value FROM json_each(?2))";

#[derive(Deserialize)]
struct Known {
    key: String,
    hash: String,
}

/// A value as the appliance takes it, empty where there is none; or why it does not.
pub fn taken(value: Option<&[u8]>) -> Result<String, String> {
    match value.unwrap_or_default() {
        large if large.len() > PHOTO_BYTES => {
            Err(format!("has {} bytes; a photo of at most {PHOTO_BYTES} is taken", large.len()))
        }
        photo => Ok(BASE64.encode(photo)),
    }
}

/// Leaves the photos of entries out that the appliance has in this version.
pub fn leave_known(host: &Host, synchronizer: &str, entries: &mut [DirectoryEntry]) -> Result<(), Failure> {
    let has_photo = |entry: &&mut DirectoryEntry| entry.photo.as_ref().is_some_and(|photo| !photo.is_empty());
    let mut entries: Vec<_> = entries.iter_mut().filter(has_photo).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    let known: Vec<Known> = host.db().query(KNOWN, params![synchronizer, json!(keys).to_string()])?;
    let known: HashMap<String, String> = known.into_iter().map(|Known { key, hash }| (key, hash)).collect();
    for entry in &mut entries {
        if known.get(&entry.key) == Some(&entry.hash) {
            entry.photo = None;
        }
    }
    Ok(())
}
