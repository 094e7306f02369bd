//! Peers as dialing sees them: a name and a prefix. How a peer is reached is the peering plugin's.

use super::{
    CHANGED_AT, CREATED_AT, ENTERPRISE, ID, Id, REVISION, Resource, hide_nothing, nothing_follows, settled,
};
use crate::catalog::shape::{Absent, Field, Kind, Shape};
use crate::catalog::{events, rights, rules};
use crate::engine::dialing::PREFIX_CHARS;

static SHAPE: Shape = Shape {
    name: "Peer",
    help: "Another system whose users an enterprise's users can call.",
    fields: &[
        ID,
        ENTERPRISE,
        Field::required(
            "description",
            Kind::Text { min: 1, max: 64, rule: Some(&rules::DESCRIPTION) },
            "What people call it: up to 64 letters, digits, dashes and spaces (seed 001); unique in the enterprise.",
        ),
        Field::optional(
            "dialing_prefix",
            Kind::Text { min: 0, max: PREFIX_CHARS, rule: None },
            Absent::Text(""),
            "Peer Dialing Prefix, at most 20 characters, otherwise not validated; a leading hyphen leaves out the node's outgoing digit (seed 001).",
        ),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// Peers.
pub static PEERS: Resource = Resource {
    name: "peers",
    one: "peer",
    table: "peer",
    shape: &SHAPE,
    id: Id::Made("peer"),
    read: rights::PEERS_READ,
    write: rights::PEERS_WRITE,
    event: events::PEER_CHANGED,
    filters: &["enterprise"],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle: settled,
    follow: nothing_follows,
};
