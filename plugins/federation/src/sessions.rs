//! `federation/sessions`: who of our own users is connected, and how.

use jackfield_sdk::{Call, Outcome, Part, Reply};

use crate::Federation;

impl Federation {
    pub(crate) fn list_sessions(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let page = self.server().clients().map(|clients| clients.page(after, limit));
        let (items, is_more) = page.unwrap_or_default();
        let last = items.last().filter(|_| is_more);
        let next = last.map(|client| format!("{}/{}", client.address, client.resource));
        Reply::list(&items, next.as_deref())
    }
}
