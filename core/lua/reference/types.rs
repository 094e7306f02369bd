//! The reference as a file that Lua editors read (LuaLS, `---@meta`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{CLASSES, Class, FUNCTIONS, Function};

const HEAD: &str =
    "---@meta\n-- What scripts of Jackfield can call. Made from core/lua/reference.rs; do not edit.\n";

/// The text of `scripts/types/jackfield.d.lua`.
pub fn types() -> String {
    let libraries: BTreeSet<_> = FUNCTIONS
        .iter()
        .filter_map(|function| function.name.split_once('.'))
        .map(|(library, _)| library)
        .collect();
    let mut text = HEAD.to_owned();
    CLASSES.iter().for_each(|class| write_class(&mut text, class));
    for library in libraries {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "\n{library} = {{}}");
    }
    FUNCTIONS.iter().for_each(|function| write_function(&mut text, function));
    text
}

fn write_class(text: &mut String, class: &Class) {
    let _ = writeln!(text, "\n---{}\n---@class (exact) {}", class.help, class.name);
    for (name, kind, help) in class.fields {
        let _ = writeln!(text, "---@field {name} {kind} {help}");
    }
}

fn write_function(text: &mut String, function: &Function) {
    let _ = writeln!(text, "\n---{}", function.help);
    for parameter in function.parameters {
        let _ = writeln!(text, "---@param {} {} {}", parameter.name, parameter.kind, parameter.help);
    }
    for (kind, help) in function.gives {
        let _ = writeln!(text, "---@return {kind} # {help}");
    }
    if let Some(overload) = function.overload {
        let _ = writeln!(text, "---@overload {overload}");
    }
    let names: Vec<_> = function.parameters.iter().map(|p| p.name.trim_end_matches('?')).collect();
    let _ = writeln!(text, "function {}({}) end", function.name, names.join(", "));
}
