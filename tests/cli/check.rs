//! `jackfield check`: it looks, and changes nothing.

use super::*;

/// Runs `check` and compares every byte of the state folder before and after.
fn check_changes_nothing(appliance: &Appliance) -> Value {
    let before = snapshot(appliance.folder());
    let seen = json(appliance, &["check"], "");
    let shown = done(appliance, &["check"], "");
    assert!(shown.starts_with("WHAT "), "{shown}");
    assert_unchanged(&before, &snapshot(appliance.folder()));
    seen
}

fn detail<'a>(seen: &'a Value, name: &str) -> &'a str {
    let items = seen["items"].as_array().unwrap();
    items.iter().find(|item| item["name"] == name).unwrap()["detail"].as_str().unwrap()
}

/// What `check` says of a good database that was closed in order.
fn whole(appliance: &Appliance) -> String {
    format!("whole, schema {}", header(&appliance.state().join("jackfield.db"), USER_VERSION))
}

#[test]
fn nothing_is_changed_before_the_first_start() {
    let appliance = Appliance::laid_out(|config| config);
    let seen = check_changes_nothing(&appliance);
    assert_eq!(seen["running"], false);
    assert_eq!(detail(&seen, "database"), "will be made at the first start");
    assert_eq!(detail(&seen, "master key"), "will be made at the first start");
}

#[test]
fn nothing_is_made_where_not_even_the_state_folder_is_there() {
    let appliance = Appliance::laid_out(|config| config);
    std::fs::remove_dir(appliance.state()).unwrap();
    check_changes_nothing(&appliance);
}

#[test]
fn nothing_is_changed_after_a_stop() {
    let mut appliance = Appliance::start();
    site(&appliance.admin());
    appliance.stop();
    let seen = check_changes_nothing(&appliance);
    assert_eq!(
        (detail(&seen, "database"), detail(&seen, "master key")),
        (whole(&appliance).as_str(), "can be read")
    );
}

#[test]
fn nothing_is_changed_after_a_crash() {
    let mut appliance = Appliance::start();
    site(&appliance.admin());
    appliance.kill9();
    let seen = check_changes_nothing(&appliance);
    assert!(detail(&seen, "database").starts_with("whole, schema "), "{seen}");
}

#[test]
fn a_running_appliance_is_looked_at_as_well() {
    let appliance = Appliance::start();
    site(&appliance.admin());
    let seen = json(&appliance, &["check"], "");
    assert_eq!(seen["running"], true);
    assert!(detail(&seen, "database").starts_with("whole, schema "), "{seen}");
    assert!(detail(&seen, "addresses").ends_with("(the appliance runs)"), "{seen}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let appliance = Appliance::laid_out(|config| with_certificate(&config).replace("127.0.0.1:0", &address));
    std::fs::write(appliance.state().join("jackfield.db"), "Dear diary").unwrap();
    let outcome = appliance.cli(&["check", "--json"], "");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    let seen = parsed(&outcome.stdout);
    for (name, words) in [
        ("certificate", "cannot read"),
        ("addresses", "stop what uses it or change [http] listen"),
        ("master key", "is missing, and the database needs it"),
        ("database", "is not a database"),
    ] {
        assert!(detail(&seen, name).contains(words), "{name}: {seen}");
    }
}
