//! Finding plain text in text, in time that grows with the text only; the engine's own ways take the product of
//! both lengths, in one call that nothing can interrupt.

use memchr::memmem;
use mlua::{Error, Lua, LuaString, Table, Value};

/// What makes a pattern more than a plain text.
const SPECIAL: &[u8] = b"^$*+?.([%-";

/// Whether it was looked for as a plain text; first and last position, or nil.
type Found = (bool, Option<usize>, Option<usize>);

/// `string.find` for a plain text, or for a pattern that is none.
pub fn find(_: &Lua, given: (LuaString, LuaString, Value, Value)) -> Result<Found, Error> {
    let (text, wanted, init, plain) = given;
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let is_plain = !matches!(plain, Value::Nil | Value::Boolean(false));
    if !is_plain && wanted.iter().any(|byte| SPECIAL.contains(byte)) {
        return Ok((false, None, None));
    }
    let Some(from) = start(&init, text.len())? else { return Ok((true, None, None)) };
    let found = memmem::find(&text[from..], &wanted).map(|at| from + at);
    Ok((true, found.map(|at| at + 1), found.map(|at| at + wanted.len())))
}

/// `string.split`: the pieces between separators, a comma when none is given.
pub fn split(lua: &Lua, (text, separator): (LuaString, Option<LuaString>)) -> Result<Table, Error> {
    let text = text.as_bytes();
    let separator = separator.map_or_else(|| b",".to_vec(), |separator| separator.as_bytes().to_vec());
    let pieces = lua.create_table()?;
    if separator.is_empty() {
        text.iter().try_for_each(|byte| pieces.raw_push(lua.create_string([*byte])?))?;
        return Ok(pieces);
    }
    let finder = memmem::Finder::new(&separator);
    let mut from = 0;
    for at in finder.find_iter(&text) {
        pieces.raw_push(lua.create_string(&text[from..at])?)?;
        from = at + separator.len();
    }
    pieces.raw_push(lua.create_string(&text[from..])?)?;
    Ok(pieces)
}

/// Where to begin: positions count from 1, negative ones from the end. None: behind the end.
fn start(init: &Value, length: usize) -> Result<Option<usize>, Error> {
    let init = match init {
        Value::Nil => 1.0,
        Value::Number(number) => number.trunc(),
        // A position beyond 2^53 is behind every end.
        Value::Integer(number) => *number as f64,
        other => {
            let text = format!(
                "the third argument of find must be a number; it is a {}",
                super::values::kind(other)
            );
            return Err(Error::RuntimeError(text));
        }
    };
    // No text is that long.
    let length_as_number = length as f64;
    let from = if init < 0.0 { (length_as_number + init).max(0.0) } else { (init - 1.0).max(0.0) };
    // Within the text.
    let from = if from <= length_as_number { Some(from as usize) } else { None };
    Ok(from)
}
