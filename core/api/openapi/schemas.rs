//! Shapes and kinds as JSON Schema.

use serde_json::{Map, Value, json};

use crate::catalog::rules::{Check, Rule};
use crate::catalog::shape::{Absent, Access as FieldAccess, Field, Kind, Shape};

/// The shapes that were met so far, by name.
#[derive(Default)]
pub struct Shapes(pub Map<String, Value>);

impl Shapes {
    /// A reference to the shape as it is given back.
    pub fn output(&mut self, shape: &'static Shape) -> Value {
        self.add(shape, shape.name.to_owned(), Direction::Out)
    }

    /// A reference to the shape as it is taken.
    pub fn input(&mut self, shape: &'static Shape, direction: Direction) -> Value {
        let suffix = if direction == Direction::Patch { "Patch" } else { "Input" };
        self.add(shape, format!("{}{suffix}", shape.name), direction)
    }

    fn add(&mut self, shape: &'static Shape, name: String, direction: Direction) -> Value {
        if !self.0.contains_key(&name) {
            self.0.insert(name.clone(), Value::Null);
            let schema = object_schema(self, shape, direction);
            self.0.insert(name.clone(), schema);
        }
        json!({"$ref": format!("#/components/schemas/{name}")})
    }
}

/// Which way an object goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// As it is made or replaced.
    In,
    /// As it is changed.
    Patch,
    /// As it is given back.
    Out,
}

fn object_schema(shapes: &mut Shapes, shape: &'static Shape, direction: Direction) -> Value {
    let fields: Vec<&Field> = shape.fields.iter().filter(|field| is_shown(field, direction)).collect();
    let mut properties = Map::new();
    for field in &fields {
        properties.insert(field.name.to_owned(), field_schema(shapes, field, direction));
    }
    let needed = |field: &&&Field| match direction {
        Direction::In => matches!(field.absent, Absent::Refused),
        Direction::Patch => false,
        Direction::Out => field.access != FieldAccess::Once,
    };
    let required: Vec<_> = fields.iter().filter(needed).map(|field| field.name).collect();
    let mut schema = json!({"type": "object", "description": shape.help, "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn is_shown(field: &Field, direction: Direction) -> bool {
    match (direction, field.access) {
        (Direction::Out, access) => access != FieldAccess::Secret,
        (_, access) => !access.is_appliances(),
    }
}

fn field_schema(shapes: &mut Shapes, field: &Field, direction: Direction) -> Value {
    let mut schema = kind_schema(shapes, field.kind, direction);
    if matches!(field.absent, Absent::Null)
        && !matches!(field.kind, Kind::Any)
        && can_be_null(field, direction)
    {
        schema = json!({"anyOf": [schema, {"type": "null"}]});
    }
    schema["description"] = field.help.into();
    match (field.access, direction) {
        (FieldAccess::Secret, _) => {
            (schema["writeOnly"], schema["format"]) = (true.into(), "password".into());
        }
        (FieldAccess::Fixed, Direction::In) => schema["x-fixed"] = true.into(),
        _ => {}
    }
    if let Some(default) = field.absent.value().filter(|v| direction == Direction::In && !v.is_null()) {
        schema["default"] = default;
    }
    schema
}

/// What the appliance sets is always there, but for the few that say so in their help.
fn can_be_null(field: &Field, direction: Direction) -> bool {
    let is_set = matches!(field.access, FieldAccess::ReadOnly | FieldAccess::Derived);
    direction != Direction::Out || !is_set || field.help.contains("null")
}

/// The schema of a value.
pub fn kind_schema(shapes: &mut Shapes, kind: Kind, direction: Direction) -> Value {
    match kind {
        Kind::Text { min, max, rule } => text_schema(min, max, rule),
        Kind::Integer { min, max } if max == i64::MAX => json!({"type": "integer", "minimum": min}),
        Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Named(names) => {
            let meanings: Map<_, _> =
                names.iter().map(|(name, help)| ((*name).to_owned(), json!(help))).collect();
            json!({"type": "string", "x-meanings": meanings})
        }
        Kind::Choice(words) => json!({"type": "string", "enum": words}),
        Kind::List { of, max } => {
            json!({"type": "array", "items": kind_schema(shapes, *of, direction), "maxItems": max, "uniqueItems": true})
        }
        Kind::Sequence { of, max } => {
            json!({"type": "array", "items": kind_schema(shapes, *of, direction), "maxItems": max})
        }
        Kind::Time => json!({"type": "string", "format": "date-time"}),
        Kind::Reference(target) => json!({"type": "string", "x-reference": target}),
        Kind::Object(shape) => shapes.nested(shape, direction),
        Kind::Objects(shape) => json!({"type": "array", "items": shapes.nested(shape, direction)}),
        Kind::Either(kinds) => {
            json!({"anyOf": kinds.iter().map(|k| kind_schema(shapes, *k, direction)).collect::<Vec<_>>()})
        }
        Kind::Any => json!({}),
    }
}

impl Shapes {
    fn nested(&mut self, shape: &'static Shape, direction: Direction) -> Value {
        match direction {
            Direction::Out => self.output(shape),
            _ => self.input(shape, Direction::In),
        }
    }
}

fn text_schema(min: usize, max: usize, rule: Option<&Rule>) -> Value {
    let mut schema = json!({"type": "string", "maxLength": max});
    if min > 0 {
        schema["minLength"] = min.into();
    }
    let Some(rule) = rule else { return schema };
    match &rule.check {
        Check::Pattern(pattern) => schema["pattern"] = (*pattern).into(),
        Check::Format(name, _) => schema["format"] = (*name).into(),
    }
    // The rule is for what is there; a text that may be empty may be so whatever the rule says.
    match min == 0 && !rule.allows("") {
        true => json!({"anyOf": [{"type": "string", "maxLength": 0}, schema]}),
        false => schema,
    }
}
