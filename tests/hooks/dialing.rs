//! The site's last word while somebody dials: order, admission, failures by the catalogue's policy, and emergency
//! numbers, which nobody touches.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::*;

fn source(hook: &str, priority: i32, body: &str) -> String {
    format!("hook(\"{hook}\", {{ priority = {priority} }}, function(call)\n  {body}\nend)")
}

/// The steps lead from one string to the next and end in what is dialed.
#[track_caller]
fn assert_chained(answer: &Value) {
    let steps = answer["steps"].as_array().expect("steps");
    for pair in steps.windows(2) {
        assert_eq!(pair[0]["after"], pair[1]["before"], "a gap in {steps:?}");
    }
    assert_eq!(steps[steps.len() - 1]["after"], answer["dialed"], "{answer}");
}

#[test]
fn scripts_are_asked_by_priority_and_then_by_name() {
    let ground = ground();
    ground.publish("b-late", &source("dial.rewrite", 0, "return { number = call.number .. \"3\" }"));
    ground.publish("a-late", &source("dial.rewrite", 0, "return { number = call.number .. \"2\" }"));
    ground.publish("z-first", &source("dial.rewrite", 10, "return { number = call.number .. \"1\" }"));
    let answer = ground.dial("4001");
    assert_eq!(answer["dialed"], "04001123", "{answer}");
    let sources: Vec<_> = steps(&answer, "dial.rewrite").iter().map(|step| step["source"].clone()).collect();
    assert_eq!(sources, ["site/z-first.lua:1", "site/a-late.lua:1", "site/b-late.lua:1"]);
    assert_chained(&answer);
}

#[test]
fn one_that_has_no_opinion_or_fails_leaves_the_number_to_the_next() {
    let ground = ground();
    ground.publish("a-silent", &source("dial.rewrite", 3, "return nil"));
    ground.publish("b-broken", &source("dial.rewrite", 2, "local x = nil\n  return x.y"));
    ground.publish("c-endless", &source("dial.rewrite", 1, "while true do end"));
    ground.publish("d-good", &source("dial.rewrite", 0, "return { number = \"9\" .. call.number }"));
    let answer = ground.dial("4001");
    assert_eq!(answer["dialed"], "904001", "{answer}");
    let steps = steps(&answer, "dial.rewrite");
    let texts: Vec<_> = steps.iter().map(|step| step["text"].as_str().unwrap_or_default()).collect();
    assert!(texts[0].contains("has no opinion"), "{texts:?}");
    assert!(texts[1].contains("site/b-broken.lua:3") && texts[1].contains("stays as it was"), "{texts:?}");
    assert!(texts[2].contains("failed"), "{texts:?}");
    assert!(texts[3].contains("changed the number"), "{texts:?}");
    assert_chained(&answer);
}

#[test]
fn a_rejected_call_dials_nothing_and_says_why() {
    let ground = ground();
    ground.publish(
        "admit",
        &source(
            "dial.admit",
            0,
            "if starts(call.number, \"09\") then return reject(\"no premium numbers\") end",
        ),
    );
    assert_eq!(ground.dial("4001")["dialed"], "04001");
    let answer = ground.dial("9001");
    assert_eq!(answer["dialed"], "", "{answer}");
    let step = steps(&answer, "dial.admit")[0];
    assert_eq!((&step["after"], &step["source"]), (&json!(""), &json!("site/admit.lua:1")), "{step}");
    assert!(step["text"].as_str().is_some_and(|text| text.contains("no premium numbers")), "{step}");
    let told =
        answer["lints"].as_array().unwrap().iter().find(|lint| lint["code"] == "script.rejected").unwrap();
    assert!(told["text"].as_str().is_some_and(|text| text.contains("no premium numbers")), "{told}");
    assert_chained(&answer);
}

#[test]
fn the_first_opinion_on_admission_decides() {
    let ground = ground();
    ground.publish("a", &source("dial.admit", 10, "if call.number == \"04001\" then return allow() end"));
    ground.publish("b", &source("dial.admit", 0, "return reject(\"closed\")"));
    let allowed = ground.dial("4001");
    assert_eq!(allowed["dialed"], "04001", "{allowed}");
    assert_eq!(steps(&allowed, "dial.admit").len(), 1, "{allowed}");
    assert_eq!(ground.dial("4002")["dialed"], "");
}

