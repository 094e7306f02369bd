//! Query parameters: checked against the route's declaration, with the limit and cursor that lists share.

use serde_json::Value;

use super::route::Route;
use crate::catalog::nearest;
use crate::catalog::problems::{FieldError, Problem, QUERY};
use crate::catalog::shape::{Absent, Field, Kind, Object, check};
use crate::engine::Mode;

/// How many objects a list returns at a time.
pub const LIMIT: Field = Field::optional(
    "limit",
    Kind::Integer { min: 1, max: 500 },
    Absent::Integer(100),
    "Most objects to return.",
);
/// Where a list goes on.
pub const CURSOR: Field = Field::optional(
    "cursor",
    Kind::Text { min: 0, max: 64, rule: None },
    Absent::Text(""),
    "`next` of the page before; opaque.",
);
/// Whether to only say what would happen.
pub const DRY_RUN: Field = Field::optional(
    "dry_run",
    Kind::Boolean,
    Absent::Boolean(false),
    "1: say what would happen, change nothing.",
);

/// Checks a query against the route's declaration.
pub fn read_query(route: &Route, query: &str) -> Result<(Object, Mode), Problem> {
    let mut fields: Vec<Field> = route.query.clone();
    fields.extend(route.dry_run.then_some(DRY_RUN));
    let mut read = Object::new();
    let mut errors = Vec::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        match fields.iter().find(|field| field.name == name) {
            Some(_) if read.contains_key(name.as_ref()) => errors.push(repeated(&name)),
            Some(field) => match read_value(field, &text) {
                Ok(value) => drop(read.insert(name.into_owned(), value)),
                Err(error) => errors.push(error),
            },
            // A rehearsal that is not understood must not be done for real.
            None if route.passes_query && name != DRY_RUN.name => {
                drop(read.insert(name.into_owned(), text.into_owned().into()))
            }
            None => errors.push(stranger(&name, &fields)),
        }
    }
    let is_given = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(given, _)| given == name);
    let needed = fields.iter().filter(|field| matches!(field.absent, Absent::Refused));
    errors.extend(needed.filter(|field| !is_given(field.name)).map(missing));
    if !errors.is_empty() {
        let detail =
            errors.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect::<Vec<_>>().join("; ");
        return Err(Problem::new(QUERY, detail).with_errors(errors));
    }
    for field in fields {
        read.entry(field.name).or_insert_with(|| field.absent.value().unwrap_or_default());
    }
    let dry = read.get(DRY_RUN.name) == Some(&Value::Bool(true));
    Ok((read, if dry { Mode::DryRun } else { Mode::Commit }))
}

fn read_value(field: &Field, text: &str) -> Result<Value, FieldError> {
    let value = match (field.kind, text) {
        (Kind::Boolean, "1" | "true") => Value::Bool(true),
        (Kind::Boolean, "0" | "false") => Value::Bool(false),
        (Kind::Integer { .. }, _) => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        _ => text.into(),
    };
    match check(field.kind, &value, "") {
        Ok(()) => Ok(value),
        Err(errors) => Err(FieldError {
            pointer: format!("?{}", field.name),
            detail: errors.first().map(|e| e.detail.clone()).unwrap_or_default(),
        }),
    }
}

fn missing(field: &Field) -> FieldError {
    FieldError { pointer: format!("?{}", field.name), detail: format!("is missing. {}", field.help) }
}

fn repeated(name: &str) -> FieldError {
    FieldError { pointer: format!("?{name}"), detail: "is given twice".to_owned() }
}

fn stranger(name: &str, fields: &[Field]) -> FieldError {
    let meant = nearest(name, fields.iter().map(|f| f.name))
        .map(|m| format!("; did you mean {m}?"))
        .unwrap_or_default();
    FieldError { pointer: format!("?{name}"), detail: format!("is not a parameter of this address{meant}") }
}

/// The number in a cursor of that list, or 0 at the beginning.
pub fn read_cursor(list: &str, query: &Object) -> Result<i64, Problem> {
    let text = query.get(CURSOR.name).and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() {
        return Ok(0);
    }
    let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default();
    let number =
        String::from_utf8(bytes).ok().and_then(|t| t.strip_prefix(list)?.strip_prefix(' ')?.parse().ok());
    number
        .ok_or_else(|| Problem::new(QUERY, "?cursor is not one that this list gave. Begin again without it."))
}

/// A page as JSON.
pub fn shown(list: &str, items: Vec<Object>, next: Option<i64>) -> Value {
    let next = next.map(|n| cursor(list, n));
    serde_json::json!({"items": items, "next": next})
}

/// The cursor of a list that goes on at a number.
pub fn cursor(list: &str, n: i64) -> String {
    data_encoding::BASE64URL_NOPAD.encode(format!("{list} {n}").as_bytes())
}

/// How many objects the caller asked for.
pub fn limit(query: &Object) -> usize {
    query.get(LIMIT.name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn route() -> Route {
        Route::new("GET", "/things", "").query([LIMIT, CURSOR]).can_rehearse()
    }

    #[test]
    fn parameters_are_read_by_their_kind_and_filled_in() {
        let (query, mode) = read_query(&route(), "limit=7&dry_run=1").unwrap();
        assert_eq!(query.get("limit"), Some(&json!(7)));
        assert_eq!((limit(&query), mode), (7, Mode::DryRun));
        assert_eq!(limit(&read_query(&route(), "").unwrap().0), 100);
    }

    #[test]
    fn a_parameter_that_is_needed_is_missed() {
        let needed = Field::required("owner", Kind::Text { min: 0, max: 9, rule: None }, "Whose they are.");
        let route = Route::new("GET", "/things", "").query([needed]);
        assert_eq!(read_query(&route, "").unwrap_err().detail, "?owner is missing. Whose they are.");
        assert_eq!(read_query(&route, "owner=jo").unwrap().0.get("owner"), Some(&json!("jo")));
        let wrong = read_query(&route, "owner=far-too-long").unwrap_err();
        assert!(wrong.errors.len() == 1 && !wrong.detail.contains("is missing"), "{}", wrong.detail);
    }

    #[test]
    fn wrong_parameters_are_named() {
        for (query, said) in [
            ("limit=0", "?limit must be 1 to 500; 0 is not"),
            ("limit=many", "?limit must be a whole number"),
            ("limt=1", "did you mean limit?"),
            ("limit=1&limit=2", "?limit is given twice"),
            ("dry_run=maybe", "?dry_run must be true or false"),
        ] {
            let detail = read_query(&route(), query).unwrap_err().detail;
            assert!(detail.contains(said), "{query}: {detail}");
        }
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let page = shown("things", Vec::new(), Some(42));
        let query = json!({"cursor": page["next"]});
        assert_eq!(read_cursor("things", query.as_object().unwrap()).unwrap(), 42);
        assert!(read_cursor("others", query.as_object().unwrap()).is_err());
    }
}
