//! One call through the scripts of a hook: asks those that serve, in their order, and applies the catalogue's
//! policy where one fails, is skipped, or their process does not answer in time.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::child;
use super::panel::Panel;
use super::rest::{self, Order};
use super::serving::Member;
use crate::catalog::hooks::{HOOK_CHAIN, Hook, Mode, POLICY_UNAVAILABLE, Policy};
use crate::engine::Engine;

/// What the way to the scripts' process and back may take, beyond the scripts' own time.
const MARGIN: Duration = Duration::from_millis(500);
/// Longest number that a script may answer, in characters.
const NUMBER_CHARS: usize = 128;

/// What a script did with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It had no opinion.
    NoOpinion,
    /// It changed the number.
    Changed,
    /// It allowed the call.
    Allowed,
    /// It rejected the call.
    Rejected,
    /// It failed, is skipped or is not loaded: the policy took its place.
    Failed,
}

/// The call as scripts are told of it.
pub struct Called<'a> {
    /// Who calls whom, without the number.
    pub told: &'a Value,
    /// Characters that the site has written into its prefixes although no PBX dials them: a script may keep them in
    /// the number, because a prefix is dialed as it was typed (seed 001).
    pub verbatim: &'a str,
}

/// One script asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Name of the script; empty where none of them could be asked.
    pub script: String,
    /// Its version.
    pub version: i64,
    /// Line of its source.
    pub line: u32,
    /// What it did.
    pub verdict: Verdict,
    /// The number before it.
    pub before: String,
    /// The number after it.
    pub after: String,
    /// Why it failed, or why it rejected the call.
    pub reason: String,
}

impl Asked {
    /// The policy takes the place of a script.
    pub(super) fn failed(member: &Member, number: &str, reason: String) -> Self {
        Self {
            script: member.name.clone(),
            version: member.version,
            line: member.line,
            verdict: Verdict::Failed,
            before: number.to_owned(),
            after: number.to_owned(),
            reason,
        }
    }

