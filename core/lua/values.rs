//! Values on their way into a script and out of it: plain data only, bounded in depth, number and size.

use mlua::{Error, Lua, Table, Value as LuaValue};
use serde_json::{Map, Number, Value};

const MOST_DEPTH: usize = 16;
const MOST_VALUES: usize = 10_000;
/// Most of what a script gives out as data, in bytes of text.
const MOST_OUT_BYTES: usize = 64 * 1024;
const MOST_OUT_VALUES: usize = 1000;
const MOST_OUT_DEPTH: usize = 8;

/// JSON as a script sees it; a table cannot be changed. Nothing (`null`) is left out.
pub fn into_lua(lua: &Lua, value: &Value) -> Result<LuaValue, Error> {
    let mut left = MOST_VALUES;
    enter(lua, value, MOST_DEPTH, &mut left)
}

fn enter(lua: &Lua, value: &Value, depth: usize, left: &mut usize) -> Result<LuaValue, Error> {
    *left =
        left.checked_sub(1).ok_or_else(|| Error::RuntimeError("the data has too many values".to_owned()))?;
    let below =
        depth.checked_sub(1).ok_or_else(|| Error::RuntimeError("the data is nested too deep".to_owned()))?;
    Ok(match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(truth) => LuaValue::Boolean(*truth),
        Value::Number(number) => LuaValue::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) => LuaValue::String(lua.create_string(text)?),
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            if items.is_empty() {
                table.set_metatable(Some(empty_list(lua)?))?;
            }
            for item in items {
                table.raw_push(enter(lua, item, below, left)?)?;
            }
            table.set_readonly(true);
            LuaValue::Table(table)
        }
        Value::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            for (name, field) in fields {
                table.raw_set(name.as_str(), enter(lua, field, below, left)?)?;
            }
            table.set_readonly(true);
            LuaValue::Table(table)
        }
    })
}

/// Marks an empty list, which is no different from an object without fields otherwise, so that it comes out as one again.
const EMPTY_LIST: &str = "jackfield.empty_list";

fn empty_list(lua: &Lua) -> Result<Table, Error> {
    if let Ok(mark) = lua.named_registry_value::<Table>(EMPTY_LIST) {
        return Ok(mark);
    }
    let mark = lua.create_table()?;
    // Scripts do not see it.
    mark.raw_set("__metatable", false)?;
    mark.raw_set(EMPTY_LIST, true)?;
    mark.set_readonly(true);
    lua.set_named_registry_value(EMPTY_LIST, &mark)?;
    Ok(mark)
}

/// What is left of the bounds of one value on its way out.
struct Out {
    values: usize,
    bytes: usize,
}

/// A script's data as JSON. The error says what of it is no plain data.
pub fn from_lua(value: &LuaValue) -> Result<Value, String> {
    leave(value, MOST_OUT_DEPTH, &mut Out { values: MOST_OUT_VALUES, bytes: MOST_OUT_BYTES })
}

/// What a script asks about, such as the results of many probes: wider bounds, because it is not kept.
pub fn question(value: &LuaValue) -> Result<Value, String> {
    leave(value, MOST_OUT_DEPTH, &mut Out { values: MOST_VALUES, bytes: 4 * MOST_OUT_BYTES })
}

fn leave(value: &LuaValue, depth: usize, out: &mut Out) -> Result<Value, String> {
    out.values = out.values.checked_sub(1).ok_or("has too many values")?;
    Ok(match value {
        LuaValue::Nil => Value::Null,
        LuaValue::Boolean(truth) => Value::Bool(*truth),
        LuaValue::Integer(number) => Value::Number(Number::from(*number)),
        LuaValue::Number(number) => leave_number(*number)?,
        LuaValue::String(text) => Value::String(leave_text(text, out)?),
        LuaValue::Table(table) => {
            let below = depth.checked_sub(1).ok_or("is nested too deep, or holds itself")?;
            leave_table(table, below, out)?
        }
        other => return Err(format!("holds a {}, which is no data", kind(other))),
    })
}

fn leave_number(number: f64) -> Result<Value, String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        // A whole number within 53 bits.
        return Ok(Value::Number(Number::from(number as i64)));
    }
    Number::from_f64(number).map(Value::Number).ok_or_else(|| "holds a number that is not finite".to_owned())
}

fn leave_text(text: &mlua::LuaString, out: &mut Out) -> Result<String, String> {
    out.bytes = out.bytes.checked_sub(text.as_bytes().len()).ok_or("has too much text")?;
    plain_text(text)
}

/// What a value is, as scripts call it.
pub fn kind(value: &LuaValue) -> &'static str {
    match value {
        LuaValue::Integer(_) => "number",
        LuaValue::LightUserData(_) | LuaValue::UserData(_) | LuaValue::Error(_) => "userdata",
        other => other.type_name(),
    }
}

/// A text for people or programs: UTF-8 without zero bytes.
pub fn plain_text(text: &mlua::LuaString) -> Result<String, String> {
    let text = text.to_str().map_err(|_| "holds text that is not UTF-8")?.to_string();
    if text.contains('\0') { Err("holds text with a zero byte".to_owned()) } else { Ok(text) }
}

fn leave_table(table: &Table, depth: usize, out: &mut Out) -> Result<Value, String> {
    if let Some(mark) = table.metatable() {
        return match mark.raw_get(EMPTY_LIST) {
            Ok(true) => Ok(Value::Array(Vec::new())),
            _ => Err("holds a table with a metatable, which is no data".to_owned()),
        };
    }
    let length = table.raw_len();
    if length > 0 {
        return leave_list(table, length, depth, out);
    }
    let mut fields = Map::new();
    let each = |name: LuaValue, field: LuaValue| {
        let left = match &name {
            LuaValue::String(name) => {
                leave_text(name, out).and_then(|name| Ok((name, leave(&field, depth, out)?)))
            }
            other => Err(format!("has a field whose name is a {}", kind(other))),
        };
        let (name, field) = left.map_err(Error::RuntimeError)?;
        fields.insert(name, field);
        Ok(())
    };
    table.for_each(each).map_err(|e| super::errors::sentence(&e))?;
    fields.sort_keys();
    Ok(Value::Object(fields))
}

fn leave_list(table: &Table, length: usize, depth: usize, out: &mut Out) -> Result<Value, String> {
    let mut count = 0;
    let counted = table.for_each(|_: LuaValue, _: LuaValue| {
        count += 1;
        Ok(())
    });
    counted.map_err(|e| super::errors::sentence(&e))?;
    if count != length {
        return Err("holds a table that is neither a list nor has only named fields".to_owned());
    }
    let item = |index| {
        let item: LuaValue = table.raw_get(index).map_err(|e| super::errors::sentence(&e))?;
        leave(&item, depth, out)
    };
    (1..=length).map(item).collect::<Result<_, String>>().map(Value::Array)
}
