//! `jackfield settings`.

use super::*;

#[test]
fn settings_are_listed_set_and_unset() {
    stopped_and_running(|appliance| {
        assert_eq!(done(appliance, &["settings", "get", "http.head_seconds"], ""), "10\n");
        let set = done(appliance, &["settings", "set", "http.head_seconds", "7"], "");
        assert_eq!(set, "http.head_seconds is 7.\n");
        let seen = json(appliance, &["settings", "get", "http.head_seconds"], "");
        assert_eq!((&seen["value"], &seen["default"]), (&7.into(), &10.into()), "{seen}");
        let unset = done(appliance, &["settings", "unset", "http.head_seconds"], "");
        assert_eq!(unset, "http.head_seconds follows its default again: 10.\n");
        let set = json(appliance, &["settings", "set", "site.name", "42"], "");
        assert_eq!(set["value"], "42", "text stays text: {set}");
        let shown = done(appliance, &["settings", "list"], "");
        assert!(shown.starts_with("NAME ") && shown.contains("session.max_hours"), "{shown}");
        let listed = json(appliance, &["settings", "list"], "");
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(shown.lines().count() - 1));
    });
}

#[test]
fn a_wrong_value_is_refused_with_its_rule() {
    stopped_and_running(|appliance| {
        let table = [
            ("http.head_seconds", "soon", "must be a whole number, not text"),
            ("http.head_seconds", "1.5", "must be a whole number"),
            ("http.head_seconds", "0", "must be 1 to 120; 0 is not"),
            ("http.head_seconds", "null", "must be a whole number"),
            ("http.head_seconds", "[7]", "must be a whole number, not a list"),
            ("http.connections_total", "99999999999999999999", "must be"),
        ];
        for (name, value, words) in table {
            refused(appliance, &["settings", "set", name, value], "", &[name, words]);
        }
        let long = "x".repeat(65);
        refused(
            appliance,
            &["settings", "set", "site.name", &long],
            "",
            &["site.name", "0 to 64 characters"],
        );
        assert_eq!(done(appliance, &["settings", "get", "http.head_seconds"], ""), "10\n");
    });
}

#[test]
fn an_unknown_setting_is_refused_with_the_nearest() {
    stopped_and_running(|appliance| {
        let words = ["There is no setting \"http.head_second\"", "Did you mean \"http.head_seconds\"?"];
        refused(appliance, &["settings", "get", "http.head_second"], "", &words);
        refused(appliance, &["settings", "set", "http.head_second", "7"], "", &words);
        refused(appliance, &["settings", "unset", "http.head_second"], "", &words);
        refused(appliance, &["settings", "get", "../admins"], "", &["There is no setting \"../admins\""]);
    });
}

#[test]
fn what_the_terminal_changed_is_a_revision_of_this_machine() {
    stopped_and_running(|appliance| {
        done(appliance, &["settings", "set", "site.name", "North"], "");
    });
    let mut appliance = Appliance::laid_out(|config| config);
    done(&appliance, &["settings", "set", "site.name", "North"], "");
    appliance.resume();
    let revisions = appliance.admin().get("/revisions?kind=settings").expect(200);
    let revision = &revisions.items()[0];
    assert_eq!((&revision["from"], &revision["via"]), (&"this machine".into(), &"cli".into()), "{revision}");
    assert_eq!(revision["after"]["value"], "North", "{revision}");
}
