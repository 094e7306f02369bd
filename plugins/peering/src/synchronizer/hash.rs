//! What tells one version of an entry from the next: everything that is kept of it.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use jackfield_sdk::abi::ops::DirectoryEntry;
use sha2::{Digest, Sha256};

/// The version of an entry, whose own field of it does not count.
pub fn hash(entry: &DirectoryEntry) -> String {
    let DirectoryEntry {
        key: _,
        hash: _,
        login_id,
        last_name,
        first_name,
        email,
        extension,
        folder,
        pbx_node,
        address,
        photo,
    } = entry;
    let mut whole = String::with_capacity(256);
    let optional = [first_name, email, extension, folder, pbx_node, address];
    let all = [login_id, last_name].into_iter().map(Some).chain(optional.map(Option::as_ref));
    for field in all {
        // The length keeps two fields apart whatever they hold.
        let text = field.map_or("", String::as_str);
        let _ = write!(whole, "{}:{}:{text}", u8::from(field.is_some()), text.len());
    }
    // Who has no photo is the same person as before there were photos.
    if let Some(photo) = photo.as_deref().filter(|photo| !photo.is_empty()) {
        whole.push_str(&HEXLOWER.encode(&Sha256::digest(photo)));
    }
    HEXLOWER.encode(&Sha256::digest(whole.as_bytes())[..16])
}