#[test]
fn an_admission_that_fails_rejects_the_call_by_policy() {
    let ground = ground();
    for body in ["error(\"boom\")", "return { number = \"1\" }", "while true do end"] {
        ground.publish("admit", &source("dial.admit", 0, body));
        let answer = ground.dial("4001");
        assert_eq!(answer["dialed"], "", "{body}: {answer}");
        let told = answer["lints"].to_string();
        assert!(
            told.contains("policy unavailable") && lints(&answer).contains(&"script.failed"),
            "{body}: {answer}"
        );
        assert_chained(&answer);
    }
}

#[test]
fn emergency_numbers_are_dialed_whatever_scripts_say() {
    let ground = ground();
    ground.publish("rewrite", &source("dial.rewrite", 0, "return { number = \"9\" .. call.number }"));
    ground.publish("admit", &source("dial.admit", 0, "return reject(\"closed\")"));
    for number in ["112", "0112", "15", "1 1 2"] {
        let answer = ground.dial(number);
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(answer["dialed"], digits, "{answer}");
        assert_eq!(steps(&answer, "script.emergency").len(), 1, "{answer}");
        assert!(
            steps(&answer, "dial.rewrite").is_empty() && steps(&answer, "dial.admit").is_empty(),
            "{answer}"
        );
        assert_chained(&answer);
    }
    assert_eq!(ground.dial("4001")["dialed"], "");
}

#[test]
fn a_script_that_makes_an_emergency_number_of_a_call_is_told_on() {
    let ground = ground();
    ground.publish("rewrite", &source("dial.rewrite", 0, "return { number = \"112\" }"));
    ground.publish("admit", &source("dial.admit", 0, "return reject(\"closed\")"));
    let answer = ground.dial("4001");
    assert_eq!(answer["dialed"], "112", "{answer}");
    assert!(lints(&answer).contains(&"script.made_emergency"), "{answer}");
}

#[test]
fn a_script_knows_who_calls_whom() {
    let ground = ground();
    let admin = &ground.admin;
    let jo = json!({"pbx_node": ground.site.fr, "extension": "2001"});
    let jo = admin.post("/accounts", &account("acme", "jo", &jo)).expect(201).id();
    let body = "local f, t = call.from, call.to\n\
        return reject(table.concat({ f.account, f.node, f.node_name, f.node_kind, f.enterprise, f.outgoing_digit,\n\
        f.country, t.kind, t.account, t.peer, t.peer_description, t.prefix, t.extension, call.original, call.number }, \"|\"))";
    ground.publish("tell", &source("dial.admit", 0, body));
    let said = |question: Value| {
        let answer = admin.post("/dialing/preview", &question).expect(200).json;
        let step = steps(&answer, "dial.admit")[0]["text"].as_str().expect("a text").to_owned();
        step.split(": ").nth(1).expect("a reason").trim_end_matches('.').to_owned()
    };
    let fr = &ground.site.fr;
    let caller = format!("{jo}|{fr}|Paris|mivoice_5000|acme|0|FR");
    let peer = &ground.site.peer;
    assert_eq!(
        said(json!({"from_account": jo, "to": {"peer": peer, "number": "ext. 4001"}})),
        format!("{caller}|peer||{peer}|Lyon|77|4001|ext. 4001|0774001")
    );
    assert_eq!(
        said(json!({"from_account": jo, "to": "2001"})),
        format!("{caller}|local|{jo}||||2001|2001|2001")
    );
    assert_eq!(
        said(json!({"node": fr, "to": {"peer": peer, "number": "+33 1 42 76 49 78"}})),
        format!("|{fr}|Paris|mivoice_5000|acme|0|FR|peer||{peer}|Lyon|77||+33 1 42 76 49 78|00142764978")
    );
}

