//! Scripts that want more memory than there is for them.

use super::Must::{Answer, Fail, NotLoad};
use super::{call, contained, script};

#[test]
fn memory_is_bounded_and_given_back() {
    let over = || Fail("");
    contained(&[
        call("rep", "return ('x'):rep(1e9)", Fail("site/probe.lua:1: string.rep makes at most 65536 bytes")),
        call("rep by text", "return ('x'):rep('1000000000')", Fail("at most 65536 bytes")),
        call("rep of nothing", "return {number = '1' .. (''):rep(1e300)}", Fail("at most 65536 bytes")),
        call("rep without number", "return {number = '1' .. ('x'):rep(0 / 0)}", Answer("1")),
        call("rep of a number", "return {number = (12):rep(1e9)}", over()),
        call("doubling", "local s = 'x' while true do s = s .. s end", Fail("memory")),
        call("array", "local t = {} for i = 1, 1e9 do t[i] = i end", over()),
        call("create", "return table.create(1e9)", over()),
        call("create with value", "return table.create(500000, {})", over()),
        call("hash", "local t = {} for i = 1, 1e9 do t['k' .. i] = i end", over()),
        call("long keys", "local t, k = {}, ('k'):rep(60000) for i = 1, 1e9 do t[k .. i] = i end", over()),
        call("closures", "local t = {} for i = 1, 1e9 do t[i] = function() return i end end", over()),
        call(
            "chain of closures",
            "local f = function() end for i = 1, 1e9 do local g = f f = function() return g() end end",
            over(),
        ),
        call("metatables", "local t = {} for i = 1, 1e9 do t = setmetatable({}, {__index = t}) end", over()),
        call(
            "concat",
            "local t = {} for i = 1, 2000 do t[i] = ('x'):rep(65536) end return table.concat(t)",
            over(),
        ),
        call(
            "concat with separator",
            "return table.concat(table.create(2000, 'x'), ('y'):rep(65536))",
            Fail("memory"),
        ),
        call("gsub", "return (('a'):rep(60000):gsub('a', ('b'):rep(60000)))", over()),
        call("gsub by reference", "return (('a'):rep(60000):gsub('.+', ('%0'):rep(1000)))", Fail("memory")),
        call("format", "local s = 'x' for i = 1, 40 do s = string.format('%s%s', s, s) end", Fail("memory")),
        call("unpack", "return unpack({}, 1, 1e8)", Fail("too many results")),
        call("unpack of much", "return select('#', unpack(table.create(400000, 1)))", over()),
        call("char of much", "return string.char(unpack(table.create(7000, 65)))", over()),
        call("packed again and again", "local t = {} while true do t = table.pack(unpack(t), t) end", over()),
        call(
            "move",
            "return table.move({}, 1, 1e15, 2)",
            Fail("site/probe.lua:1: table.move moves at most 65536"),
        ),
        call("move by text", "return table.move({}, '1', '1e15', 2)", Fail("at most 65536")),
        call("move to the end", "return table.move({1}, 1, 1, 2^53)", over()),
        call(
            "insert in front",
            "local t = table.create(300000, 1) while true do table.insert(t, 1, 1) end",
            over(),
        ),
        call(
            "clone",
            "local t = {table.create(100000, 1)} for i = 2, 1e9 do t[i] = table.clone(t[1]) end",
            Fail("memory"),
        ),
        call(
            "in pcall",
            "while true do pcall(function() local t = {} for i = 1, 1e9 do t[i] = i end end) end",
            over(),
        ),
        call(
            "kept in pcall",
            "local k = {} while true do pcall(function() k[#k + 1] = ('x'):rep(65536) end) end",
            over(),
        ),
        call("after all that", "return {number = call.number .. '7'}", Answer("41237")),
        script(
            "in the source",
            format!("local t = {{{}}}", "1,".repeat(120_000)),
            NotLoad("registers nothing"),
        ),
        script(
            "many texts",
            (0..20_000).map(|n| format!("x='{n}'")).collect::<Vec<_>>().join(" "),
            NotLoad("site/probe.lua:1"),
        ),
        script("256 KiB of statements", "x=1 ".repeat(64 * 1024), NotLoad("registers nothing")),
        script("over 256 KiB", "x=1 ".repeat(64 * 1024) + " ", NotLoad("262144 are allowed")),
        script("a megabyte", "--".repeat(500_000), NotLoad("262144 are allowed")),
        script(
            "too many locals",
            (0..300).map(|n| format!("local a{n} = f()\n")).collect::<String>(),
            NotLoad("Out of local registers"),
        ),
    ]);
}
