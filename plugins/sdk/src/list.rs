//! Lists as the API has them: so many items after a cursor, and the cursor of the next ones.

use serde::Serialize;
use serde_json::json;

use crate::form::shown;
use crate::http::{Call, Outcome, Reply};
use crate::problem::{FieldError, Problem};

/// Most items of one page, and as many as somebody gets who does not say, as in the lists of core.
const MOST: usize = 500;
const USUAL: usize = 100;
/// Longest search, in characters; as that of the lists of core.
const LONGEST_SEARCH: usize = 100;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Most items.
    pub limit: usize,
    /// The cursor: only what comes after it; empty: from the beginning.
    pub after: &'a str,
}

/// What somebody searches for: words in lower case, each of which must be part of what is looked through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Whether each of them is part of that text, in whatever case; nothing was searched for: it is.
    pub fn fit(&self, text: &str) -> bool {
        self.0.is_empty() || {
            let text = text.to_lowercase();
            self.0.iter().all(|word| text.contains(word.as_str()))
        }
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self(text.to_lowercase().split_whitespace().map(str::to_owned).collect())
    }
}

impl Part<'_> {
    /// That part of a list that is in memory, in the order of its keys.
    pub fn of<T: Serialize>(self, items: Vec<T>, key: impl Fn(&T) -> String) -> Outcome {
        let mut items: Vec<T> = items
            .into_iter()
            .skip_while(|item| key(item).as_str() <= self.after)
            .take(self.limit + 1)
            .collect();
        let has_more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| has_more).map(key);
        Reply::list(&items, next.as_deref())
    }
}

impl Call<'_> {
    /// `?q=`; 422 where it is too long.
    pub fn words(&self) -> Result<Words, Problem> {
        let search = self.query("q").unwrap_or_default();
        if search.chars().count() > LONGEST_SEARCH {
            let detail = format!("must have at most {LONGEST_SEARCH} characters");
            return Err(Problem::invalid(vec![FieldError { pointer: "?q".to_owned(), detail }]));
        }
        Ok(search.into())
    }

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
    fn a_list_in_memory_is_given_part_by_part() {
        let names = || vec!["ann".to_owned(), "ben".to_owned(), "cat".to_owned()];
        let part = |limit, after| Part { limit, after }.of(names(), Clone::clone);
        let ben = Some("ben");
        assert_eq!(part(2, ""), Reply::list(&["ann", "ben"], ben));
        assert_eq!(part(2, "ben"), Reply::list(&["cat"], None));
        assert_eq!(part(3, "aa"), Reply::list(&names(), None));
    }

    #[test]
    fn words_are_parts_of_a_text_in_whatever_case() {
        for (search, fits) in [("", true), ("FAR exam", true), ("near", false), ("far near", false)] {
            asked(json!({ "q": search }), Value::Null, |call| {
                assert_eq!(call.words().unwrap().fit("Far.example"), fits, "{search}");
            });
        }
        asked(json!({"q": "x".repeat(101)}), Value::Null, |call| {
            assert_eq!(call.words().unwrap_err().errors[0].pointer, "?q");
        });
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
