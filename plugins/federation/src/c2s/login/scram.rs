//! SCRAM in a login (RFC 5802); `c2s::scram` has what goes on inside an exchange.

use super::proof::{Claimed, NOT_AUTHORIZED, Proof, challenge};
use super::shapes::{Account, Ask, Out, Told};
use super::{Login, Outs};
use crate::c2s::scram::{Binding, Exchange, First, Flag, Hash};

/// An exchange whose proof must come.
pub(super) struct Begun {
    name: &'static str,
    exchange: Exchange,
    binding: Vec<u8>,
    /// The account; an error: the keys are made up, and whether what comes of it counts as a wrong proof.
    account: Result<Account, bool>,
    who: Claimed,
}

impl Login {
    pub(super) fn scram(
        &mut self,
        name: &'static str,
        hash: Hash,
        is_bound: bool,
        text: &str,
    ) -> Result<Outs, &'static str> {
        let first = First::read(text)?;
        let can_bind = self.bindings.as_ref().is_some_and(|bindings| !bindings.is_empty());
        match (&first.flag, is_bound) {
            (Flag::Bound(kind), true) if self.binding(kind).is_some() => {}
            (Flag::No, false) => {}
            // Somebody on the way has taken away what we offer (RFC 5802 section 6).
            (Flag::Unaware, false) if !can_bind => {}
            _ => return Err(NOT_AUTHORIZED),
        }
        let who = self.claimed(&first.username, first.authzid.as_deref())?;
        let (login, domain) = (who.login.clone(), who.address.domain().as_str().to_owned());
        self.proof = Proof::Keys { name, hash, first: Box::new(first), who };
        Ok(vec![Out::Ask(Ask::Keys { login, domain, hash })])
    }

    fn binding(&self, kind: &str) -> Option<&Binding> {
        self.bindings.as_ref()?.iter().find(|binding| binding.kind == kind)
    }

    /// Answers the client's first message with keys, which are made up where there are none.
    pub(super) fn scram_challenge(
        &mut self,
        name: &'static str,
        hash: Hash,
        first: First,
        who: Claimed,
        told: Told,
    ) -> Outs {
        let made_up = || self.rules.made_up.keys(hash, &who.login, who.address.domain().as_str());
        let (account, keys) = match told {
            Told::Keys(account, keys) => (Ok(account), keys),
            Told::NoKeys { is_counted } => (Err(is_counted), made_up()),
            _ => (Err(true), made_up()),
        };
        let binding = match &first.flag {
            Flag::Bound(kind) => self.binding(kind).map(|binding| binding.data.clone()),
            _ => None,
        };
        let exchange = Exchange::new(hash, first, keys, &(self.rules.id)());
        let said = challenge(exchange.said());
        let binding = binding.unwrap_or_default();
        self.proof = Proof::Scram(Box::new(Begun { name, exchange, binding, account, who }));
        vec![said]
    }

    /// Judges the client's proof.
    pub(super) fn scram_proof(&mut self, begun: Begun, text: &str) -> Outs {
        let Begun { name, exchange, binding, account, who } = begun;
        match (exchange.finish(text, &binding), account) {
            (Ok(last), Ok(account)) => self.success(name, account, who, &last),
            // Keys that were made up fit nothing.
            (_, Err(false)) => self.failure(NOT_AUTHORIZED),
            (Ok(_), Err(true)) => self.wrong(who, NOT_AUTHORIZED, true),
            (Err(why), _) => self.wrong(who, why, true),
        }
    }
}
