//! Single calls of the library that work on long texts.

use super::Must::{Answer, Fail, State, Unknown};
use super::{Probe, call, check, contained};

/// With a text of a megabyte in `big`.
const BIG: &str = "local t = {} for i = 1, 16 do t[i] = ('a'):rep(65536) end local big = table.concat(t)\n";

/// A handler that must be ended.
fn with_big(name: &'static str, body: &str, must: super::Must) -> Probe {
    call(name, &format!("{BIG}{body}"), must)
}

/// A check, which has more time to make the long text, that must be refused.
fn refused(name: &'static str, body: &str, text: &'static str) -> Probe {
    check(name, &format!("{BIG}{body}"), Unknown(text))
}

/// A check, which has more time, that must come to an end by itself and find that this holds.
fn holds(name: &'static str, condition: &str) -> Probe {
    check(name, &format!("{BIG}return ({condition}) and ok() or fail('no')"), State("ok"))
}

#[test]
fn patterns_and_long_texts_are_bounded() {
    let over = || Fail("took more than");
    contained(&[
        call(
            "optional letters",
            "local p = ('a?'):rep(40) .. ('a'):rep(40) return {number = tostring(('a'):rep(40):match(p))}",
            over(),
        ),
        call("lazy repetitions", "return {number = tostring(('a'):rep(60000):match('.-.-.-.-.-b'))}", over()),
        call("greedy repetitions", "return {number = tostring(('a'):rep(60000):find('.*.*.*b'))}", over()),
        call("captures", "return {number = tostring(('a'):rep(60000):match('(a*)(a*)(a*)b'))}", over()),
        with_big("gsub without a match", "big:gsub('b', 'c')", over()),
        with_big("gmatch of nothing", "for _ in big:gmatch('') do end", over()),
        with_big("balanced", "return {number = tostring(big:match('%ba)'))}", over()),
        with_big("frontier", "return {number = tostring(big:find('%f[b]'))}", over()),
        refused(
            "set of a thousand",
            "return {number = tostring(big:match('[' .. ('b'):rep(1000) .. 'a]*$'))}",
            "too long for that pattern",
        ),
        refused(
            "long pattern in gsub",
            "return (big:gsub(('a'):rep(65000) .. 'b*', ''))",
            "too long for that pattern",
        ),
        refused(
            "long pattern in gmatch",
            "for _ in big:gmatch(('a'):rep(65000) .. 'b*') do end",
            "too long for that pattern",
        ),
        holds("plain find", "big:find(('a'):rep(65000) .. 'b', 1, true) == nil"),
        holds("find without patterns", "big:find(('a'):rep(65000) .. 'b') == nil"),
        holds("plain find of half", "big:find(big:sub(1, #big / 2) .. 'b', 1, true) == nil"),
        holds("split", "#big:split(('a'):rep(60000) .. 'b') == 1"),
        with_big("split into letters", "return {number = tostring(#big:split(''))}", Fail("")),
        holds("upper, lower, reverse", "#big:upper():lower():reverse() == 1048576"),
        with_big("all bytes", "return big:byte(1, -1)", Fail("")),
        with_big("all code points", "return utf8.codepoint(big, 1, -1)", Fail("")),
        holds("length in characters", "utf8.len(big) == 1048576"),
        holds("as number", "tonumber(big) == nil"),
        holds("format", "#string.format('%s', big) == 1048576"),
        call("bad set", "('x'):find('[a')", Fail("site/probe.lua:1: malformed pattern")),
        call("bad escape", "('x'):find('%')", Fail("malformed pattern")),
        call("many captures", "('x'):find(('()'):rep(100))", Fail("too many captures")),
        call("deep pattern", "('x'):rep(1000):find(('x?'):rep(1000) .. 'y')", Fail("")),
        call("bad reference", "('x'):gsub('x', '%9')", Fail("invalid capture index")),
        call(
            "positions",
            "local t = {('abcabc'):find('b', -3), ('abc'):find('c', 1e300, true) == nil and 1, ('abc'):find('b', -1e300, true)} return {number = table.concat(t, ',')}",
            Answer("5,1,2,2"),
        ),
        call("no position", "return ('abc'):find('b', 0 / 0, true)", Fail("")),
        call("wrong types", "return ('abc'):find({})", Fail("site/probe.lua:1: ")),
        call(
            "split as everybody knows it",
            "return {number = table.concat(('1,2,,3'):split(), '#') .. '#' .. #('' ):split(';')}",
            Answer("1#2##3#1"),
        ),
    ]);
}
