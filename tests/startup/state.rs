//! The state folder: in use, not a folder, somebody else's.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::process::Command;

use super::*;

/// The user that owns nothing (Debian policy section 9.2.2).
const NOBODY: u32 = 65534;

/// A verb run as another user, with a copy of the binary that this user may run.
fn as_nobody(appliance: &Appliance, args: &[&str]) -> Outcome {
    let copy = appliance.folder().join("jackfield");
    fs::copy(binary(), &copy).unwrap();
    fs::set_permissions(appliance.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    let nobody = NOBODY.to_string();
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--"]).arg(copy).args(args);
    command.arg("--config").arg(appliance.config()).current_dir("/");
    Outcome::of(command, "")
}

fn give_to_nobody(appliance: &Appliance) {
    for path in snapshot(&appliance.state()).into_keys().chain([appliance.state()]) {
        chown(&path, Some(NOBODY), Some(NOBODY)).expect("these tests run as root");
    }
}

#[test]
fn a_state_folder_in_use_names_the_process_that_has_it() {
    let appliance = Appliance::start();
    // The log and its index are the running one's own business: it reads and writes meanwhile.
    let kept = || {
        let mut all = snapshot(&appliance.state());
        all.retain(|path, _| !["db-wal", "db-shm"].iter().any(|end| path.to_string_lossy().ends_with(end)));
        all
    };
    let before = kept();
    let held = format!("is in use by process {}.", appliance.pid());
    refused(&appliance, &[&appliance.state().display().to_string(), &held, "Stop that one first"]);
    assert_unchanged(&before, &kept());
    appliance.anonymous().get("/claim").expect(200);
}

#[test]
fn a_state_path_that_is_a_file_is_named() {
    let appliance = quiet();
    fs::remove_dir(appliance.state()).unwrap();
    fs::write(appliance.state(), "not a folder").unwrap();
    let path = appliance.state().display().to_string();
    refused(&appliance, &["Cannot make the state folder", &path, "[storage] path"]);
    assert_eq!(fs::read(appliance.state()).unwrap(), b"not a folder");
}

#[test]
fn a_state_folder_that_is_not_there_is_made_for_its_owner_only() {
    let mut appliance = Appliance::laid_out(|config| config.replace("\"state\"", "\"deep/er/state\""));
    appliance.resume();
    let made = appliance.folder().join("deep/er/state");
    assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(made.join("jackfield.db").exists());
}

#[test]
fn a_state_folder_that_may_not_be_written_is_named() {
    let appliance = quiet();
    let outcome = as_nobody(&appliance, &["serve"]);
    check_refusal(outcome, &[&appliance.state().display().to_string(), "belongs to user 0", "sudo -u"]);
    assert!(snapshot(&appliance.state()).is_empty());
}

#[test]
fn a_master_key_of_another_user_is_refused_with_the_right_owner() {
    let appliance = stopped();
    give_to_nobody(&appliance);
    chown(appliance.state().join("master.key"), Some(0), Some(0)).unwrap();
    let outcome = as_nobody(&appliance, &["serve"]);
    let key = appliance.state().join("master.key").display().to_string();
    check_refusal(
        outcome,
        &["Cannot read the master key", &key, "readable by the user that Jackfield runs as"],
    );
}

#[test]
fn a_database_of_another_user_is_refused_with_the_right_owner() {
    let appliance = stopped();
    give_to_nobody(&appliance);
    chown(appliance.state().join("jackfield.db"), Some(0), Some(0)).unwrap();
    let outcome = as_nobody(&appliance, &["serve"]);
    check_refusal(outcome, &["jackfield.db cannot be read and written", "to the user that runs the service"]);
}

#[test]
fn the_command_line_is_refused_on_another_users_state_with_the_sudo_line() {
    let appliance = stopped();
    give_to_nobody(&appliance);
    let before = snapshot(&appliance.state());
    for verb in
        [&["settings", "list"][..], &["token", "create", "--name", "t", "--role", "admin"], &["doctor"]]
    {
        let outcome = appliance.cli(verb, "");
        check_refusal(outcome, &["belongs to user 65534, and you are user 0", "sudo -u '#65534' jackfield"]);
    }
    assert_unchanged(&before, &snapshot(&appliance.state()));
}

/// Root starting it by hand once would leave a database and a key that the service cannot open.
#[test]
fn the_appliance_is_not_started_on_another_users_state() {
    let appliance = quiet();
    give_to_nobody(&appliance);
    let manager = appliance.folder().join("manager.sock");
    let socket = std::os::unix::net::UnixDatagram::bind(&manager).unwrap();
    let mut serve = appliance.command(&["serve"]);
    let _process = Process::start(serve.env("NOTIFY_SOCKET", &manager).stdout(std::process::Stdio::null()));
    assert!(
        !is_readable(&socket, std::time::Duration::from_secs(2)),
        "it started on a folder of user {NOBODY}"
    );
    assert!(!appliance.state().join("master.key").exists(), "it left a key that the owner cannot read");
}
