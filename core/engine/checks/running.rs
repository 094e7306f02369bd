//! The threads that run checks, by the schedule and on demand, and what becomes of a run.

use std::sync::{Arc, PoisonError, Weak};
use std::thread::Builder;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::registry::{Outcome, Registry};
use super::roster::Turn;
use super::store::{self, Known, Run};
use super::{Checks, Shared, State, view};
use crate::catalog::events::CHECK_CHANGED;
use crate::catalog::problems::{CHECK_UNFINISHED, CHECKS_IDLE, Problem};
use crate::catalog::shape::Object;
use crate::engine::events::Fired;
use crate::engine::{Engine, clock};

/// Checks that run at the same time.
const THREADS: usize = 4;
/// Longest wait of a person for a run; shorter than the door's patience with an answer.
const WAIT: Duration = Duration::from_secs(50);
/// People who may wait at the same time: each holds one of the workers that answer requests.
const MOST_WAITING: usize = 3;
const DETAIL_LENGTH: usize = 2000;
const ADVICE_LENGTH: usize = 1000;
/// Most that a check may give beside its state, in bytes of JSON.
const DATA_BYTES: usize = 16 * 1024;
/// What scripts tell when one was published or taken back.
const HOOK_CHANGED: &str = "hook.changed";

/// Starts the threads that run the checks of a registry.
pub fn begin(engine: &Shared, registry: Box<dyn Registry>) -> Result<(), String> {
    let remembered = engine.db.read(store::all).map_err(|problem| problem.detail)?;
    if engine.leaps.refuse().is_ok() {
        engine.db.write(store::forget_gone).map_err(|problem| problem.detail)?;
    }
    engine.checks.roster().remembered = remembered.into_iter().collect();
    if engine.checks.registry.set(registry).is_err() {
        return Err("The checks are run already.".to_owned());
    }
    let listening = Arc::downgrade(engine);
    engine.bus.listen(move |fired| {
        if let Some(engine) = listening.upgrade().filter(|_| fired.event == HOOK_CHANGED) {
            engine.checks.look_again();
        }
    });
    for n in 1..=THREADS {
        let engine = Arc::downgrade(engine);
        let spawned = Builder::new().name(format!("check-{n}")).spawn(move || work(&engine));
        spawned.map_err(|e| format!("Cannot start a thread for checks: {e}."))?;
    }
    Ok(())
}

fn work(engine: &Weak<Engine>) {
    while let Some(engine) = engine.upgrade().filter(|engine| !engine.checks.has_ended()) {
        if let Some(turn) = engine.checks.take() {
            run(&engine, &turn);
        }
    }
}

fn run(engine: &Engine, turn: &Turn) {
    let began = Instant::now();
    let Some(registry) = engine.checks.registry.get() else { return };
    let outcome = {
        let _fresh = turn.wanted.then(|| engine.probes.demand());
        let outcome = registry.run(&turn.check);
        outcome.unwrap_or_else(|failure| Outcome::unknown(failure.msg))
    };
    let known = engine.checks.roster().slots.get(&turn.name).map(|slot| slot.known.clone());
    let known = after(known.unwrap_or_else(|| Known::new(clock::now())), outcome, began.elapsed());
    keep(engine, &turn.name, &known);
    let has_changed = known.last_run.as_ref().is_some_and(|run| run.changed);
    engine.checks.roster().close(&turn.name, known);
    engine.checks.news.notify_all();
    if has_changed {
        engine.bus.publish(&[Fired { event: CHECK_CHANGED.name.to_owned(), object: turn.name.clone() }]);
    }
}

/// What is known after one more run.
fn after(known: Known, outcome: Outcome, took: Duration) -> Known {
    let (at, standing) = (clock::now(), known.standing.after(outcome.state));
    let changed = standing.state != known.standing.state;
    let run = Run {
        at: at.clone(),
        outcome: outcome.state,
        state: standing.state,
        changed,
        detail: outcome.detail.chars().take(DETAIL_LENGTH).collect(),
        advice: outcome.advice.chars().take(ADVICE_LENGTH).collect(),
        data: bounded(outcome.data),
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    Known {
        standing,
        since: if changed { at.clone() } else { known.since },
        last_ok: if outcome.state == State::Ok { Some(at) } else { known.last_ok },
        last_run: Some(run),
    }
}

fn bounded(data: Value) -> Value {
    let size = data.to_string().len();
    if size <= DATA_BYTES {
        data
    } else {
        json!({"left_out": format!("{size} bytes; {DATA_BYTES} are kept")})
    }
}

/// A run that cannot be kept still counts; the log says so.
fn keep(engine: &Engine, name: &str, known: &Known) {
    let (wanted, copy) = (name.to_owned(), known.clone());
    if let Err(problem) = engine.db.write(move |tx| store::keep(tx, &wanted, &copy)) {
        log::error!("cannot keep what the check {name} came to: {}", problem.detail);
    }
}

/// Runs a check now and waits for what it comes to.
pub fn run_now(engine: &Engine, name: &str) -> Result<Object, Problem> {
    let checks = &engine.checks;
    if !checks.is_running() {
        return Err(Problem::new(
            CHECKS_IDLE,
            "Checks are run by a running appliance. Start it, then try again.",
        ));
    }
    let _waiting = Waiting::begin(checks)?;
    checks.follow();
    let deadline = Instant::now() + WAIT;
    let mut roster = checks.roster();
    let wanted = {
        let slot = roster.slots.get_mut(name).ok_or_else(|| view::absent(name))?;
        slot.wanted = true;
        // One that runs already began before it was asked for.
        slot.begun + 1
    };
    checks.news.notify_all();
    loop {
        let slot = roster.slots.get(name).ok_or_else(|| view::absent(name))?;
        if slot.ended >= wanted {
            return Ok(view::shown(name, slot));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || checks.has_ended() {
            let words =
                format!("{name} has not finished within {} s; look at it again soon.", WAIT.as_secs());
            return Err(Problem::new(CHECK_UNFINISHED, words).retry_after(10));
        }
        (roster, _) = checks.news.wait_timeout(roster, left).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Held by a person who waits.
struct Waiting<'a>(&'a Checks);

impl<'a> Waiting<'a> {
    fn begin(checks: &'a Checks) -> Result<Self, Problem> {
        let mut waiting = checks.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if *waiting >= MOST_WAITING {
            let words = format!("{MOST_WAITING} others wait for checks already. Try again in a moment.");
            return Err(Problem::new(CHECKS_IDLE, words).retry_after(5));
        }
        *waiting += 1;
        Ok(Self(checks))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}
