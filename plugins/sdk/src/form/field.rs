//! The kinds that a field can be of.

use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use serde_json::Value;

use super::Form;
use super::given::{Found, Given, SecretEdit};
use super::rules::{DOMAIN, GUID, HOST, PLAIN, Rule};
use crate::host::Secret;
use crate::problem::Errors;

/// One field of an object, or one entry of a list, before it is known what it may hold. A field that is null
/// counts as missing, and so does an empty text where empty is no value: console forms send that.
#[derive(Debug)]
pub struct Field<'f> {
    pub(super) at: String,
    pub(super) name: &'f str,
    pub(super) value: Option<&'f Value>,
    pub(super) errors: &'f mut Errors,
}

impl<'f> Field<'f> {
    /// True or false.
    pub fn flag(self) -> Given<'f, bool> {
        self.read("true or false", Value::as_bool)
    }

    /// A whole number of that range.
    pub fn whole(self, range: RangeInclusive<i64>) -> Given<'f, i64> {
        let says = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(says, |value| value.as_i64().filter(|number| range.contains(number)))
    }

    /// A TCP or UDP port.
    pub fn port(self) -> Given<'f, u16> {
        let port = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
        self.read("a whole number from 1 to 65535", |value| port(value).filter(|port| *port > 0))
    }

    /// Text of so many characters (Unicode scalar values) that keeps the rule.
    pub fn text(self, length: RangeInclusive<usize>, rule: &Rule) -> Given<'f, String> {
        let says = format!("text of {}, {}", characters(&length), rule.says);
        let fits = |text: &&str| length.contains(&text.chars().count()) && (rule.holds)(text);
        self.read(says, |value| value.as_str().filter(fits).map(|text| rule.normal(text)))
    }

    /// Text of a form that says its own length, such as [`super::GUID`].
    pub fn matching(self, rule: &Rule) -> Given<'f, String> {
        let fits = |text: &&str| !text.is_empty() && (rule.holds)(text);
        self.read(rule.says, |value| value.as_str().filter(fits).map(|text| rule.normal(text)))
    }

    /// A host name or an IP address, in lower case.
    pub fn host(self) -> Given<'f, String> {
        self.matching(&HOST)
    }

    /// A DNS name of at least two labels, in lower case.
    pub fn domain(self) -> Given<'f, String> {
        self.matching(&DOMAIN)
    }

    /// A GUID (RFC 9562), in lower case.
    pub fn guid(self) -> Given<'f, String> {
        self.matching(&GUID)
    }

    /// A web address of HTTPS, or of HTTP on this machine.
    pub fn url(self) -> Given<'f, String> {
        self.matching(&super::URL)
    }

    /// One of these words.
    pub fn choice(self, among: &'static [&'static str]) -> Given<'f, &'static str> {
        let words: Vec<_> = among.iter().map(|word| format!("{word:?}")).collect();
        let says = format!("one of {}", words.join(", "));
        self.read(says, |value| among.iter().copied().find(|word| value.as_str() == Some(*word)))
    }

    /// A day, such as 2030-01-31 (RFC 3339 full-date).
    pub fn date(self) -> Given<'f, Date> {
        self.read("a day such as 2030-01-31", |value| of_shape::<Date>(value, "dddd-dd-dd"))
    }

    /// A time of day to the minute, such as 06:30.
    pub fn time(self) -> Given<'f, Time> {
        self.read("a time of day such as 06:30", |value| of_shape::<Time>(value, "dd:dd"))
    }

    /// A secret of so many characters. It is write-only: left out it stays, null or empty it is forgotten,
    /// and no sentence repeats it.
    pub fn secret(self, length: RangeInclusive<usize>) -> Option<SecretEdit> {
        self.secret_text(length, &PLAIN)
    }

    /// The same with a rule of its own.
    pub fn secret_text(self, length: RangeInclusive<usize>, rule: &Rule) -> Option<SecretEdit> {
        let text = match self.value {
            None => return Some(SecretEdit::Keep),
            Some(Value::Null) => return Some(SecretEdit::Forget),
            Some(Value::String(text)) if text.is_empty() => return Some(SecretEdit::Forget),
            Some(value) => value.as_str(),
        };
        let fits = |text: &&str| length.contains(&text.chars().count()) && (rule.holds)(text);
        if let Some(text) = text.filter(fits) {
            return Some(SecretEdit::Set(Secret::new(text)));
        }
        let Self { at, name, errors, .. } = self;
        let says = format!("{name} must be text of {}, {}", characters(&length), rule.says);
        errors.note(at, format!("{says}; what was given is not, and is not repeated here"));
        None
    }

    /// An object with fields of its own.
    pub fn object<T>(self, fill: impl FnOnce(&mut Form<'_>) -> Option<T>) -> Given<'f, T> {
        let Some(Value::Object(fields)) = self.value else { return self.read("an object", |_| None) };
        let found = Form::over(self.at.clone(), fields, self.errors, fill);
        let found = found.map_or(Found::Wrong, Found::Right);
        Given { field: self, says: "an object".into(), found }
    }

    /// A list of at most so many; each entry is read as a field of the same name.
    pub fn list<T>(self, most: usize, mut each: impl FnMut(Field<'_>) -> Option<T>) -> Given<'f, Vec<T>> {
        let says = format!("a list of at most {most}");
        let Some(Value::Array(entries)) = self.value else { return self.read(says, |_| None) };
        let Self { at, name, value, errors } = self;
        if entries.len() > most {
            errors.note(
                at.clone(),
                format!("{name} must have at most {most} entries; {} are given", entries.len()),
            );
            let field = Field { at, name, value, errors };
            return Given { field, says, found: Found::Wrong };
        }
        let read =
            |(index, entry)| each(Field { at: format!("{at}/{index}"), name, value: Some(entry), errors });
        // Every entry is read, also after a wrong one.
        let read: Vec<_> = entries.iter().enumerate().map(read).collect();
        let found = read.into_iter().collect::<Option<_>>().map_or(Found::Wrong, Found::Right);
        Given { field: Field { at, name, value, errors }, says, found }
    }

    fn read<T>(mut self, says: impl Into<String>, right: impl FnOnce(&Value) -> Option<T>) -> Given<'f, T> {
        let says = says.into();
        let found = match self.value {
            None | Some(Value::Null) => Found::Missing,
            Some(value) => match right(value) {
                Some(right) => Found::Right(right),
                None if value.as_str() == Some("") => Found::Missing,
                None => {
                    self.note(&says);
                    return Given { field: self, says, found: Found::Wrong };
                }
            },
        };
        Given { field: self, says, found }
    }
}

fn characters(length: &RangeInclusive<usize>) -> String {
    if length.start() == length.end() {
        return format!("{} characters", length.end());
    }
    format!("{} to {} characters", length.start(), length.end())
}

/// Reads text that has exactly this shape, where `d` is a digit.
fn of_shape<T: FromStr>(value: &Value, shape: &str) -> Option<T> {
    let text = value.as_str().filter(|text| text.len() == shape.len())?;
    let fits = |(given, wanted): (u8, u8)| match wanted {
        b'd' => given.is_ascii_digit(),
        other => given == other,
    };
    text.bytes().zip(shape.bytes()).all(fits).then(|| text.parse().ok())?
}
