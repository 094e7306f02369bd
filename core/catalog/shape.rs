//! Shapes: what a JSON object may hold, field by field. One declaration validates what comes in, fills what
//! may be left out, and describes itself to the API description. Leaves out rules that need other rows.

#[cfg(test)]
mod tests;
mod value;

use serde_json::{Map, Value};

use super::nearest;
use super::problems::{FieldError, pointer_to};
use super::rules::Rule;

pub use value::check;
use value::kind_name;

/// A JSON object by its fields.
pub type Object = Map<String, Value>;

/// What a field's value may be.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Text of so many characters (Unicode scalar values) that keeps a rule.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// Rule for its characters.
        rule: Option<&'static Rule>,
    },
    /// A whole number in a range, both ends included.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text that is one of these names, each with its meaning; later versions may know more.
    Named(&'static [(&'static str, &'static str)]),
    /// A list without repetition.
    List {
        /// What each element is.
        of: &'static Kind,
        /// Most elements.
        max: usize,
    },
    /// A list whose elements may repeat.
    Sequence {
        /// What each element is.
        of: &'static Kind,
        /// Most elements.
        max: usize,
    },
    /// UTC instant, RFC 3339 with seconds or finer.
    Time,
    /// The id of an object of that resource.
    Reference(&'static str),
    /// An object of its own shape.
    Object(&'static Shape),
    /// A list of objects.
    Objects(&'static Shape),
    /// One of several kinds.
    Either(&'static [Kind]),
    /// Any JSON; only where the value's own declaration is elsewhere (settings, revisions).
    Any,
}

/// Who sets a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The caller, at any time.
    Writable,
    /// The caller, when the object is made or while it is null; fixed afterwards.
    Fixed,
    /// The appliance.
    ReadOnly,
    /// The appliance, as it follows from other facts: it is read with the object and never written with it.
    Derived,
    /// The caller; never given back.
    Secret,
    /// The appliance, in the answer that makes the object and never again.
    Once,
}

impl Access {
    /// Whether the caller has no say in it.
    pub fn is_appliances(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Derived | Self::Once)
    }
}

/// What a field is when the caller leaves it out.
#[derive(Clone, Copy)]
pub enum Absent {
    /// Leaving it out is an error.
    Refused,
    /// `null`: there is none.
    Null,
    /// This text.
    Text(&'static str),
    /// This number.
    Integer(i64),
    /// This truth value.
    Boolean(bool),
    /// The empty list.
    Empty,
}

impl Absent {
    /// The value that stands in, if there is one.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::Refused => None,
            Self::Null => Some(Value::Null),
            Self::Text(text) => Some(text.into()),
            Self::Integer(number) => Some(number.into()),
            Self::Boolean(flag) => Some(flag.into()),
            Self::Empty => Some(Value::Array(Vec::new())),
        }
    }
}

/// One field.
#[derive(Clone, Copy)]
pub struct Field {
    /// Name in JSON, and of the column where the object is a row.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Who sets it.
    pub access: Access,
    /// What it is when left out; `Null` also allows an explicit `null`.
    pub absent: Absent,
    /// One sentence for people: meaning, unit, source of the rule.
    pub help: &'static str,
}

impl Field {
    /// A field that the caller must give.
    pub const fn required(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, kind, access: Access::Writable, absent: Absent::Refused, help }
    }

    /// A field that the caller may leave out.
    pub const fn optional(name: &'static str, kind: Kind, absent: Absent, help: &'static str) -> Self {
        Self { name, kind, access: Access::Writable, absent, help }
    }

    /// A field that the appliance sets.
    pub const fn read_only(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, kind, access: Access::ReadOnly, absent: Absent::Null, help }
    }

    fn check(&self, value: &Value) -> Result<(), Vec<FieldError>> {
        if value.is_null() && matches!(self.absent, Absent::Null) {
            return Ok(());
        }
        check(self.kind, value, &pointer_to(self.name))
    }

    /// The same field, fixed once it has a value.
    pub const fn fixed(mut self) -> Self {
        self.access = Access::Fixed;
        self
    }

    /// The same field, never given back.
    pub const fn secret(mut self) -> Self {
        self.access = Access::Secret;
        self
    }

    /// The same field, which follows from other facts.
    pub const fn derived(mut self) -> Self {
        self.access = Access::Derived;
        self
    }

    /// The same field, given back once.
    pub const fn once(mut self) -> Self {
        self.access = Access::Once;
        self
    }
}

