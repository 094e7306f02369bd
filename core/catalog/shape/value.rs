//! One value against what it may be.

use serde_json::{Number, Value};

use super::{Kind, Shape};
use crate::catalog::nearest;
use crate::catalog::problems::FieldError;
use crate::catalog::rules::{INSTANT, Rule};

/// Checks one value against a kind; errors carry the JSON pointer given.
pub fn check(kind: Kind, value: &Value, pointer: &str) -> Result<(), Vec<FieldError>> {
    let complaint = match (kind, value) {
        (Kind::Text { min, max, rule }, Value::String(text)) => text_complaint(text, min, max, rule),
        (Kind::Integer { min, max }, Value::Number(number)) => integer_complaint(number, min, max),
        (Kind::Choice(words), Value::String(word)) => choice_complaint(word, words),
        (Kind::List { of, max }, Value::Array(items)) => {
            return both(check_list(*of, max, items, pointer), check_unique(items, pointer));
        }
        (Kind::Sequence { of, max }, Value::Array(items)) => return check_list(*of, max, items, pointer),
        (Kind::Object(shape), Value::Object(_)) => return check_object(shape, value, pointer),
        (Kind::Objects(shape), Value::Array(items)) => return check_objects(shape, items, pointer),
        (Kind::Either(kinds), value) => return check_either(kinds, value, pointer),
        (Kind::Time, Value::String(text)) => time_complaint(text),
        (Kind::Boolean, Value::Bool(_))
        | (Kind::Reference(_) | Kind::Named(_), Value::String(_))
        | (Kind::Any, _) => None,
        (kind, value) => Some(format!("must be {}, not {}", kind.describe(), kind_name(value))),
    };
    match complaint {
        None => Ok(()),
        Some(detail) => Err(vec![FieldError { pointer: pointer.to_owned(), detail }]),
    }
}

fn text_complaint(text: &str, min: usize, max: usize, rule: Option<&Rule>) -> Option<String> {
    let count = text.chars().count();
    if count < min || count > max {
        return Some(format!("must be {min} to {max} characters long; this has {count}"));
    }
    let rule = rule.filter(|_| count > 0)?;
    (!rule.allows(text)).then(|| format!("must be {}; {text:?} is not", rule.says))
}

fn integer_complaint(number: &Number, min: i64, max: i64) -> Option<String> {
    match number.as_i64() {
        Some(n) if (min..=max).contains(&n) => None,
        Some(n) => Some(format!("must be {min} to {max}; {n} is not")),
        None => Some(format!("must be a whole number from {min} to {max}; {number} is not")),
    }
}

fn choice_complaint(word: &str, words: &[&'static str]) -> Option<String> {
    if words.contains(&word) {
        return None;
    }
    let meant =
        nearest(word, words.iter().copied()).map(|w| format!("; did you mean {w:?}?")).unwrap_or_default();
    Some(format!("must be one of {}; {word:?} is not{meant}", words.join(", ")))
}

fn time_complaint(text: &str) -> Option<String> {
    // The first 19 characters are date and time of day; the pattern has proved them to be ASCII.
    let exists = INSTANT.allows(text) && text[..19].parse::<jiff::civil::DateTime>().is_ok();
    (!exists).then(|| format!("must be {}; {text:?} is not", INSTANT.says))
}

fn check_list(of: Kind, max: usize, items: &[Value], pointer: &str) -> Result<(), Vec<FieldError>> {
    if items.len() > max {
        let detail = format!("may hold at most {max}; this has {}", items.len());
        return Err(vec![FieldError { pointer: pointer.to_owned(), detail }]);
    }
    let mut errors = Vec::new();
    for (index, item) in items.iter().enumerate() {
        errors.extend(check(of, item, &format!("{pointer}/{index}")).err().unwrap_or_default());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn check_unique(items: &[Value], pointer: &str) -> Result<(), Vec<FieldError>> {
    let repeated = items.iter().enumerate().filter(|(index, item)| items[..*index].contains(item));
    let error = |(index, item)| FieldError {
        pointer: format!("{pointer}/{index}"),
        detail: format!("{item} is listed twice"),
    };
    let errors: Vec<FieldError> = repeated.map(error).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn both(
    first: Result<(), Vec<FieldError>>,
    second: Result<(), Vec<FieldError>>,
) -> Result<(), Vec<FieldError>> {
    match (first, second) {
        (Err(mut all), Err(more)) => {
            all.extend(more);
            Err(all)
        }
        (first, second) => first.and(second),
    }
}

/// The errors of the last kind are reported: declarations put the richest one last.
fn check_either(kinds: &[Kind], value: &Value, pointer: &str) -> Result<(), Vec<FieldError>> {
    let mut outcome = Ok(());
    for kind in kinds {
        outcome = check(*kind, value, pointer);
        if outcome.is_ok() {
            return outcome;
        }
    }
    outcome
}

fn check_object(shape: &Shape, value: &Value, pointer: &str) -> Result<(), Vec<FieldError>> {
    let below = |e: FieldError| FieldError { pointer: format!("{pointer}{}", e.pointer), ..e };
    let found = shape.accept(value, None).err().unwrap_or_default();
    if found.is_empty() { Ok(()) } else { Err(found.into_iter().map(below).collect()) }
}

fn check_objects(shape: &Shape, items: &[Value], pointer: &str) -> Result<(), Vec<FieldError>> {
    let found =
        items.iter().enumerate().filter_map(|(i, v)| check_object(shape, v, &format!("{pointer}/{i}")).err());
    let errors: Vec<FieldError> = found.flatten().collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

impl Kind {
    /// What the value must be, as the end of "must be …".
    pub fn describe(self) -> &'static str {
        match self {
            Self::Text { .. } | Self::Choice(_) | Self::Named(_) | Self::Reference(_) => "text",
            Self::Time => "an RFC 3339 time",
            Self::Integer { .. } => "a whole number",
            Self::Boolean => "true or false",
            Self::List { .. } | Self::Sequence { .. } | Self::Objects(_) => "a list",
            Self::Object(_) => "an object",
            Self::Either(_) => "one of several kinds",
            Self::Any => "any JSON",
        }
    }
}

/// What a value is, as people call it.
pub fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
