//! `peering/invitations`: one-time codes with which a sister appliance shows that it was invited. The code is shown
//! in the answer that makes it and never again; what is kept is its secret's hash. `accepting.rs` is the other side.

use jackfield_sdk::form::PLAIN;
use jackfield_sdk::{Call, FieldError, Outcome, Part, Problem, Reply, Tx, Undo, json, params};
use serde::{Deserialize, Serialize};

use crate::desk::{Call as Desk, Us};
use crate::owner::{Of, Owner};
use crate::sister::code::{self, Code};
use crate::standing::Standing;
use crate::{Peering, random, refused};

/// Kind in revisions.
pub const KIND: &str = "peering/invitations";
/// Most invitations that wait to be used.
const MOST: usize = 100;
/// Hours that an invitation is good for, unless somebody says otherwise, and at most: a week.
const USUAL_HOURS: i64 = 24;
const MOST_HOURS: i64 = 168;

const CLAIM: &str = "UPDATE peering_state SET revision = revision + 1 WHERE id = 1 AND revision = ?1
    AND EXISTS (SELECT 1 FROM core_enterprises WHERE id = ?2 AND created_at = ?3)";
const ADD: &str = "INSERT INTO peering_invitation
    (id, enterprise, enterprise_made, note, code_hash, made_by, created_at, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const REMOVE: &str = "DELETE FROM peering_invitation WHERE id = ?1";
const EXPIRY: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?1, ?2 || ' hours') AS at";
const WAITING: &str = "SELECT count(*) AS count FROM peering_invitation WHERE used_key IS NULL";
const DOMAIN: &str = "SELECT coalesce(domain, '') AS domain FROM core_enterprises WHERE id = ?1";

macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT i.id, i.enterprise, i.note, i.made_by, i.created_at, i.expires_at, i.used_by, i.used_at, i.attempts,
                CASE WHEN i.used_key IS NOT NULL THEN 'used' WHEN i.attempts >= 5 THEN 'void'
                    WHEN i.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'open' ELSE 'expired' END AS state
            FROM peering_invitation i JOIN core_enterprises e
                ON e.id = i.enterprise AND e.created_at = i.enterprise_made WHERE ",
            $which
        )
    };
}

const PAGE: &str = rows!("i.id > ?1 AND (?2 = '' OR e.id = ?2) ORDER BY i.id");
const ONE: &str = rows!("i.id = ?1");

/// An invitation as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Invitation {
    id: String,
    /// Enterprise that the sister's enterprise becomes a peer of.
    enterprise: String,
    /// Whom it is for, in words.
    note: String,
    made_by: String,
    created_at: String,
    expires_at: String,
    /// Who has used it: host name and enterprise; null: nobody.
    #[serde(default)]
    used_by: Option<String>,
    /// When it was used; null: it was not.
    #[serde(default)]
    used_at: Option<String>,
    /// Wrong secrets that were tried; five make it void.
    #[serde(default)]
    attempts: i64,
    /// `open`, `used`, `void` or `expired`.
    state: String,
}

/// What an administrator says of it.
struct Wanted {
    enterprise: String,
    note: String,
    hours: i64,
}

#[derive(Deserialize)]
struct Expiry {
    at: String,
}

#[derive(Deserialize)]
struct Domain {
    domain: String,
}

#[derive(Deserialize)]
struct Count {
    count: usize,
}

impl Peering {
    pub(crate) fn list_invitations(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let enterprise = call.query("enterprise").unwrap_or_default();
        let page = self.host.db().page::<Invitation>(PAGE, params![after, enterprise], limit)?;
        let next = page.rows.last().filter(|_| page.more).map(|row| row.id.as_str());
        Reply::list(&page.rows, next)
    }

    pub(crate) fn read_invitation(&self, call: &Call<'_>) -> Outcome {
        Reply::ok(&self.invitation(call)?)
    }

    pub(crate) fn invite(&self, call: &Call<'_>) -> Outcome {
        let wanted = wanted(call)?;
        let _writing = self.writing();
        let standing = Standing::read(&self.host)?;
        let owner = self.enterprise(&wanted.enterprise)?;
        self.refuse_full()?;
        let id = format!("inv-{}", &random::text()?[..12]);
        let invitation = Invitation {
            id,
            enterprise: owner.id.clone(),
            note: wanted.note,
            made_by: call.who().to_owned(),
            expires_at: self.expiry(&standing.now, wanted.hours)?,
            created_at: standing.now.clone(),
            used_by: None,
            used_at: None,
            attempts: 0,
            state: "open".to_owned(),
        };
        let us = self.us()?;
        if call.is_dry_run() {
            return Reply::created(&with_code(&invitation, None));
        }
        let secret = random::text()?;
        self.keep(call, &standing, &owner, &invitation, &secret)?;
        // The port opens with the first invitation.
        self.tell_desk(Desk::Reload);
        let warning = self.await_door()?;
        let Us { hostname, address, fingerprint, .. } = us;
        let code = Code { invitation: invitation.id.clone(), hostname, address, fingerprint, secret };
        let mut shown = with_code(&invitation, Some(&code.written()));
        shown["warning"] = json!(warning);
        Reply::created(&shown)
    }

