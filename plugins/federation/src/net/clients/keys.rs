//! Asks the appliance about logins, on a few threads, because an answer may take seconds and sockets must not wait.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64;
use jackfield_sdk::abi::ops::{LoginKeys, Mechanism};
use jackfield_sdk::{Code, Failure, Host, log, params};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::TellAll;
use crate::c2s::{Account, Ask, Hash, Keys as Scram, Told};

/// Threads that ask.
const THREADS: usize = 4;
/// Most questions that wait for one of them.
const WAITING: usize = 256;
const PASSWORD_AT: &str = "SELECT password_changed_at FROM core_logins WHERE account = ?1";
/// Whether only a directory knows the password of a login.
const OF_DIRECTORY: &str = "SELECT l.password_changed_at
    FROM core_logins l JOIN core_accounts a ON a.id = l.account JOIN core_enterprises e ON e.id = a.enterprise
    WHERE lower(a.login_id) = ?1 AND lower(e.domain) = ?2 AND l.bind = 1";

/// Something to ask or to tell.
enum Work {
    Ask(Ask, oneshot::Sender<Told>),
    Wrong { login: String, domain: String },
    TellAll,
}

/// The way to those threads, which end with it.
pub struct Keys(SyncSender<Work>);

#[derive(Deserialize)]
struct Row {
    password_changed_at: Option<String>,
}

impl Keys {
    /// Begins.
    pub fn start(host: &Host, tell: TellAll) -> Result<Self, Failure> {
        let (send, waiting) = sync_channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..THREADS {
            let (own, waiting, tell) = (host.clone(), Arc::clone(&waiting), Arc::clone(&tell));
            host.spawn("logins", move || work(&own, &waiting, &tell))?;
        }
        Ok(Self(send))
    }

    /// Asks.
    pub async fn ask(&self, ask: Ask) -> Told {
        let later = || Told::Later("too many sign in at the moment; try again soon".to_owned());
        let (tell, told) = oneshot::channel();
        if self.0.try_send(Work::Ask(ask, tell)).is_err() {
            return later();
        }
        told.await.unwrap_or_else(|_| later())
    }

    /// Has a wrong proof counted.
    pub fn wrong(&self, login: &str, domain: &str) {
        let wrong = Work::Wrong { login: login.to_owned(), domain: domain.to_owned() };
        if let Err(TrySendError::Full(_)) = self.0.try_send(wrong) {
            log::warn!("a wrong proof of a password was not counted: too many wait");
        }
    }

    /// Has everybody told how the plugin does.
    pub fn tell_all(&self) {
        // Where it is full, somebody asks the API in the meantime anyway.
        let _ = self.0.try_send(Work::TellAll);
    }
}

fn work(host: &Host, waiting: &Mutex<Receiver<Work>>, tell: &TellAll) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Err(_) => return,
            Ok(Work::TellAll) => tell(),
            Ok(Work::Wrong { login, domain }) => {
                if let Err(failure) = host.login().failed(&login, &domain) {
                    log::warn!("a wrong proof of a password was not counted: {failure}");
                }
            }
            Ok(Work::Ask(ask, tell)) => {
                let told = asked(host, &ask).unwrap_or_else(|failure| refusal(&failure));
                // Who asked may have gone.
                let _ = tell.send(told);
            }
        }
    }
}

fn asked(host: &Host, ask: &Ask) -> Result<Told, Failure> {
    match ask {
        Ask::Keys { login, domain, hash } => {
            let mechanism = match hash {
                Hash::Sha1 => Mechanism::Sha1,
                Hash::Sha256 => Mechanism::Sha256,
            };
            let Some(keys) = host.login().keys(login, domain, mechanism)? else {
                let row: Option<Row> =
                    host.db().first(OF_DIRECTORY, params![login.to_lowercase(), domain])?;
                return Ok(Told::NoKeys { is_counted: row.is_none() });
            };
            let account = account(host, &keys.account)?;
            Ok(Told::Keys(account, scram(&keys)?))
        }
        Ask::Check { login, domain, password } => {
            let id = host.login().check(login, domain, password)?;
            Ok(Told::Right(account(host, &id)?))
        }
    }
}

/// What the office compares later: a change between the proof and now is seen as one afterwards, which only asks for the
/// password once more.
fn account(host: &Host, id: &str) -> Result<Account, Failure> {
    let row: Option<Row> = host.db().first(PASSWORD_AT, params![id])?;
    Ok(Account { id: id.to_owned(), password_at: row.and_then(|row| row.password_changed_at) })
}

fn scram(keys: &LoginKeys) -> Result<Scram, Failure> {
    let bytes = |text: &str| {
        let wrong = |_| Failure::new(Code::Internal, "the keys of a login are no base64");
        BASE64.decode(text.as_bytes()).map_err(wrong)
    };
    Ok(Scram {
        salt: bytes(&keys.salt)?,
        iterations: keys.iterations,
        stored: bytes(&keys.stored_key)?,
        server: bytes(&keys.server_key)?,
    })
}

fn refusal(failure: &Failure) -> Told {
    match failure.code {
        Code::Denied | Code::NotFound => Told::Wrong,
        Code::Busy => {
            let wait = failure.retry_ms.map(|ms| format!(" in {} seconds", ms.div_ceil(1000)));
            Told::Later(format!("too many wrong passwords lately; try again{}", wait.unwrap_or_default()))
        }
        _ => {
            log::warn!("a sign-in could not be checked: {failure}");
            Told::Later("sign-ins cannot be checked at the moment; try again later".to_owned())
        }
    }
}
