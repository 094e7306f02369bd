//! What a field was found to hold, and what becomes of one that is missing.

use serde_json::Value;

use super::Field;
use crate::host::Secret;

/// Most characters of a wrong value that a sentence repeats.
const ECHO: usize = 80;

/// What a field holds, with its rule. `None` of the functions below means wrong, and that it has been noted.
#[derive(Debug)]
pub struct Given<'f, T> {
    pub(super) field: Field<'f>,
    pub(super) says: String,
    pub(super) found: Found<T>,
}

/// Outcome of looking at a field.
#[derive(Debug)]
pub(super) enum Found<T> {
    /// It is not there, or empty.
    Missing,
    /// It has been noted.
    Wrong,
    /// It keeps the rule.
    Right(T),
}

/// What a body says of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretEdit {
    /// Nothing: it stays as it is.
    Keep,
    /// There shall be none.
    Forget,
    /// This one.
    Set(Secret),
}

impl<T> Given<'_, T> {
    /// The value, which must be there.
    pub fn required(mut self) -> Option<T> {
        match self.found {
            Found::Right(value) => Some(value),
            Found::Wrong => None,
            Found::Missing => {
                self.field.note(&self.says);
                None
            }
        }
    }

    /// The value, or this one where it is missing.
    pub fn or(self, usual: T) -> Option<T> {
        self.optional().map(|value| value.unwrap_or(usual))
    }

    /// The value if it is there.
    pub fn optional(self) -> Option<Option<T>> {
        match self.found {
            Found::Right(value) => Some(Some(value)),
            Found::Missing => Some(None),
            Found::Wrong => None,
        }
    }
}

impl Field<'_> {
    /// Notes that the value is not what it must be.
    pub(super) fn note(&mut self, says: &str) {
        let sentence = format!("{} must be {says}; {}", self.name, shown(self.value.unwrap_or(&Value::Null)));
        self.errors.note(self.at.clone(), sentence);
    }
}

/// A wrong value in the end of a sentence. What may hold much, or what belongs elsewhere, is named only.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "it is missing".to_owned(),
        Value::Array(_) => "a list is not".to_owned(),
        Value::Object(_) => "an object is not".to_owned(),
        text => format!("{} is not", short(text)),
    }
}

/// A value as JSON, cut where it is long.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(ECHO) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