#[test]
fn a_script_may_look_up_who_has_a_number() {
    let ground = ground();
    let jo = json!({"extension": "4001", "first_name": "Jo", "last_name": "Doe"});
    ground.admin.post("/accounts", &account("acme", "jo", &jo)).expect(201);
    let body = "local found = directory.lookup(call.from.enterprise, call.original)\n\
        if found then return reject(found.name) end\n\
        return allow()";
    ground.publish("known", &source("dial.admit", 0, body));
    assert!(ground.dial("4001")["lints"].to_string().contains("Jo Doe"));
    assert_eq!(ground.dial("4002")["dialed"], "04002");
}

#[test]
fn one_that_fails_again_and_again_is_skipped_and_the_doctor_says_so() {
    let ground = ground();
    ground.publish("bad", &source("dial.rewrite", 0, "error(\"boom\")"));
    for _ in 0..5 {
        assert_eq!(ground.dial("4001")["dialed"], "04001");
    }
    let hook = ground.admin.get("/hooks/bad").expect(200).json;
    assert_eq!((&hook["failures"], &hook["breaker"]["open"]), (&json!(5), &json!(true)), "{hook}");
    assert_eq!(hook["last_error"]["count"], 5, "{hook}");
    let answer = ground.dial("4001");
    assert!(
        steps(&answer, "dial.rewrite")[0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("failed 5 times")),
        "{answer}"
    );
    assert_eq!(
        ground.admin.get("/hooks/bad").expect(200).json["calls"],
        5,
        "one that is skipped is not asked"
    );
    let doctor = ground.admin.get("/doctor").expect(200);
    let finding = doctor.items().iter().find(|one| one["name"] == "scripts").expect("a finding").clone();
    assert!(finding["state"] == "warning" && finding["detail"].to_string().contains("bad"), "{finding}");
    let metrics = ground.admin.root("GET", "/metrics").send().expect(200);
    let text = String::from_utf8_lossy(&metrics.bytes).into_owned();
    for line in [
        "jackfield_hook_calls_total{script=\"bad\",hook=\"dial.rewrite\"} 5",
        "jackfield_hook_failures_total{script=\"bad\",hook=\"dial.rewrite\"} 5",
        "jackfield_hook_skipped{script=\"bad\",hook=\"dial.rewrite\"} 1",
        "jackfield_script_active{script=\"bad\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    // Who is skipped is not forgotten with the process of the scripts.
    let before = await_plugin(&ground.admin, "scripts", "up");
    signal(&before, Signal::KILL);
    await_that(&ground.admin, "scripts", Duration::from_secs(20), "replaced", |now| {
        now["state"] == "up" && now["pid"] != before["pid"]
    });
    let answer = ground.dial("4001");
    assert!(steps(&answer, "dial.rewrite")[0]["text"].to_string().contains("failed 5 times"), "{answer}");
    ground.publish("bad", NINE);
    assert_eq!(ground.dial("4001")["dialed"], "904001", "a new version begins anew");
}

#[test]
fn scripts_are_told_what_happened() {
    let ground = ground();
    ground.publish("listener", "hook(\"event.account.changed\", function(event)\n  error(event.event .. \" \" .. event.object)\nend)");
    let jo = ground.admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201).id();
    let told = ground.await_hook("listener", |hook| hook["last_error"] != Value::Null);
    let text = told["last_error"]["text"].as_str().unwrap_or_default();
    assert!(text.contains(&format!("account.changed {jo}")), "{told}");
    assert_eq!(told["last_error"]["hook"], "event.account.changed", "{told}");
}

#[test]
fn scripts_are_told_of_presence_and_that_writes_nothing() {
    let ground = ground();
    let jo = ground.admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201).id();
    ground.publish("watcher", "hook(\"event.presence.changed\", function(event)\n  error(event.event .. \" \" .. event.object)\nend)");
    let newest = || ground.admin.get("/revisions?limit=1").expect(200).items()[0]["n"].clone();
    let before = newest();
    let told = json!({"state": "busy"});
    ground.admin.put(&format!("/accounts/{jo}/presence/telephony"), "*", &told).expect(200);
    let hook = ground.await_hook("watcher", |hook| hook["last_error"] != Value::Null);
    let text = hook["last_error"]["text"].as_str().unwrap_or_default();
    assert!(text.contains(&format!("presence.changed {jo}")), "{hook}");
    assert_eq!(hook["last_error"]["hook"], "event.presence.changed", "{hook}");
    assert_eq!(newest(), before);
}
