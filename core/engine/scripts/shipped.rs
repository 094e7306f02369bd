//! Scripts that come with the appliance: kept like the site's own from the first start on, so that they can be read,
//! changed, rolled back and deleted. Checks serve at once, because they say so where there is nothing to look at;
//! what changes calls is there to be published. A script that the site has changed or deleted is left alone.

use jackfield_db::{Row, params};

use super::changes::{self, Draft};
use super::rows::{self, digest, number};
use crate::catalog::problems::Problem;
use crate::engine::change::{Change, Origin, Precondition};
use crate::engine::{Engine, Mode};

/// Who brings them, in revisions.
const WHO: &str = concat!("jackfield ", env!("CARGO_PKG_VERSION"));

/// One script that comes with the appliance.
struct Shipped {
    name: &'static str,
    source: &'static str,
    note: &'static str,
    /// Whether it serves without anybody publishing it.
    serves: bool,
}

macro_rules! shipped {
    ($name:literal, $serves:literal, $note:literal) => {
        Shipped {
            name: $name,
            source: include_str!(concat!("../../../scripts/hooks/", $name, ".lua")),
            note: $note,
            serves: $serves,
        }
    };
}

static ALL: &[Shipped] = &[
    shipped!("csta_ports", true, "CSTA ports of every MiVoice 5000 (seed 003)"),
    shipped!(
        "peer_prefix",
        false,
        "Peer dialing prefixes by the caller's PBX node (seed 001); publish it to use it"
    ),
    shipped!(
        "same_ntp_source",
        true,
        "One time, one source: UC server, PBX nodes, CloudLink Gateway (seed 003)"
    ),
];

/// Keeps what this version of the appliance brings and was not kept yet.
pub fn install(engine: &Engine) -> Result<(), Problem> {
    for one in ALL {
        let sha256 = digest(one.source);
        let known = engine.db.read(|read| {
            let sql = "SELECT shipped, deleted_at IS NOT NULL FROM script WHERE name = ?1";
            let row = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, bool>(1)?));
            Ok::<_, Problem>(read.one(sql, params![one.name], row)?)
        })?;
        let is_due = match &known {
            None => true,
            Some((shipped, is_deleted)) => {
                !is_deleted && shipped.as_ref().is_some_and(|known| *known != sha256)
            }
        };
        if is_due {
            let before = known.and_then(|(shipped, _)| shipped);
            engine.change(origin(), Mode::Commit, move |change| {
                bring(change, one, before.as_deref(), &sha256)
            })?;
            log::info!("the script {} came with {WHO}", one.name);
        }
    }
    Ok(())
}

fn origin() -> Origin {
    Origin {
        who: WHO.to_owned(),
        from: "this machine".to_owned(),
        via: "appliance",
        request: "start".to_owned(),
    }
}

/// Puts it as a version. It serves if it shall and nobody decided otherwise since the last one was brought.
fn bring(change: &Change<'_>, one: &Shipped, last: Option<&str>, sha256: &str) -> Result<(), Problem> {
    let before = rows::find(change.tx, one.name)?;
    let draft = Draft {
        name: one.name.to_owned(),
        source: one.source.to_owned(),
        note: one.note.to_owned(),
        author: WHO.to_owned(),
        registers: None,
    };
    let kept = changes::put(change, &draft, before.as_ref().map(|_| &Precondition::Exists))?;
    let untouched = match before.as_ref().and_then(|script| number(script, "active")) {
        Some(n) => {
            let version = rows::one_version(change.tx, one.name, n)?;
            version.get("sha256").and_then(|sha256| sha256.as_str()) == last
        }
        None => before.is_none() && one.serves,
    };
    if untouched {
        let n = number(&kept, "latest").unwrap_or_default();
        changes::activate(change, &kept, n, WHO)?;
    }
    change.tx.execute("UPDATE script SET shipped = ?2 WHERE name = ?1", params![one.name, sha256])?;
    Ok(())
}
