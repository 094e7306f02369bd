//! What a script says it is for.

use super::Must::{Answer, Fail, NotLoad};
use super::{call, check, contained, script};

#[test]
fn registration_is_checked_at_its_line_and_ends_with_loading() {
    contained(&[
        call(
            "hook in a call",
            "hook('dial.rewrite', function() end)",
            Fail("site/probe.lua:1: hook can be called at the top level of a script only"),
        ),
        call(
            "check in a call",
            "check('x', {every = '1m'}, function() end)",
            Fail("check can be called at the top level"),
        ),
        call("test in a call", "test('x', function() end)", Fail("test can be called at the top level")),
        call(
            "in pcall",
            "pcall(hook, 'dial.rewrite', function() return {number = '2'} end) return {number = '1'}",
            Answer("1"),
        ),
        check("in a check", "hook('dial.rewrite', function() end)", super::Must::Unknown("at the top level")),
        script(
            "unknown hook",
            "\nhook('dial.rewrit', function() end)",
            NotLoad("site/probe.lua:2: there is no hook \"dial.rewrit\"; did you mean \"dial.rewrite\"?"),
        ),
        script(
            "strange hook",
            "hook('x', function() end)",
            NotLoad("there is no hook \"x\"; there are dial.rewrite, dial.admit and event.NOUN.PAST"),
        ),
        script("strange event", "hook('event.Account', function() end)", NotLoad("there is no hook")),
        script(
            "no function",
            "hook('dial.rewrite', 5)",
            NotLoad("site/probe.lua:1: write hook(\"name\", function() … end)"),
        ),
        script("nothing", "hook()", NotLoad("write hook(")),
        script("no name", "hook(function() end)", NotLoad("write hook(")),
        script("options of another kind", "hook('dial.rewrite', 5, function() end)", NotLoad("write hook(")),
        script("too many", "hook('dial.rewrite', {}, {}, function() end)", NotLoad("write hook(")),
        script(
            "unknown option",
            "hook('dial.rewrite', {prio = 1}, function() end)",
            NotLoad("there is no option \"prio\"; did you mean \"priority\"?"),
        ),
        script(
            "half a priority",
            "hook('dial.rewrite', {priority = 1.5}, function() end)",
            NotLoad("priority must be a whole number"),
        ),
        script(
            "priority without end",
            "hook('dial.rewrite', {priority = 1/0}, function() end)",
            NotLoad("priority must be a whole number"),
        ),
        script(
            "priority as text",
            "hook('dial.rewrite', {priority = '1'}, function() end)",
            NotLoad("priority must be a whole number"),
        ),
        script(
            "bad duration",
            "check('x', {every = '5 minutes'}, function() end)",
            NotLoad("every must be a whole number with its unit"),
        ),
        script(
            "every second",
            "check('x', {every = '1s'}, function() end)",
            NotLoad("every must be from 30s to 1d"),
        ),
        script("never", "check('x', function() end)", NotLoad("a check needs { every")),
        script(
            "bad name",
            "check('Not A Name', {every = '1m'}, function() end)",
            NotLoad("the name of a check has"),
        ),
        script(
            "two of one name",
            "check('x', {every = '1m'}, function() end)\ncheck('x', {every = '1m'}, function() end)",
            NotLoad("site/probe.lua:2: the check \"x\" is registered in line 1 already"),
        ),
        script(
            "test elsewhere",
            "test('x', function() end)",
            NotLoad("tests belong in a file of their own: probe_test.lua"),
        ),
        script(
            "thousands",
            "for i = 1, 5000 do hook('dial.rewrite', function() end) end",
            NotLoad("at most 64 functions"),
        ),
        script(
            "thousands in pcall",
            "for i = 1, 200 do pcall(hook, 'dial.rewrite', function() return {number = '1'} end) end",
            Answer("1"),
        ),
        script(
            "not UTF-8",
            "hook('\\255', function() end)",
            NotLoad("the name holds text that is not UTF-8"),
        ),
        script(
            "hook as a callback",
            "string.gsub('dial.rewrite', '.+', function(name) hook(name, function() return {number = '1'} end) end)",
            Answer("1"),
        ),
    ]);
}
