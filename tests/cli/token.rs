//! `jackfield token`.

use super::*;

#[test]
fn a_token_made_without_a_server_works_after_the_start() {
    let mut appliance = Appliance::laid_out(|config| config);
    let token = appliance.token("integrator", "operator");
    assert!(token.len() >= 32 && token.lines().count() == 1, "{token}");
    appliance.resume();
    let session = appliance.anonymous().with_token(&token).get("/session").expect(200);
    assert_eq!(session.text("role"), "operator");
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    stopped_and_running(|appliance| {
        let made = json(appliance, &["token", "create", "--name", "job", "--role", "viewer"], "");
        let token = made["token"].as_str().expect("the token is printed once").to_owned();
        let narrow = [
            "token",
            "create",
            "--name",
            "narrow",
            "--role",
            "operator",
            "--scope",
            "accounts:read,peers:read",
        ];
        let made = json(appliance, &narrow, "");
        assert_eq!(made["scopes"], serde_json::json!(["accounts:read", "peers:read"]), "{made}");
        let listed = json(appliance, &["token", "list"], "");
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
        assert!(!listed.to_string().contains(&token), "the list shows a token");
        let shown = done(appliance, &["token", "list"], "");
        assert!(shown.starts_with("NAME ") && shown.contains("narrow") && !shown.contains(&token), "{shown}");
        assert_eq!(done(appliance, &["token", "revoke", "job"], ""), "The token job is revoked.\n");
        refused(
            appliance,
            &["token", "revoke", "job"],
            "",
            &["There is no token \"job\"", "jackfield token list"],
        );
    });
}

#[test]
fn a_revoked_token_is_refused_at_once() {
    let appliance = Appliance::start();
    let client = appliance.anonymous().with_token(&appliance.token("job", "viewer"));
    client.get("/enterprises").expect(200);
    done(&appliance, &["token", "revoke", "job"], "");
    client.get("/enterprises").expect(401);
}

#[test]
fn mistakes_with_tokens_are_told() {
    stopped_and_running(|appliance| {
        let create = |more: &[&str]| {
            let args = ["token", "create", "--name", "job", "--role", "viewer"];
            args.iter().chain(more).map(ToString::to_string).collect::<Vec<_>>()
        };
        for (more, words) in [
            (&["--scope", "accounts:reed"][..], "accounts:read"),
            (&["--expires-at", "tomorrow"], "/expires_at"),
        ] {
            let args = create(more);
            refused(appliance, &args.iter().map(String::as_str).collect::<Vec<_>>(), "", &[words]);
        }
        refused(
            appliance,
            &["token", "create", "--name", "job", "--role", "boss"],
            "",
            &["/role", "operator"],
        );
        assert_eq!(json(appliance, &["token", "list"], "")["items"].as_array().map(Vec::len), Some(0));
    });
}
