//! PLAIN (RFC 4616): the password itself, which the appliance checks.

use jackfield_sdk::Secret;

use super::proof::Proof;
use super::shapes::{Ask, Out};
use super::{Login, Outs};

impl Login {
    /// Identity, login and password, separated by NUL (RFC 4616 section 2).
    pub(super) fn plain(&mut self, name: &'static str, text: &str) -> Result<Outs, &'static str> {
        let mut parts = text.split('\0');
        let (Some(authzid), Some(login), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("malformed-request");
        };
        if password.is_empty() {
            return Err("malformed-request");
        }
        let who = self.claimed(login, Some(authzid).filter(|authzid| !authzid.is_empty()))?;
        let (login, domain) = (who.login.clone(), who.address.domain().as_str().to_owned());
        self.proof = Proof::Plain { name, who };
        Ok(vec![Out::Ask(Ask::Check { login, domain, password: Secret::new(password) })])
    }
}
