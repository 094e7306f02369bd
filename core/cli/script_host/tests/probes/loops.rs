//! Scripts that do not end by themselves.

use super::Must::{Answer, Fail, NotLoad, Unknown};
use super::{call, check, contained, script};

#[test]
fn what_never_ends_is_ended() {
    let over = || Fail("took more than");
    contained(&[
        call("while", "while true do end", over()),
        call("repeat", "repeat local x = 1 until false", over()),
        call("for", "for i = 1, 1e15 do end", over()),
        call("for backwards", "for i = 1, -1e15, -1 do end", over()),
        call("iterator", "for _ in function() return 1 end do end", over()),
        call(
            "iterator of a table",
            "for k in setmetatable({}, {__iter = function() return function() return 1 end end}) do end",
            over(),
        ),
        call(
            "ipairs of a table without end",
            "for _ in ipairs(setmetatable({}, {__index = function(_, i) return i end})) do end return {number = '1'}",
            Answer("1"),
        ),
        call("pcall", "pcall(function() while true do end end) return {number = '1'}", over()),
        call("pcall again and again", "while true do pcall(function() while true do end end) end", over()),
        call("nested pcall", "local function f(n) while true do pcall(f, n + 1) end end f(0)", over()),
        call(
            "xpcall",
            "xpcall(function() while true do end end, function() while true do end end) return {number = '1'}",
            over(),
        ),
        call("xpcall with itself", "local function f() xpcall(f, f) end while true do f() end", over()),
        call("pcall of pcall", "while true do pcall(pcall, pcall, error) end", over()),
        call("error in a loop", "while true do pcall(error, {}) end", over()),
        call(
            "__index",
            "return {number = setmetatable({}, {__index = function() while true do end end}).x}",
            over(),
        ),
        call("__newindex", "setmetatable({}, {__newindex = function() while true do end end}).x = 1", over()),
        call("__call", "setmetatable({}, {__call = function() while true do end end})()", over()),
        call(
            "__concat",
            "return {number = setmetatable({}, {__concat = function() while true do end end}) .. 'x'}",
            over(),
        ),
        call(
            "__eq",
            "local m = {__eq = function() while true do end end} return setmetatable({}, m) == setmetatable({}, m)",
            over(),
        ),
        call(
            "__lt",
            "local m = {__lt = function() while true do end end} return setmetatable({}, m) < setmetatable({}, m)",
            over(),
        ),
        call(
            "__le",
            "local m = {__le = function() while true do end end} return setmetatable({}, m) <= setmetatable({}, m)",
            over(),
        ),
        call("__len", "return #setmetatable({}, {__len = function() while true do end end})", over()),
        call("__unm", "return -setmetatable({}, {__unm = function() while true do end end})", over()),
        call(
            "__tostring",
            "return {number = tostring(setmetatable({}, {__tostring = function() while true do end end}))}",
            over(),
        ),
        call(
            "__iter",
            "for _ in setmetatable({}, {__iter = function() while true do end end}) do end",
            over(),
        ),
        call("comparator", "table.sort({3, 2, 1}, function() while true do end end)", over()),
        call(
            "comparator without order",
            "local t = {} for i = 1, 200 do t[i] = i end pcall(table.sort, t, function() return true end) return {number = '1'}",
            Answer("1"),
        ),
        call(
            "long sort",
            "local t = {} for i = 1, 10000 do t[i] = -i end for i = 1, 100 do table.sort(t, function(a, b) return a < b end) end",
            over(),
        ),
        call(
            "sort of long texts",
            "local x = ('a'):rep(65000) local t = {} for i = 1, 20000 do t[i] = x .. i % 7 end table.sort(t)",
            Fail(""),
        ),
        call("gsub function", "string.gsub('aaa', 'a', function() while true do end end)", over()),
        call(
            "gsub table",
            "string.gsub('aaa', 'a', setmetatable({}, {__index = function() while true do end end}))",
            over(),
        ),
        call(
            "calls to and fro",
            "local a, b function a() return b() end function b() return a() end a()",
            Fail(""),
        ),
        call(
            "goto of another Lua",
            "local i = 0 while i >= 0 do i = i + 1 if i % 2 == 0 then continue end end",
            over(),
        ),
        call(
            "budget error thrown again",
            "local ok, e = pcall(function() while true do end end) error(e, 0)",
            over(),
        ),
        call(
            "budget error as answer",
            "local ok, e = pcall(function() while true do end end) return e",
            over(),
        ),
        script("top level", "while true do end", NotLoad("site/probe.lua:1: took more than")),
        script(
            "top level in pcall",
            "pcall(function() while true do end end) hook('dial.rewrite', function() end)",
            NotLoad("took more than"),
        ),
        script(
            "top level with much",
            "local t = {} for i = 1, 1e9 do t[i] = i end",
            NotLoad("site/probe.lua:1: "),
        ),
        script(
            "top level recursion",
            "local function f() return 1 + f() end f()",
            NotLoad("site/probe.lua:1: "),
        ),
    ]);
}

