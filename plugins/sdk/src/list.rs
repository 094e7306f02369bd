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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plugin::Request;

    fn asked(query: Value, if_match: Value, look: impl FnOnce(&Call<'_>)) {
        let http = json!({"method": "GET", "path": "x", "query": query, "who": "t", "if_match": if_match});
        let http = serde_json::from_value(http).unwrap();
        let (op, args) = ("http".to_owned(), Value::Null);
        let request = Request { id: 2, op, args, until: None, cancelled: Default::default() };
        look(&Call { http: &http, request: &request, params: Vec::new() });
    }

    #[test]
    fn a_list_has_a_usual_and_a_largest_page() {
        asked(json!({}), Value::Null, |call| assert_eq!(call.part(), Ok(Part { limit: 100, after: "" })));
        asked(json!({"limit": "500", "cursor": "b"}), Value::Null, |call| {
            assert_eq!(call.part(), Ok(Part { limit: 500, after: "b" }));
        });
        for wrong in ["0", "501", "many", "-1", ""] {
            asked(json!({ "limit": wrong }), Value::Null, |call| {
                let problem = call.part().unwrap_err();
                assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, "?limit"), "{wrong}");
            });
        }
    }

    #[test]
    fn a_version_is_what_is_before_the_dash() {
        for (asked_for, fits) in [("7", true), ("7-ab", true), ("*", true), ("70", false), ("8-7", false)] {
            asked(json!({}), json!(asked_for), |call| {
                assert_eq!(call.must_match("7").is_ok(), fits, "{asked_for}");
            });
        }
    }
}
