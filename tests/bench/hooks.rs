//! What a script's word on a number costs: the way through the supervised, confined process and back, beside the
//! same rule in bare mlua in this process, in the same run; what an engine and the process weigh; how long a
//! script takes to load. Measures the very code of `core/host` and `core/catalog`, which it includes.

#[allow(dead_code, unused_imports, reason = "the appliance's own; a part of it is used here")]
#[path = "../../core/catalog/mod.rs"]
mod catalog;
mod child_memory;
#[allow(dead_code, reason = "shared with benchmarks that go over HTTP")]
mod client;
#[allow(dead_code, unused_imports, reason = "the appliance's own; a part of it is used here")]
#[path = "../../core/host/mod.rs"]
mod host;
#[allow(dead_code, reason = "shared with benchmarks that go over HTTP")]
mod measure;
mod report;
mod rounds;

use std::cell::RefCell;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_abi::ops::{Code, Failure};
use mlua::{Function, Lua, Table};
use serde_json::{Value, json};

use catalog::hooks::{HOOK_CHAIN, SCRIPT_LOAD, SCRIPTS};
use child_memory::private_kib;
use host::policy::{Counters, Pace};
use host::verify::Trust;
use host::{Config, Host, Memory, Services, State, Timing, builtin};
use measure::Samples;
use report::Report;
use rounds::{Row, alternate};

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A rule as sites have them: public numbers get the outgoing digit and their country's way of writing them.
const RULE: &str = r#"
hook("dial.rewrite", function(call)
  local number = call.number
  if starts(number, "0031") then
    return { number = call.from.outgoing_digit .. "0" .. strip(number, "0031") }
  end
  if starts(number, "00") then
    return { number = call.from.outgoing_digit .. number }
  end
end)
"#;
const NUMBER: &str = "0031201234567";
const REWRITTEN: &str = "00201234567";
const CALLERS: [usize; 2] = [1, 4];
const WITHIN: Duration = Duration::from_secs(2);
const UP_WITHIN: Duration = Duration::from_secs(10);
/// Scripts for the weight of an engine, and loads for the time of one.
const SCRIPTS_MORE: usize = 32;

fn main() -> ExitCode {
    report::run(measured)
}

fn measured(binary: &Path, folder: &Path) -> Outcome<Report> {
    let host = start(binary, folder)?;
    let pid = await_up(&host)?;
    let mut report = Report::new("hooks");
    report.note("child_idle_private_kib", "child without scripts: private memory, KiB", private_kib(pid)?);
    load(&host, "rule")?;
    for callers in CALLERS {
        let row = beside_bare(&host, callers)?;
        if callers == 1 {
            distribution(&mut report, &row);
        }
        report.rows.push(row);
    }
    loading(&mut report, &host, pid)?;
    host.stop(UP_WITHIN);
    Ok(report)
}

/// Nothing is asked of the appliance by the rule.
struct Nothing;

impl Services for Nothing {
    fn call(&self, _unit: &str, op: &str, _args: Value) -> Result<Value, Failure> {
        if op == "script.active" {
            return Ok(json!({"scripts": []}));
        }
        Err(Failure::new(Code::NotFound, format!("no {op} during a benchmark")))
    }
}

impl Memory for Nothing {
    fn load(&self, _unit: &str) -> Counters {
        Counters::default()
    }

    fn save(&self, _unit: &str, _counters: &Counters) {}
}

fn start(binary: &Path, plugins: &Path) -> Outcome<Host> {
    let host = Host::start(Config {
        plugins: plugins.to_owned(),
        trust: Trust::Signed,
        builtins: builtin::ALL,
        exe: binary.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        services: Arc::new(Nothing),
        memory: Arc::new(Nothing),
        timing: Timing::default(),
        pace: Pace::default(),
    });
    Ok(host?)
}

fn await_up(host: &Host) -> Outcome<u32> {
    let begun = Instant::now();
    while begun.elapsed() < UP_WITHIN {
        let up = host.list().into_iter().find(|status| status.id == SCRIPTS && status.state == State::Up);
        if let Some(pid) = up.and_then(|status| status.pid) {
            return Ok(pid);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(format!("the unit does not come up: {:#?}", host.list()).into())
}

fn load(host: &Host, name: &str) -> Outcome<()> {
    let args = json!({"name": name, "version": 1, "source": RULE});
    host.request(SCRIPTS, SCRIPT_LOAD, &args, UP_WITHIN)?;
    Ok(())
}

fn call() -> Value {
    json!({
        "number": NUMBER, "original": NUMBER,
        "from": {"account": "a1", "node": "n1", "node_kind": "mivoice_5000", "enterprise": "e1",
                 "outgoing_digit": "0", "country": "31"},
        "to": {"kind": "number", "account": "", "peer": "", "peer_description": "", "prefix": ""}
    })
}

fn beside_bare(host: &Host, callers: usize) -> Outcome<Row> {
    alternate(
        format!("dial.rewrite, {callers} caller{}", if callers == 1 { "" } else { "s" }),
        "the same rule in bare mlua, an engine for each caller",
        |for_time| drive(callers, || contained(host, for_time)),
        |for_time| drive(callers, || bare(for_time)),
    )
}

/// So many callers at the same time.
fn drive(callers: usize, one: impl Fn() -> Outcome<Vec<Duration>> + Sync) -> Outcome<Samples> {
    let begun = Instant::now();
    let mut took = Vec::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..callers).map(|_| scope.spawn(&one)).collect();
        for caller in running {
            took.extend(caller.join().map_err(|_| "a caller panicked")??);
        }
        Ok(Samples::new(took, begun.elapsed()))
    })
}

