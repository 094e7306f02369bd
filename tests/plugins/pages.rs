//! Pages that plugins bring to the console: served as they were signed, under the console's own policy, whatever
//! happens to the file or the plugin. What they show is told in `tests/console/plugins.mjs`.

use std::fs;

use serde_json::{Value, json};

use super::order;
use crate::harness::*;

fn address(client: &Client) -> String {
    plugin(client, "echo")["page"].as_str().expect("echo has a page").to_owned()
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.bytes).into_owned()
}

#[test]
fn a_page_is_served_under_its_hash_with_the_console_s_policy() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let (admin, anybody) = (appliance.admin(), appliance.anonymous());
    assert_eq!(plugin(&admin, "echo")["title"], "Echo");
    assert_eq!(
        (&plugin(&admin, "faulty")["page"], &plugin(&admin, "faulty")["title"]),
        (&Value::Null, &json!("Faulty"))
    );
    let page = anybody.root("GET", &address(&admin)).send().expect(200);
    let written = fs::read_to_string(workspace().join("plugins/echo/console.js")).unwrap();
    assert_eq!(text(&page), written);
    let console = anybody.root("GET", "/").send().expect(200);
    assert_eq!(page.header("content-security-policy"), console.header("content-security-policy"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(page.header("content-type").is_some_and(|media| media.starts_with("text/javascript")));
    assert!(page.header("cache-control").is_some_and(|caching| caching.contains("immutable")));
    assert_eq!(text(&anybody.root("HEAD", &address(&admin)).send().expect(200)), "");
    anybody.root("POST", &address(&admin)).send().expect(405);
}

#[test]
fn what_no_plugin_signed_is_no_page() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let (admin, anybody) = (appliance.admin(), appliance.anonymous());
    let page = address(&admin);
    let hash = page.rsplit('/').next().unwrap().to_owned();
    for path in [
        "/console/plugins/echo/console.js".to_owned(),
        "/console/plugins/echo/".to_owned(),
        "/console/plugins/echo/plugin.toml".to_owned(),
        "/console/plugins/echo/../../../etc/passwd".to_owned(),
        format!("/console/plugins/faulty/{hash}"),
        format!("/console/plugins/nobody/{hash}"),
        format!("{page}/x"),
        page.replace(&hash[..8], "00000000"),
    ] {
        anybody.root("GET", &path).send().expect(404);
    }
}

#[test]
fn a_page_changes_by_a_signed_release_only() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let (admin, anybody) = (appliance.admin(), appliance.anonymous());
    let before = address(&admin);
    let file = appliance.plugin_folder("echo").join("console.js");
    fs::write(&file, "export const draw = () => [];\n").unwrap();
    let served = anybody.root("GET", &before).send().expect(200);
    assert!(!text(&served).contains("draw = () => []"), "the file on the disk is served");
    order(&admin, "echo", "replace").problem(409, "plugins/refused").says("is not the page that was signed");
    assert_eq!(address(&admin), before);
    appliance.sign_plugin("echo");
    order(&admin, "echo", "replace").expect(200);
    let after = address(&admin);
    assert_ne!(after, before);
    assert_eq!(text(&anybody.root("GET", &after).send().expect(200)), "export const draw = () => [];\n");
    anybody.root("GET", &before).send().expect(404);
}

#[test]
fn a_plugin_that_is_switched_off_keeps_its_page_and_one_that_is_refused_its_last() {
    let appliance = Appliance::with_plugins(&["echo"]);
    let admin = appliance.admin();
    let page = address(&admin);
    order(&admin, "echo", "disable").expect(200);
    await_plugin(&admin, "echo", "disabled");
    assert_eq!(address(&admin), page);
    fs::remove_file(appliance.plugin_folder("echo").join("plugin.toml.sig")).unwrap();
    order(&admin, "echo", "enable").expect(409);
    appliance.anonymous().root("GET", &page).send().expect(200);
}

#[test]
fn a_session_lists_the_rights_in_plugins_too() {
    let appliance = Appliance::with_plugins(&["echo"]);
    for (role, writes) in [("viewer", false), ("operator", true)] {
        let client = appliance.anonymous().with_token(&appliance.token(role, role));
        let session = client.get("/session").expect(200).json;
        let rights = session["rights"].as_array().expect("a list");
        let holds = |right: &str| rights.contains(&json!(right));
        assert_eq!((holds("echo:read"), holds("echo:write")), (true, writes), "{role}: {session}");
    }
}
