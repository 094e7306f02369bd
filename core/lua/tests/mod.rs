//! What scripts find when they begin, compared with what is written down; and rules of single parts. What
//! scripts do, and what is done to them, is tested in their real process, beside `core/cli/script_host.rs`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jackfield_abi::ops::{Code, Failure};
use mlua::{Table, Value as LuaValue};
use serde_json::{Value, json};

use super::reference::{FUNCTIONS, types};
use super::values;
use super::vm::{Script, Vm};
use super::wire::Core;

/// Answers nothing.
struct Nobody;

impl Core for Nobody {
    fn ask(&self, op: &str, _: Value, _: Duration) -> Result<Value, Failure> {
        Err(Failure::new(Code::Unavailable, format!("nobody answers {op}")))
    }

    fn log(&self, _: &str, _: &str, _: &str) {}
}

fn build(name: &str, source: &str) -> Result<Vm, String> {
    Vm::build(&Script { name: name.into(), version: json!(1), source: source.into() }, Arc::new(Nobody))
}

#[test]
fn what_a_script_is_given_comes_out_as_it_went_in_empty_lists_too() {
    let lua = mlua::Lua::new();
    let given = json!({"none": [], "no": {}, "some": [1, [], "x"], "deep": {"list": []}});
    let inside = values::into_lua(&lua, &given).unwrap();
    assert_eq!(values::from_lua(&inside), Ok(given));
    lua.globals().set("given", inside).unwrap();
    let seen: (i64, bool) = lua.load("return #given.none, getmetatable(given.none)").eval().unwrap();
    assert_eq!(seen, (0, false), "the mark is not there for scripts");
}

/// Compares with a file of the tree; `UPDATE_GOLDEN=1` writes it.
fn golden(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, text, "{file} differs; look whether that is meant, then run with UPDATE_GOLDEN=1");
}

/// Every name that a script can reach, with the kind of its value.
fn names(base: &Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    base.for_each(|name: String, value: LuaValue| {
        names.insert(format!("{name} {}", super::values::kind(&value)));
        if let LuaValue::Table(library) = value {
            assert!(library.is_readonly(), "{name} can be changed");
            assert!(library.metatable().is_none(), "{name} has a metatable");
            library.for_each(|member: String, value: LuaValue| {
                names.insert(format!("{name}.{member} {}", super::values::kind(&value)));
                assert!(!value.is_table(), "{name}.{member} is a table within a table");
                Ok(())
            })?;
        }
        Ok(())
    })
    .unwrap();
    names
}

const SMALL: &str = "hook('dial.rewrite', function() end)";

#[test]
fn scripts_find_exactly_what_is_written_down() {
    let vm = build("small", SMALL).unwrap();
    let names = names(vm.base());
    let text: String = names.iter().map(|name| format!("{name}\n")).collect();
    golden("core/lua/tests/globals.txt", &text);
    assert!(vm.base().is_readonly());
}

#[test]
fn every_function_of_ours_is_described_once_and_every_description_is_of_one() {
    const LIBRARY: &[&str] = &["bit32.", "math.", "string.", "table.", "utf8."];
    const LANGUAGE: &[&str] = &[
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
    let vm = build("small", SMALL).unwrap();
    let names = names(vm.base());
    let functions = names.iter().filter_map(|name| name.strip_suffix(" function"));
    let ours: BTreeSet<_> = functions
        .filter(|name| !LANGUAGE.contains(name) && !LIBRARY.iter().any(|library| name.starts_with(library)))
        .collect();
    let described: BTreeSet<_> = FUNCTIONS.iter().map(|function| function.name).collect();
    assert_eq!((ours, described.len()), (described.clone(), FUNCTIONS.len()));
}

#[test]
fn the_types_for_editors_are_current() {
    golden("scripts/types/jackfield.d.lua", &types());
}

#[test]
fn tests_are_registered_in_files_of_tests_only() {
    let vm = build("plan_test", "test('strips', function() end)\ntest('keeps', function() end)").unwrap();
    let tests: Vec<_> = vm.registered().unwrap().tests.iter().map(|t| (t.name.clone(), t.line)).collect();
    assert_eq!(tests, [("strips".to_owned(), 1), ("keeps".to_owned(), 2)]);
    let refused = build("plan", "test('strips', function() end)").err().unwrap();
    assert_eq!(refused, "site/plan.lua:1: tests belong in a file of their own: plan_test.lua");
}
