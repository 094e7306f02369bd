//! `jackfield admin`.

use super::*;

/// A password that the rules allow.
pub const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "another horse battery";

fn create(appliance: &Appliance, name: &str, role: &str) -> String {
    let password = format!("{PASSWORD}\n");
    done(appliance, &["admin", "create", name, "--role", role, "--password-stdin"], &password)
}

#[test]
fn administrators_are_made_listed_changed_and_deleted() {
    stopped_and_running(|appliance| {
        assert_eq!(create(appliance, "alice", "admin"), "alice is an administrator with the role admin.\n");
        let made =
            json(appliance, &["admin", "create", "vera", "--role", "viewer", "--password-stdin"], PASSWORD);
        assert_eq!((&made["name"], &made["role"]), (&"vera".into(), &"viewer".into()), "{made}");
        assert!(made.get("password").is_none(), "{made}");
        let shown = done(appliance, &["admin", "list"], "");
        let columns: Vec<Vec<&str>> =
            shown.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
        assert_eq!(columns, [["NAME", "ROLE"], ["alice", "admin"], ["vera", "viewer"]]);
        assert_eq!(json(appliance, &["admin", "list"], "")["items"].as_array().map(Vec::len), Some(2));
        let changed = done(appliance, &["admin", "password", "vera", "--password-stdin"], OTHER);
        assert_eq!(changed, "vera has a new password; their sessions have ended.\n");
        assert_eq!(done(appliance, &["admin", "delete", "vera"], ""), "vera is no administrator any more.\n");
        assert_eq!(json(appliance, &["admin", "list"], "")["items"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn the_last_administrator_stays() {
    stopped_and_running(|appliance| {
        create(appliance, "alice", "admin");
        create(appliance, "vera", "viewer");
        refused(appliance, &["admin", "delete", "alice"], "", &["Make another administrator first"]);
    });
}

#[test]
fn mistakes_with_administrators_are_told() {
    stopped_and_running(|appliance| {
        create(appliance, "alice", "admin");
        let create = |role| ["admin", "create", "bob", "--role", role, "--password-stdin"];
        refused(appliance, &create("admin"), "", &["Standard input is empty", "first line"]);
        refused(appliance, &create("admin"), "short", &["/password must be 12 to 128 characters long"]);
        refused(appliance, &create("boss"), PASSWORD, &["/role", "viewer", "operator", "admin"]);
        let again = ["admin", "create", "alice", "--role", "admin", "--password-stdin"];
        refused(appliance, &again, PASSWORD, &["alice"]);
        refused(
            appliance,
            &["admin", "delete", "bob"],
            "",
            &["There is no administrator \"bob\"", "admin list"],
        );
        let password = ["admin", "password", "bob", "--password-stdin"];
        refused(appliance, &password, PASSWORD, &["There is no administrator \"bob\""]);
    });
}

#[test]
fn a_password_that_is_no_text_is_refused() {
    let appliance = Appliance::laid_out(|config| config);
    let mut command = appliance.command(&["admin", "create", "bob", "--role", "admin", "--password-stdin"]);
    let file = appliance.folder().join("password");
    std::fs::write(&file, [0xff; 20]).unwrap();
    let run = command.stdin(std::fs::File::open(file).unwrap()).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(told.contains("Cannot read the password from standard input"), "{told}");
}

#[test]
fn a_new_password_from_the_terminal_ends_sessions_and_opens_the_door() {
    let mut appliance = Appliance::start();
    create(&appliance, "alice", "admin");
    let (session, _) = appliance.anonymous().sign_in("alice", PASSWORD);
    session.get("/session").expect(200);
    done(&appliance, &["admin", "password", "alice", "--password-stdin"], OTHER);
    session.get("/session").problem(401, "access/sign_in");
    let old = serde_json::json!({"name": "alice", "password": PASSWORD});
    appliance.anonymous().post("/session", &old).problem(401, "access/bad_credentials");
    let (session, _) = appliance.anonymous().sign_in("alice", OTHER);
    appliance.stop();
    done(&appliance, &["admin", "password", "alice", "--password-stdin"], PASSWORD);
    appliance.resume();
    // The port may be another one now, the cookie is the same.
    let cookie = session.cookie();
    appliance.anonymous().with_header("Cookie", &cookie).get("/session").problem(401, "access/sign_in");
    appliance.anonymous().sign_in("alice", PASSWORD);
}
