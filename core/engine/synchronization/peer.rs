//! What a peer says of itself when it is met: the domain of its people, and its version. It is not configuration, so it
//! leaves no revision; it is written only when it is new.

use jackfield_abi::ops::PeerDomain;
use jackfield_db::{Read, Tx, params};

use crate::catalog::events::PEER_CHANGED;
use crate::catalog::problems::{CONFLICT, Problem};
use crate::catalog::shape::check;
use crate::engine::Engine;
use crate::engine::events::Fired;
use crate::engine::objects::{PEERS, is_neighbour, text};

/// Longest version, in characters.
const VERSION: usize = 64;

/// Notes it.
pub fn note_domain(engine: &Engine, told: PeerDomain) -> Result<(), Problem> {
    let PeerDomain { peer, domain, version } = told;
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    if let Some(field) = PEERS.shape.field("domain") {
        check(field.kind, &domain.as_str().into(), "/domain").map_err(Problem::invalid)?;
    }
    let version: Option<String> =
        version.map(|text| text.chars().filter(|c| !c.is_control()).take(VERSION).collect());
    let is_known = engine.db.read(|read| is_known(read, &peer, &domain, version.as_deref()))?;
    if is_known {
        return Ok(());
    }
    let fired = Fired { event: PEER_CHANGED.name.to_owned(), object: peer.clone() };
    engine.db.write(move |tx| write(tx, &peer, &domain, version.as_deref()))?;
    engine.bus.publish(&[fired]);
    Ok(())
}

/// A version that is not told again stays.
fn is_known(read: &Read<'_>, peer: &str, domain: &str, version: Option<&str>) -> Result<bool, Problem> {
    let known = PEERS.get(read, peer)?;
    Ok(text(&known, "domain") == domain && version.is_none_or(|version| text(&known, "version") == version))
}

fn write(tx: &Tx<'_>, id: &str, domain: &str, version: Option<&str>) -> Result<(), Problem> {
    let peer = PEERS.get(tx, id)?;
    let sql = "SELECT id FROM enterprise WHERE domain = ?1";
    if let Some(ours) = tx.one(sql, params![domain], |row| row.get::<_, String>(0))?
        && !is_neighbour(&peer, &ours)
    {
        let detail = format!(
            "The domain {domain:?} of the peer {:?} is that of the enterprise {ours:?} here; an address must lead to one place. Nothing was changed.",
            text(&peer, "description")
        );
        return Err(Problem::new(CONFLICT, detail));
    }
    let sql = "UPDATE peer SET domain = ?2, version = coalesce(?3, version) WHERE id = ?1";
    tx.execute(sql, params![id, domain, version])?;
    Ok(())
}