    pub(crate) fn withdraw(&self, call: &Call<'_>) -> Outcome {
        let _writing = self.writing();
        let old = self.invitation(call)?;
        if !call.is_dry_run() {
            let written = self.host.db().tx(|tx| {
                tx.run_one(REMOVE, params![old.id]);
                tx.revision((KIND, &old.id), call.who(), Some(&old), None).map(drop)
            });
            written.map_err(|failure| refused(call, failure))?;
            self.tell_desk(Desk::Reload);
        }
        Reply::nothing()
    }

    /// To undo an invitation is to withdraw it.
    pub(crate) fn put_invitation_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let old: Option<Invitation> = self.host.db().first(ONE, params![undo.object])?;
        let old = old.ok_or_else(|| Problem::conflict("the invitation is gone already"))?;
        tx.run_one(REMOVE, params![old.id]);
        Ok(tx.revision((KIND, &old.id), &undo.who, Some(&old), None).map(drop)?)
    }

    fn invitation(&self, call: &Call<'_>) -> Result<Invitation, Problem> {
        let id: String = call.param("id")?;
        let missing = || Problem::not_found(format!("there is no invitation {id:?}; list them first"));
        self.host.db().first(ONE, params![id])?.ok_or_else(missing)
    }

    pub(crate) fn enterprise(&self, id: &str) -> Result<Owner, Problem> {
        Owner::find(&self.host, Of::Enterprise, id)?.ok_or_else(|| {
            let detail = format!("enterprise must be the id of one of ours; {id:?} is not");
            Problem::invalid(vec![FieldError { pointer: "/enterprise".to_owned(), detail }])
        })
    }

    /// The domain of an enterprise; empty: it has none.
    pub(crate) fn domain_of(&self, owner: &Owner) -> Result<String, Problem> {
        let found: Option<Domain> = self.host.db().first(DOMAIN, params![owner.id])?;
        Ok(found.map(|found| found.domain).unwrap_or_default())
    }

    fn refuse_full(&self) -> Result<(), Problem> {
        let waiting: Option<Count> = self.host.db().first(WAITING, params![])?;
        if waiting.is_none_or(|waiting| waiting.count < MOST) {
            return Ok(());
        }
        Err(Problem::conflict(format!(
            "{MOST} invitations wait already, and no more fit; withdraw one first"
        )))
    }

    fn expiry(&self, now: &str, hours: i64) -> Result<String, Problem> {
        let expiry: Option<Expiry> = self.host.db().first(EXPIRY, params![now, hours.to_string()])?;
        expiry
            .map(|expiry| expiry.at)
            .ok_or_else(|| Problem::new(500, "the time of expiry cannot be worked out"))
    }

    fn keep(
        &self,
        call: &Call<'_>,
        standing: &Standing,
        owner: &Owner,
        invitation: &Invitation,
        secret: &str,
    ) -> Result<(), Problem> {
        let Invitation { id, note, made_by, created_at, expires_at, .. } = invitation;
        let row =
            params![id, owner.id, owner.made, note, code::hash(secret), made_by, created_at, expires_at];
        let written = self.host.db().tx(|tx| {
            tx.run_one(CLAIM, params![standing.revision, owner.id, owner.made]).run_one(ADD, row);
            tx.revision((KIND, id), call.who(), None, Some(invitation)).map(drop)
        });
        written.map(drop).map_err(|failure| refused(call, failure))
    }
}

fn wanted(call: &Call<'_>) -> Result<Wanted, Problem> {
    call.form(|form| {
        let enterprise = form.field("enterprise").text(4..=32, &PLAIN).required();
        let note = form.field("note").text(0..=64, &PLAIN).or(String::new());
        let hours = form.field("expires_in_hours").whole(1..=MOST_HOURS).or(USUAL_HOURS);
        Some(Wanted { enterprise: enterprise?, note: note?, hours: hours? })
    })
}

fn with_code(invitation: &Invitation, code: Option<&str>) -> jackfield_sdk::Value {
    let mut shown = json!(invitation);
    shown["code"] = json!(code);
    shown
}
