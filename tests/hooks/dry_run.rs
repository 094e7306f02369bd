//! What a candidate would do to a call, before anybody depends on it.

use serde_json::json;

use super::*;

#[test]
fn a_candidate_is_asked_in_its_place_among_those_that_serve_and_leaves_no_trace() {
    let ground = ground();
    ground.publish(
        "b-serves",
        "hook(\"dial.rewrite\", function(call) return { number = call.number .. \"2\" } end)",
    );
    let newest = || ground.admin.get("/revisions?limit=1").expect(200).bytes;
    let before = newest();
    let candidate = "hook(\"dial.rewrite\", { priority = 5 }, function(call) return { number = call.number .. \"1\" } end)";
    let question = json!({"source": candidate, "node": ground.site.fr, "to": "4001"});
    let answer = ground.admin.post("/hooks/candidate:dry-run", &question).expect(200).json;
    assert_eq!(answer["dialed"], "0400112", "{answer}");
    let sources: Vec<_> = steps(&answer, "dial.rewrite").iter().map(|step| step["source"].clone()).collect();
    assert_eq!(sources, ["site/candidate.lua:1", "site/b-serves.lua:1"], "{answer}");
    assert_eq!(ground.dial("4001")["dialed"], "040012", "a candidate served");
    ground.admin.get("/hooks/candidate").problem(404, "request/not_found");
    let calls = ground.admin.get("/hooks/b-serves").expect(200).json["calls"].clone();
    assert_eq!((calls, newest()), (json!(1), before), "a trial was counted");
}

#[test]
fn a_kept_version_can_be_the_candidate_for_the_one_that_serves() {
    let ground = ground();
    ground.publish("digit", NINE);
    ground.put("digit", EIGHT).expect(200);
    let ask = |more: serde_json::Value| {
        let question = with(&json!({"node": ground.site.fr, "to": "4001"}), &more);
        ground.admin.post("/hooks/digit:dry-run", &question)
    };
    assert_eq!(ask(json!({})).expect(200).json["dialed"], "804001");
    assert_eq!(ask(json!({"version": 1})).expect(200).json["dialed"], "904001");
    assert_eq!(
        ask(json!({"source": "hook(\"dial.rewrite\", function() error(\"x\") end)"})).expect(200).json["dialed"],
        "04001"
    );
    ask(json!({"source": "hook("})).problem(422, "request/invalid").blames("/source", "site/digit.lua:1");
    ask(json!({"version": 1, "source": NINE}))
        .problem(422, "request/invalid")
        .blames("/version", "both given");
    ask(json!({"version": 7})).problem(404, "request/not_found");
    assert_eq!(ground.dial("4001")["dialed"], "904001");
}

#[test]
fn the_terminal_shows_every_step_of_a_dry_run() {
    let ground = ground();
    let file = ground.appliance.folder().join("nine.lua");
    std::fs::write(&file, NINE).expect("a file");
    let file = file.to_str().expect("UTF-8");
    let told = ground
        .appliance
        .cli(&["hook", "dry-run", "nine", "4001", "--node", &ground.site.fr, "--file", file], "");
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{}", told.stdout);
    assert!(
        told.stdout.contains("site/nine.lua:2") && told.stdout.ends_with("Dialed: 904001\n"),
        "{}",
        told.stdout
    );
}