    /// File and line, as the steps of a dialing answer show them.
    pub fn place(&self) -> Option<String> {
        (!self.script.is_empty()).then(|| format!("site/{}.lua:{}", self.script, self.line))
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    rejected: Option<Rejected>,
}

#[derive(Deserialize)]
struct Step {
    script: String,
    outcome: String,
    #[serde(default)]
    line: Option<u32>,
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    micros: u64,
}

#[derive(Deserialize)]
struct Rejected {
    #[serde(default)]
    reason: String,
}

/// Asks the scripts of a hook about a call whose number is this; nothing is asked where there are none. Takes at
/// most their time by the catalogue and a margin.
pub fn consult(panel: &Panel<'_>, hook: &'static Hook, number: &str, call: &Called<'_>) -> Vec<Asked> {
    let tallies = &panel.engine.scripts.tallies;
    let rest = |one: &Member| tallies.skipped_for(&one.name, hook.name).filter(|_| panel.is_counted());
    let order = Order::of(hook, panel.members(hook.name), rest);
    let awake = order.awake();
    let asked = if awake.is_empty() { Vec::new() } else { ask(panel, hook, &awake, number, call) };
    order.with_resting(hook, asked, number)
}

fn ask(
    panel: &Panel<'_>,
    hook: &'static Hook,
    run: &[Member],
    number: &str,
    call: &Called<'_>,
) -> Vec<Asked> {
    let scripts: Vec<Value> =
        run.iter().map(|one| json!({"name": one.name, "version": one.version, "line": one.line})).collect();
    let mut told = call.told.clone();
    told["number"] = number.into();
    let args = json!({"hook": hook.name, "scripts": scripts, "call": told, "verbatim": call.verbatim});
    let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
    let within = hook.longest().saturating_mul(count) + MARGIN;
    let answer = child::ask(panel.engine, panel.unit(), HOOK_CHAIN, &args, within);
    let read = answer.map_err(|failure| failure.msg).and_then(|value| {
        serde_json::from_value::<Answer>(value).map_err(|e| format!("their answer does not fit: {e}"))
    });
    match read {
        Ok(answer) => understood(panel, hook, run, number, answer),
        Err(cause) => vec![unanswered(hook, number, &cause)],
    }
}

/// None of the scripts could be asked: that is not their fault, and none of them is blamed.
fn unanswered(hook: &Hook, number: &str, cause: &str) -> Asked {
    log::warn!("the scripts of {} could not be asked: {cause}", hook.name);
    Asked {
        script: String::new(),
        version: 0,
        line: 0,
        verdict: Verdict::Failed,
        before: number.to_owned(),
        after: number.to_owned(),
        reason: cause.to_owned(),
    }
}

fn understood(
    panel: &Panel<'_>,
    hook: &'static Hook,
    run: &[Member],
    number: &str,
    answer: Answer,
) -> Vec<Asked> {
    let mut number = number.to_owned();
    let mut asked = Vec::new();
    for step in answer.steps {
        let Some(member) = run.iter().find(|one| one.name == step.script) else { continue };
        let one = one_step(hook, member, &number, &step, answer.rejected.as_ref());
        if panel.is_counted() {
            tally(panel.engine, hook, &one, step.micros);
        }
        number.clone_from(&one.after);
        asked.push(one);
    }
    // A script about which nothing is said has not let a call pass.
    let has_ended = asked.last().is_some_and(|one| rest::ends(hook, one.verdict));
    if let Some(left_out) = run.get(asked.len()).filter(|_| !has_ended) {
        asked.push(Asked::failed(left_out, &number, "the process of the scripts left it out".to_owned()));
    }
    asked
}

fn one_step(hook: &Hook, member: &Member, number: &str, step: &Step, rejected: Option<&Rejected>) -> Asked {
    let reason = step.error.clone().unwrap_or_default();
    let mut one = Asked::failed(member, number, reason);
    one.line = step.line.filter(|line| *line > 0).unwrap_or(member.line);
    one.verdict = match step.outcome.as_str() {
        "no_opinion" => Verdict::NoOpinion,
        "allowed" => Verdict::Allowed,
        "changed" => Verdict::Changed,
        "rejected" => Verdict::Rejected,
        _ => Verdict::Failed,
    };
    if one.verdict == Verdict::Failed && !one.reason.starts_with("site/") {
        // What a script throws need not say where; the place is known all the same.
        one.reason = format!("{}: {}", one.place().unwrap_or_default(), one.reason);
    }
    if one.verdict == Verdict::Rejected {
        one.reason = rejected.map(|rejected| rejected.reason.clone()).unwrap_or_default();
    }
    if one.verdict == Verdict::Changed {
        take_number(hook, &mut one, step);
    }
    one
}

/// The other process is not trusted with what goes to the PBX: what is no number counts as a failure.
fn take_number(hook: &Hook, one: &mut Asked, step: &Step) {
    let after = step.after.clone().unwrap_or_default();
    let before = step.before.as_deref().unwrap_or(&one.before);
    let fits =
        !after.is_empty() && after.chars().count() <= NUMBER_CHARS && !after.chars().any(char::is_control);
    if fits && hook.mode == Mode::Chain && before == one.before {
        one.after = after;
        return;
    }
    one.verdict = Verdict::Failed;
    one.reason = format!("it answered what is no number of 1 to {NUMBER_CHARS} characters");
}

fn tally(engine: &Engine, hook: &Hook, one: &Asked, micros: u64) {
    if one.verdict != Verdict::Failed {
        return engine.scripts.tallies.well(&one.script, hook.name, micros);
    }
    let (place, reason) = (one.place().unwrap_or_default(), &one.reason);
    log::warn!("{place} (version {}) failed at {}: {reason}", one.version, hook.name);
    if engine.scripts.tallies.failed(&one.script, hook.name, micros, reason) {
        log::error!(
            "the script {} fails again and again at {}: it is skipped for a while",
            one.script,
            hook.name
        );
    }
}

/// Whether what was asked lets the call pass; the reason where it does not.
pub fn refusal(hook: &Hook, asked: &[Asked]) -> Option<String> {
    asked.iter().find_map(|one| match one.verdict {
        Verdict::Rejected => Some(one.reason.clone()),
        Verdict::Failed if hook.policy == Policy::Closed => Some(POLICY_UNAVAILABLE.to_owned()),
        _ => None,
    })
}
