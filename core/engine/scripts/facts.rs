//! What the scripts' own processes ask of the appliance: which scripts to load, their sources, and what a script
//! may know of the site. Nothing here is a secret, and nothing here writes.

use std::sync::Arc;

use jackfield_abi::ops::{Code, Failure};
use jackfield_db::{Read, Row, params};
use serde_json::{Map, Value, json};

use super::rows;
use crate::catalog::hooks::SCRIPTS;
use crate::catalog::problems::Problem;
use crate::catalog::settings;
use crate::catalog::shape::Object;
use crate::engine::objects::{PBX_NODES, PEERS, Page};
use crate::engine::{Engine, probes};

/// Most nodes and peers that scripts are told of.
const MOST: usize = 1000;
/// Settings that scripts may read begin so.
const SETTINGS_AREAS: &[&str] = &["checks.", "dialing."];

/// Answers one question of a process that runs scripts; `None`: this is no such question.
pub fn serve(engine: &Arc<Engine>, unit: &str, op: &str, args: &Value) -> Option<Result<Value, Failure>> {
    let answer = match op {
        "script.active" => Ok(active(engine, unit)),
        "script.source" => source(engine, args),
        "site.facts" => site(engine),
        "directory.lookup" => look_up(engine, args),
        probe if probes::OPS.contains(&probe) => return Some(probes::call(engine, probe, args)),
        _ => return None,
    };
    Some(answer.map_err(|problem| {
        let code = if problem.kind.status == 404 { Code::NotFound } else { Code::Internal };
        Failure::new(code, problem.detail)
    }))
}

/// What serves, asked by a process that has just started. The workbench starts empty.
fn active(engine: &Engine, unit: &str) -> Value {
    if unit != SCRIPTS {
        return json!({"scripts": []});
    }
    engine.scripts.rouse();
    let served = engine.scripts.all().into_iter();
    let scripts: Vec<Value> =
        served.map(|(name, one)| json!({"name": name, "version": one.version})).collect();
    json!({"scripts": scripts})
}

fn source(engine: &Engine, args: &Value) -> Result<Value, Problem> {
    let name = args["name"].as_str().unwrap_or_default();
    let n = args["version"].as_i64().unwrap_or_default();
    let source = engine.db.read(|read| rows::source(read, name, n))?;
    Ok(json!({"source": source}))
}

fn site(engine: &Engine) -> Result<Value, Problem> {
    let page = || Page { limit: MOST, ..Page::default() };
    let read =
        |read: &Read<'_>| Ok::<_, Problem>((PBX_NODES.list(read, &page())?.0, PEERS.list(read, &page())?.0));
    let (nodes, peers) = engine.db.read(read)?;
    let node = |node: &Object| {
        let fields = [
            "id",
            "name",
            "enterprise",
            "kind",
            "address",
            "ntp_address",
            "csta_ports",
            "x25_ports",
            "outgoing_digit",
        ];
        chosen(node, &fields)
    };
    let peer = |peer: &Object| chosen(peer, &["id", "enterprise", "description", "dialing_prefix"]);
    let known = settings::all()
        .into_iter()
        .filter(|one| SETTINGS_AREAS.iter().any(|area| one.name.starts_with(area)));
    let settings: Map<String, Value> =
        known.map(|setting| (setting.name.to_owned(), engine.settings.value(setting.name))).collect();
    Ok(json!({
        "nodes": nodes.iter().map(node).collect::<Vec<_>>(),
        "peers": peers.iter().map(peer).collect::<Vec<_>>(),
        "settings": settings,
    }))
}

fn chosen(object: &Object, fields: &[&str]) -> Value {
    let field = |name: &&str| ((*name).to_owned(), object.get(*name).cloned().unwrap_or_default());
    Value::Object(fields.iter().map(field).collect())
}

/// The account of an enterprise that has this extension.
fn look_up(engine: &Engine, args: &Value) -> Result<Value, Problem> {
    let enterprise = args["enterprise"].as_str().unwrap_or_default();
    let number = args["number"].as_str().unwrap_or_default();
    let sql = "SELECT id, first_name, last_name, extension, pbx_node FROM account
               WHERE enterprise = ?1 AND extension = ?2 AND extension <> '' AND peer IS NULL ORDER BY seq LIMIT 1";
    let shown = |row: &Row<'_>| {
        let name = format!("{} {}", row.get::<_, String>(1)?, row.get::<_, String>(2)?);
        Ok(json!({
            "account": row.get::<_, String>(0)?, "name": name.trim(), "extension": row.get::<_, String>(3)?,
            "node": row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        }))
    };
    let found =
        engine.db.read(|read| Ok::<_, Problem>(read.one(sql, params![enterprise, number], shown)?))?;
    Ok(json!({"found": found}))
}
