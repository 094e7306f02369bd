//! `jackfield account`.

use serde_json::json;

use super::*;

const PASSWORD: &str = "correct horse";
const SET: [&str; 4] = ["account", "password", "acme/Jo", "--password-stdin"];
const REMOVE: [&str; 4] = ["account", "password", "acme/jo", "--remove"];

#[test]
fn an_account_gets_a_password_and_loses_it() {
    let mut appliance = Appliance::start();
    site(&appliance.admin());
    appliance.admin().post("/accounts", &account("acme", "jo", &json!({}))).expect(201);
    for is_running in [true, false] {
        if !is_running {
            appliance.stop();
        }
        assert_eq!(done(&appliance, &SET, &format!("{PASSWORD}\n")), "acme/Jo has a new password.\n");
        assert_eq!(json(&appliance, &SET, PASSWORD)["can_sign_in"], "password");
        assert_eq!(done(&appliance, &REMOVE, ""), "acme/jo has no password of its own.\n");
        assert_eq!(json(&appliance, &REMOVE, "")["can_sign_in"], "no");
        refused(&appliance, &SET, "short", &["/password must be 8 to 256 characters long; this has 5"]);
        refused(&appliance, &SET, "", &["Standard input is empty"]);
        let of = |account| ["account", "password", account, "--password-stdin"];
        refused(&appliance, &of("jo"), PASSWORD, &["ENTERPRISE/LOGIN"]);
        refused(&appliance, &of("acme/ann"), PASSWORD, &["no account \"ann\"", "enterprise \"acme\""]);
    }
    for wrong in [&SET[..3], &[&SET[..], &["--remove"]].concat()] {
        assert_eq!(appliance.cli(wrong, PASSWORD).code, 2, "{wrong:?}");
    }
}
