//! What scripts can do, as those who ask see it.

use serde_json::json;

use super::rig::Rig;
use crate::catalog::hooks::{DIAL_ADMIT, DIAL_REWRITE, EVENT_TELL, SCRIPT_DROP};

const REWRITE: &str = DIAL_REWRITE.name;
const ADMIT: &str = DIAL_ADMIT.name;

#[test]
fn a_chain_shows_every_step_with_its_line() {
    let rig = Rig::new();
    let summary = rig
        .load(
            "plus",
            "hook('dial.rewrite', function(call)\n  if starts(call.number, '00') then\n    return { number = '+' .. call.number:sub(3) }\n  end\nend)",
        )
        .unwrap();
    assert_eq!(
        summary,
        json!({"hooks": [{"hook": REWRITE, "priority": 0, "line": 1}], "checks": [], "tests": [], "events": []})
    );
    rig.load(
        "prefix",
        "\nhook('dial.rewrite', {priority = 5}, function(call) return { number = call.from.outgoing_digit .. call.number } end)\n\
         hook('dial.rewrite', {priority = 7}, function(call) end)",
    )
    .unwrap();
    let answer = rig.chain(REWRITE, &["plus", "prefix", "nobody"], "0031201");
    assert_eq!((&answer["number"], &answer["rejected"]), (&json!("0+31201"), &json!(null)));
    let steps: Vec<_> = answer["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| json!([s["script"], s["line"], s["outcome"], s["before"], s["after"]]))
        .collect();
    assert_eq!(
        steps,
        [
            json!(["plus", 1, "changed", "0031201", "+31201"]),
            json!(["prefix", 3, "no_opinion", "+31201", "+31201"]),
            json!(["prefix", 2, "changed", "+31201", "0+31201"]),
            json!(["nobody", 0, "missing", "0+31201", "0+31201"]),
        ]
    );
    assert!(answer["steps"][0]["safepoints"].as_u64().unwrap() > 0);
    rig.ask(SCRIPT_DROP, &json!({"name": "plus", "version": 1})).unwrap();
    assert_eq!(rig.chain(REWRITE, &["plus"], "00")["steps"][0]["outcome"], "missing");
}

#[test]
fn the_first_opinion_on_a_call_decides() {
    let rig = Rig::new();
    rig.load(
        "gate",
        "hook('dial.admit', function(call)\n\
           if call.number == '112' then return allow() end\n\
           if starts(call.number, '0900') then return reject('premium numbers are barred') end\n\
           local found, err = directory.lookup('e1', call.number)\n\
           assert(err == nil)\n\
           if found then return allow() end\n\
         end)",
    )
    .unwrap();
    rig.load("late", "hook('dial.admit', function() return reject('too late') end)").unwrap();
    let outcome = |number: &str| {
        let answer = rig.chain(ADMIT, &["gate", "late"], number);
        let steps = answer["steps"].as_array().unwrap().len();
        (answer["steps"][0]["outcome"].clone(), steps, answer["rejected"].clone())
    };
    assert_eq!(outcome("112"), (json!("allowed"), 1, json!(null)));
    assert_eq!(outcome("4123"), (json!("allowed"), 1, json!(null)));
    let barred = json!({"reason": "premium numbers are barred", "script": "gate", "line": 1});
    assert_eq!(outcome("0900123"), (json!("rejected"), 1, barred));
    let late = json!({"reason": "too late", "script": "late", "line": 1});
    assert_eq!(outcome("4999"), (json!("no_opinion"), 2, late));
}

#[test]
fn a_check_asks_and_tells_its_state() {
    let rig = Rig::new();
    let summary = rig
        .load(
            "clock",
            "check('skew', {every = '5m'}, function()\n\
               local r, err = ntp.query('10.0.0.1', {timeout = '1s', samples = 3})\n\
               if not r then return unknown(err) end\n\
               local most = site.setting('checks.skew_ms')\n\
               if r.offset_ms < most then return ok('offset ' .. r.offset_ms .. ' ms', nil, {offset_ms = r.offset_ms}) end\n\
               return fail('skewed', 'set the clock')\n\
             end)\n\
             check('dead', {every = '1h'}, function() local r, err = ntp.query('10.0.0.9') return not_measurable(err, 'look') end)\n\
             check('nodes', {every = '1h'}, function() return warn(site.nodes()[1].name .. #site.peers()) end)",
        )
        .unwrap();
    assert_eq!(summary["checks"][0], json!({"name": "skew", "every_s": 300, "line": 1}));
    let skew = rig.check("clock", "skew");
    assert_eq!(
        (&skew["state"], &skew["detail"], &skew["data"], &skew["line"]),
        (&json!("ok"), &json!("offset 3.5 ms"), &json!({"offset_ms": 3.5}), &json!(1))
    );
    let asked = rig.site.asked.lock().unwrap().iter().find(|(op, _)| op == "ntp.query").unwrap().1.clone();
    assert_eq!(asked, json!({"address": "10.0.0.1", "timeout_ms": 1000, "samples": 3}));
    let dead = rig.check("clock", "dead");
    assert_eq!(
        (&dead["state"], &dead["detail"], &dead["advice"]),
        (&json!("not_measurable"), &json!("no answer from 10.0.0.9"), &json!("look"))
    );
    assert_eq!(rig.check("clock", "nodes")["detail"], "Paris0");
    assert_eq!(rig.check("clock", "gone")["state"], "unknown");
    assert_eq!(rig.check("nobody", "skew")["state"], "unknown");
}

#[test]
fn scripts_are_told_events_and_their_failures_are_counted() {
    let rig = Rig::new();
    let summary = rig
        .load(
            "news",
            "hook('event.account.changed', function(event) log(event.event .. ' ' .. event.object) end)",
        )
        .unwrap();
    assert_eq!(summary["events"], json!(["account.changed"]));
    rig.load("bad", "hook('event.account.changed', function(event) return 1 end)").unwrap();
    let scripts = json!([{"name": "news", "version": 1}, {"name": "bad", "version": 1}]);
    let told = rig
        .ask(EVENT_TELL, &json!({"event": "account.changed", "object": "a7", "scripts": scripts}))
        .unwrap();
    assert_eq!(
        told["failed"],
        json!([{"script": "bad", "error": "site/bad.lua:1: an event is not answered"}])
    );
    let lines = rig.up("scripts").last_lines;
    assert!(lines.iter().any(|line| line.contains("news: account.changed a7")), "{lines:?}");
}

#[test]
fn what_was_active_is_there_before_the_first_call_is_answered() {
    let good = "hook('dial.rewrite', function(call) return {number = '9' .. call.number} end)";
    let rig = Rig::with_active(&[("broken", "hook("), ("nine", good)]);
    let answer = rig.chain(REWRITE, &["broken", "nine"], "1");
    assert_eq!((&answer["number"], &answer["steps"][0]["outcome"]), (&json!("91"), &json!("missing")));
    rig.host.restart("scripts").unwrap();
    assert_eq!(rig.chain(REWRITE, &["nine"], "1")["number"], "91");
}
