//! Nothing is kept from one call to the next; each row is called twice.

use super::Must::{Answer, Fail, NotLoad};
use super::{contained, script};

/// Counts in `n`, which a row declares and reaches in its own way.
fn counting(declared: &str, counted: &str) -> String {
    format!("{declared}\nhook('dial.rewrite', function(call) {counted} end)")
}

#[test]
fn the_second_call_finds_what_the_first_one_found() {
    contained(&[
        script("local", counting("local n = 0", "n = n + 1 return {number = tostring(n)}"), Answer("1")),
        script(
            "table",
            counting("local t = {n = 0}", "t.n = t.n + 1 return {number = tostring(t.n)}"),
            Answer("1"),
        ),
        script(
            "global table",
            counting("t = {n = 0}", "t.n = t.n + 1 return {number = tostring(t.n)}"),
            Answer("1"),
        ),
        script("global", counting("n = 0", "n = n + 1"), Fail("readonly table")),
        script(
            "closure",
            counting(
                "local function counter() local n = 0 return function() n = n + 1 return n end end local c = counter()",
                "return {number = tostring(c())}",
            ),
            Answer("1"),
        ),
        script(
            "metatable",
            counting(
                "local t = setmetatable({}, {__index = {n = 0}})",
                "getmetatable(t).__index.n = getmetatable(t).__index.n + 1 return {number = tostring(t.n)}",
            ),
            Answer("1"),
        ),
        script(
            "weak table",
            counting(
                "local t = setmetatable({}, {__mode = 'k'})",
                "local n = 0 for _ in pairs(t) do n = n + 1 end t[{}] = true return {number = tostring(n + 1)}",
            ),
            Answer("1"),
        ),
        script(
            "registering another function the second time",
            "hook('dial.rewrite', function(call) return {number = '1'} end)\nn = (n or 0) + 1\nif n > 1 then hook('dial.rewrite', function() return {number = '2'} end) end",
            Answer("1"),
        ),
        script(
            "a global of the run before",
            "if n then error('kept') end n = 1 hook('dial.rewrite', function() return {number = '1'} end)",
            Answer("1"),
        ),
        script(
            "the address of a table is no clock",
            counting("local t = {}", "return {number = (tostring(t):gsub('[^0]', ''):sub(1, 1)) .. '1'}"),
            Answer("01"),
        ),
        script("nothing at all", "-- nothing", NotLoad("site/probe.lua:1: the script registers nothing")),
    ]);
}