/// An object's fields.
pub struct Shape {
    /// Name in the API description, in CamelCase.
    pub name: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// The fields, in the order people want to read them.
    pub fields: &'static [Field],
}

impl Shape {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Checks a whole input and fills what was left out. `current` is the stored object when one is being
    /// replaced: fields that the caller may not set may then be repeated, but not altered.
    pub fn accept(&self, input: &Value, current: Option<&Object>) -> Result<Object, Vec<FieldError>> {
        let Value::Object(given) = input else {
            return Err(vec![FieldError::at("", format!("must be a JSON object, not {}", kind_name(input)))]);
        };
        let mut errors = self.unknown(given);
        let mut accepted = Object::new();
        for field in self.fields {
            match self.accept_field(field, given.get(field.name), current) {
                Ok(Some(value)) => drop(accepted.insert(field.name.to_owned(), value)),
                Ok(None) => {}
                Err(mut found) => errors.append(&mut found),
            }
        }
        if errors.is_empty() { Ok(accepted) } else { Err(errors) }
    }

    /// Checks only the fields that are given, each of which the caller may set; what is left out is not judged.
    pub fn check_given(&self, given: &Object) -> Result<(), Vec<FieldError>> {
        let mut errors = self.unknown(given);
        for field in self.fields {
            if let Some(value) = given.get(field.name) {
                errors.extend(field.check(value).err().unwrap_or_default());
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn unknown(&self, given: &Object) -> Vec<FieldError> {
        let strangers = given.keys().filter(|name| self.field(name).is_none());
        strangers.map(|name| FieldError::at(name, self.unknown_sentence(name))).collect()
    }

    fn unknown_sentence(&self, name: &str) -> String {
        let writable = self.fields.iter().filter(|f| !f.access.is_appliances()).map(|f| f.name);
        match nearest(name, writable) {
            Some(meant) => format!("is not a field of {}; did you mean {meant:?}?", self.name),
            None => format!("is not a field of {}", self.name),
        }
    }

    fn accept_field(
        &self,
        field: &Field,
        given: Option<&Value>,
        current: Option<&Object>,
    ) -> Result<Option<Value>, Vec<FieldError>> {
        let stored = current.and_then(|object| object.get(field.name));
        if field.access.is_appliances() {
            return match given {
                Some(value) if Some(value) != stored => {
                    Err(vec![FieldError::at(field.name, "is set by the appliance; leave it out".to_owned())])
                }
                _ => Ok(stored.cloned()),
            };
        }
        let Some(value) = given.cloned().or_else(|| self.stand_in(field, stored)) else {
            return Err(vec![FieldError::at(field.name, format!("is missing: {}", field.help))]);
        };
        field.check(&value)?;
        Ok(Some(value))
    }

    /// A fixed field may be left out of a replacement: it stays what it is.
    fn stand_in(&self, field: &Field, stored: Option<&Value>) -> Option<Value> {
        match (field.access, stored) {
            (Access::Fixed, Some(value)) => Some(value.clone()),
            _ => field.absent.value(),
        }
    }

    /// The fixed fields that an accepted replacement would alter.
    pub fn altered_fixed(&self, accepted: &Object, current: &Object) -> Vec<FieldError> {
        let fixed = self.fields.iter().filter(|field| field.access == Access::Fixed);
        let is_set = |field: &&Field| current.get(field.name).is_some_and(|value| !value.is_null());
        let altered =
            fixed.filter(is_set).filter(|field| accepted.get(field.name) != current.get(field.name));
        let written =
            |object: &Object, field: &Field| object.get(field.name).unwrap_or(&Value::Null).to_string();
        let detail = |field: &Field| {
            let (is, wanted) = (written(current, field), written(accepted, field));
            format!("cannot be changed once it is set: it is {is}; {wanted} is not")
        };
        altered.map(|field| FieldError::at(field.name, detail(field))).collect()
    }

    /// Fills the fields that an object of an earlier version does not have yet.
    pub fn complete(&self, object: &mut Object) {
        let given = |field: &&Field| matches!(field.access, Access::Writable | Access::Fixed);
        for field in self.fields.iter().filter(given) {
            if let (false, Some(value)) = (object.contains_key(field.name), field.absent.value()) {
                object.insert(field.name.to_owned(), value);
            }
        }
    }
}
