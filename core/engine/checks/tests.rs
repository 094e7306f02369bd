//! Checks with an engine of their own and a registry that says what it is told.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jackfield_abi::ops::{Code, Failure};
use serde_json::{Value, json};

use super::registry::Outcome;
use super::*;
use crate::engine::state::StateDir;
use crate::engine::{Engine, doctor};

/// What the check comes to next, and how often it ran.
#[derive(Default)]
struct Told {
    outcome: Mutex<Option<Result<Outcome, Failure>>>,
    runs: AtomicUsize,
}

struct Fake(Arc<Told>);

impl Registry for Fake {
    fn checks(&self) -> Vec<RegisteredCheck> {
        vec![RegisteredCheck {
            script: "clocks".to_owned(),
            version: 3,
            check: "skew".to_owned(),
            every: 300,
            line: 12,
        }]
    }

    fn run(&self, _: &RegisteredCheck) -> Result<Outcome, Failure> {
        self.0.runs.fetch_add(1, SeqCst);
        let told = self.0.outcome.lock().unwrap().clone();
        told.unwrap_or_else(|| Ok(outcome(State::Ok)))
    }
}

fn outcome(state: State) -> Outcome {
    let data = json!({"offset_ms": 7.5, "host": "pbx"});
    Outcome { state, detail: format!("says {}", state.name()), advice: "Mend it.".to_owned(), data }
}

struct Bench {
    engine: Arc<Engine>,
    told: Arc<Told>,
    events: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    fn within(folder: tempfile::TempDir) -> Self {
        let engine = Arc::new(Engine::open(StateDir::open(folder.path()).unwrap()).unwrap());
        let (told, events) = (Arc::new(Told::default()), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&events);
        engine
            .bus
            .listen(move |fired| heard.lock().unwrap().push(format!("{} {}", fired.event, fired.object)));
        begin(&engine, Box::new(Fake(Arc::clone(&told)))).unwrap();
        Self { engine, told, events, folder }
    }

    fn says(&self, state: State) -> Value {
        *self.told.outcome.lock().unwrap() = Some(Ok(outcome(state)));
        self.runs()
    }

    fn runs(&self) -> Value {
        run_now(&self.engine, "clocks.skew").unwrap().into()
    }

    fn end(self) -> tempfile::TempDir {
        self.engine.checks.end();
        self.engine.close(Duration::from_secs(5)).unwrap();
        self.folder
    }
}

/// What a listener is told comes after the answer to who waited.
#[track_caller]
fn await_events(bench: &Bench, wanted: usize) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while bench.events.lock().unwrap().len() < wanted {
        assert!(Instant::now() < deadline, "{:?}", bench.events.lock().unwrap());
        std::thread::yield_now();
    }
    assert_eq!(*bench.events.lock().unwrap(), vec!["check.changed clocks.skew"; wanted]);
}

#[test]
fn a_run_on_demand_answers_what_it_came_to_and_two_bad_ones_change_the_state() {
    let bench = Bench::new();
    let shown = bench.says(State::Ok);
    assert_eq!((&shown["state"], &shown["last_run"]["outcome"]), (&json!("ok"), &json!("ok")));
    assert_eq!((&shown["place"], &shown["every_s"]), (&json!("site/clocks.lua:12"), &json!(300)));
    let shown = bench.says(State::Error);
    assert_eq!((&shown["state"], &shown["doubt"]), (&json!("ok"), &json!("error")));
    assert_eq!(shown["last_run"]["detail"], "says error");
    let shown = bench.says(State::Error);
    assert_eq!((&shown["state"], &shown["doubt"]), (&json!("error"), &Value::Null));
    assert!(shown["last_ok"].is_string() && shown["last_run"]["changed"] == true);
    await_events(&bench, 2);
    bench.says(State::Ok);
    await_events(&bench, 3);
    drop(bench.end());
}

