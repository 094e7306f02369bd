//! From a caller and a wish to digits: looks up the caller's node, finds out where the wish leads, lets the
//! dialing rules decide, and then the site's scripts. The preview and a real call both come through here.

mod scripts;

use jackfield_db::{Read, params};
use serde_json::{Value, json};

use scripts::Plan;

use super::Engine;
use super::dialing::{self, Destination, Dialed, ExtensionRange, Lint, PeerPrefix, Site};
use super::objects::{self, ACCOUNTS, PBX_NODES, PEERS, Page, Resource, text};
use super::scripts::Panel;
use crate::catalog::problems::Problem;
use crate::catalog::settings::PREFIX_BY_NODE_NAME;
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

/// Decides which digits reach the wish from the caller's node. Scripts are asked once everything is read, so that no
/// reader of the database waits for them.
pub fn decide(engine: &Engine, caller: &Caller, wish: &Wish) -> Result<Dialed, Problem> {
    decide_by(engine, &Panel::serving(engine), caller, wish)
}

/// The same with other scripts than those that serve, to see what they would do.
pub fn decide_by(
    engine: &Engine,
    panel: &Panel<'_>,
    caller: &Caller,
    wish: &Wish,
) -> Result<Dialed, Problem> {
    let (mut plan, to) = engine.db.read(|read| plan(read, caller, wish))?;
    plan.call["original"] = original(wish, &plan.dialed).into();
    plan.call["to"] = to.shown(&plan.dialed);
    let by_node = engine.settings.value(PREFIX_BY_NODE_NAME);
    plan.verbatim = verbatim(&plan.dialed, &to, &by_node);
    plan.call["settings"] = json!({PREFIX_BY_NODE_NAME: by_node});
    Ok(scripts::last_word(panel, plan))
}

/// What the appliance's own rule decides, with what scripts are told of the caller; and whom the wish means.
fn plan(read: &Read<'_>, caller: &Caller, wish: &Wish) -> Result<(Plan, To), Problem> {
    let node = node_of(read, caller)?;
    let site = site(&node);
    let (dialed, to) = match wish {
        Wish::Peer { peer, number } => to_peer(read, &node, &site, peer, number)?,
        Wish::Account(id) => to_account(read, &node, &site, id)?,
        Wish::Number(typed) => {
            let (destination, to) = to_number(read, &node, typed)?;
            (dialing::dial(&site, &destination), to)
        }
    };
    let call = json!({"number": "", "original": "", "from": from(caller, &node)});
    Ok((Plan { dialed, site, call, verbatim: String::new() }, to))
}

/// What the site has typed into prefixes, which are dialed as they are (seed 001), and what is dialed already: a script
/// may keep these characters, whatever they are, and makes up no others.
fn verbatim(dialed: &Dialed, to: &To, by_node: &Value) -> String {
    let To::Peer(peer) = to else { return dialed.dialed.clone() };
    let entries = by_node.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str);
    let prefixes = entries.filter_map(|entry| entry.split_once(": ").map(|(_, prefix)| prefix));
    let typed = prefixes.chain([text(peer, "dialing_prefix"), dialed.dialed.as_str()]);
    let kept: std::collections::BTreeSet<char> =
        typed.flat_map(str::chars).filter(|c| !c.is_control()).collect();
    kept.into_iter().collect()
}

/// Whom the wish means.
enum To {
    /// An account of the enterprise.
    Account(String),
    /// A contact on this peer.
    Peer(Object),
    /// Somebody behind a number.
    Number,
}

impl To {
    /// The called one as scripts see it; empty text where there is nothing. `extension` is what was dialed as one.
    fn shown(&self, dialed: &Dialed) -> Value {
        let (kind, account) = match self {
            Self::Account(id) => ("local", id.as_str()),
            Self::Peer(_) => ("peer", ""),
            Self::Number => ("number", ""),
        };
        let of_peer = |field| match self {
            Self::Peer(peer) => text(peer, field),
            _ => "",
        };
        const EXTENSION_STEPS: [&str; 3] =
            [dialing::LOCAL_KEEP, dialing::PEER_PREFIX, dialing::PEER_TRANSPARENT];
        let step = dialed.steps.iter().find(|step| EXTENSION_STEPS.contains(&step.code));
        json!({
            "kind": kind, "account": account, "peer": of_peer("id"), "peer_description": of_peer("description"),
            "prefix": of_peer("dialing_prefix"), "extension": step.map(|step| step.before.as_str()).unwrap_or_default(),
        })
    }
}

/// What was asked for, before any rule.
fn original(wish: &Wish, dialed: &Dialed) -> String {
    match wish {
        Wish::Number(number) | Wish::Peer { number, .. } => number.clone(),
        Wish::Account(_) => dialed.steps.first().map(|step| step.before.clone()).unwrap_or_default(),
    }
}

/// The caller as scripts see it; empty text where there is nothing.
fn from(caller: &Caller, node: &Object) -> Value {
    let account = match caller {
        Caller::Account(id) => id.as_str(),
        Caller::Node(_) => "",
    };
    json!({
        "account": account, "node": text(node, "id"), "node_name": text(node, "name"),
        "node_kind": text(node, "kind"), "enterprise": text(node, "enterprise"),
        "outgoing_digit": text(node, "outgoing_digit"), "country": text(node, "country"),
    })
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

/// Nodes of one enterprise reach each other's extensions by their own network; a peer's user is called over the peer.
fn to_account(read: &Read<'_>, node: &Object, site: &Site, id: &str) -> Result<(Dialed, To), Problem> {
    let account = named(read, &ACCOUNTS, id, "/to/account")?;
    if text(&account, "enterprise") != text(node, "enterprise") {
        return Err(Problem::field(
            "to",
            "the account belongs to another enterprise; name the peer that leads there",
        ));
    }
    let (extension, peer) = (text(&account, "extension"), text(&account, "peer"));
    if !peer.is_empty() {
        return to_peer(read, node, site, peer, extension);
    }
    let destination = Destination::Local { extension: extension.to_owned() };
    Ok((dialing::dial(site, &destination), To::Account(id.to_owned())))
}

/// What was typed is an extension of the enterprise if an account has it, whatever the node's ranges say.
fn to_number(read: &Read<'_>, node: &Object, typed: &str) -> Result<(Destination, To), Problem> {
    let sql = "SELECT id FROM account WHERE enterprise = ?1 AND extension = ?2 AND extension <> '' AND peer IS NULL ORDER BY seq LIMIT 1";
    let bound = params![text(node, "enterprise"), typed.trim()];
    Ok(match read.one(sql, bound, |row| row.get::<_, String>(0))? {
        Some(account) => (Destination::Local { extension: typed.to_owned() }, To::Account(account)),
        None => (Destination::Number { text: typed.to_owned() }, To::Number),
    })
}

fn to_peer(
    read: &Read<'_>,
    node: &Object,
    site: &Site,
    peer: &str,
    number: &str,
) -> Result<(Dialed, To), Problem> {
    let peer = named(read, &PEERS, peer, "/to/peer")?;
    if text(&peer, "enterprise") != text(node, "enterprise") {
        return Err(Problem::at("/to/peer", "belongs to another enterprise than the caller's node"));
    }
    let prefix = text(&peer, "dialing_prefix").to_owned();
    let mut dialed = dialing::dial(site, &Destination::Peer { prefix, number: number.to_owned() });
    let beside = lints(read, site, &peer)?;
    dialed.lints.extend(beside.into_iter().filter(|lint| !dialed.lints.contains(lint)).collect::<Vec<_>>());
    Ok((dialed, To::Peer(peer)))
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
