//! The database: a later release's, another program's, no database, damaged.

use std::fs;

use super::*;

/// Spoils the database of an appliance that has run, and checks the refusal and that not a byte was changed.
fn refused_with(spoil: impl FnOnce(&std::path::Path), words: &[&str]) {
    let appliance = stopped();
    let database = appliance.state().join("jackfield.db");
    spoil(&database);
    let before = fs::read(&database).unwrap();
    let sentence = refused(&appliance, words);
    assert!(sentence.contains(&database.display().to_string()), "{sentence}");
    assert!(fs::read(&database).unwrap() == before, "the database was changed: {sentence}");
    let checked = appliance.cli(&["check"], "");
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    assert!(checked.stdout.contains(words[0]), "check says something else: {}", checked.stdout);
}

#[test]
fn a_database_of_another_program_is_refused() {
    let words = ["belongs to another program", "0x47504B47 \"GPKG\"", "correct the storage path"];
    refused_with(|file| set_header(file, APPLICATION_ID, 0x4750_4B47), &words);
}

#[test]
fn a_schema_that_was_never_released_is_refused() {
    let words = ["is damaged", "its schema version 0 was never released"];
    refused_with(|file| set_header(file, USER_VERSION, 0), &words);
}

#[test]
fn a_text_file_in_the_databases_place_is_refused() {
    let words = ["is not a database", "restore a backup"];
    refused_with(|file| fs::write(file, "Dear diary,\n".repeat(1000)).unwrap(), &words);
}

#[test]
fn a_database_that_was_cut_short_is_refused() {
    let cut = |file: &std::path::Path| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    refused_with(cut, &["is damaged", "restore the latest backup"]);
}

#[test]
fn a_database_with_a_few_bytes_cut_off_its_header_is_refused() {
    let cut = |file: &std::path::Path| {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..60]).unwrap();
    };
    refused_with(cut, &["damaged", "restore the latest backup"]);
}

/// The first start makes the database before the key, so a key beside an empty database means that data is
/// lost. Starting anew would hide that, and would offer the claim code to whoever comes first.
#[test]
fn an_emptied_database_beside_its_key_is_refused() {
    let appliance = stopped();
    let database = appliance.state().join("jackfield.db");
    fs::write(&database, "").unwrap();
    let checked = appliance.cli(&["check"], "");
    assert_eq!(checked.code, 1, "check is content: {}", checked.stdout);
    let mut serve = appliance.command(&["serve"]);
    let (manager, ready) = (appliance.folder().join("manager.sock"), std::time::Duration::from_secs(2));
    let socket = std::os::unix::net::UnixDatagram::bind(&manager).unwrap();
    let mut process =
        Process::start(serve.env("NOTIFY_SOCKET", &manager).stdout(std::process::Stdio::null()));
    assert!(!is_readable(&socket, ready), "it started as if it were new");
    assert_eq!(process.wait(ready).code(), Some(1));
}

#[test]
fn a_database_with_a_scribbled_page_is_refused() {
    let scribble = |file: &std::path::Path| {
        let mut bytes = fs::read(file).unwrap();
        let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        for at in (page..bytes.len()).step_by(page) {
            bytes[at..at + 16].fill(0xa5);
        }
        fs::write(file, bytes).unwrap();
    };
    refused_with(scribble, &["is damaged", "restore the latest backup"]);
}

#[test]
fn a_database_that_is_a_folder_is_refused() {
    let appliance = quiet();
    fs::create_dir_all(appliance.state().join("jackfield.db")).unwrap();
    refused(&appliance, &["jackfield.db", "Is a directory"]);
}
