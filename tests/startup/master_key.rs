//! The master key: missing, another one's, open to others, damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn key_of(appliance: &Appliance) -> std::path::PathBuf {
    appliance.state().join("master.key")
}

fn put(appliance: &Appliance, text: &str, mode: u32) {
    // A key is made 0400, which even its owner cannot write.
    let _ = fs::remove_file(key_of(appliance));
    fs::write(key_of(appliance), text).unwrap();
    fs::set_permissions(key_of(appliance), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_missing_master_key_is_named_and_never_made_anew() {
    let appliance = stopped();
    fs::remove_file(key_of(&appliance)).unwrap();
    let before = fs::read(appliance.state().join("jackfield.db")).unwrap();
    let path = key_of(&appliance).display().to_string();
    refused(&appliance, &["The master key", &path, "is missing", "Put it back from your backup"]);
    assert!(!key_of(&appliance).exists());
    assert_eq!(fs::read(appliance.state().join("jackfield.db")).unwrap(), before);
}

#[test]
fn the_master_key_of_another_installation_is_refused() {
    let (mut appliance, other) = (stopped(), stopped());
    let own = fs::read_to_string(key_of(&appliance)).unwrap();
    put(&appliance, &fs::read_to_string(key_of(&other)).unwrap(), 0o400);
    refused(&appliance, &["does not open this database", "Put back the key that was made with it"]);
    put(&appliance, &own, 0o400);
    appliance.resume();
}

#[test]
fn a_master_key_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    let mut appliance = stopped();
    let path = key_of(&appliance);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&appliance, &["can be read by others (mode 644)", &format!("chmod 400 {}", path.display())]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    appliance.resume();
}

#[test]
fn a_damaged_master_key_is_refused() {
    let appliance = stopped();
    put(&appliance, "abc\n", 0o400);
    refused(&appliance, &["is damaged", "64 hexadecimal digits", "from your backup"]);
}

#[test]
fn a_first_start_with_an_unusable_master_key_leaves_no_database_behind() {
    let appliance = quiet();
    put(&appliance, "abc\n", 0o400);
    refused(&appliance, &["is damaged", "64 hexadecimal digits"]);
    assert!(!appliance.state().join("jackfield.db").exists(), "a database was made that no key opens");
}

#[test]
fn a_key_that_systemd_hands_over_is_used_and_none_is_written() {
    let appliance = quiet();
    let credentials = appliance.folder().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("jackfield.master-key"), "ab".repeat(32)).unwrap();
    fs::set_permissions(credentials.join("jackfield.master-key"), fs::Permissions::from_mode(0o400)).unwrap();
    let mut made = appliance.command(&["token", "create", "--name", "job", "--role", "viewer"]);
    made.env("CREDENTIALS_DIRECTORY", &credentials);
    let made = Outcome::of(made, "");
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(!key_of(&appliance).exists());
    let without = appliance.cli(&["token", "list"], "");
    assert_eq!(without.code, 1, "{}", without.stdout);
    assert!(without.stderr.contains("is missing, and the database needs it"), "{}", without.stderr);
}
