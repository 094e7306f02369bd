//! A directory as it is configured, with its password: the way in, for the test, for runs and for signing in.

use jackfield_sdk::{Failure, Host, Secret};

use super::Settings;
use super::table::Row;
use crate::ldap::client::Client;
use crate::ldap::connect::{Course, Target, connect};
use crate::ldap::line::Stop;
use crate::ldap::name::Name;
use crate::ldap::trouble::{Step, Trouble};
use crate::ldap::words::{INVALID_CREDENTIALS, SUCCESS};

const CREDENTIALS: &str = "Check bind DN and password";
const WAY_IN: &str = "Check encryption and bind DN; most directories take passwords only over TLS, and let nobody read without";

/// A directory.
pub struct Source<'h> {
    host: &'h Host,
    /// What is configured.
    pub settings: Settings,
    password: Option<Secret>,
}

impl<'h> Source<'h> {
    /// With the password that the appliance keeps for it.
    pub fn open(host: &'h Host, row: &Row) -> Result<Self, Failure> {
        let password = match &row.secret {
            Some(name) => host.secret().get(name)?,
            None => None,
        };
        Ok(Self { host, settings: row.settings.clone(), password })
    }

    /// Where a search begins.
    pub fn search_base(&self) -> String {
        let Settings { search_context, base_dn, .. } = &self.settings;
        match (Name::parse(search_context), Name::parse(base_dn)) {
            (Ok(context), Ok(base)) => context.below(&base).text(),
            _ => base_dn.clone(),
        }
    }

    /// A connection, before anybody has signed in.
    pub fn reach<'s>(&self, stop: Stop<'s>, course: &mut Course) -> Result<Client<'s>, Trouble> {
        let Settings { host, port, tls, ca_certificate, .. } = &self.settings;
        let target = Target { host, port: *port, tls: *tls, authorities: ca_certificate.as_deref() };
        connect(self.host, &target, stop, course).map(Client::new)
    }

    /// Signs in as the account that reads the directory.
    pub fn sign_in(&self, client: &mut Client<'_>, course: &mut Course) -> Result<(), Trouble> {
        let (outcome, who) = match (&self.settings.bind_dn, &self.password) {
            (Some(name), Some(password)) => (client.bind(name, password.reveal())?, name.as_str()),
            (Some(_), None) => {
                let detail = "the password is not there any more";
                return Err(Trouble::new(Step::Bind, detail, "Give it again"));
            }
            (None, _) => (client.bind_anonymously()?, "nobody in particular"),
        };
        match outcome.code {
            SUCCESS => {
                course.done.push((Step::Bind, format!("signed in as {who}")));
                Ok(())
            }
            code => {
                let advice = if code == INVALID_CREDENTIALS { CREDENTIALS } else { WAY_IN };
                let detail = format!("it does not let {who} in: {}", outcome.words());
                Err(Trouble::new(Step::Bind, detail, advice))
            }
        }
    }

    /// Both.
    pub fn enter<'s>(&self, stop: Stop<'s>, course: &mut Course) -> Result<Client<'s>, Trouble> {
        let mut client = self.reach(stop, course)?;
        self.sign_in(&mut client, course)?;
        Ok(client)
    }
}
