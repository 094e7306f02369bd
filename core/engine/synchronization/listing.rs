//! Whom a run touches, the first of each sort, so that somebody can judge a dry run or a run that was held.

use jackfield_abi::ops::{DirectoryList, DirectoryPerson};

use super::entry::name_of;
use crate::catalog::shape::Object;
use crate::engine::objects::text;

/// Persons of each list.
const LISTED: usize = 1000;
/// Bytes of all lists, so that they fit in a message.
const BYTES: usize = 512 * 1024;

/// The lists.
#[derive(Default)]
pub struct Listing {
    list: DirectoryList,
    bytes: usize,
}

impl Listing {
    /// Somebody new.
    pub fn add(&mut self, key: &str, fields: &Object) {
        self.put(key, fields, |list| &mut list.adds);
    }

    /// Whether one more who is new would be told.
    pub fn has_room(&self) -> bool {
        self.list.adds.len() < LISTED && self.bytes < BYTES
    }

    /// Somebody who is different now.
    pub fn change(&mut self, key: &str, fields: &Object) {
        self.put(key, fields, |list| &mut list.changes);
    }

    /// Somebody who goes.
    pub fn removal(&mut self, key: &str, fields: &Object) {
        self.put(key, fields, |list| &mut list.removals);
    }

    /// As the plugin gets them.
    pub fn told(self) -> DirectoryList {
        self.list
    }

    fn put(
        &mut self,
        key: &str,
        fields: &Object,
        which: impl FnOnce(&mut DirectoryList) -> &mut Vec<DirectoryPerson>,
    ) {
        let list = which(&mut self.list);
        let (login_id, name) = (text(fields, "login_id").to_owned(), name_of(fields));
        let bytes = key.len() + login_id.len() + name.len() + 48;
        if list.len() < LISTED && self.bytes + bytes <= BYTES {
            self.bytes += bytes;
            list.push(DirectoryPerson { key: key.to_owned(), login_id, name });
        }
    }
}
