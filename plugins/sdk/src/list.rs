//! Lists as the API has them: so many items after a cursor, and the cursor of the next ones.

use serde::Serialize;
use serde_json::json;

use crate::form::shown;
use crate::http::{Call, Outcome, Reply};
use crate::problem::{FieldError, Problem};

/// Most items of one page, and as many as somebody gets who does not say, as in the lists of core.
const MOST: usize = 500;
const USUAL: usize = 100;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Most items.
    pub limit: usize,
    /// The cursor: only what comes after it; empty: from the beginning.
    pub after: &'a str,
}

impl Call<'_> {
    /// `?limit=&cursor=`; a limit that is none is 422.
    pub fn part(&self) -> Result<Part<'_>, Problem> {
        let after = self.query("cursor").unwrap_or_default();
        let Some(asked) = self.query("limit") else { return Ok(Part { limit: USUAL, after }) };
        let number = asked.parse().ok().filter(|number| (1..=MOST).contains(number));
        let limit = number.ok_or_else(|| {
            let detail = format!("limit must be a whole number from 1 to {MOST}; {}", shown(&json!(asked)));
            Problem::invalid(vec![FieldError { pointer: "?limit".to_owned(), detail }])
        })?;
        Ok(Part { limit, after })
    }
}

impl Reply {
    /// Items, and where the next ones begin; `None`: these were the last.
    pub fn list(items: &[impl Serialize], next: Option<&str>) -> Outcome {
        Self::ok(&json!({"items": items, "next": next}))
    }
}
