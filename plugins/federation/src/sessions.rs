//! `federation/sessions`: who of our own users is connected, and how; and the end of such a session.

use jackfield_sdk::{Call, Outcome, Part, Problem, Reply, log};

use crate::Federation;

impl Federation {
    pub(crate) fn list_sessions(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let words = call.words()?;
        let page = self.server().clients().map(|clients| clients.page(after, &words, limit));
        let (items, is_more) = page.unwrap_or_default();
        let last = items.last().filter(|_| is_more);
        let next = last.map(|client| format!("{}/{}", client.address, client.resource));
        Reply::list(&items, next.as_deref())
    }

    pub(crate) fn end_session(&self, call: &Call<'_>) -> Outcome {
        let id: String = call.param("id")?;
        let ended = self.server().clients().and_then(|clients| clients.end(&id));
        let Some(address) = ended else {
            return Err(Problem::not_found("there is no such session any more"));
        };
        log::info!("{} ended the session of {address}", call.who());
        Reply::nothing()
    }
}