fn contained(host: &Host, for_time: Duration) -> Outcome<Vec<Duration>> {
    let args = json!({"hook": "dial.rewrite", "scripts": [{"name": "rule", "version": 1}], "call": call()});
    repeat(for_time, || {
        let answer = host.request(SCRIPTS, HOOK_CHAIN, &args, WITHIN)?;
        Ok(answer["number"].as_str().unwrap_or_default().to_owned())
    })
}

fn bare(for_time: Duration) -> Outcome<Vec<Duration>> {
    let (lua, rule) = engine().map_err(|e| e.to_string())?;
    let call = call();
    repeat(for_time, || decide(&lua, &rule, &call).map_err(|e| e.to_string().into()))
}

fn repeat(for_time: Duration, mut ask: impl FnMut() -> Outcome<String>) -> Outcome<Vec<Duration>> {
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < for_time {
        let asked = Instant::now();
        let number = ask()?;
        took.push(asked.elapsed());
        if number != REWRITTEN {
            return Err(format!("{NUMBER} became {number:?} instead of {REWRITTEN}").into());
        }
    }
    Ok(took)
}

/// The rule in an engine without bounds, sandbox or process.
fn engine() -> mlua::Result<(Lua, Function)> {
    let lua = Lua::new();
    let registered = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&registered);
    let hook = lua.create_function(move |_, (_, run): (String, Function)| {
        *kept.borrow_mut() = Some(run);
        Ok(())
    })?;
    lua.globals().set("hook", hook)?;
    let starts = lua.create_function(|_, (text, with): (String, String)| Ok(text.starts_with(&with)))?;
    lua.globals().set("starts", starts)?;
    let strip = |_: &Lua, (text, with): (String, String)| {
        Ok(text.strip_prefix(&with).map(str::to_owned).unwrap_or(text))
    };
    lua.globals().set("strip", lua.create_function(strip)?)?;
    lua.load(RULE).exec()?;
    let rule = registered.borrow_mut().take();
    rule.map(|rule| (lua, rule))
        .ok_or_else(|| mlua::Error::RuntimeError("the rule registered nothing".into()))
}

fn decide(lua: &Lua, rule: &Function, call: &Value) -> mlua::Result<String> {
    let answer: Option<Table> = rule.call(table(lua, call)?)?;
    answer.map_or(Ok(String::new()), |answer| answer.get("number"))
}

fn table(lua: &Lua, fields: &Value) -> mlua::Result<mlua::Value> {
    match fields {
        Value::Object(fields) => {
            let table = lua.create_table()?;
            fields.iter().try_for_each(|(name, field)| table.set(name.as_str(), self::table(lua, field)?))?;
            Ok(mlua::Value::Table(table))
        }
        other => lua.create_string(other.as_str().unwrap_or_default()).map(mlua::Value::String),
    }
}

fn distribution(report: &mut Report, row: &Row) {
    let micros = |samples: &Samples, part| samples.quantile(part) * 1000.0;
    report.note("contained_p50_us", "one call, contained: half within, µs", micros(&row.ours, 0.5));
    report.note("contained_p99_us", "one call, contained: 99 % within, µs", micros(&row.ours, 0.99));
    report.note("contained_max_us", "one call, contained: longest, µs", micros(&row.ours, 1.0));
    report.note("bare_p50_us", "one call, bare: half within, µs", micros(&row.theirs, 0.5));
    report.note("bare_p99_us", "one call, bare: 99 % within, µs", micros(&row.theirs, 0.99));
    report.note("bare_max_us", "one call, bare: longest, µs", micros(&row.theirs, 1.0));
    let half = row.ours.quantile(0.5) / row.theirs.quantile(0.5);
    report.note("contained_over_bare_p50", "contained over bare, half within", half);
}

/// Time to load a script and weight of its engine, beside a bare one.
fn loading(report: &mut Report, host: &Host, pid: u32) -> Outcome<()> {
    let before = private_kib(pid)?;
    let ours = median_ms(|number| load(host, &format!("more{number}")))?;
    let engine_kib = (private_kib(pid)? - before) / SCRIPTS_MORE as f64;
    let bare_load = median_ms(|_| engine().map(drop).map_err(|e| e.to_string().into()))?;
    let (lua, _rule) = engine().map_err(|e| e.to_string())?;
    report.note("load_ms", "load of a script: compiled twice, run, answered (median), ms", ours);
    report.note("bare_load_ms", "an engine with the script, bare (median), ms", bare_load);
    report.note("load_over_bare", "the one over the other", ours / bare_load);
    report.note("engine_kib", "one more script in the child: private memory, KiB", engine_kib);
    report.note(
        "bare_engine_kib",
        "a bare engine with the script: its own count, KiB",
        lua.used_memory() as f64 / 1024.0,
    );
    report.note("child_loaded_private_kib", "child with 33 scripts: private memory, KiB", private_kib(pid)?);
    Ok(())
}

fn median_ms(mut act: impl FnMut(usize) -> Outcome<()>) -> Outcome<f64> {
    let mut took = Vec::new();
    for number in 0..SCRIPTS_MORE {
        let begun = Instant::now();
        act(number)?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    Ok(took[SCRIPTS_MORE / 2].as_secs_f64() * 1000.0)
}
