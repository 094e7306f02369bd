//! Signing in for the plugin that listens for clients and holds `login/1`: keys of SCRAM, the check of a password, and
//! for accounts that came from a directory the question to the plugin that speaks with it. What holds `login/1` can try
//! out passwords and take up anybody's name: it is a grant of trust.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_abi::ops::{
    self, Code, Failure, LoginAsk, LoginBind, LoginCheck, LoginChecked, LoginFailed, LoginKeys,
};
use serde_json::{Value, json};

use super::services::read;
use super::writing::of_problem;
use crate::catalog::problems::{OVERLOADED, Problem};
use crate::engine::Engine;
use crate::engine::login::{self, Known, Person, Way};
use crate::engine::secrets::Secret;

/// How the names of these operations begin.
pub const AREA: &str = "login.";
/// Longest login or domain that is looked for, in bytes (RFC 7622 sections 3.2 and 3.3).
const PART_BYTES: usize = 1023;
/// Longest password that a directory is asked about, in bytes.
const PASSWORD_BYTES: usize = 4096;
/// Time for a directory's answer, however many plugins are asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers one of the operations of signing in.
pub fn call(engine: &Arc<Engine>, op: &str, args: Value) -> Result<Value, Failure> {
    match op {
        ops::LOGIN_KEYS => keys(engine, &read(args)?).map(|keys| json!(keys)),
        ops::LOGIN_CHECK => check(engine, read(args)?).map(|account| json!(LoginChecked { account })),
        ops::LOGIN_FAILED => {
            let LoginFailed { login, domain } = read(args)?;
            // One that is over the bound already changes nothing.
            let _ = engine.login_failures.begin(&Person::of(&login, &domain), Instant::now());
            Ok(json!({}))
        }
        other => {
            let text = format!("this appliance does not know the operation {other:?}");
            Err(Failure::new(Code::NotFound, text))
        }
    }
}

fn keys(engine: &Engine, asked: &LoginAsk) -> Result<LoginKeys, Failure> {
    let LoginAsk { login, domain, mechanism } = asked;
    if let Some(wait) = engine.login_failures.wait(&Person::of(login, domain), Instant::now()) {
        return Err(busy(wait));
    }
    let Some(Known { account, way: Way::Password(verifier) }) = known(engine, login, domain)? else {
        let text = "no deployed account with a password of its own has that address";
        return Err(Failure::new(Code::NotFound, text));
    };
    let keys = verifier.keys(*mechanism);
    Ok(LoginKeys {
        account,
        salt: verifier.salt.clone(),
        iterations: verifier.iterations,
        stored_key: keys.stored.clone(),
        server_key: keys.server.clone(),
    })
}

fn known(engine: &Engine, login: &str, domain: &str) -> Result<Option<Known>, Failure> {
    if login.len() > PART_BYTES || domain.len() > PART_BYTES {
        return Ok(None);
    }
    engine.db.read(|read| login::known(read, &engine.keyring, login, domain)).map_err(of_problem)
}

fn check(engine: &Engine, asked: LoginCheck) -> Result<String, Failure> {
    let LoginCheck { login, domain, password } = asked;
    let (person, password) = (Person::of(&login, &domain), Secret::new(password));
    engine.login_failures.begin(&person, Instant::now()).map_err(busy)?;
    let outcome = known(engine, &login, &domain).and_then(|known| judge(engine, known, &password));
    match &outcome {
        Ok(_) => engine.login_failures.forget(&person),
        Err(failure) if failure.code == Code::Denied => {}
        // Nobody has said that the password is wrong.
        Err(_) => engine.login_failures.take_back(&person),
    }
    outcome
}

fn judge(engine: &Engine, known: Option<Known>, password: &Secret) -> Result<String, Failure> {
    let fits = |verifier| login::fits(password, verifier).map_err(crowded);
    match known {
        Some(Known { account, way: Way::Directory }) => bind(engine, account, password),
        Some(Known { account, way: Way::Password(verifier) }) if fits(Some(&verifier))? => Ok(account),
        Some(Known { way: Way::Password(_), .. }) => Err(denied()),
        // Takes as long as a wrong password, so that nobody learns which logins there are.
        _ => fits(None).and(Err(denied())),
    }
}

/// Asks the plugins that speak with directories, one after another, until one knows the account.
fn bind(engine: &Engine, account: String, password: &Secret) -> Result<String, Failure> {
    // A directory takes an empty password for no sign-in at all, and says yes (RFC 4513 section 5.1.2).
    if password.reveal().is_empty() || password.reveal().len() > PASSWORD_BYTES {
        return Err(denied());
    }
    let until = Instant::now() + PATIENCE;
    let args = json!(LoginBind { account: account.clone(), password: password.reveal().to_owned() });
    let mut refusal = Failure::new(Code::Unavailable, "no plugin here asks a directory for passwords");
    for plugin in askers(engine) {
        let Some(host) = engine.plugins.get() else { break };
        let left = until.saturating_duration_since(Instant::now());
        match host.request(&plugin, ops::LOGIN_BIND, &args, left) {
            Ok(_) => return Ok(account),
            Err(failure) if failure.code == Code::NotFound => {
                refusal = Failure::new(Code::Unavailable, "no directory here knows the account any more");
            }
            Err(failure) => return Err(told(&plugin, failure)),
        }
    }
    Err(refusal)
}

fn askers(engine: &Engine) -> Vec<String> {
    let manifests = engine.plugins.get().map(|host| host.manifests()).unwrap_or_default();
    let asks = manifests.into_iter().filter(|manifest| manifest.ops.iter().any(|op| op == ops::LOGIN_BIND));
    asks.map(|manifest| manifest.id.clone()).collect()
}

/// What a plugin says of a password, in what this side's treaty knows for it.
fn told(plugin: &str, failure: Failure) -> Failure {
    match failure.code {
        Code::Denied => denied(),
        Code::Busy => Failure { retry_ms: failure.retry_ms.or(Some(1000)), ..failure },
        _ => {
            let why = failure.msg.trim_end_matches('.');
            let text = format!("the directory cannot be asked: {why} (plugin {plugin})");
            Failure { retry_ms: failure.retry_ms, ..Failure::new(Code::Unavailable, text) }
        }
    }
}

/// Too many at once is no fault of a directory's.
fn crowded(problem: Problem) -> Failure {
    match problem.kind == OVERLOADED {
        true => Failure { retry_ms: Some(2000), ..Failure::new(Code::Busy, problem.detail) },
        false => of_problem(problem),
    }
}

fn denied() -> Failure {
    Failure::new(Code::Denied, "login or password is wrong")
}

fn busy(wait: Duration) -> Failure {
    let seconds = wait.as_secs() + 1;
    let text = format!("too many wrong passwords lately; try again in {seconds} seconds");
    Failure { retry_ms: u64::try_from(wait.as_millis()).ok(), ..Failure::new(Code::Busy, text) }
}
