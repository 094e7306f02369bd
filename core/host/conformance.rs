//! `jackfield plugin check`: loads a plugin as the appliance would and treats it badly, as the appliance and
//! the world sometimes do. Each check is one line of a table and runs against a process of its own, so that one
//! failure says nothing about the next.

use std::path::Path;
use std::time::{Duration, Instant};

use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{self, Event, PluginHello};
use jackfield_abi::{Kind, MESSAGE_BYTES};
use serde::Serialize;
use serde_json::json;

use super::manifest::{self, Manifest};
use super::probe::{Plugin, Probe};
use super::{symbols, wire};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As the treaty wants it.
    Ok,
    /// Against the treaty.
    Problem,
}

/// What one check saw.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Name of the check.
    pub check: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
}

/// Of a plugin that is loaded, and does not begin without the services that the check lacks.
const IDLE: &str =
    "it does not begin its work without the appliance's services, which the check does not offer";

/// What was seen; the error is what is against the treaty.
type Seen = Result<String, String>;

type Check = fn(&Plugin) -> Seen;

const CHECKS: &[(&str, Check)] = &[
    ("exports one symbol", |plugin| symbols::exports(&plugin.code)),
    ("runs on the oldest supported system", |plugin| symbols::c_library(&plugin.code)),
    ("says hello", says_hello),
    ("answers an unknown operation with an error", unknown_operation),
    ("survives bad JSON", |plugin| survives(plugin, &[(Kind::Request, 2, b"{\"op\":".to_vec())])),
    ("survives empty messages", |plugin| {
        survives(plugin, &[(Kind::Request, 2, vec![]), (Kind::Event, 0, vec![]), (Kind::Data, 0, vec![])])
    }),
    ("survives messages of 1 MiB", |plugin| {
        let big = || vec![b'7'; MESSAGE_BYTES];
        survives(plugin, &[(Kind::Request, 2, big()), (Kind::Event, 0, big()), (Kind::Data, 0, big())])
    }),
    ("survives text that is not UTF-8", |plugin| survives(plugin, &[(Kind::Request, 2, vec![0xff, 0xfe])])),
    ("survives a kind of message that it does not know", |plugin| {
        let unknown = Event { event: wire::UNKNOWN.to_owned(), object: String::new() };
        survives(plugin, &[(Kind::Event, 0, wire::frame(Kind::Event, 0, &unknown).bytes)])
    }),
    ("survives a second hello", |plugin| survives(plugin, &[(Kind::Hello, 0, b"{}".to_vec())])),
    ("survives answers that it never asked for", |plugin| {
        let answer = || b"{\"code\":\"internal\",\"msg\":\"x\"}".to_vec();
        survives(
            plugin,
            &[(Kind::Reply, 99_999, answer()), (Kind::Error, 4, answer()), (Kind::Cancel, 8, vec![])],
        )
    }),
    ("answers sixty-four requests once each", many_at_once),
    ("answers after its deadline too", past_deadline),
    ("stops in time", |plugin| stops(Probe::start(plugin)?)),
    ("stops during a call", stops_during_a_call),
    ("stops once when it is told twice", told_twice),
    ("ends with the appliance", ends_with_its_socket),
];

/// Runs every check. The target is a plugin's folder, or a library without a manifest. Errors: it cannot be
/// read.
pub fn check(exe: &Path, target: &Path) -> Result<Vec<Finding>, String> {
    let plugin = read(exe, target)?;
    Ok(CHECKS.iter().map(|(name, check)| finding(name, check(&plugin))).collect())
}

fn finding(check: &'static str, seen: Seen) -> Finding {
    match seen {
        Ok(detail) => Finding { check, verdict: Verdict::Ok, detail },
        Err(detail) => Finding { check, verdict: Verdict::Problem, detail },
    }
}

fn read(exe: &Path, target: &Path) -> Result<Plugin, String> {
    let cannot = |path: &Path, e: std::io::Error| format!("Cannot read {}: {e}.", path.display());
    let (manifest, library) = if target.is_dir() {
        let file = target.join(manifest::FILE);
        let manifest =
            read_manifest(&file)?.ok_or_else(|| cannot(&file, std::io::ErrorKind::NotFound.into()))?;
        let library = target.join(&manifest.library);
        (Some(manifest), library)
    } else {
        (beside(target)?, target.to_owned())
    };
    let code = std::fs::read(&library).map_err(|e| cannot(&library, e))?;
    Ok(Plugin { exe: exe.to_owned(), manifest, library, code })
}

/// The manifest in a file; none when there is no file.
fn read_manifest(file: &Path) -> Result<Option<Manifest>, String> {
    let text = match std::fs::read_to_string(file) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| format!("Cannot read {}: {e}.", file.display()))?,
    };
    Manifest::parse(&text).map(Some).map_err(|e| format!("{}: {e}", file.display()))
}

/// The manifest that lies beside a library and names it: the plugin may need the defaults of its settings.
fn beside(library: &Path) -> Result<Option<Manifest>, String> {
    let manifest = read_manifest(&library.with_file_name(manifest::FILE))?;
    let is_its = |manifest: &Manifest| library.file_name().is_some_and(|name| *name == *manifest.library);
    Ok(manifest.filter(is_its))
}

