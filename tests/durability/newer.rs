//! A database of a later release is refused by this one, and stays as it is.

use crate::harness::*;

const USER_VERSION: usize = 60;

#[test]
fn a_newer_database_is_refused_in_one_sentence_and_stays_as_it_is() {
    let mut appliance = Appliance::start_with(|config| config.replace("\"info\"", "\"error\""));
    site(&appliance.admin());
    appliance.stop();
    let database = appliance.state().join("jackfield.db");
    set_header(&database, USER_VERSION, 2);
    let before = snapshot(&appliance.state());
    let refused = appliance.cli(&["serve"], "");
    let sentence = format!(
        "Jackfield cannot start. {} has schema version 2 and this program knows only versions up to 1; install the \
         newer release again or restore a backup made by this one. (start step 2 of 8: open the database)\n",
        database.display()
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
    set_header(&appliance.state().join("jackfield.db"), USER_VERSION, 2);
    for verb in [&["check"][..], &["doctor"], &["settings", "list"], &["claim-code"]] {
        let told = appliance.cli(verb, "");
        assert_eq!(told.code, 1, "{verb:?}: {}", told.stdout);
        let said = told.stdout + &told.stderr;
        assert!(
            said.contains("has schema version 2 and this program knows only versions up to 1"),
            "{verb:?}: {said}"
        );
    }
}
