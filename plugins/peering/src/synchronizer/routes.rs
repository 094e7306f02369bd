//! `peers/{id}/synchronizer` and `enterprises/{id}/synchronizer`: read, set, delete.

use jackfield_sdk::form::SecretEdit;
use jackfield_sdk::{Call, Errors, Failure, Outcome, Problem, Reply, Value, log, params};
use serde::Deserialize;

use super::answer::shown;
use super::rules::{self, Wanted};
use super::table::{self, Row};
use crate::owner::{Of, Owner};
use crate::standing::Standing;
use crate::{Peering, random, refused};

const PROFILE: &str = "SELECT id FROM core_profiles WHERE id = ?1";
const OWN_DOMAIN: &str = "SELECT id FROM core_enterprises WHERE domain = ?1";

#[derive(Deserialize)]
struct Taken {
    id: String,
}

impl Peering {
    pub(crate) fn read_of_peer(&self, call: &Call<'_>) -> Outcome {
        self.read_synchronizer(call, Of::Peer)
    }

    pub(crate) fn read_of_enterprise(&self, call: &Call<'_>) -> Outcome {
        self.read_synchronizer(call, Of::Enterprise)
    }

    pub(crate) fn put_of_peer(&self, call: &Call<'_>) -> Outcome {
        self.put_synchronizer(call, Of::Peer)
    }

    pub(crate) fn put_of_enterprise(&self, call: &Call<'_>) -> Outcome {
        self.put_synchronizer(call, Of::Enterprise)
    }

    pub(crate) fn remove_of_peer(&self, call: &Call<'_>) -> Outcome {
        self.remove_synchronizer(call, Of::Peer)
    }

    pub(crate) fn remove_of_enterprise(&self, call: &Call<'_>) -> Outcome {
        self.remove_synchronizer(call, Of::Enterprise)
    }

    fn read_synchronizer(&self, call: &Call<'_>, of: Of) -> Outcome {
        let owner = Owner::named(&self.host, of, call)?;
        self.answer(200, of, &self.stored(of, &owner)?)
    }

    fn put_synchronizer(&self, call: &Call<'_>, of: Of) -> Outcome {
        let owner = Owner::named(&self.host, of, call)?;
        owner.must_take_one(of)?;
        let _writing = self.writing();
        let standing = Standing::read(&self.host)?;
        let old = table::one(&self.host, of, &owner)?;
        must_match(call, old.as_ref())?;
        let wanted = self.wanted(call, of, old.as_ref())?;
        let status = if old.is_none() { 201 } else { 200 };
        let row = row(of, &owner, &standing, old.as_ref(), &wanted)?;
        match &old {
            Some(old) if is_same(old, &wanted) => return self.answer(status, of, old),
            _ if call.is_dry_run() => return self.answer(status, of, &row),
            _ => {}
        }
        let written = self.write(&standing, of, (old.as_ref(), &row), &wanted, call.who());
        // Whether it was kept or not, one of the two passwords is not needed any more.
        self.forget_unused_secrets();
        written.map_err(|failure| refused(call, failure))?;
        self.tell();
        self.answer(status, of, &row)
    }

    fn remove_synchronizer(&self, call: &Call<'_>, of: Of) -> Outcome {
        let owner = Owner::named(&self.host, of, call)?;
        let _writing = self.writing();
        let standing = Standing::read(&self.host)?;
        let old = self.stored(of, &owner)?;
        call.must_match(&old.revision.to_string())?;
        let key = format!("{}/{}", of.word(), owner.id);
        if let Some(job) = self.running().get(&key) {
            return Err(Problem::conflict(format!(
                "the job {job} reads the directory; cancel it, or wait for it"
            )));
        }
        if !call.is_dry_run() {
            let removed = table::remove(&self.host, &standing, &[old], call.who());
            removed.map_err(|failure| refused(call, failure))?;
            self.forget_unused_secrets();
            self.forget_people(&key, call.who());
            self.tell();
        }
        Reply::nothing()
    }

    /// An enterprise may have taken the domain since it was allowed.
    fn answer(&self, status: u16, of: Of, row: &Row) -> Outcome {
        let taken = match of {
            Of::Peer => self.taken_by(&row.settings.domain)?,
            Of::Enterprise => None,
        };
        let warning = taken
            .map(|id| format!("domain is that of our enterprise {id:?} by now; one of them must change"));
        shown(status, row, warning, &self.standing_of(row)?)
    }

    pub(super) fn stored(&self, of: Of, owner: &Owner) -> Result<Row, Problem> {
        let missing = || {
            Problem::not_found(format!(
                "the {} {:?} has no synchronizer; one that it had goes with it when it is deleted, and does not \
                 come back when that is undone: revisions of the kind peering/synchronizers show what it was",
                of.word(),
                owner.description
            ))
        };
        table::one(&self.host, of, owner)?.ok_or_else(missing)
    }

