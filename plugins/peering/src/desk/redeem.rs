//! Invitations being used by another appliance: a code is good once, for one certificate, until its end, and few guesses
//! are borne. The same appliance may ask again when it got no answer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jackfield_sdk::{Failure, json, log, params};
use serde::Deserialize;

use super::handshake::{broken, refuse};
use super::{Desk, rows};
use crate::sister::certificate::Seen;
use crate::sister::code;
use crate::sister::frame::{Frame, Party, Reason, Redeem, Refuse};
use crate::sister::hello::Trusted;
use crate::wire::split;

/// Wrong secrets that an invitation bears.
const ATTEMPTS: i64 = 5;
/// Attempts of all together within a minute.
const A_MINUTE: usize = 20;

const INVITATION: &str = "SELECT i.id, i.enterprise, i.code_hash, i.made_by, i.attempts, i.used_key,
        i.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS is_open,
        coalesce(e.description, '') AS description, coalesce(e.domain, '') AS domain
    FROM peering_invitation i JOIN core_enterprises e ON e.id = i.enterprise AND e.created_at = i.enterprise_made
    WHERE i.id = ?1";
const ATTEMPT: &str = "UPDATE peering_invitation SET attempts = attempts + 1 WHERE id = ?1";
const USE: &str = "UPDATE peering_invitation SET used_key = ?2, used_by = ?3,
        used_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
    WHERE id = ?1 AND (used_key IS NULL OR used_key = ?2)";

#[derive(Deserialize)]
struct Invitation {
    id: String,
    enterprise: String,
    code_hash: String,
    made_by: String,
    attempts: i64,
    used_key: Option<String>,
    #[serde(deserialize_with = "jackfield_sdk::flag")]
    is_open: bool,
    description: String,
    domain: String,
}

/// When somebody tried a code.
#[derive(Default)]
pub(super) struct Guesses(VecDeque<Instant>);

impl Guesses {
    /// Whether another one is borne now.
    fn admit(&mut self, now: Instant) -> bool {
        let minute = Duration::from_secs(60);
        while self.0.front().is_some_and(|first| now.duration_since(*first) >= minute) {
            self.0.pop_front();
        }
        let admits = self.0.len() < A_MINUTE;
        if admits {
            self.0.push_back(now);
        }
        admits
    }
}

impl Desk {
    /// Takes an invitation back from the appliance that was invited: from then on it is a peer, and trusted.
    pub(super) fn redeem(&mut self, asked: &Redeem, seen: &Seen) -> Result<Frame, Refuse> {
        if !self.guesses.admit(Instant::now()) {
            return Err(refuse(
                Reason::Busy,
                "too many codes were tried here within a minute; wait, and try again",
            ));
        }
        check(&asked.party, seen)?;
        let invitation = self.invitation(asked, seen)?;
        let peer = self.peer_of(&invitation, &asked.party).map_err(|failure| refused(&failure))?;
        self.keep_trust(&invitation, &peer, &asked.party, seen).map_err(|failure| refused(&failure))?;
        log::info!("the invitation {} was used by {}", invitation.id, asked.party.hostname);
        self.reload_or_say();
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.link.hurry(Instant::now());
        }
        Ok(Frame::Redeemed(Box::new(Party {
            enterprise: invitation.enterprise,
            description: invitation.description,
            domain: invitation.domain,
            hostname: self.here.hostname.clone(),
            address: self.options.address(&self.here),
        })))
    }

    fn invitation(&self, asked: &Redeem, seen: &Seen) -> Result<Invitation, Refuse> {
        let wrong = || refuse(Reason::Invitation, "the code is wrong, or its invitation was withdrawn");
        let found = self.host.db().first::<Invitation>(INVITATION, params![asked.invitation]);
        let invitation = found.map_err(|failure| broken(&failure))?.ok_or_else(wrong)?;
        if invitation.attempts >= ATTEMPTS {
            let detail = "the invitation is void: wrong codes were tried too often; make a new one";
            return Err(refuse(Reason::Invitation, detail));
        }
        if code::hash(&asked.secret) != invitation.code_hash {
            // It counts before it is answered, whatever becomes of the answer.
            rows::run(&self.host, ATTEMPT, params![invitation.id]).map_err(|failure| broken(&failure))?;
            return Err(wrong());
        }
        match &invitation.used_key {
            Some(key) if *key == seen.key => Ok(invitation),
            Some(_) => Err(refuse(Reason::Invitation, "the code was used already; a code is good once")),
            None if !invitation.is_open => {
                Err(refuse(Reason::Invitation, "the code has expired; have a new one made"))
            }
            None => Ok(invitation),
        }
    }

    fn peer_of(&self, invitation: &Invitation, party: &Party) -> Result<String, Failure> {
        let wanted = json!({
            "enterprise": invitation.enterprise, "description": rows::describing(party), "hostname": party.hostname,
            "peer_enterprise": party.enterprise, "who": format!("{} (invitation {})", invitation.made_by, invitation.id),
        });
        let answer = self.host.call("peer.add", wanted)?;
        Ok(answer["peer"].as_str().unwrap_or_default().to_owned())
    }

    fn keep_trust(
        &self,
        invitation: &Invitation,
        peer: &str,
        party: &Party,
        seen: &Seen,
    ) -> Result<(), Failure> {
        let trusted = trusted(party, seen);
        let (sql, values) = rows::trust(peer, &trusted, &party.address, &party.domain.to_lowercase());
        let by = format!("{} for {}", party.hostname, party.enterprise);
        let used = self.host.db().tx(|tx| {
            tx.run_one(USE, params![invitation.id, seen.key, by]).run_one(sql, values);
            Ok(())
        });
        used.map(drop)
    }
}

/// What is trusted of somebody who proved an invitation.
fn trusted(party: &Party, seen: &Seen) -> Trusted {
    Trusted {
        key: seen.key.clone(),
        fingerprint: seen.fingerprint.clone(),
        hostname: party.hostname.to_ascii_lowercase(),
    }
}

fn check(party: &Party, seen: &Seen) -> Result<(), Refuse> {
    if !seen.is_for(&party.hostname) {
        return Err(Refuse {
            code: Reason::CertificateMismatch,
            detail: "the name of the invited appliance is none of its certificate".to_owned(),
            expected: party.hostname.clone(),
            found: seen.all_names(),
        });
    }
    split(&party.address).map(drop).map_err(|why| refuse(Reason::BadFrame, format!("the address {why}")))
}

fn refused(failure: &Failure) -> Refuse {
    match failure.code {
        jackfield_sdk::Code::BadRequest | jackfield_sdk::Code::Conflict => {
            refuse(Reason::Invitation, format!("the peer cannot be made over there: {}", failure.msg))
        }
        _ => broken(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_guesses_are_borne_within_a_minute() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        let admitted = (0..100).filter(|_| guesses.admit(now)).count();
        assert_eq!(admitted, A_MINUTE);
        assert!(guesses.admit(now + Duration::from_secs(60)));
    }
}
