//! Signing in as a user, for the plugin that listens for clients: what proves a password, and whether one is right.
//! Needs the service `login/1`.

use jackfield_abi::ops::{
    self, Code, Failure, LoginAsk, LoginCheck, LoginChecked, LoginFailed, LoginKeys, Mechanism,
};

use crate::host::{Host, Secret};
use crate::message::typed;

/// Passwords of users. A login is the account's login id, not escaped as in an address (XEP-0106); a domain is that of
/// its enterprise. Neither has regard to case.
pub struct Logins<'a>(pub(crate) &'a Host);

impl Logins<'_> {
    /// The keys for an exchange of SCRAM. None: nobody of that address has a password here; play the exchange to its
    /// end with keys that are made up, of as many iterations and bytes of salt (`SCRAM_ITERATIONS`,
    /// `SCRAM_SALT_BYTES`), always the same for the same login, so that nobody learns which logins there are. A
    /// failure with the code `Busy` says how long to wait.
    pub fn keys(
        &self,
        login: &str,
        domain: &str,
        mechanism: Mechanism,
    ) -> Result<Option<LoginKeys>, Failure> {
        let asked = LoginAsk { login: login.to_owned(), domain: domain.to_owned(), mechanism };
        match self.0.call(ops::LOGIN_KEYS, asked) {
            Ok(answer) => typed(ops::LOGIN_KEYS, answer).map(Some),
            Err(failure) if failure.code == Code::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The account whose password this is. It may take 15 seconds, because a directory may have to be asked. A failure's
    /// code says what is wrong: `Denied` login or password, `Busy` too many failures lately (`retry_ms`),
    /// `Unavailable` the directory.
    pub fn check(&self, login: &str, domain: &str, password: &Secret) -> Result<String, Failure> {
        let (login, domain) = (login.to_owned(), domain.to_owned());
        let asked = LoginCheck { login, domain, password: password.reveal().to_owned() };
        let answer: LoginChecked = typed(ops::LOGIN_CHECK, self.0.call(ops::LOGIN_CHECK, asked)?)?;
        Ok(answer.account)
    }

    /// Says that a proof made from [`Self::keys`] was wrong, also where they were made up: it counts as a wrong
    /// password.
    pub fn failed(&self, login: &str, domain: &str) -> Result<(), Failure> {
        let failed = LoginFailed { login: login.to_owned(), domain: domain.to_owned() };
        self.0.call(ops::LOGIN_FAILED, failed).map(drop)
    }
}
