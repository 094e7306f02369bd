//! A database of a later release is refused by this one, and stays as it is.

use crate::harness::*;

/// Makes the database one schema newer than this program; answers what the program will say of it.
fn make_newer(appliance: &Appliance) -> String {
    let database = appliance.state().join("jackfield.db");
    let known = header(&database, USER_VERSION);
    set_header(&database, USER_VERSION, known + 1);
    format!("has schema version {} and this program knows only versions up to {known}", known + 1)
}

#[test]
fn a_newer_database_is_refused_in_one_sentence_and_stays_as_it_is() {
    let mut appliance = Appliance::start_with(|config| config.replace("\"info\"", "\"error\""));
    site(&appliance.admin());
    appliance.stop();
    let versions = make_newer(&appliance);
    let before = snapshot(&appliance.state());
    let refused = appliance.cli(&["serve"], "");
    let sentence = format!(
        "Jackfield cannot start. {} {versions}; install the newer release again or restore a backup made by this \
         one. (start step 2 of 13: open the database)\n",
        appliance.state().join("jackfield.db").display()
    );
    assert_eq!((refused.code, refused.stdout.as_str(), refused.stderr.as_str()), (1, "", sentence.as_str()));
    let mut after = snapshot(&appliance.state());
    // Names the process that tried.
    let lock = appliance.state().join("lock");
    after.insert(lock.clone(), before[&lock].clone());
    assert_unchanged(&before, &after);
}

#[test]
fn every_verb_refuses_a_newer_database() {
    let mut appliance = Appliance::start();
    appliance.stop();
    let versions = make_newer(&appliance);
    for verb in [&["check"][..], &["doctor"], &["settings", "list"], &["claim-code"]] {
        let told = appliance.cli(verb, "");
        assert_eq!(told.code, 1, "{verb:?}: {}", told.stdout);
        let said = told.stdout + &told.stderr;
        assert!(said.contains(&versions), "{verb:?}: {said}");
    }
}
