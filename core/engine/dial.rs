//! From a caller and a wish to digits: looks up the caller's node, finds out where the wish leads, and lets
//! the dialing rules decide. The preview and a real call both come through here.

use jackfield_db::{Read, params};
use serde_json::Value;

use super::dialing::{self, Destination, Dialed, ExtensionRange, Lint, PeerPrefix, Site};
use super::objects::{self, ACCOUNTS, PBX_NODES, PEERS, Page, Resource, text};
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;

/// Most peers that the lints compare a prefix with.
const PEERS_COMPARED: usize = 500;

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    /// This account, from its node.
    Account(String),
    /// Somebody on this node.
    Node(String),
}

/// Whom they want to reach.
#[derive(Debug, Clone)]
pub enum Wish {
    /// What was typed.
    Number(String),
    /// An account of the appliance.
    Account(String),
    /// A contact on a peer, by what the directory has as its number.
    Peer {
        /// Id of the peer.
        peer: String,
        /// Extension, public number or tel: URI.
        number: String,
    },
}

/// Decides which digits reach the wish from the caller's node.
pub fn decide(read: &Read<'_>, caller: &Caller, wish: &Wish) -> Result<Dialed, Problem> {
    let node = node_of(read, caller)?;
    let site = site(&node);
    match wish {
        Wish::Peer { peer, number } => to_peer(read, &node, &site, peer, number),
        Wish::Account(id) => Ok(dialing::dial(&site, &to_account(read, &node, id)?)),
        Wish::Number(typed) => Ok(dialing::dial(&site, &to_number(read, &node, typed)?)),
    }
}

fn node_of(read: &Read<'_>, caller: &Caller) -> Result<Object, Problem> {
    let id = match caller {
        Caller::Node(id) => return named(read, &PBX_NODES, id, "/node"),
        Caller::Account(id) => id,
    };
    let account = named(read, &ACCOUNTS, id, "/from_account")?;
    match account.get("pbx_node").and_then(Value::as_str) {
        Some(node) => PBX_NODES.get(read, node),
        None => Err(Problem::field(
            "from_account",
            format!("names account {id:?}, which has no PBX node to call from"),
        )),
    }
}

/// A name in the request that leads nowhere is the request's fault, not a missing page.
fn named(read: &Read<'_>, resource: &Resource, id: &str, pointer: &str) -> Result<Object, Problem> {
    resource.get(read, id).map_err(|problem| match problem.kind.status {
        404 => Problem::at(pointer, objects::names_nothing(resource, id)),
        _ => problem,
    })
}

/// What dialing needs of a node.
fn site(node: &Object) -> Site {
    let given = |field: &str| Some(text(node, field).to_owned()).filter(|value| !value.is_empty());
    Site {
        outgoing_digit: text(node, "outgoing_digit").to_owned(),
        country: given("country"),
        international_prefix: given("international_prefix"),
        trunk_prefix: node.get("trunk_prefix").and_then(Value::as_str).map(str::to_owned),
        emergency_numbers: texts(node, "emergency_numbers"),
        extension_ranges: texts(node, "extension_ranges")
            .iter()
            .filter_map(|r| ExtensionRange::parse(r).ok())
            .collect(),
        transparent: node.get("transparent").and_then(Value::as_bool).unwrap_or_default(),
    }
}

fn texts(object: &Object, field: &str) -> Vec<String> {
    let items = object.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Nodes of one enterprise reach each other's extensions by their own network.
fn to_account(read: &Read<'_>, node: &Object, id: &str) -> Result<Destination, Problem> {
    let account = named(read, &ACCOUNTS, id, "/to/account")?;
    if text(&account, "enterprise") != text(node, "enterprise") {
        return Err(Problem::field(
            "to",
            "the account belongs to another enterprise; name the peer that leads there",
        ));
    }
    Ok(Destination::Local { extension: text(&account, "extension").to_owned() })
}

/// What was typed is an extension of the enterprise if an account has it, whatever the node's ranges say.
fn to_number(read: &Read<'_>, node: &Object, typed: &str) -> Result<Destination, Problem> {
    let sql = "SELECT 1 FROM account WHERE enterprise = ?1 AND extension = ?2 AND extension <> '' AND peer IS NULL LIMIT 1";
    let known = read.one(sql, params![text(node, "enterprise"), typed.trim()], |row| row.get::<_, i64>(0))?;
    Ok(match known {
        Some(_) => Destination::Local { extension: typed.to_owned() },
        None => Destination::Number { text: typed.to_owned() },
    })
}

fn to_peer(read: &Read<'_>, node: &Object, site: &Site, peer: &str, number: &str) -> Result<Dialed, Problem> {
    let peer = named(read, &PEERS, peer, "/to/peer")?;
    if text(&peer, "enterprise") != text(node, "enterprise") {
        return Err(Problem::at("/to/peer", "belongs to another enterprise than the caller's node"));
    }
    let prefix = text(&peer, "dialing_prefix").to_owned();
    let mut dialed = dialing::dial(site, &Destination::Peer { prefix, number: number.to_owned() });
    let beside = lints(read, site, &peer)?;
    dialed.lints.extend(beside.into_iter().filter(|lint| !dialed.lints.contains(lint)).collect::<Vec<_>>());
    Ok(dialed)
}

/// What deserves a second look about a peer's prefix beside those of the enterprise's other peers.
fn lints(read: &Read<'_>, site: &Site, peer: &Object) -> Result<Vec<Lint>, Problem> {
    let filters = vec![("enterprise", text(peer, "enterprise").to_owned())];
    let (peers, _) = PEERS.list(read, &Page { limit: PEERS_COMPARED, filters, ..Page::default() })?;
    let others: Vec<_> =
        peers.iter().filter(|other| text(other, "id") != text(peer, "id")).map(as_prefix).collect();
    Ok(dialing::lint_prefix(&as_prefix(peer), site, &others))
}

fn as_prefix(peer: &Object) -> PeerPrefix<'_> {
    PeerPrefix {
        peer: text(peer, "description"),
        prefix: text(peer, "dialing_prefix"),
        pbx: text(peer, "id"),
    }
}
