//! `peering/invitations:accept`: the invited side of an invitation. The code says where the other appliance is and which
//! certificate it has; that is compared before the secret is said, and then both trust each other.

use jackfield_sdk::form::{PLAIN, Rule};
use jackfield_sdk::{Call, Errors, Outcome, Problem, Reply, json};

use crate::desk::{Call as Desk, rows};
use crate::owner::Owner;
use crate::sister::certificate::Seen;
use crate::sister::code::{self, Code};
use crate::sister::frame::{Frame, Party, Redeem};
use crate::sister::hello::Trusted;
use crate::sister::status::{Trouble, Word};
use crate::{Peering, refused};

/// Kind in revisions.
pub const KIND: &str = "peering/trust";

/// Mail may have broken it into lines; what is wrong with it is said when it is read.
static CODE: Rule = Rule { says: "as the other administrator sent it", holds: |_| true, caseless: false };

struct Wanted {
    enterprise: String,
    code: String,
    description: Option<String>,
}

impl Peering {
    pub(crate) fn accept(&self, call: &Call<'_>) -> Outcome {
        let wanted = call.form(|form| {
            let enterprise = form.field("enterprise").text(4..=32, &PLAIN).required();
            let code = form.field("code").text(1..=code::LONGEST, &CODE).required();
            let description = form.field("description").text(0..=64, &PLAIN).optional();
            Some(Wanted { enterprise: enterprise?, code: code?, description: description? })
        })?;
        let code = Code::read(&wanted.code).map_err(|why| wrong("code", &format!("code {why}")))?;
        let owner = self.enterprise(&wanted.enterprise)?;
        let office = self.office()?;
        let party = self.ourselves(&owner)?;
        let (hostname, address) = (code.hostname.clone(), code.address.clone());
        let judge = judge(code.clone());
        let say = Redeem { invitation: code.invitation.clone(), secret: code.secret.clone(), party };
        let frame = (!call.is_dry_run()).then(|| Frame::Redeem(Box::new(say)));
        let (seen, answer) = office.wire.errand((&hostname, &address), judge, frame).map_err(problem)?;
        if call.is_dry_run() {
            return Reply::ok(
                &json!({"hostname": hostname, "address": address, "fingerprint": seen.fingerprint}),
            );
        }
        let Some(Frame::Redeemed(theirs)) = answer else {
            return Err(Problem::conflict("the other appliance does not answer as one of this product does"));
        };
        let peer = self.trust(call, &owner, wanted.description, (&code, &theirs, &seen))?;
        self.tell_desk(Desk::Reload);
        Reply::created(&json!({
            "peer": peer, "enterprise": owner.id, "peer_enterprise": theirs.enterprise,
            "hostname": theirs.hostname, "address": theirs.address, "fingerprint": seen.fingerprint,
        }))
    }

    /// What we say of ourselves.
    fn ourselves(&self, owner: &Owner) -> Result<Party, Problem> {
        let us = self.us()?;
        Ok(Party {
            enterprise: owner.id.clone(),
            description: owner.description.clone(),
            domain: self.domain_of(owner)?,
            hostname: us.hostname,
            address: us.address,
        })
    }

    /// The peer to whom the other side has become, with the trust in it.
    fn trust(
        &self,
        call: &Call<'_>,
        owner: &Owner,
        description: Option<String>,
        (code, theirs, seen): (&Code, &Party, &Seen),
    ) -> Result<String, Problem> {
        let hostname = if seen.is_for(&theirs.hostname) { &theirs.hostname } else { &code.hostname };
        let named = description.filter(|text| !text.is_empty());
        let made = json!({
            "enterprise": owner.id, "description": named.unwrap_or_else(|| rows::describing(theirs)),
            "hostname": hostname, "peer_enterprise": theirs.enterprise, "who": call.who(),
        });
        let answer = self.host.call("peer.add", made).map_err(|failure| {
            let why = format!("the other side trusts this one now, but the peer could not be made here: {failure}. Mend that, and accept the same code again");
            Problem::conflict(why)
        })?;
        let peer = answer["peer"].as_str().unwrap_or_default().to_owned();
        let trusted = Trusted {
            key: seen.key.clone(),
            fingerprint: seen.fingerprint.clone(),
            hostname: hostname.to_ascii_lowercase(),
        };
        let (sql, values) = rows::trust(&peer, &trusted, &theirs.address, &theirs.domain.to_lowercase());
        let noted =
            json!({"hostname": hostname, "fingerprint": seen.fingerprint, "invitation": code.invitation});
        let written = self.host.db().tx(|tx| {
            tx.run_one(sql, values);
            tx.revision((KIND, &peer), call.who(), None, Some(&noted)).map(drop)
        });
        written.map_err(|failure| refused(call, failure))?;
        Ok(peer)
    }
}

/// The certificate must be the one that the code is about, and for the name in it.
fn judge(code: Code) -> impl FnOnce(&Seen) -> Result<(), Trouble> + Send + 'static {
    move |seen| {
        if seen.fingerprint != code.fingerprint.to_ascii_lowercase() {
            let words = "the appliance there has another certificate than the invitation is of; nothing was said to it";
            let found = format!("{} for {}", seen.fingerprint, seen.all_names());
            return Err(Trouble::compared(Word::CertificateMismatch, words, &code.fingerprint, found));
        }
        if !seen.is_for(&code.hostname) {
            let words = "the hostname is none of the certificate's names";
            return Err(Trouble::compared(
                Word::CertificateMismatch,
                words,
                &code.hostname,
                seen.all_names(),
            ));
        }
        Ok(())
    }
}

/// A trouble on the way, as the answer to a request.
pub fn problem(trouble: Trouble) -> Problem {
    Problem::conflict(format!("{}: {}", trouble.word.name(), trouble.detail))
}

/// What is wrong with a field.
pub fn wrong(field: &str, detail: &str) -> Problem {
    let mut errors = Errors::new();
    errors.note(format!("/{field}"), detail);
    errors.done().err().unwrap_or_else(|| Problem::new(500, "the field was refused without a reason"))
}
