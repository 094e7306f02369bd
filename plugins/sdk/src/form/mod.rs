//! Reads the JSON body of a request field by field, and collects everything that is wrong with it, so that
//! the caller hears of all at once: a JSON pointer (RFC 6901) and the sentence "FIELD must be RULE; VALUE is
//! not" each. Left out: rules that need other rows, which the plugin notes in the same [`Errors`].
//!
//! ```
//! use jackfield_sdk::{form, json};
//!
//! let body = json!({"name": "x", "prot": 5269});
//! let wrong = form::read(&body, |form| {
//!     form.ignore(&["revision"]);
//!     let name = form.field("name").text(2..=64, &form::PLAIN).required();
//!     let port = form.field("port").port().or(5269);
//!     // All fields are read before the first `?`: what was not asked for is an unknown field.
//!     Some((name?, port?))
//! });
//! let pointers: Vec<_> = wrong.unwrap_err().errors.into_iter().map(|error| error.pointer).collect();
//! assert_eq!(pointers, ["/prot", "/name"]);
//! ```

mod field;
mod given;
mod rules;
mod url;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::problem::{Errors, Problem, escaped};

pub use field::Field;
pub use given::{Given, SecretEdit, shown};
pub use rules::{DIGITS, DOMAIN, EMAIL, GUID, HOST, PLAIN, Rule};
pub use url::{BASE_URL, URL};

/// Most fields that a sentence about an unknown one lists.
const MOST_NAMES: usize = 40;

/// A JSON object being read.
#[derive(Debug)]
pub struct Form<'f> {
    at: String,
    fields: &'f Map<String, Value>,
    known: Vec<&'static str>,
    ignored: &'static [&'static str],
    errors: &'f mut Errors,
}

/// The body as the function reads it, or 422 with everything that is wrong. The function gives `None` only
/// where one of its fields is wrong.
pub fn read<T>(body: &Value, fill: impl FnOnce(&mut Form<'_>) -> Option<T>) -> Result<T, Problem> {
    let mut errors = Errors::new();
    let found = read_into(&mut errors, body, fill);
    errors.done()?;
    found.ok_or_else(|| Problem::new(500, "the body was refused without a reason; tell the plugin's author"))
}

/// The same where more is checked afterwards: what is wrong is noted in these errors, and gives `None`.
pub fn read_into<T>(
    errors: &mut Errors,
    body: &Value,
    fill: impl FnOnce(&mut Form<'_>) -> Option<T>,
) -> Option<T> {
    match body {
        Value::Object(fields) => Form::over(String::new(), fields, errors, fill),
        other => {
            errors.note("", format!("the body must be an object; {}", shown(other)));
            None
        }
    }
}

impl<'f> Form<'f> {
    fn over<T>(
        at: String,
        fields: &Map<String, Value>,
        errors: &mut Errors,
        fill: impl FnOnce(&mut Form<'_>) -> Option<T>,
    ) -> Option<T> {
        let before = errors.count();
        let mut form = Form { at, fields, known: Vec::new(), ignored: &[], errors };
        let found = fill(&mut form);
        form.refuse_unknown(before);
        found.filter(|_| errors.count() == before)
    }

    /// A field of this object.
    pub fn field(&mut self, name: &'static str) -> Field<'_> {
        self.known.push(name);
        let at = format!("{}/{}", self.at, escaped(name));
        Field { at, name, value: self.fields.get(name), errors: self.errors }
    }

    /// Fields that reading gave and that say nothing when they are sent back, such as `revision`.
    pub fn ignore(&mut self, names: &'static [&'static str]) {
        self.ignored = names;
    }

    /// Notes a rule about several fields unless the claim holds; `detail` is the whole sentence.
    pub fn check(&mut self, holds: bool, name: &str, detail: impl Into<String>) -> &mut Self {
        if !holds {
            self.errors.note(format!("{}/{}", self.at, escaped(name)), detail);
        }
        self
    }

    /// A misspelt name explains a missing field, so it comes before what else is wrong with the object.
    fn refuse_unknown(&mut self, before: usize) {
        let is_known = |name: &str| self.known.contains(&name) || self.ignored.contains(&name);
        let unknown = self.fields.keys().filter(|name| !is_known(name.as_str()));
        for name in unknown {
            let (pointer, detail) = (format!("{}/{}", self.at, escaped(name)), self.unknown(name));
            self.errors.insert(before, pointer, detail);
        }
    }

    fn unknown(&self, name: &str) -> String {
        let mut names: Vec<_> =
            self.known.iter().take(MOST_NAMES).map(|known| format!("`{known}`")).collect();
        if self.known.len() > MOST_NAMES {
            names.push("…".to_owned());
        }
        let known = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        format!("{} is no field here; known: {known}", given::short(&Value::from(name)))
    }
}
