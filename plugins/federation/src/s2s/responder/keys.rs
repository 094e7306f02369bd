//! Server dialback as the responder does it (XEP-0220): keys that the peer gives for a domain of its own, and questions
//! of others about keys of ours.

use super::{Ended, Outs, Responder, Stage};
use crate::s2s::address;
use crate::s2s::dialback::LONGEST_KEY;
use crate::s2s::shared::{Condition, Out, Pair, Question, Verified, dialback, dialback_error};
use crate::s2s::{Policy, Rules};
use crate::xml::{Element, written};

/// Most keys of one stream that are being verified at a time.
const MOST_PENDING: usize = 4;
/// Most pairs of one stream.
const MOST_PAIRS: usize = 64;

impl<R: Rules> Responder<R> {
    /// A key of the peer's (XEP-0220 section 2.1.1). An answer that nobody waits for on this stream says nothing.
    pub(super) fn result(&mut self, result: &Element) -> Ended<Outs> {
        if result.attribute("type").is_some() {
            return Ok(vec![]);
        }
        let pair = addressed(result)?;
        let key = result.words().trim().to_owned();
        let refusal = self.refusal(&pair, &key);
        if let Some(condition) = refusal {
            let answer = dialback("result", &pair.to, &pair.from);
            return Ok(vec![Out::Send(written(&dialback_error(answer, condition)))]);
        }
        if self.verified.contains(&pair) {
            return Ok(vec![Out::Send(written(
                &dialback("result", &pair.to, &pair.from).with("type", "valid"),
            ))]);
        }
        self.pending.insert(pair.clone(), self.id.clone());
        Ok(vec![Out::Verify(Question { pair, id: self.id.clone(), key })])
    }

    /// Why a key is not even looked at.
    fn refusal(&self, pair: &Pair, key: &str) -> Option<&'static str> {
        let Pair { from, to } = pair;
        if !self.rules.serves(to) {
            return Some("item-not-found");
        }
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Some("bad-request");
        }
        let policy = (!self.rules.serves(from)).then(|| self.rules.partner(from)).flatten();
        let has_tls = self.judge.is_some();
        match policy {
            None => return Some("forbidden"),
            Some(Policy::VerifiedTls | Policy::TlsDialback) if !has_tls => return Some("policy-violation"),
            Some(Policy::VerifiedTls) if self.vouched(from).is_err() => return Some("not-authorized"),
            Some(_) => {}
        }
        let is_full = self.pending.len() >= MOST_PENDING || self.verified.len() >= MOST_PAIRS;
        (is_full || self.pending.contains_key(pair)).then_some("resource-constraint")
    }

    /// The authoritative server's word, or that there is none. One that belongs to no question says nothing.
    pub fn answered(&mut self, question: &Question, verified: &Verified) -> Outs {
        let Question { pair, id, .. } = question;
        if self.stage == Stage::Over || self.pending.get(pair) != Some(id) {
            return vec![];
        }
        self.pending.remove(pair);
        let answer = dialback("result", &pair.to, &pair.from);
        match verified {
            Verified::Valid => {
                self.verified.insert(pair.clone());
                self.from.get_or_insert_with(|| pair.from.clone());
                vec![Out::Send(written(&answer.with("type", "valid"))), Out::Ready(pair.clone())]
            }
            Verified::Invalid if self.verified.is_empty() => {
                self.stage = Stage::Over;
                let text = written(&answer.with("type", "invalid")) + "</stream:stream>";
                vec![Out::Send(text), Out::Close]
            }
            Verified::Invalid => vec![Out::Send(written(&answer.with("type", "invalid")))],
            Verified::Unknown(why) => vec![Out::Send(written(&dialback_error(answer, why)))],
        }
    }

    /// Another server asks whether a key is ours (XEP-0220 section 2.1.3). Who asks need not have proved anything.
    pub(super) fn verify(&self, verify: &Element) -> Ended<Outs> {
        if verify.attribute("type").is_some() {
            return Ok(vec![]);
        }
        let pair = addressed(verify)?;
        let id = verify.attribute("id").unwrap_or_default();
        let answer = dialback("verify", &pair.to, &pair.from).with("id", id);
        let key = verify.words();
        let answer = if !self.rules.speaks_for(&pair.to) {
            dialback_error(answer, "item-not-found")
        } else if id.is_empty() || key.is_empty() {
            dialback_error(answer, "bad-request")
        } else {
            let is_ours = self.secret.made(&key, &pair.from, &pair.to, id);
            answer.with("type", if is_ours { "valid" } else { "invalid" })
        };
        Ok(vec![Out::Send(written(&answer))])
    }
}

fn addressed(element: &Element) -> Ended<Pair> {
    let domain = |name: &str| {
        let wrong = || (Condition::ImproperAddressing, format!("`{name}` of dialback must be a domain"));
        element.attribute(name).and_then(address::domain).ok_or_else(wrong)
    };
    Ok(Pair { from: domain("from")?, to: domain("to")? })
}
