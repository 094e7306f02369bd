//! Photos of accounts and contacts: what is taken for one, where it is kept, how it is set and removed, and when its
//! bytes are forgotten. Leaves out where they come from: administrators (`api`) and directories (`synchronization`).

mod image;
mod store;
mod sweep;

#[cfg(test)]
mod tests;

use jackfield_abi::ops::PHOTO_BYTES;
use serde_json::Value;

use super::change::{Change, Precondition};
use super::objects::{ACCOUNTS, Hidden, revision, text};
use crate::catalog::problems::{INVALID, NOT_FOUND, Problem};
use image::Image;

pub use image::MEDIA_TYPES;
#[cfg(test)]
pub use image::tests::{a_jpeg, a_png};
pub use store::{find, keep, refuse_forgotten};
pub use sweep::sweep;

/// Most pixels of a side: a picture of few bytes may take much memory of whoever shows it.
const MOST_PIXELS: u32 = 2048;

/// A photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// SHA-1 of its bytes in hexadecimal (XEP-0153 section 3.1).
    pub hash: String,
    /// What it is.
    pub image: Image,
    /// As it came.
    pub bytes: Vec<u8>,
}

impl Photo {
    /// The photo that these bytes are; the error is the rule that they break, as the end of a sentence.
    pub fn accept(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.len() > PHOTO_BYTES {
            return Err(format!("may have at most {PHOTO_BYTES} bytes; it has {}", bytes.len()));
        }
        let image = image::read(&bytes)?;
        let (width, height) = (image.width, image.height);
        if ![width, height].iter().all(|side| (1..=MOST_PIXELS).contains(side)) {
            return Err(format!(
                "must be 1 to {MOST_PIXELS} pixels wide and high; it is {width} by {height}"
            ));
        }
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &bytes);
        Ok(Self { hash: data_encoding::HEXLOWER.encode(digest.as_ref()), image, bytes })
    }

    /// The same of what was sent as that media type.
    pub fn accept_as(media_type: &str, bytes: Vec<u8>) -> Result<Self, Problem> {
        let photo = Self::accept(bytes).map_err(|wrong| refused(&wrong))?;
        match photo.image.media_type {
            known if known == media_type => Ok(photo),
            known => Err(refused(&format!("is sent as {media_type}, and is {known} by its bytes"))),
        }
    }
}

fn refused(wrong: &str) -> Problem {
    Problem::new(INVALID, format!("The photo {wrong}. Nothing was changed."))
}

/// The photo of an account.
pub fn of_account(read: &jackfield_db::Read<'_>, id: &str) -> Result<(i64, Photo), Problem> {
    let account = ACCOUNTS.get(read, id)?;
    let none =
        || Problem::new(NOT_FOUND, format!("The account {:?} has no photo.", text(&account, "login_id")));
    let photo = find(read, text(&account, "photo"))?.ok_or_else(none)?;
    Ok((revision(&account), photo))
}

/// Gives an account that photo.
pub fn set(change: &Change<'_>, id: &str, seen: &Precondition, photo: &Photo) -> Result<(), Problem> {
    keep(change.tx, photo)?;
    give(change, id, seen, photo.hash.as_str().into())
}

/// Takes an account's photo away; one that has none stays as it is.
pub fn remove(change: &Change<'_>, id: &str, seen: &Precondition) -> Result<(), Problem> {
    give(change, id, seen, Value::Null)
}

fn give(change: &Change<'_>, id: &str, seen: &Precondition, hash: Value) -> Result<(), Problem> {
    let before = ACCOUNTS.get(change.tx, id)?;
    seen.check(revision(&before))?;
    if before.get("photo") == Some(&hash) {
        return Ok(());
    }
    let mut after = before.clone();
    after.insert("photo".to_owned(), hash);
    ACCOUNTS.replace(change, &before, after, &Hidden::default()).map(drop)
}
