//! Whatever is put: a clear error with file and line, and what serves goes on serving.

use serde_json::json;

use super::*;

/// Name, text, and what the error says.
const BAD: &[(&str, &str, &str)] = &[
    ("a syntax error", "hook(\"dial.rewrite\", function(call)\n  return {\nend)", "site/digit.lua:"),
    ("an error at the top level", "\nerror(\"no\")", "site/digit.lua:2"),
    ("an endless top level", "while true do end", "site/digit.lua:1"),
    (
        "an endless top level that swallows errors",
        "while true do pcall(function() while true do end end) end",
        "site/digit.lua",
    ),
    ("an unknown hook", "hook(\"dial.rewrit\", function() end)", "did you mean \"dial.rewrite\"?"),
    ("an unknown option", "hook(\"dial.rewrite\", { prio = 1 }, function() end)", "priority"),
    ("nothing that it is for", "local x = 1", "registers nothing"),
    ("a file", "io.open(\"/etc/passwd\")", "site/digit.lua:1"),
    ("a global that is gone", "loadstring(\"x\")()", "site/digit.lua:1"),
    ("a check without a time", "check(\"x\", function() return ok() end)", "every"),
    (
        "a hostile error value",
        "error(setmetatable({}, {__tostring = function() while true do end end}))",
        "site/digit.lua",
    ),
    (
        "an error value that is deep",
        "local t = {} for i = 1, 100000 do t = {t} end error(t)",
        "site/digit.lua",
    ),
    (
        "a lot of memory",
        "local t = {} while true do t[#t + 1] = string.rep(\"x\", 60000) end",
        "site/digit.lua",
    ),
];

#[test]
fn bad_scripts_are_refused_with_file_and_line_and_what_serves_goes_on() {
    let ground = ground();
    ground.publish("digit", NINE);
    for (what, source, words) in BAD {
        let refused = ground.put("digit", source);
        assert_eq!(refused.status, 422, "{what}: {refused}");
        refused.problem(422, "request/invalid").blames("/source", words);
        assert_eq!(ground.dial("4001")["dialed"], "904001", "{what} disturbed what serves");
    }
    assert_eq!(
        ground.admin.get("/hooks/digit/versions").expect(200).items().len(),
        1,
        "a bad version was kept"
    );
}

#[test]
fn what_is_no_text_of_a_script_is_refused() {
    let ground = ground();
    let put = |body: &serde_json::Value| ground.admin.call("PUT", "/hooks/digit").json(body).send();
    for (source, words) in [
        ("\u{1b}Lua\u{51}", "Bytecode is never taken"),
        ("local a = 1\nlocal b = '\u{0}'", "line 2 holds the control character U+0000"),
        ("", "1 to 262144 characters"),
        (&"-".repeat(262_145), "1 to 262144 characters"),
        // Fewer characters, but more bytes.
        (&"é".repeat(200_000), "at most 262144 bytes"),
    ] {
        put(&json!({"source": source})).problem(422, "request/invalid").blames("/source", words);
    }
    put(&json!({"source": "x".repeat(1024 * 1024)})).problem(413, "http/body_too_large");
    put(&json!({"sourc": "x"})).problem(422, "request/invalid").blames("/sourc", "did you mean \"source\"?");
    for name in ["Digit", "1digit", "-x", "di%20git", &"d".repeat(33)] {
        let path = format!("/hooks/{name}");
        let refused = ground.admin.call("PUT", &path).json(&json!({"source": NINE})).send();
        refused.problem(422, "request/invalid").blames("/name", "must be");
    }
    ground.admin.get("/hooks/digit").problem(404, "request/not_found");
}

/// What a rewrite may answer wrongly, and a word of the error.
const WRONG: &[(&str, &str)] = &[
    ("return 7", "answer must be"),
    ("return \"7\"", "answer must be"),
    ("return { number = 7 }", "number must be a text"),
    ("return { numbr = \"7\" }", "no field \"numbr\""),
    ("return { number = \"\" }", "1 to 64"),
    ("return { number = \"7\\n7\" }", "1 to 64"),
    ("return { number = string.rep(\"7\", 65) }", "1 to 64"),
    ("return { number = \"7\" }, 1", "2 values"),
    ("return setmetatable({}, {})", "metatable"),
    ("local t = {} for i = 1, 5000 do t = { t } end return t", "answer must be"),
    ("error(setmetatable({}, { __tostring = function() error(\"again\") end }))", "site/digit.lua"),
    ("call.number = \"7\"", "site/digit.lua"),
    ("stray = 1", "site/digit.lua"),
    ("while true do end", "site/digit.lua"),
    ("ntp.query(\"127.0.0.1\")", "ntp.query may be called in"),
];

#[test]
fn a_wrong_answer_changes_nothing_and_says_why() {
    let ground = ground();
    for (body, words) in WRONG {
        ground.publish("digit", &format!("hook(\"dial.rewrite\", function(call)\n  {body}\nend)"));
        let answer = ground.dial("4001");
        assert_eq!(answer["dialed"], "04001", "{body}: {answer}");
        let step = steps(&answer, "dial.rewrite")[0];
        let text = step["text"].as_str().unwrap_or_default();
        assert!(text.contains(words) && text.contains("The number stays as it was"), "{body}: {text}");
        assert!(lints(&answer).contains(&"script.failed"), "{body}: {answer}");
        let hook = ground.admin.get("/hooks/digit").expect(200).json;
        let error = hook["last_error"]["text"].as_str().unwrap_or_default();
        assert!(error.contains(words), "{body}: {hook}");
    }
}

#[test]
fn more_scripts_than_allowed_are_refused_and_the_rest_stays() {
    let ground = ground();
    let there = ground.admin.get("/hooks").expect(200).items().len();
    for n in there..64 {
        ground.put(&format!("s{n}"), NINE).expect(200);
    }
    ground.put("onemore", NINE).problem(409, "change/conflict").says("64 scripts, which is the most");
    ground.admin.delete("/hooks/s63", "*").expect(204);
    ground.put("onemore", NINE).expect(200);
}
