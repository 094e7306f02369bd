//! What scripts answer is read strictly.

use super::Must::{Answer, Fail, State, Unknown};
use super::{call, check, contained};

#[test]
fn a_number_is_a_text_of_keys_that_can_be_dialed() {
    contained(&[
        call("nothing", "", Answer("4123")),
        call("nil", "return nil", Answer("4123")),
        call("all keys", "return {number = '+0123456789*#,ABCD'}", Answer("+0123456789*#,ABCD")),
        call("number", "return {number = 31}", Fail("site/probe.lua:1: number must be a text")),
        call("not a number", "return {number = 0/0}", Fail("number must be a text")),
        call("truth", "return true", Fail("the answer must be nothing or { number")),
        call("text", "return '0031'", Fail("the answer must be")),
        call("function", "return function() end", Fail("the answer must be")),
        call("two answers", "return {number = '1'}, 2", Fail("there are 2 values")),
        call("a million answers", "return unpack(table.create(7000, 1))", Fail("")),
        call("empty table", "return {}", Fail("number is missing")),
        call("list", "return {'1'}", Fail("a field whose name is a")),
        call("unknown field", "return {number = '1', nmber = '2'}", Fail("there is no field \"nmber\"")),
        call("very long field", "return {[('x'):rep(60000)] = 1}", Fail("there is no field")),
        call(
            "many fields",
            "local t = {number = '1'} for i = 1, 1000 do t['f' .. i] = i end return t",
            Fail("there is no field"),
        ),
        call(
            "metatable",
            "return setmetatable({}, {__index = function() return '1' end})",
            Fail("metatable"),
        ),
        call(
            "table for a text",
            "return {number = setmetatable({}, {__tostring = function() return '1' end})}",
            Fail("number must be a text"),
        ),
        call("empty", "return {number = ''}", Fail("1 to 64")),
        call("letters", "return {number = '4x'}", Fail("1 to 64")),
        call("spaces", "return {number = '4 1'}", Fail("1 to 64")),
        call("line end", "return {number = '4\\r\\nx: y'}", Fail("1 to 64")),
        call("65 keys", "return {number = ('1'):rep(65)}", Fail("1 to 64")),
        call("64 KiB", "return {number = ('1'):rep(65536)}", Fail("1 to 64")),
        call("not UTF-8", "return {number = '1\\255'}", Fail("number holds text that is not UTF-8")),
        call("zero byte", "return {number = '1\\0'}", Fail("number holds text with a zero byte")),
        call("digits of another script", "return {number = '\\u{0661}'}", Fail("1 to 64")),
        call("an answer of another hook", "return allow()", Fail("there is no field \"verdict\"")),
    ]);
}

#[test]
fn a_check_answers_with_one_of_its_states() {
    contained(&[
        check("ok", "return ok('fine')", State("ok")),
        check("warning", "return warn('late', 'look', {a = 1})", State("warning")),
        check("not measurable", "return not_measurable('nobody there')", State("not_measurable")),
        check("nothing", "", Unknown("a check must answer")),
        check("true", "return true", Unknown("a check must answer")),
        check("state of its own", "return {state = 'fine'}", Unknown("a check must answer")),
        check("two", "return ok(), ok()", Unknown("2 values")),
        check("detail", "return ok({})", Unknown("detail must be a text")),
        check("long detail", "return ok(('x'):rep(5000))", Unknown("at most 2048")),
        check("data of another kind", "return ok('x', nil, 5)", Unknown("must be a table")),
        check("list", "return ok('x', nil, {1, 2})", Unknown("named fields")),
        check(
            "deep",
            "local t = {} local top = {t = t} for i = 1, 100 do t.t = {} t = t.t end return ok('x', nil, top)",
            Unknown("nested too deep"),
        ),
        check("cyclic", "local t = {} t.t = t return ok('x', nil, t)", Unknown("holds itself")),
        check("NaN", "return ok('x', nil, {n = 0/0})", Unknown("not finite")),
        check("infinity", "return ok('x', nil, {n = 1/0})", Unknown("not finite")),
        check("huge numbers", "return ok('x', nil, {n = 1e308, m = -2^53, k = 0.1})", State("ok")),
        check("function", "return ok('x', nil, {f = function() end})", Unknown("holds a function")),
        check("error", "local _, e = pcall(digits, 1) return ok('x', nil, {e = e})", Unknown("holds a")),
        check("mixed", "return ok('x', nil, {t = {1, 2, x = 3}})", Unknown("neither a list")),
        check("holes", "return ok('x', nil, {t = {1, nil, nil, 4}})", Unknown("neither a list")),
        check("numbered fields", "return ok('x', nil, {t = {[1e6] = 1}})", Unknown("whose name is a")),
        check(
            "many values",
            "local t = {} for i = 1, 2000 do t['k' .. i] = i end return ok('x', nil, t)",
            Unknown("too many values"),
        ),
        check(
            "much text",
            "local s, t = ('x'):rep(60000), {} for i = 1, 5 do t['k' .. i] = s end return ok('x', nil, t)",
            Unknown("too much text"),
        ),
        check("not UTF-8", "return ok('x', nil, {t = '\\255'})", Unknown("not UTF-8")),
        check("metatable", "return ok('x', nil, setmetatable({}, {}))", Unknown("metatable")),
        check("thrown", "error('gone')", Unknown("site/probe.lua:1: gone")),
        check("endless", "while true do end", Unknown("took more than")),
        check("memory", "local s = 'x' while true do s = s .. s end", Unknown("memory")),
    ]);
}