/// What helps a plugin that does not come up although it may be sound.
fn advised(plugin: &Plugin, seen: String) -> String {
    if plugin.manifest.is_some() {
        return seen;
    }
    format!(
        "{seen}. If it needs settings, put its {} beside it, or check the folder that has both: the settings' \
         defaults are then handed over",
        manifest::FILE
    )
}

fn says_hello(plugin: &Plugin) -> Seen {
    let probe = Probe::start(plugin).map_err(|seen| advised(plugin, seen))?;
    let PluginHello { id, version, ops } = &probe.hello;
    let Some(manifest) = &plugin.manifest else {
        return Ok(format!("{id} {version}: {}; no manifest to compare with", ops.join(", ")));
    };
    manifest.judge_hello(&probe.hello).map_err(|refusal| refusal.sentence)?;
    Ok(format!("{id} {version}: {}", ops.join(", ")))
}

fn unknown_operation(plugin: &Plugin) -> Seen {
    let mut probe = Probe::start(plugin)?;
    let answer = probe.ask(2, "no.such.operation", 1000)?;
    if answer.kind != Kind::Error {
        return Err("it answered as if it knew the operation no.such.operation".to_owned());
    }
    let failure: ops::Failure =
        serde_json::from_slice(&answer.bytes).map_err(|e| format!("the error cannot be read: {e}"))?;
    // One that needs the appliance for its work answers as it does while it cannot work.
    let idle = failure.code == ops::Code::Unavailable;
    Ok(if idle { format!("{IDLE}, and says so") } else { failure.msg })
}

/// Sends the messages; afterwards it must still live and answer.
fn survives(plugin: &Plugin, messages: &[(Kind, u64, Vec<u8>)]) -> Seen {
    let mut probe = Probe::start(plugin)?;
    for (kind, id, bytes) in messages {
        probe.send(&Frame::new(*kind, *id, bytes.clone()))?;
    }
    let answer = probe.ask(1000, "no.such.operation", 1000)?;
    Ok(format!("it went on and answered with {:?}", answer.kind))
}

fn many_at_once(plugin: &Plugin) -> Seen {
    const MANY: u64 = 64;
    let mut probe = Probe::start(plugin)?;
    for n in 1..=MANY {
        probe.send(&request(n * 2, "no.such.operation", 5000))?;
    }
    let mut answered = std::collections::BTreeMap::new();
    while answered.len() < usize::try_from(MANY).unwrap_or_default() {
        let frame =
            probe.next_answer().map_err(|e| format!("{} of {MANY} were answered; {e}", answered.len()))?;
        *answered.entry(frame.id).or_insert(0) += 1;
    }
    // Whatever is answered twice has been by the time of one more answer.
    probe.send(&request(MANY * 2 + 2, "no.such.operation", 5000))?;
    let last = probe.next_answer()?;
    if last.id != MANY * 2 + 2 || answered.values().any(|times| *times != 1) {
        return Err(format!("request {} was answered more than once", last.id));
    }
    Ok(format!("{MANY} answers to {MANY} requests"))
}

/// The treaty wants exactly one answer, also to what nobody waits for any more.
fn past_deadline(plugin: &Plugin) -> Seen {
    let mut probe = Probe::start(plugin)?;
    probe.send(&request(2, "no.such.operation", 0))?;
    probe.send(&Frame::new(Kind::Cancel, 2, ""))?;
    let answer = probe.next_answer()?;
    if answer.id == 2 {
        Ok("once".to_owned())
    } else {
        Err(format!("it answered {} instead of 2", answer.id))
    }
}

fn stops(mut probe: Probe) -> Seen {
    let began = Instant::now();
    probe.order_stop()?;
    probe.await_end(Duration::from_millis(ops::Limits::default().stop_ms))?;
    Ok(format!("after {} ms", began.elapsed().as_millis()))
}

fn stops_during_a_call(plugin: &Plugin) -> Seen {
    let mut probe = Probe::start(plugin)?;
    let op = probe.hello.ops.first().cloned().unwrap_or_else(|| "no.such.operation".to_owned());
    (1..=8).try_for_each(|n| probe.send(&request(n * 2, &op, 5000)))?;
    stops(probe)
}

fn told_twice(plugin: &Plugin) -> Seen {
    let mut probe = Probe::start(plugin)?;
    let began = Instant::now();
    probe.order_stop()?;
    // It may be gone by now.
    let _ = probe.order_stop();
    probe.await_end(Duration::from_millis(ops::Limits::default().stop_ms))?;
    Ok(format!("after {} ms", began.elapsed().as_millis()))
}

fn ends_with_its_socket(plugin: &Plugin) -> Seen {
    let mut probe = Probe::start(plugin)?;
    let began = Instant::now();
    probe.hang_up()?;
    probe.await_end(Duration::from_millis(ops::Limits::default().stop_ms))?;
    Ok(format!("after {} ms", began.elapsed().as_millis()))
}

/// A request without arguments.
pub(super) fn request(id: u64, op: &str, deadline_ms: u64) -> Frame {
    let content = json!({"op": op, "args": {}, "deadline_ms": deadline_ms});
    wire::frame(Kind::Request, id, &content)
}
