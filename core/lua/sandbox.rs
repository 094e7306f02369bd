//! The world that a script sees: an allow-list of the engine's library, wrapped where a single call could take
//! unbounded time, and read-only. What is not listed here does not exist for a script.

use std::rc::Rc;

use mlua::chunk::{ChunkMode, Compiler};
use mlua::{Error, Function, Lua, LuaOptions, LuaString, StdLib, Table, Value};

use super::errors::OWN_CHUNK;
use super::meter::Meter;
use super::{MEMORY_BYTES, text};

const PRELUDE: &str = include_str!("prelude.lua");

/// Most bytes of a text times bytes of a pattern: between two safepoints a pattern may look at each byte of the
/// text once for each byte of a set in it.
const MOST_PATTERN_WORK: u64 = 64 * 1024 * 1024;
const MOST_MOVED: u64 = 65_536;
const MOST_REPEATED: u64 = 65_536;

const BASE: &[&str] = &[
    "assert",
    "error",
    "getmetatable",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "rawequal",
    "select",
    "setmetatable",
    "tonumber",
    "tostring",
    "type",
    "unpack",
    "xpcall",
];

/// Libraries with their members. No chance (`math.random`) and no clock: the same call has the same outcome.
const LIBRARIES: &[(&str, &[&str])] = &[
    (
        "bit32",
        &[
            "arshift", "band", "bnot", "bor", "btest", "bxor", "countlz", "countrz", "extract", "lrotate",
            "lshift", "replace", "rrotate", "rshift",
        ],
    ),
    (
        "math",
        &[
            "abs", "acos", "asin", "atan", "atan2", "ceil", "clamp", "cos", "deg", "exp", "floor", "fmod",
            "frexp", "huge", "ldexp", "log", "log10", "max", "min", "modf", "pi", "pow", "rad", "round",
            "sign", "sin", "sqrt", "tan",
        ],
    ),
    (
        "string",
        &[
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep", "reverse",
            "split", "sub", "upper",
        ],
    ),
    (
        "table",
        &[
            "clear", "clone", "concat", "create", "find", "freeze", "insert", "isfrozen", "move", "pack",
            "remove", "sort", "unpack",
        ],
    ),
    ("utf8", &["char", "charpattern", "codepoint", "codes", "len", "offset"]),
];

/// Functions that the compiler would call by number although they do not exist for a script.
const NOT_BY_NUMBER: &[&str] = &[
    "rawget",
    "rawset",
    "rawlen",
    "typeof",
    "vector.create",
    "vector.magnitude",
    "vector.normalize",
    "vector.cross",
    "vector.dot",
    "vector.floor",
    "vector.ceil",
    "vector.abs",
    "vector.sign",
    "vector.clamp",
    "vector.min",
    "vector.max",
    "buffer.readi8",
    "buffer.readu8",
    "buffer.writei8",
    "buffer.writeu8",
    "buffer.readi16",
    "buffer.readu16",
    "buffer.writei16",
    "buffer.writeu16",
    "buffer.readi32",
    "buffer.readu32",
    "buffer.writei32",
    "buffer.writeu32",
    "buffer.readf32",
    "buffer.writef32",
    "buffer.readf64",
    "buffer.writef64",
];

/// An engine without a script in it.
pub struct World {
    /// The engine.
    pub lua: Lua,
    /// Its meter.
    pub meter: Rc<Meter>,
    /// What a script finds when it begins; still writable for those who add to it.
    pub base: Table,
}

impl World {
    /// A world with the library only.
    pub fn new() -> Result<Self, Error> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH | StdLib::UTF8 | StdLib::BIT;
        // A panic of ours must not be swallowed by a script's pcall.
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        lua.set_memory_limit(MEMORY_BYTES)?;
        let wraps: Table = lua.load(PRELUDE).set_name(format!("={OWN_CHUNK}")).call((
            lua.create_function(text::find)?,
            MOST_PATTERN_WORK,
            MOST_MOVED,
            MOST_REPEATED,
        ))?;
        wraps.get::<Table>("string")?.raw_set("split", lua.create_function(text::split)?)?;
        let base = allowed(&lua, &wraps)?;
        seal_strings(&lua, &base)?;
        // Nothing of the engine's own table of globals can be reached from here on.
        lua.set_globals(base.clone())?;
        let meter = Meter::watch(&lua);
        Ok(Self { lua, meter, base })
    }

    /// Ends the building: what is there can be read only.
    pub fn seal(&self) -> Result<(), Error> {
        self.base.for_each(|_: Value, value: Value| {
            if let Value::Table(library) = value {
                library.set_readonly(true);
            }
            Ok(())
        })?;
        self.base.set_readonly(true);
        self.base.set_safeenv(true);
        Ok(())
    }

    /// The environment of one run: what a script sets is its own, everything else shines through.
    pub fn environment(&self) -> Result<Table, Error> {
        let own = self.lua.create_table()?;
        let through = self.lua.create_table_from([("__index", self.base.clone())])?;
        through.set_readonly(true);
        own.set_metatable(Some(through))?;
        own.set_safeenv(true);
        Ok(own)
    }

    /// Compiles a script. Only text is taken: what is bytecode fails as text.
    pub fn compile(&self, chunk: &str, source: &str) -> Result<Function, Error> {
        let compiler = Compiler::new().set_disabled_builtins(NOT_BY_NUMBER.iter().copied());
        let code = self.lua.load(source).set_name(chunk).set_mode(ChunkMode::Text);
        code.set_compiler(compiler).set_environment(self.base.clone()).into_function()
    }
}

fn allowed(lua: &Lua, wraps: &Table) -> Result<Table, Error> {
    let all = lua.globals();
    let base = lua.create_table()?;
    for name in BASE {
        base.raw_set(*name, all.raw_get::<Value>(*name)?)?;
    }
    for (name, members) in LIBRARIES {
        let whole: Table = all.raw_get(*name)?;
        let wrapped: Option<Table> = wraps.raw_get(*name)?;
        let library = lua.create_table()?;
        for member in *members {
            let wrap = wrapped.as_ref().map(|wrapped| wrapped.raw_get::<Value>(*member)).transpose()?;
            let value = match wrap {
                Some(value) if !value.is_nil() => value,
                _ => whole.raw_get(*member)?,
            };
            library.raw_set(*member, value)?;
        }
        base.raw_set(*name, library)?;
    }
    Ok(base)
}

/// Methods of strings are those of the allowed library, and nobody can change that.
fn seal_strings(lua: &Lua, base: &Table) -> Result<(), Error> {
    let methods = lua.create_table()?;
    methods.raw_set("__index", base.raw_get::<Table>("string")?)?;
    methods.raw_set("__metatable", "the methods of strings are fixed")?;
    methods.set_readonly(true);
    lua.set_type_metatable::<LuaString>(Some(methods));
    Ok(())
}
