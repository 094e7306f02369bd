//! Trusted servers: which other servers may give and take presence and messages. A peer makes its row by itself,
//! and the two keep the same address whichever is changed (seed 002). Leaves out how trust is proved: that is the
//! certificate's, never the address's alone.

use jackfield_db::params;

use super::{
    CHANGED_AT, CREATED_AT, ENTERPRISE, Hidden, ID, Id, PEERS, REVISION, Resource, hide_nothing, settled,
    text,
};
use crate::catalog::problems::{FieldError, IN_USE, Problem};
use crate::catalog::shape::{self, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};
use crate::engine::change::Change;

/// The type of a peer's row.
const PEER: &str = "peer";
/// Fields of a peer that can hold its address, best first.
const ADDRESS_FIELDS: &[&str] = &["hostname", "server", "address"];

static SHAPE: Shape = Shape {
    name: "TrustedServer",
    help: "Another server that an enterprise trusts.",
    fields: &[
        ID,
        ENTERPRISE,
        Field::required(
            "description",
            Kind::Text { min: 1, max: 64, rule: Some(&rules::DESCRIPTION) },
            "What people call it: up to 64 letters, digits, dashes and spaces.",
        ),
        Field::required(
            "address",
            Kind::Text { min: 1, max: 253, rule: Some(&rules::FULL_HOST) },
            "IP address or fully qualified host name. A peer's row shares it with the peer (seed 002).",
        ),
        Field::required(
            "type",
            Kind::Choice(&["presence", "im", PEER]),
            "What it is trusted with: presence, messages (im), or all that a peer exchanges.",
        ),
        Field::read_only("peer", Kind::Reference("peers"), "Peer that made the row; null: a person did."),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// Trusted servers.
pub static TRUSTED_SERVERS: Resource = Resource {
    name: "trusted-servers",
    one: "trusted server",
    table: "trusted_server",
    shape: &SHAPE,
    id: Id::Made("trust"),
    read: rights::TRUSTED_SERVERS_READ,
    write: rights::TRUSTED_SERVERS_WRITE,
    event: events::TRUSTED_SERVER_CHANGED,
    filters: &["enterprise", "type", "peer"],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle: settled,
    follow,
};

/// What a person may not do to a peer's row.
pub fn refuse_change(before: &Object, after: &Object) -> Result<(), Problem> {
    if text(before, "peer").is_empty() || text(after, "type") == PEER {
        return Ok(());
    }
    let (peer, wanted) = (text(before, "peer"), text(after, "type"));
    let detail = format!("belongs to peer {peer:?} and stays {PEER:?}; {wanted:?} is not");
    Err(Problem::invalid(vec![FieldError::at("type", detail)]))
}

/// A peer's row goes with the peer.
pub fn refuse_removal(change: &Change<'_>, row: &Object) -> Result<(), Problem> {
    let peer = text(row, "peer");
    if peer.is_empty() {
        return Ok(());
    }
    let known = PEERS.get(change.tx, peer);
    let name = known.map(|peer| text(&peer, "description").to_owned()).unwrap_or_else(|_| peer.to_owned());
    Err(Problem::new(
        IN_USE,
        format!("This row belongs to peer {name:?}. Delete the peer, and the row goes with it."),
    ))
}

/// A new address on a peer's row is the peer's new address.
fn follow(change: &Change<'_>, row: Option<&Object>) -> Result<(), Problem> {
    let Some(row) = row.filter(|row| !text(row, "peer").is_empty() && !change.is_undo()) else {
        return Ok(());
    };
    let peer = PEERS.get(change.tx, text(row, "peer"))?;
    let Some((field, address)) = address_of(&peer).filter(|(_, address)| *address != text(row, "address"))
    else {
        return Ok(());
    };
    // A peer's own rule may be narrower: its name must be one that a certificate can hold.
    if let Some(rule) = PEERS.shape.field(field) {
        let wanted = row.get("address").cloned().unwrap_or_default();
        shape::check(rule.kind, &wanted, "/address").map_err(Problem::invalid)?;
    }
    log::debug!("peer {}: {field} follows its trusted server from {address}", text(&peer, "id"));
    let mut moved = peer.clone();
    moved.insert(field.to_owned(), text(row, "address").into());
    PEERS.replace(change, &peer, moved, &Hidden::default()).map(drop)
}

/// Keeps the row of a peer that was made or changed. Peers without an address, such as External ones, have none.
pub fn follow_peer(change: &Change<'_>, peer: &Object) -> Result<(), Problem> {
    let id = text(peer, "id");
    let row = row_of(change, id)?;
    match (address_of(peer), row) {
        (None, None) => Ok(()),
        (None, Some(row)) => TRUSTED_SERVERS.erase(change, &row),
        (Some((_, address)), None) => {
            TRUSTED_SERVERS.create(change, new_row(peer, address), &Hidden::default()).map(drop)
        }
        (Some((_, address)), Some(row)) if text(&row, "address") != address => {
            let mut moved = row.clone();
            moved.insert("address".to_owned(), address.into());
            TRUSTED_SERVERS.replace(change, &row, moved, &Hidden::default()).map(drop)
        }
        _ => Ok(()),
    }
}

fn row_of(change: &Change<'_>, peer: &str) -> Result<Option<Object>, Problem> {
    let sql = "SELECT id FROM trusted_server WHERE peer = ?1";
    let id = change.tx.one(sql, params![peer], |row| row.get::<_, String>(0))?;
    id.map(|id| TRUSTED_SERVERS.get(change.tx, &id)).transpose()
}

fn address_of(peer: &Object) -> Option<(&'static str, &str)> {
    let field = ADDRESS_FIELDS.iter().find(|field| !text(peer, field).is_empty())?;
    Some((field, text(peer, field)))
}

fn new_row(peer: &Object, address: &str) -> Object {
    let row = serde_json::json!({
        "enterprise": text(peer, "enterprise"), "description": text(peer, "description"), "address": address,
        "type": PEER, "peer": text(peer, "id"),
    });
    row.as_object().cloned().unwrap_or_default()
}
