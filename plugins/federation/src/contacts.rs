//! `federation/contacts`: how far the watching of external peers' contacts has come.

use jackfield_sdk::{Call, Outcome, Part, Reply};

use crate::Federation;
use crate::im::watch_counts;

impl Federation {
    /// One item for each external peer: the address that watches, and how many contacts wait to be asked, were asked, may
    /// be seen, have refused, or have gone and are told so.
    pub(crate) fn list_contacts(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let page = watch_counts(&self.host, after, limit)?;
        let last = page.rows.last().filter(|_| page.more);
        Reply::list(&page.rows, last.map(|row| row.peer.as_str()))
    }
}