#[test]
fn calls_nested_too_deep_fail_and_nothing_else() {
    contained(&[
        check("recursion", "local function f() return 1 + f() end f()", Unknown("stack overflow")),
        call("recursion with many values", "local function f(...) return f(1, ...) end f()", Fail("")),
        call("pcall", "local function f() return pcall(f) end f() return {number = '1'}", Answer("1")),
        call("xpcall", "local function f() return xpcall(f, f) end f() return {number = '1'}", Answer("1")),
        check(
            "tostring",
            "local m = {} m.__tostring = function(t) return tostring(t) end tostring(setmetatable({}, m))",
            Unknown("stack overflow"),
        ),
        check(
            "__index function",
            "local m = {} m.__index = function(t, k) return t[k] end return setmetatable({}, m).x",
            Unknown("stack overflow"),
        ),
        call(
            "__index chain",
            "local t = {} for i = 1, 5000 do t = setmetatable({}, {__index = t}) end return t.x",
            Fail(""),
        ),
        call("__index loop", "local t = {} setmetatable(t, {__index = t}) return t.x", Fail("")),
        call(
            "__call chain",
            "local t = {} for i = 1, 5000 do t = setmetatable({}, {__call = t}) end return t()",
            Fail(""),
        ),
        check("sort", "local function f() table.sort({3, 2, 1}, f) end f()", Unknown("stack overflow")),
        check(
            "gsub",
            "local function f() return (string.gsub('a', 'a', f)) end f()",
            Unknown("stack overflow"),
        ),
        check(
            "__concat",
            "local m = {} m.__concat = function(a, b) return a .. b end return setmetatable({}, m) .. 'x'",
            Unknown("stack overflow"),
        ),
        script(
            "parentheses",
            format!("return {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
            NotLoad("site/probe.lua:1"),
        ),
        script(
            "tables",
            format!("return {}{}", "{".repeat(100_000), "}".repeat(100_000)),
            NotLoad("site/probe.lua:1"),
        ),
        script(
            "functions",
            "return function() ".repeat(10_000) + &"end ".repeat(10_000),
            NotLoad("site/probe.lua:1"),
        ),
        script("blocks", "do ".repeat(40_000) + &"end ".repeat(40_000), NotLoad("site/probe.lua:1")),
        script("unary", format!("return {}1", "- ".repeat(100_000)), NotLoad("site/probe.lua:1")),
        script("powers", format!("return 1{}", "^1".repeat(100_000)), NotLoad("site/probe.lua:1")),
        script(
            "concatenations",
            format!("return 'a'{}", "..'a'".repeat(40_000)),
            NotLoad("site/probe.lua:1"),
        ),
        script("calls", format!("return f{}", "()".repeat(100_000)), NotLoad("site/probe.lua:1")),
        script(
            "branches",
            format!("if a then {}end", "elseif a then ".repeat(15_000)),
            NotLoad("site/probe.lua:1"),
        ),
        script(
            "types",
            format!("local x: {}number{} = 1", "(".repeat(50_000), ")".repeat(50_000)),
            NotLoad("site/probe.lua:1"),
        ),
    ]);
}
