//! What does not exist for a script, and what of the rest it cannot change.

use super::Must::{Answer, Fail, NotLoad};
use super::{call, contained, script};

#[test]
fn what_is_not_allowed_does_not_exist_by_any_way() {
    let nil = || Fail("attempt to call a nil value");
    let of_nil = || Fail("attempt to index nil");
    contained(&[
        call("loadstring", "return loadstring('return 1')()", nil()),
        call("load", "return load('return 1')()", nil()),
        call("dofile", "return dofile('/etc/passwd')", nil()),
        call("loadfile", "return loadfile('/etc/passwd')", nil()),
        call("require", "return require('x')", nil()),
        call("getfenv", "return getfenv(1)", nil()),
        call("setfenv", "return setfenv(1, {})", nil()),
        call("newproxy", "return newproxy(true)", nil()),
        call("collectgarbage", "return collectgarbage('count')", nil()),
        call("gcinfo", "return gcinfo()", nil()),
        call("print", "print('x')", nil()),
        call("rawget by number", "return rawget({}, 1)", nil()),
        call("rawset by number", "return rawset({}, 1, 1)", nil()),
        call("rawlen by number", "return rawlen({})", nil()),
        call("typeof by number", "return typeof({})", nil()),
        call("vector by number", "return vector.create(1, 2, 3)", of_nil()),
        call("buffer by number", "return buffer.readi8(1, 2)", of_nil()),
        call("buffer", "return buffer.create(8)", of_nil()),
        call("_G", "return _G.loadstring", of_nil()),
        call("debug", "return debug.getinfo(1)", of_nil()),
        call("debug.info", "return debug.info(1, 'f')", of_nil()),
        call("os", "return os.clock()", of_nil()),
        call("io", "return io.open('/etc/passwd')", of_nil()),
        call("package", "return package.loaded", of_nil()),
        call("coroutine", "return coroutine.wrap(function() end)", of_nil()),
        call("coroutine in pcall", "return coroutine.create(pcall)", of_nil()),
        call("ffi and jit", "return ffi or jit or bit or task or game", Answer("4123")),
        call("string.dump", "return string.dump(function() end)", nil()),
        call("string.pack", "return string.pack('z', 'x')", nil()),
        call("math.random", "return math.random()", nil()),
        call("math.randomseed", "return math.randomseed(1)", nil()),
        call("table.foreach", "return table.foreach({}, function() end)", nil()),
        call("the environment by name", "return _ENV.loadstring", of_nil()),
        call(
            "the methods of strings",
            "return {number = getmetatable('') == 'the methods of strings are fixed' and '1' or '2'}",
            Answer("1"),
        ),
        call("the methods of a method", "return (''):dump()", Fail("attempt to call missing method 'dump'")),
        call(
            "the metatable of functions",
            "return {number = getmetatable(print) == nil and getmetatable(pcall) == nil and getmetatable(hook) == nil and '1' or '2'}",
            Answer("1"),
        ),
        call(
            "the metatable of nothing and of numbers",
            "return {number = getmetatable(nil) == nil and getmetatable(1) == nil and getmetatable(true) == nil and '1' or '2'}",
            Answer("1"),
        ),
        call(
            "the metatable of the call",
            "return {number = getmetatable(call) == nil and '1' or '2'}",
            Answer("1"),
        ),
        call(
            "the metatable of an error of ours",
            "local _, e = pcall(digits, 1) local m = getmetatable(e) if type(m) == 'table' then m.__index = 1 end return {number = '1'}",
            Answer("1"),
        ),
        script("bytecode of Lua", "\u{1b}Lua\u{1}\u{2}", NotLoad("site/probe.lua:1")),
        script("bytecode of Luau", "\u{6}\u{3}\u{0}\u{0}\u{1}\u{0}", NotLoad("site/probe.lua:1")),
        script("bytecode after a sign", "#!\u{6}\u{3}\u{0}", NotLoad("site/probe.lua:1")),
        script(
            "native code",
            "@native function f() end hook('dial.rewrite', function() f() end)",
            Answer("4123"),
        ),
        script(
            "another name for the chunk",
            "--@site/good.lua\nhook('dial.rewrite', 1)",
            NotLoad("site/probe.lua:2"),
        ),
    ]);
}

#[test]
fn libraries_metatables_and_the_call_are_read_only() {
    let fixed = || Fail("readonly table");
    contained(&[
        call("a function of a library", "string.find = nil", fixed()),
        call("a new one", "string.evil = function() end", fixed()),
        call("math", "math.pi = 3", fixed()),
        call("a library of ours", "ntp.query = function() return {offset_ms = 0} end", fixed()),
        call("site", "site.nodes = nil", fixed()),
        call("insert into a library", "table.insert(table, 1)", fixed()),
        call("clear a library", "table.clear(string)", fixed()),
        call("move into a library", "table.move({1}, 1, 1, 1, string)", fixed()),
        call("sort a library", "table.sort(string)", Fail("")),
        call("a metatable for a library", "setmetatable(string, {__index = {}})", fixed()),
        call("a metatable for texts", "setmetatable('', {})", Fail("")),
        call("the methods of texts", "getmetatable('').__index = {}", Fail("")),
        call("a global", "evil = 1", fixed()),
        call("a global function", "function digits() return '1' end", fixed()),
        call("a global library", "string = {}", fixed()),
        call("the call", "call.number = '1'", fixed()),
        call("within the call", "call.from.node = 'x'", fixed()),
        call("a metatable for the call", "setmetatable(call, {})", fixed()),
        call("an answer of ours", "local a = allow() a.verdict = 'reject'", fixed()),
        call("a frozen table", "table.freeze({}).x = 1", fixed()),
        call("own tables may change", "local t = {} t.x = '1' return {number = t.x}", Answer("1")),
        script(
            "a library at the top level",
            "string.find = nil",
            NotLoad("site/probe.lua:1: attempt to modify a readonly table"),
        ),
        script(
            "hook at the top level is its own",
            "local own = hook hook = nil own('dial.rewrite', function() return {number = '1'} end)",
            Answer("1"),
        ),
        script(
            "a library of its own",
            "string = {sub = function() return '1' end} hook('dial.rewrite', function(call) return {number = string.sub(call.number, 1)} end)",
            Answer("1"),
        ),
    ]);
}
