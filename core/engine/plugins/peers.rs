//! Peers for plugins that hold `peer/1`: what others know this appliance as, peers that trust brought, and new names of
//! those. The rules are those of the objects themselves; the revisions say which plugin did it and for whom.

use std::sync::Arc;

use jackfield_abi::ops::{self, Failure, PeerAdd, PeerMove};
use jackfield_db::{Read, params};
use serde_json::{Value, json};

use super::services::read;
use super::writing::{FROM, of_problem};
use crate::catalog::problems::Problem;
use crate::engine::change::{Change, Origin};
use crate::engine::objects::{Hidden, PEERS, text};
use crate::engine::{Engine, Mode, own_names};

/// How the names of these operations begin.
pub const AREA: &str = "peer.";

/// Answers one of the operations of peers.
pub fn call(engine: &Arc<Engine>, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
    match op {
        ops::PEER_HERE => Ok(json!({"names": own_names::all()})),
        ops::PEER_ADD => add(engine, plugin, read(args)?),
        ops::PEER_MOVE => renamed(engine, plugin, read(args)?),
        other => {
            let text = format!("this appliance does not know the operation {other:?}");
            Err(Failure::new(ops::Code::NotFound, text))
        }
    }
}

fn origin(plugin: &str, who: String) -> Origin {
    Origin { who, from: format!("{FROM}{plugin}"), via: "api", request: String::new() }
}

fn add(engine: &Arc<Engine>, plugin: &str, wanted: PeerAdd) -> Result<Value, Failure> {
    let origin = origin(plugin, wanted.who.clone());
    let made = engine.change(origin, Mode::Commit, move |change| {
        if let Some(id) = known(change.tx, &wanted)? {
            return Ok(json!({"peer": id, "made": false}));
        }
        let peer = made(change, &wanted)?;
        Ok(json!({"peer": peer, "made": true}))
    });
    made.map_err(of_problem)
}

/// The peer that leads there already.
fn known(read: &Read<'_>, wanted: &PeerAdd) -> Result<Option<String>, Problem> {
    let sql = "SELECT id FROM peer WHERE enterprise = ?1 AND hostname = ?2 AND peer_enterprise = ?3";
    let hostname = wanted.hostname.to_ascii_lowercase();
    Ok(read.one(sql, params![wanted.enterprise, hostname, wanted.peer_enterprise], |row| row.get(0))?)
}

fn made(change: &Change<'_>, wanted: &PeerAdd) -> Result<String, Problem> {
    let given = json!({
        "enterprise": wanted.enterprise, "description": free(change.tx, wanted)?, "kind": "jackfield",
        "hostname": wanted.hostname, "peer_enterprise": wanted.peer_enterprise,
    });
    let accepted = PEERS.shape.accept(&given, None).map_err(Problem::invalid)?;
    let peer = PEERS.create(change, accepted, &Hidden::default())?;
    Ok(text(&peer, "id").to_owned())
}

/// A description that no other peer of the enterprise has: the wanted one, or that with a number.
fn free(read: &Read<'_>, wanted: &PeerAdd) -> Result<String, Problem> {
    let sql = "SELECT 1 FROM peer WHERE enterprise = ?1 AND description = ?2";
    let names = (2..=99).map(|n| format!("{:.61} {n}", wanted.description));
    for name in std::iter::once(wanted.description.clone()).chain(names) {
        if read.one(sql, params![wanted.enterprise, name], |_| Ok(()))?.is_none() {
            return Ok(name);
        }
    }
    Ok(wanted.description.clone())
}

/// The trusted server's row follows with it, as after a change by hand (seed 002).
fn renamed(engine: &Arc<Engine>, plugin: &str, wanted: PeerMove) -> Result<Value, Failure> {
    let moved = engine.change(origin(plugin, wanted.who.clone()), Mode::Commit, move |change| {
        let before = PEERS.get(change.tx, &wanted.peer)?;
        if text(&before, "hostname").eq_ignore_ascii_case(&wanted.hostname) {
            return Ok(());
        }
        let mut given = before.clone();
        given.insert("hostname".to_owned(), wanted.hostname.into());
        let accepted = PEERS.shape.accept(&Value::Object(given), Some(&before)).map_err(Problem::invalid)?;
        PEERS.replace(change, &before, accepted, &Hidden::default()).map(drop)
    });
    moved.map(|()| json!({})).map_err(of_problem)
}
