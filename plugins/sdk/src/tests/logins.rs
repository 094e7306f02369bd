//! Signing in on the bench: what a plugin that listens for clients asks, and what one that speaks with a directory is
//! asked.

use jackfield_abi::ops::{LoginKeys, Mechanism};
use serde_json::{Value, json};

use crate::bench::FakeHost;
use crate::{Call, Code, Config, Failure, Host, Outcome, Plugin, Reply, Request, Routes, Secret};

struct Porter(Host);

impl Plugin for Porter {
    const ID: &'static str = "porter";
    const VERSION: &'static str = "1.0.0";
    const OPS: &'static [&'static str] = &["http", "login.bind"];

    fn start(host: Host, _: Config) -> Result<Self, Failure> {
        Ok(Self(host))
    }

    fn routes() -> Routes<Self> {
        Routes::new().get("porter/keys", Self::keys).get("porter/check", Self::check)
    }

    fn bind(&self, account: &str, password: &Secret, request: &Request) -> Result<(), Failure> {
        assert!(!format!("{request:?} {password:?}").contains(password.reveal()));
        match (account, password.reveal()) {
            ("acc-1", "right") => Ok(()),
            ("acc-1", _) => Err(Failure::new(Code::Denied, "the directory says no")),
            _ => Err(Failure::new(Code::NotFound, "not from here")),
        }
    }
}

impl Porter {
    fn keys(&self, _: &Call<'_>) -> Outcome {
        let keys = self.0.login().keys("ann", "acme.example", Mechanism::Sha256)?;
        Reply::ok(&json!(keys))
    }

    fn check(&self, _: &Call<'_>) -> Outcome {
        let try_one = |password: &str| self.0.login().check("ann", "acme.example", &Secret::new(password));
        self.0.login().failed("ann", "acme.example")?;
        let account = try_one("right")?;
        let code = try_one("wrong").err().map(|failure| failure.code);
        Reply::ok(&json!({"account": account, "wrong": code}))
    }
}

fn keys() -> LoginKeys {
    LoginKeys {
        account: "acc-1".to_owned(),
        salt: "c2FsdA==".to_owned(),
        iterations: 4096,
        stored_key: "c3RvcmVk".to_owned(),
        server_key: "c2VydmVy".to_owned(),
    }
}

#[test]
fn a_user_of_the_bench_signs_in_and_nobody_else() {
    let bench = FakeHost::new().user("ann", "acme.example", "right", keys()).start::<Porter>().unwrap();
    assert_eq!(bench.get("porter/keys").body, json!(keys()));
    assert_eq!(bench.get("porter/check").body, json!({"account": "acc-1", "wrong": "denied"}));
    let asked = json!({"login": "ann", "domain": "acme.example", "mechanism": "SCRAM-SHA-256"});
    assert_eq!(bench.asked("login.keys"), [asked]);
    assert_eq!(bench.asked("login.failed"), [json!({"login": "ann", "domain": "acme.example"})]);
}

#[test]
fn the_usual_host_knows_nobody() {
    let bench = FakeHost::new().start::<Porter>().unwrap();
    assert_eq!(bench.get("porter/keys").body, Value::Null);
    assert_eq!(bench.get("porter/check").status, 403);
}

#[test]
fn a_directory_is_asked_for_passwords() {
    let bench = FakeHost::new().start::<Porter>().unwrap();
    assert_eq!(bench.bind("acc-1", "right"), Ok(()));
    assert_eq!(bench.bind("acc-1", "wrong").unwrap_err().code, Code::Denied);
    assert_eq!(bench.bind("acc-2", "right").unwrap_err().code, Code::NotFound);
}
