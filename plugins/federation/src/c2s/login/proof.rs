//! The proof of a password (RFC 6120 section 6): which mechanism, what the client says, what the appliance says of it, and
//! how it ends.

use data_encoding::BASE64;
use jid::BareJid;

use super::scram::Begun;
use super::shapes::{Account, Out, Told, Who};
use super::{Login, Outs, Stage};
use crate::c2s::scram::{First, Hash};
use crate::s2s::{Condition, address};
use crate::xml::{Element, ns, written_to_client};

/// Most wrong proofs on one connection (RFC 6120 section 6.4.5 wants at least two).
const MOST_FAILURES: u32 = 5;
/// Longest login that is looked at.
const LONGEST_LOGIN: usize = 256;
/// What is said without the right proof.
pub(super) const NOT_AUTHORIZED: &str = "not-authorized";

/// A mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Scram { hash: Hash, is_bound: bool },
    Plain,
}

/// Their names, the strongest first.
pub(super) const MECHANISMS: [(&str, Mechanism); 5] = [
    ("SCRAM-SHA-256-PLUS", Mechanism::Scram { hash: Hash::Sha256, is_bound: true }),
    ("SCRAM-SHA-1-PLUS", Mechanism::Scram { hash: Hash::Sha1, is_bound: true }),
    ("SCRAM-SHA-256", Mechanism::Scram { hash: Hash::Sha256, is_bound: false }),
    ("SCRAM-SHA-1", Mechanism::Scram { hash: Hash::Sha1, is_bound: false }),
    ("PLAIN", Mechanism::Plain),
];

/// How far the proof is.
pub(super) enum Proof {
    None,
    /// A first message must come.
    Begun(&'static str, Mechanism),
    /// The appliance is asked for keys.
    Keys {
        name: &'static str,
        hash: Hash,
        first: Box<First>,
        who: Claimed,
    },
    /// The client's proof must come.
    Scram(Box<Begun>),
    /// The appliance is asked for the password.
    Plain {
        name: &'static str,
        who: Claimed,
    },
}

/// Who a client says it is.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) login: String,
    pub(super) address: BareJid,
}

impl Login {
    pub(super) fn auth(&mut self, auth: &Element) -> Outs {
        if !matches!(self.proof, Proof::None) {
            self.proof = Proof::None;
            return self.failure("malformed-request");
        }
        let wanted = auth.attribute("mechanism").unwrap_or_default();
        let Some((name, mechanism)) = self.mechanisms().find(|(name, _)| *name == wanted).copied() else {
            return self.failure("invalid-mechanism");
        };
        let said = auth.words();
        if said.trim().is_empty() {
            self.proof = Proof::Begun(name, mechanism);
            return vec![challenge("")];
        }
        self.first(name, mechanism, &said)
    }

    pub(super) fn response(&mut self, response: &Element) -> Outs {
        let said = response.words();
        match std::mem::replace(&mut self.proof, Proof::None) {
            Proof::Begun(name, mechanism) => self.first(name, mechanism, &said),
            Proof::Scram(begun) => match decoded(&said) {
                Some(text) => self.scram_proof(*begun, &text),
                None => self.failure("incorrect-encoding"),
            },
            _ => self.failure("malformed-request"),
        }
    }

    fn first(&mut self, name: &'static str, mechanism: Mechanism, said: &str) -> Outs {
        let Some(text) = decoded(said) else { return self.failure("incorrect-encoding") };
        let begun = match mechanism {
            Mechanism::Scram { hash, is_bound } => self.scram(name, hash, is_bound, &text),
            Mechanism::Plain => self.plain(name, &text),
        };
        begun.unwrap_or_else(|why| self.failure(why))
    }

    /// Who a client says it is: by its login as it stands in an address, or as its account has it. It acts for nobody
    /// else.
    pub(super) fn claimed(&self, username: &str, authzid: Option<&str>) -> Result<Claimed, &'static str> {
        let domain = self.domain.as_deref().ok_or(NOT_AUTHORIZED)?;
        if username.is_empty() || username.len() > LONGEST_LOGIN {
            return Err(NOT_AUTHORIZED);
        }
        let login = address::login(username);
        let address = address::of_login(&login, domain).ok_or(NOT_AUTHORIZED)?;
        match authzid.map(address::parsed) {
            None => {}
            Some(Some(other)) if other.to_bare() == address => {}
            Some(_) => return Err("invalid-authzid"),
        }
        Ok(Claimed { login, address })
    }

    /// What the appliance said.
    pub fn told(&mut self, told: Told) -> Outs {
        match (std::mem::replace(&mut self.proof, Proof::None), told) {
            (Proof::Keys { name, hash, first, who }, told @ (Told::Keys(..) | Told::NoKeys { .. })) => {
                self.scram_challenge(name, hash, *first, who, told)
            }
            (Proof::Plain { name, who }, Told::Right(account)) => self.success(name, account, who, ""),
            (Proof::Plain { who, .. }, Told::Wrong) => self.wrong(who, NOT_AUTHORIZED, false),
            (_, Told::Later(words)) => vec![sasl_failure("temporary-auth-failure", &words)],
            _ => self.failure("temporary-auth-failure"),
        }
    }

    pub(super) fn success(&mut self, name: &'static str, account: Account, who: Claimed, last: &str) -> Outs {
        self.who = Some(Who { account, address: who.address, mechanism: name });
        self.stage = Stage::Header;
        let success = Element::new(ns::SASL, "success");
        let success = if last.is_empty() { success } else { success.text(&BASE64.encode(last.as_bytes())) };
        vec![Out::Send(written_to_client(&success)), Out::Restart]
    }

    pub(super) fn wrong(&mut self, who: Claimed, why: &str, is_uncounted: bool) -> Outs {
        let mut outs = vec![Out::Failed { login: who.login, is_uncounted }];
        outs.extend(self.failure(why));
        outs
    }

    pub(super) fn failure(&mut self, why: &str) -> Outs {
        self.failures += 1;
        let mut outs = vec![sasl_failure(why, "")];
        if self.failures >= MOST_FAILURES {
            outs.extend(self.end(Condition::PolicyViolation, "too many attempts to authenticate"));
        }
        outs
    }

    /// Nobody may try any more from where this client is.
    pub fn turned_away(&mut self, words: &str) -> Outs {
        self.proof = Proof::None;
        vec![sasl_failure("temporary-auth-failure", words)]
    }
}

pub(super) fn decoded(said: &str) -> Option<String> {
    let said = said.trim();
    // How an empty text is written (RFC 6120 section 6.4.2).
    if said == "=" {
        return Some(String::new());
    }
    String::from_utf8(BASE64.decode(said.as_bytes()).ok()?).ok()
}

pub(super) fn challenge(text: &str) -> Out {
    let challenge = Element::new(ns::SASL, "challenge");
    let challenge = if text.is_empty() { challenge } else { challenge.text(&BASE64.encode(text.as_bytes())) };
    Out::Send(written_to_client(&challenge))
}

fn sasl_failure(why: &str, words: &str) -> Out {
    let failure = Element::new(ns::SASL, "failure").child(Element::new(ns::SASL, why));
    let failure =
        if words.is_empty() { failure } else { failure.child(Element::new(ns::SASL, "text").text(words)) };
    Out::Send(written_to_client(&failure))
}
