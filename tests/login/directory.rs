//! Users whose password a directory knows: the plugin that speaks with it is asked, in time, and what it says is told.

use std::time::{Duration, Instant};

use super::*;

/// Hanging questions at once, more than a plugin has threads for everything else.
const HANGING: usize = 5;

fn relay(client: &Client, op: &str, args: &Value) -> Value {
    client.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
}

fn check(client: &Client, login: &str, password: &str) -> Value {
    let args = json!({"login": login, "domain": "acme.example.com", "password": password});
    relay(client, "login.check", &args)
}

fn synchronised() -> (Appliance, String) {
    let (mut appliance, ann) = front_office();
    edited(&mut appliance, "UPDATE account SET origin = 'synchronizer'");
    appliance.await_up(&["mirror"]);
    (appliance, ann)
}

#[test]
fn the_directory_has_the_word_unless_the_account_has_a_password_of_its_own() {
    let (appliance, ann) = synchronised();
    let admin = appliance.admin();
    let sql = "SELECT scram, bind FROM core_logins";
    assert_eq!(relay(&admin, "db.query", &json!({"sql": sql}))["reply"]["rows"], json!([[0, 1]]));
    assert_eq!(check(&admin, "Ann", "directory says yes")["reply"]["account"], json!(ann.rsplit('/').next()));
    let denied = json!({"code": "denied", "msg": "login or password is wrong"});
    assert_eq!(check(&admin, "ann", "directory says no")["error"], denied);
    assert_eq!(
        check(&admin, "ann", "")["error"],
        denied,
        "an empty password is never asked about (RFC 4513)"
    );
    for (password, words) in [
        ("directory is away", "ldap.example.com refused the connection"),
        ("directory is another", "knows the account"),
    ] {
        let refused = check(&admin, "ann", password)["error"].clone();
        assert_eq!(refused["code"], "unavailable", "{refused}");
        assert!(refused["msg"].as_str().expect("words").contains(words), "{refused}");
    }
    for _ in 0..20 {
        assert_eq!(
            check(&admin, "ann", "directory is away")["error"]["code"],
            "unavailable",
            "no failure of hers"
        );
    }
    set(&admin, &ann, PASSWORD).expect(204);
    assert!(check(&admin, "ann", PASSWORD)["reply"].is_object());
    assert_eq!(check(&admin, "ann", "directory says yes")["error"], denied);
    admin.delete(&format!("{ann}/password"), "*").expect(204);
    assert!(check(&admin, "ann", "directory says yes")["reply"].is_object());
}

#[test]
fn a_directory_that_does_not_answer_is_waited_for_no_longer_than_ten_seconds_and_by_nobody_else() {
    let (appliance, _) = synchronised();
    let admin = appliance.admin();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let hang = || {
            scope.spawn(|| {
                let refused = check(&admin, "ann", "directory hangs")["error"].clone();
                (refused, began.elapsed())
            })
        };
        let hanging: Vec<_> = (0..HANGING).map(|_| hang()).collect();
        let mut others = 0;
        while !hanging.iter().any(std::thread::ScopedJoinHandle::is_finished) {
            assert!(relay(&admin, "db.query", &json!({"sql": "SELECT 1"}))["reply"].is_object());
            others += 1;
        }
        assert!(others > 20, "only {others} other questions were answered meanwhile");
        for hung in hanging {
            let (refused, took) = hung.join().expect("the question ends");
            assert_eq!(refused["code"], "unavailable", "{refused}");
            assert!(took >= Duration::from_secs(9), "it was waited for: {took:?}");
        }
    });
}

#[test]
fn without_a_plugin_for_directories_that_is_said() {
    let mut appliance = mirror::laid_out();
    mirror::put(&appliance, "1.0.0", |m| m.replace("\"secret/1\"]", "\"secret/1\", \"login/1\"]"));
    appliance.resume();
    site(&appliance.admin());
    made(&appliance, "ann");
    edited(&mut appliance, "UPDATE account SET origin = 'synchronizer'");
    appliance.await_up(&["mirror"]);
    let refused = check(&appliance.admin(), "ann", PASSWORD)["error"].clone();
    assert_eq!(refused["code"], "unavailable", "{refused}");
    assert!(refused["msg"].as_str().expect("words").contains("no plugin here asks a directory"), "{refused}");
}
