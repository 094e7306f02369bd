//! Calls to the appliance: where they may be made, with what, and how often.

use super::Must::{Fail, NotLoad, State, Unknown};
use super::{call, check, contained, script};

#[test]
fn calls_are_made_where_the_catalogue_allows_them_only() {
    contained(&[
        call(
            "probe",
            "return ntp.query('10.0.0.1')",
            Fail("site/probe.lua:1: ntp.query may be called in check, not in dial.rewrite"),
        ),
        call(
            "every probe",
            "local _, a = pcall(tcp.probe, 'x', 1) local _, b = pcall(dns.lookup, 'x') local _, c = pcall(http.date, 'x') error(tostring(a) .. tostring(b) .. tostring(c), 0)",
            Fail("tcp.probe may be called in check"),
        ),
        call(
            "directory",
            "return directory.lookup('e1', '4123')",
            Fail("directory.lookup may be called in dial.admit, not in dial.rewrite"),
        ),
        call("facts", "return site.nodes()", Fail("site.nodes may be called in check")),
        call("setting", "return site.setting('checks.skew_ms')", Fail("site.setting may be called in check")),
        call("log", "log('x')", Fail("log may be called in check, event.*, not in dial.rewrite")),
        call(
            "kept from another place",
            "local q = ntp.query return q('10.0.0.1')",
            Fail("not in dial.rewrite"),
        ),
        check("directory in a check", "return directory.lookup('e1', '4123')", Unknown("not in check")),
        script(
            "at the top level",
            "ntp.query('10.0.0.1')",
            NotLoad("site/probe.lua:1: ntp.query may be called in check, not in top level"),
        ),
        script("log at the top level", "log('x')", NotLoad("not in top level")),
    ]);
}

#[test]
fn what_a_call_is_given_is_checked() {
    let wrong = |text| Unknown(text);
    contained(&[
        check(
            "good",
            "return ok(ntp.query('10.0.0.1', {timeout = '1s', samples = 4, port = 123}).asked.address)",
            State("ok"),
        ),
        check(
            "nothing",
            "return ntp.query()",
            wrong("site/probe.lua:1: ntp.query: address must be a text; it is a nil"),
        ),
        check("number", "return ntp.query(5)", wrong("it is a number")),
        check("table", "return ntp.query({})", wrong("it is a table")),
        check("empty", "return ntp.query('')", wrong("1 to 2048 bytes")),
        check("long", "return ntp.query(('x'):rep(60000))", wrong("1 to 2048 bytes")),
        check("not UTF-8", "return ntp.query('\\255')", wrong("must be a text")),
        check("zero byte", "return ntp.query('a\\0b')", wrong("must be a text")),
        check(
            "unknown option",
            "return ntp.query('x', {timout = '1s'})",
            wrong("there is no option \"timout\"; did you mean \"timeout\"?"),
        ),
        check("options of another kind", "return ntp.query('x', 5)", wrong("must be a table of options")),
        check(
            "time without unit",
            "return ntp.query('x', {timeout = '1'})",
            wrong("timeout must be a whole number with its unit"),
        ),
        check("time as number", "return ntp.query('x', {timeout = 1})", wrong("must be a text such as")),
        check("long time", "return ntp.query('x', {timeout = '1h'})", wrong("must be from 50ms to 5s")),
        check("port", "return tcp.probe('x', 70000)", wrong("port must be a port from 1 to 65535")),
        check("port as text", "return tcp.probe('x', '80')", wrong("port must be a port")),
        check("half a port", "return tcp.probe('x', 80.5)", wrong("port must be a port")),
        check("NaN port", "return tcp.probe('x', 0/0)", wrong("port must be a port")),
        check("truth", "return tcp.probe('x', 80, {tls = 1})", wrong("tls must be true or false")),
        check("too many", "return tcp.probe('x', 80, {}, 1)", wrong("too many arguments")),
        check(
            "options with a loop",
            "return ntp.query('x', setmetatable({}, {__index = function() while true do end end}))",
            State("unknown"),
        ),
        check(
            "refused by the appliance",
            "return dns.lookup('x')",
            wrong("site/probe.lua:1: dns.lookup: no name"),
        ),
        check(
            "not there",
            "local r, err = http.date('http://x') return unknown(err)",
            wrong("no http.date here"),
        ),
        check("setting of others", "return site.setting('door.connections')", wrong("begins with checks.")),
        check(
            "setting that is not there",
            "return ok(tostring(site.setting('checks.nothing')))",
            State("ok"),
        ),
        check("log of a table", "log({}) return ok()", wrong("log takes a text")),
        check("log of much", "log(('x'):rep(5000)) return ok()", wrong("at most 2048")),
        check(
            "thousands",
            "for i = 1, 1000 do ntp.query('10.0.0.1') end return ok()",
            wrong("at most 256 calls"),
        ),
        check(
            "thousands in pcall",
            "for i = 1, 1000 do pcall(ntp.query, '10.0.0.1') end return warn('x')",
            State("warning"),
        ),
        check(
            "thousands of lines",
            "for i = 1, 1000 do pcall(log, 'x') end return notice('x')",
            State("notice"),
        ),
        check(
            "six seconds of waiting for hosts, which are not its own five",
            "for i = 1, 4 do ntp.query('slow', {timeout = '2s'}) end return ok()",
            State("ok"),
        ),
        check("helpers", "digits({})", wrong("digits takes texts; this is a table")),
        check("long text for a helper", "digits(('1'):rep(5000))", wrong("over 4096 bytes")),
        check("range", "in_range('1', '5', '3')", wrong("is no range")),
        check("network", "cidr('10.0.0.1', '10.0.0.0')", wrong("is no network")),
    ]);
}
