//! `jackfield hook`, over the control socket and without a running appliance.

use serde_json::{Value, json};

use super::*;

#[track_caller]
fn done(ground: &Ground, args: &[&str]) -> String {
    let outcome = ground.appliance.cli(args, "");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{args:?}: {}", outcome.stdout);
    outcome.stdout
}

#[track_caller]
fn told(ground: &Ground, args: &[&str]) -> Value {
    serde_json::from_str(&done(ground, &[args, &["--json"]].concat())).expect("JSON")
}

#[track_caller]
fn refused(ground: &Ground, args: &[&str], words: &str) {
    let outcome = ground.appliance.cli(args, "");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{args:?}: {}", outcome.stderr);
    assert!(outcome.stderr.contains(words), "{args:?}: {}", outcome.stderr);
}

/// Writes a file into the appliance's folder.
fn file(ground: &Ground, name: &str, bytes: &[u8]) -> String {
    let path = ground.appliance.folder().join(name);
    std::fs::write(&path, bytes).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_script_goes_from_its_file_to_serving_and_back_from_the_terminal() {
    let ground = ground();
    let nine = file(&ground, "nine.lua", NINE.as_bytes());
    let eight = file(&ground, "eight.lua", EIGHT.as_bytes());
    assert_eq!(
        done(&ground, &["hook", "put", &nine, "--note", "outside line"]),
        "Version 1 of nine is kept. `jackfield hook publish nine` lets it serve.\n"
    );
    assert_eq!(done(&ground, &["hook", "publish", "nine"]), "Version 1 of nine serves.\n");
    assert_eq!(ground.dial("4001")["dialed"], "904001");
    assert_eq!(done(&ground, &["hook", "put", &nine]), "This is version 1 of nine, which serves already.\n");
    assert_eq!(told(&ground, &["hook", "put", &eight, "--name", "nine"])["latest"], 2);
    assert_eq!(told(&ground, &["hook", "publish", "nine", "--version", "2"])["active"], 2);
    assert_eq!(done(&ground, &["hook", "rollback", "nine"]), "Version 1 of nine serves.\n");
    let shown = done(&ground, &["hook", "show", "nine"]);
    for words in ["SCRIPT", "nine", "active", "dial.rewrite (line 2)"] {
        assert!(shown.contains(words), "{shown}");
    }
    assert_eq!(done(&ground, &["hook", "show", "nine", "--version", "2"]).trim(), EIGHT.trim());
    let versions = done(&ground, &["hook", "versions", "nine"]);
    assert!(versions.starts_with("VERSION") && versions.contains("outside line"), "{versions}");
    let listed = done(&ground, &["hook", "list"]);
    assert!(
        listed.starts_with("SCRIPT") && listed.contains("peer_prefix") && listed.contains("not_published"),
        "{listed}"
    );
    done(&ground, &["hook", "delete", "nine"]);
    assert_eq!(ground.dial("4001")["dialed"], "04001");
}

#[test]
fn what_cannot_be_done_is_said_in_a_sentence() {
    let ground = ground();
    refused(&ground, &["hook", "put", "/nowhere/x.lua"], "Cannot read /nowhere/x.lua");
    let bad = file(&ground, "bad.lua", b"hook(");
    refused(&ground, &["hook", "put", &bad], "site/bad.lua:1");
    let bytes = file(&ground, "bytes.lua", &[0x1b, 0x4c, 0xff, 0xfe]);
    refused(&ground, &["hook", "put", &bytes], "is not text in UTF-8");
    let large = file(&ground, "large.lua", &vec![b'-'; 1024 * 1024]);
    refused(&ground, &["hook", "put", &large], "1 to 262144 characters");
    let upper = file(&ground, "Upper.lua", NINE.as_bytes());
    refused(&ground, &["hook", "put", &upper], "small letters");
    refused(&ground, &["hook", "publish", "nobody"], "There is no script \"nobody\"");
    refused(&ground, &["hook", "rollback", "csta_ports"], "No other version was active before");
}

#[test]
fn without_a_running_appliance_scripts_are_read_and_none_is_tried() {
    let mut ground = ground();
    ground.publish("nine", NINE);
    ground.appliance.stop();
    let hook = told(&ground, &["hook", "show", "nine"]);
    assert_eq!((&hook["active"], &hook["latest"]), (&json!(1), &json!(1)), "{hook}");
    let eight = file(&ground, "eight.lua", EIGHT.as_bytes());
    refused(&ground, &["hook", "put", &eight], "start it first");
    done(&ground, &["hook", "delete", "nine"]);
    assert!(!done(&ground, &["hook", "list"]).contains("nine"));
}
