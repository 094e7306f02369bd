//! What a script throws may be hostile itself.

use super::Must::{Answer, Fail, NotLoad};
use super::{call, contained, script};

#[test]
fn errors_become_one_bounded_text_whatever_they_are() {
    contained(&[
        call("text", "error('no such plan')", Fail("site/probe.lua:1: no such plan")),
        call("in a library", "return call.number:rep({})", Fail("site/probe.lua:1: ")),
        call(
            "in a helper",
            "return digits(nil)",
            Fail("site/probe.lua:1: digits takes texts; this is a nil"),
        ),
        call(
            "index nil",
            "return call.nothing.first",
            Fail("site/probe.lua:1: attempt to index nil with 'first'"),
        ),
        call("second line", "\n\nlocal x = nil .. 'x'", Fail("site/probe.lua:3: ")),
        call("nothing", "error()", Fail("nil")),
        call("nil", "error(nil)", Fail("nil")),
        call("truth", "error(true)", Fail("true")),
        call("number", "error(42)", Fail("42")),
        call("function", "error(function() end)", Fail("function")),
        call("table", "error({})", Fail("table")),
        call("table with itself", "local t = {} t.t = t error(t)", Fail("table")),
        call(
            "hidden metatable",
            "error(setmetatable({}, {__metatable = 'x', __tostring = function() return 'y' end}))",
            Fail("y"),
        ),
        call(
            "__tostring without end",
            "error(setmetatable({}, {__tostring = function() while true do end end}))",
            Fail("took more than"),
        ),
        call(
            "__tostring that throws",
            "error(setmetatable({}, {__tostring = function() error('x') end}))",
            Fail(""),
        ),
        call(
            "__tostring that throws itself",
            "local t = {} setmetatable(t, {__tostring = function() error(t) end}) error(t)",
            Fail(""),
        ),
        call(
            "__tostring of no text",
            "error(setmetatable({}, {__tostring = function() return {} end}))",
            Fail(""),
        ),
        call(
            "__tostring of much",
            "error(setmetatable({}, {__tostring = function() return ('x'):rep(65536) end}))",
            Fail("xxx"),
        ),
        call(
            "__tostring with all memory",
            "error(setmetatable({}, {__tostring = function() local s = 'x' while true do s = s .. s end end}))",
            Fail(""),
        ),
        call("long text", "error(('x'):rep(65536))", Fail("xxx")),
        call("long text of two bytes each", "error(('ü'):rep(30000))", Fail("ü")),
        call("not UTF-8", "error('\\255\\254\\192')", Fail("site/probe.lua:1: ")),
        call("zero and control bytes", "error('a\\0b\\27[2Jc')", Fail("site/probe.lua:1: a")),
        call(
            "lines that look like ours",
            "error('site/good.lua:1: it was me', 0)",
            Fail("site/good.lua:1: it was me"),
        ),
        call("a level beyond", "error('x', 1e9)", Fail("x")),
        call("a level before", "error('x', -5)", Fail("x")),
        call("assert", "assert(false, {})", Fail("table")),
        call("assert nothing", "assert()", Fail("")),
        call("error in the handler", "return xpcall(error, error)", Fail("the answer must be")),
        call(
            "handler without end",
            "xpcall(error, function(e) while true do end end) return {number = '1'}",
            Fail("took more than"),
        ),
        call(
            "thrown again a hundred times",
            "local function f(n) if n == 0 then digits(1) end local _, e = pcall(f, n - 1) error(e) end f(100)",
            Fail(""),
        ),
        call(
            "error of ours as text",
            "local _, e = pcall(digits, 1) return {number = type(tostring(e)) == 'string' and '1' or '2'}",
            Answer("1"),
        ),
        call(
            "error of ours compared",
            "local _, e = pcall(digits, 1) return {number = e == e and '1' or '2'}",
            Answer("1"),
        ),
        call("error of ours called", "local _, e = pcall(digits, 1) e()", Fail("attempt to call")),
        call(
            "error of ours indexed",
            "local _, e = pcall(digits, 1) return e.cause.cause",
            Fail("attempt to index"),
        ),
        call("error of ours changed", "local _, e = pcall(digits, 1) e.x = 1", Fail("attempt to index")),
        script(
            "syntax",
            "hook('dial.rewrite', function(call)\n  return {number = }\nend)",
            NotLoad("site/probe.lua:2: "),
        ),
        script("unfinished", "hook('dial.rewrite', function(call)", NotLoad("site/probe.lua:1: ")),
        script("thrown at the top level", "\nerror('bad table')", NotLoad("site/probe.lua:2: bad table")),
        script(
            "hostile at the top level",
            "error(setmetatable({}, {__tostring = function() while true do end end}))",
            NotLoad("took more than"),
        ),
        script(
            "a global that is not there",
            "\n\nhok('dial.rewrite', function() end)",
            NotLoad("site/probe.lua:3: attempt to call a nil value"),
        ),
    ]);
}
