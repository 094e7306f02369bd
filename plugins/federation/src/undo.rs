//! Puts a recorded change back, by the same rules as a new one. What this fills in, the host runs: after it has
//! made sure that nothing changed the object since.

use jackfield_sdk::abi::site;
use jackfield_sdk::{Event, Problem, Tx, Undo, Value, json};
use serde::Deserialize;

use crate::Federation;
use crate::im::Call;
use crate::standing::{self, Standing, Switches};
use crate::table::{self, Changed, Changes};
use crate::{certificate, certificates, rules, servers};

/// The switches as a revision has them.
#[derive(Deserialize)]
struct Noted {
    enabled: bool,
    open: bool,
}

impl Federation {
    pub(crate) fn put_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let standing = Standing::read(&self.host)?;
        if !undo.parts.is_empty() {
            return self.put_back_table(&standing, undo, tx);
        }
        match undo.kind.as_str() {
            standing::KIND => put_back_switches(&standing, undo, tx),
            table::KIND => {
                let changes = self.changes_back(&standing, &undo.object, &undo.before)?;
                Ok(changes.fill(&standing, tx, &undo.who)?)
            }
            certificate::KIND => self.certificate_back(tx, &undo.who),
            certificates::KIND => {
                self.domain_certificate_back(tx, &undo.who, &undo.object, !undo.before.is_null())
            }
            other => Err(Problem::conflict(format!("federation has no `{other}` to put back"))),
        }
    }

    /// All rows that were applied together.
    fn put_back_table(&self, standing: &Standing, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let mut all = Changes::default();
        for part in &undo.parts {
            let Changes { added, changed, removed } =
                self.changes_back(standing, &part.object, &part.before)?;
            all.added.extend(added);
            all.changed.extend(changed);
            all.removed.extend(removed);
        }
        Ok(all.fill(standing, tx, &undo.who)?)
    }

    fn changes_back(&self, standing: &Standing, domain: &str, before: &Value) -> Result<Changes, Problem> {
        let old = table::one(&self.host, domain)?;
        if before.is_null() {
            return Ok(Changes { removed: old.into_iter().collect(), ..Changes::default() });
        }
        let row = standing.row(self.checked(before, |form| rules::server(form, None))?);
        let Some(old) = old else {
            servers::refuse_full(standing)?;
            return Ok(Changes { added: vec![row], ..Changes::default() });
        };
        let changed = vec![Changed { row, before: old.server }];
        Ok(Changes { changed, ..Changes::default() })
    }

    /// Somebody may have put something back, which the host did by itself, or changed a domain of ours or the kind of
    /// deployment. A table of a thousand rows that was applied is told a thousand times, and was followed when it was
    /// written.
    pub(crate) fn hear(&self, event: &Event) {
        let desk = self.office().as_ref().map(|(desk, _)| desk.clone());
        if let Some(desk) = desk {
            desk.hand_blocking(Call::Event(event.clone()));
        }
        let is_own = event.event == "federation.changed";
        let is_certificate =
            is_own && (event.object == certificate::KIND || self.server().is_own(&event.object));
        let is_known = is_own
            && !is_certificate
            && Standing::read(&self.host).is_ok_and(|now| self.server().has_followed(&now));
        let is_followed = match event.event.as_str() {
            "account.changed" | "accounts.changed" => self.users_differ(),
            // A peer's domain makes it a partner, and is learned when its directory is synchronised.
            "settings.changed" => event.object == site::SETTING,
            "enterprise.changed" | "peer.changed" | "directory.changed" => true,
            _ => is_own && !is_known,
        };
        if is_followed {
            self.follow();
        }
    }
}

fn put_back_switches(standing: &Standing, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
    let Noted { enabled, open } =
        Noted::deserialize(undo.before.clone()).map_err(|e| unreadable(undo, &e))?;
    let next = standing.switched(Switches { enabled, open });
    Ok(standing.fill(&next, tx, &undo.who)?)
}

fn unreadable(undo: &Undo, cause: &dyn std::fmt::Display) -> Problem {
    Problem::new(500, format!("revision {} of {} cannot be read: {cause}", undo.n, json!(undo.object)))
}
