//! Shapes: what a JSON object may hold, field by field. One declaration validates what comes in, fills what
//! may be left out, and describes itself to the API description. Leaves out rules that need other rows.

use serde_json::{Map, Number, Value};

use super::nearest;
use super::problems::{FieldError, pointer_to};
use super::rules::{INSTANT, Rule};

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

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::rules;

    const PORT: Kind = Kind::Integer { min: 1, max: 65535 };
    static THING: Shape = Shape {
        name: "Thing",
        help: "A thing.",
        fields: &[
            Field::read_only("revision", Kind::Integer { min: 0, max: i64::MAX }, "Last change."),
            Field::required(
                "id",
                Kind::Text { min: 4, max: 8, rule: Some(&rules::ENTERPRISE_ID) },
                "Its id.",
            )
            .fixed(),
            Field::optional("ports", Kind::List { of: &PORT, max: 2 }, Absent::Empty, "Its ports."),
            Field::optional("mood", Kind::Choice(&["glad", "sad"]), Absent::Text("glad"), "Its mood."),
        ],
    };

    fn complaint(input: Value) -> String {
        let errors = THING.accept(&input, None).unwrap_err();
        errors.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        let accepted = THING.accept(&json!({"id": "abcd"}), None).unwrap();
        assert_eq!(Value::Object(accepted), json!({"id": "abcd", "ports": [], "mood": "glad"}));
    }

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_known_one() {
        assert_eq!(
            complaint(json!({"id": "abcd", "prots": []})),
            "/prots is not a field of Thing; did you mean \"ports\"?"
        );
    }

    #[test]
    fn every_wrong_field_is_reported_at_once() {
        let said = complaint(json!({"ports": [1, 0, 1], "mood": "sat"}));
        assert!(said.contains("/id is missing"), "{said}");
        assert!(said.contains("may hold at most 2"), "{said}");
        assert!(said.contains("did you mean \"sad\""), "{said}");
    }

    #[test]
    fn list_elements_are_checked_one_by_one() {
        let said = complaint(json!({"id": "abcd", "ports": [0, "x"]}));
        assert_eq!(said, "/ports/0 must be 1 to 65535; 0 is not\n/ports/1 must be a whole number, not text");
        assert_eq!(complaint(json!({"id": "abcd", "ports": [7, 7]})), "/ports/1 7 is listed twice");
    }

    #[test]
    fn the_appliances_own_fields_may_be_repeated_but_not_altered() {
        let current = json!({"id": "abcd", "revision": 7, "ports": [], "mood": "sad"});
        let current = current.as_object().unwrap();
        let repeated = THING.accept(&json!({"id": "abcd", "revision": 7}), Some(current)).unwrap();
        assert_eq!(repeated.get("mood"), Some(&json!("glad")), "a replacement resets what it leaves out");
        assert!(THING.accept(&json!({"revision": 8}), Some(current)).is_err());
        let renamed = THING.accept(&json!({"id": "efgh"}), Some(current)).unwrap();
        assert_eq!(THING.altered_fixed(&renamed, current).len(), 1);
    }

    #[test]
    fn a_fixed_field_that_is_null_can_be_set_once() {
        let (unset, set) = (json!({"id": null}), json!({"id": "abcd"}));
        let (unset, set) = (unset.as_object().unwrap(), set.as_object().unwrap());
        assert_eq!(THING.altered_fixed(set, unset), []);
        let refused = THING.altered_fixed(unset, set).remove(0).detail;
        assert_eq!(refused, "cannot be changed once it is set: it is \"abcd\"; null is not");
    }

    #[test]
    fn what_an_earlier_version_did_not_have_is_filled_in() {
        let mut old = json!({"id": "abcd", "mood": "sad"}).as_object().cloned().unwrap();
        THING.complete(&mut old);
        assert_eq!(Value::Object(old), json!({"id": "abcd", "mood": "sad", "ports": []}));
    }

    #[test]
    fn only_an_object_is_accepted() {
        assert_eq!(complaint(json!([1])), " must be a JSON object, not a list");
    }
}