    fn wanted(&self, call: &Call<'_>, of: Of, old: Option<&Row>) -> Result<Wanted, Problem> {
        let mut errors = Errors::new();
        let wanted = rules::read(&mut errors, &call.http.body, of, old);
        if let (Of::Peer, Some(wanted)) = (of, &wanted) {
            self.refuse_own_domain(&mut errors, &wanted.settings.domain)?;
        }
        if let Some(profile) =
            wanted.as_ref().and_then(|wanted| wanted.settings.newcomers.as_ref()?.profile.clone())
        {
            self.refuse_no_profile(&mut errors, &profile)?;
        }
        errors.done()?;
        wanted.ok_or_else(|| Problem::new(500, "the synchronizer was refused without a reason"))
    }

    /// An enterprise's domain differs from that of every peer, or addresses would lead to two places.
    fn refuse_own_domain(&self, errors: &mut Errors, domain: &str) -> Result<(), Problem> {
        if let Some(id) = self.taken_by(domain)? {
            let detail = format!(
                "domain must be another one than our enterprises'; {domain:?} is that of the enterprise {id:?}"
            );
            errors.note("/domain", detail);
        }
        Ok(())
    }

    fn refuse_no_profile(&self, errors: &mut Errors, profile: &str) -> Result<(), Problem> {
        let found: Option<Taken> = self.host.db().first(PROFILE, params![profile])?;
        if found.is_none() {
            let detail = format!("profile must be the id of a user profile, or null; {profile:?} is none");
            errors.note("/profile", detail);
        }
        Ok(())
    }

    /// Our enterprise that has that domain.
    fn taken_by(&self, domain: &str) -> Result<Option<String>, Problem> {
        let taken: Option<Taken> = self.host.db().first(OWN_DOMAIN, params![domain])?;
        Ok(taken.map(|taken| taken.id))
    }

    fn write(
        &self,
        standing: &Standing,
        of: Of,
        rows: (Option<&Row>, &Row),
        wanted: &Wanted,
        who: &str,
    ) -> Result<(), Failure> {
        if let (SecretEdit::Set(password), Some(name)) = (&wanted.password, &rows.1.secret) {
            table::announce_secret(&self.host, name)?;
            self.host.secret().put(name, password)?;
        }
        table::put(&self.host, standing, of, rows, who)
    }

    /// Whoever came from a directory goes with it, as one change that can be undone. What cannot go now goes at the
    /// next start.
    pub(crate) fn forget_people(&self, synchronizer: &str, who: &str) {
        match self.host.directory().forget(synchronizer, who, false) {
            Ok(gone) => log::info!("{} people went with the synchronizer {synchronizer}", gone.removals),
            Err(failure) => {
                log::warn!("the people of the synchronizer {synchronizer} could not go yet: {failure}")
            }
        }
    }

    /// One that could not be forgotten now is forgotten at the next change or start.
    fn forget_unused_secrets(&self) {
        if let Err(failure) = table::forget_unused_secrets(&self.host) {
            log::warn!("a password that nothing needs any more could not be forgotten yet: {failure}");
        }
    }
}

/// The row that is written, or shown where nothing is.
fn row(
    of: Of,
    owner: &Owner,
    standing: &Standing,
    old: Option<&Row>,
    wanted: &Wanted,
) -> Result<Row, Failure> {
    let kept = old.map(|old| (old.secret.clone(), old.secret_at.clone())).unwrap_or_default();
    // A name of its own, so that a password that is not kept in the end cannot take the place of the one that is.
    let name = format!("{}.{}.{}", of.word(), owner.id.to_ascii_lowercase(), &random::text()?[..12]);
    let (secret, secret_at) = match &wanted.password {
        SecretEdit::Keep => kept,
        SecretEdit::Forget => (None, None),
        SecretEdit::Set(_) => (Some(name), Some(standing.now.clone())),
    };
    Ok(Row {
        kind: of.word().to_owned(),
        owner: owner.id.clone(),
        owner_made: owner.made.clone(),
        settings: wanted.settings.clone(),
        secret,
        secret_at,
        revision: standing.next(),
        created_at: old.map_or_else(|| standing.now.clone(), |old| old.created_at.clone()),
        changed_at: standing.now.clone(),
    })
}

fn is_same(old: &Row, wanted: &Wanted) -> bool {
    let keeps = match wanted.password {
        SecretEdit::Keep => true,
        SecretEdit::Forget => old.secret.is_none(),
        SecretEdit::Set(_) => false,
    };
    keeps && old.settings == wanted.settings
}

/// A synchronizer that is there is changed only by who has seen it.
fn must_match(call: &Call<'_>, old: Option<&Row>) -> Result<(), Problem> {
    match (old, &call.http.if_match) {
        (None, Value::Null) => Ok(()),
        (None, _) => Err(Problem::new(412, "there is no synchronizer yet; leave If-Match out to make it")),
        (Some(_), Value::Null) => {
            Err(Problem::new(428, "there is a synchronizer; send its ETag as If-Match to change it"))
        }
        (Some(old), _) => call.must_match(&old.revision.to_string()),
    }
}
