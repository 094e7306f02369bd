//! `federation/sessions`: who of our own users is connected, and how; and the end of such a session.

use jackfield_sdk::{Call, FieldError, Outcome, Part, Problem, Reply, log};

use crate::Federation;

/// Longest search, in characters; as that of core's lists.
const LONGEST_SEARCH: usize = 100;

impl Federation {
    pub(crate) fn list_sessions(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let search = call.query("q").unwrap_or_default();
        if search.chars().count() > LONGEST_SEARCH {
            let detail = format!("must have at most {LONGEST_SEARCH} characters");
            return Err(Problem::invalid(vec![FieldError { pointer: "?q".to_owned(), detail }]));
        }
        let words: Vec<_> = search.to_lowercase().split_whitespace().map(str::to_owned).collect();
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