#[test]
fn a_script_that_fails_is_unknown_and_never_ok() {
    let bench = Bench::new();
    let failure = Failure::new(Code::Timeout, "site/clocks.lua:14: took too long");
    *bench.told.outcome.lock().unwrap() = Some(Err(failure));
    bench.runs();
    let shown = bench.runs();
    assert_eq!(
        (&shown["state"], &shown["detail"]),
        (&json!("unknown"), &json!("site/clocks.lua:14: took too long"))
    );
    let (name, finding) = told(&bench.engine).remove(0);
    assert_eq!((name.as_str(), finding.state), ("check.clocks.skew", doctor::State::Unknown));
    assert!(finding.advice.contains("site/clocks.lua:12"), "{}", finding.advice);
    drop(bench.end());
}

#[test]
fn the_doctor_names_bad_checks_and_is_silent_on_good_ones() {
    let bench = Bench::new();
    bench.says(State::Notice);
    bench.says(State::Notice);
    assert!(told(&bench.engine).is_empty());
    bench.says(State::Critical);
    bench.says(State::Critical);
    let (_, finding) = told(&bench.engine).remove(0);
    assert_eq!((finding.state, finding.advice.as_str()), (doctor::State::Problem, "Mend it."));
    let figures = figures(&bench.engine).remove(0);
    assert_eq!((figures.state, figures.values), (State::Critical, vec![("offset_ms".to_owned(), 7.5)]));
    drop(bench.end());
}

#[test]
fn state_and_history_outlast_a_restart() {
    let bench = Bench::new();
    bench.says(State::Ok);
    bench.says(State::Error);
    let before: Value = find(&bench.engine, "clocks.skew", 10).unwrap().into();
    let folder = bench.end();

    let stopped = Engine::open(StateDir::open(folder.path()).unwrap()).unwrap();
    let stored: Value = list(&stopped).unwrap().remove(0).into();
    assert_eq!((&stored["state"], &stored["next_run"]), (&json!("ok"), &Value::Null));
    stopped.close(Duration::from_secs(5)).unwrap();
    drop(stopped);

    let bench = Bench::within(folder);
    *bench.told.outcome.lock().unwrap() = Some(Ok(outcome(State::Error)));
    let shown = bench.runs();
    assert_eq!(shown["state"], "error", "the doubt from before the restart is confirmed");
    let found: Value = find(&bench.engine, "clocks.skew", 10).unwrap().into();
    let outcomes = |check: &Value| -> Vec<String> {
        let history = check["history"].as_array().unwrap().iter();
        history.map(|run| run["outcome"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(outcomes(&before), ["error", "ok"]);
    assert!(outcomes(&found).ends_with(&outcomes(&before)), "{found}");
    drop(bench.end());
}

#[test]
fn a_check_that_is_not_there_is_named_with_the_nearest() {
    let bench = Bench::new();
    let said = run_now(&bench.engine, "clocks.skw").unwrap_err().detail;
    assert!(said.contains("no check \"clocks.skw\""), "{said}");
    assert!(
        find(&bench.engine, "clocks.skw", 1).unwrap_err().detail.contains("Did you mean \"clocks.skew\"?")
    );
    drop(bench.end());
}

#[test]
fn the_schedule_runs_checks_by_itself() {
    let bench = Bench::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    while bench.told.runs.load(SeqCst) == 0 {
        assert!(Instant::now() < deadline, "no check ran");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(bench.end());
}

#[test]
fn history_is_bounded_and_changes_stay_longest() {
    let bench = Bench::new();
    bench.says(State::Error);
    bench.says(State::Error);
    let engine = Arc::clone(&bench.engine);
    let known = engine.checks.roster().slots["clocks.skew"].known.clone();
    let run = store::Run { changed: false, ..known.last_run.clone().unwrap() };
    let known = store::Known { last_run: Some(run), ..known };
    engine.db.write(move |tx| (0..600).try_for_each(|_| store::keep(tx, "clocks.skew", &known))).unwrap();
    let kept: Value = find(&engine, "clocks.skew", 1000).unwrap().into();
    let kept = kept["history"].as_array().unwrap();
    assert!((500..=520).contains(&kept.len()), "{}", kept.len());
    assert!(kept.iter().any(|run| run["changed"] == true), "the change of state is still there");
    drop(engine);
    drop(bench.end());
}
