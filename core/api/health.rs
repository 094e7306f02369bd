//! What machines ask: is it alive, is it ready, how is it doing (Prometheus text format 0.0.4).

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde_json::json;

use super::call::{Call, Reply};
use super::route::{Access, Answer, Route};
use crate::catalog::problems::Problem;
use crate::engine::checks::{self, State};
use crate::engine::doctor::obstacles;
use crate::engine::objects::text;
use crate::engine::plugins::metrics;
use crate::engine::scripts::{self, Figures};
use crate::host::State as Serving;

/// Upper bounds of the duration histogram, in seconds.
const BOUNDS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// What was answered since the start.
#[derive(Default)]
pub struct Traffic {
    by_class: [AtomicU64; 5],
    by_duration: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Traffic {
    /// Counts one answer.
    pub fn count(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.by_class[class].fetch_add(1, Relaxed);
        let bucket = BOUNDS.iter().position(|bound| took.as_secs_f64() <= *bound).unwrap_or(BOUNDS.len());
        self.by_duration[bucket].fetch_add(1, Relaxed);
        self.microseconds.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn write(&self, page: &mut Metrics) {
        page.head("jackfield_http_requests_total", "counter", "API requests answered, by class of status.");
        for (index, count) in self.by_class.iter().enumerate() {
            page.sample(
                "jackfield_http_requests_total",
                &format!("class=\"{}xx\"", index + 1),
                count.load(Relaxed),
            );
        }
        let name = "jackfield_http_request_seconds";
        page.head(name, "histogram", "Time the API took to answer.");
        let mut sum = 0;
        for (index, count) in self.by_duration.iter().enumerate() {
            sum += count.load(Relaxed);
            let bound = BOUNDS.get(index).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
            page.sample(&format!("{name}_bucket"), &format!("le=\"{bound}\""), sum);
        }
        page.sample(
            &format!("{name}_sum"),
            "",
            Duration::from_micros(self.microseconds.load(Relaxed)).as_secs_f64(),
        );
        page.sample(&format!("{name}_count"), "", sum);
    }
}

/// A page of metrics being written.
#[derive(Default)]
struct Metrics(String);

impl Metrics {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.sample(name, "", value);
    }

    fn labelled<V: std::fmt::Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        self.head(name, kind, help);
        values.into_iter().for_each(|(key, value)| self.sample(name, &format!("{label}=\"{key}\""), value));
    }
}

/// The routes that machines ask; outside the API's base and without signing in.
pub fn routes() -> Vec<Route> {
    let public = |path, summary: &str| Route::outside("GET", path, summary).access(Access::Public);
    vec![
        public("/livez", "Whether the process answers at all")
            .answers(200, Answer::Text)
            .runs(|_| Ok(Reply::text("text/plain; charset=utf-8", "alive\n".to_owned()))),
        public("/readyz", "Whether the appliance does its work: 200, or 503 with what stands in the way")
            .answers(200, Answer::Json)
            .runs(ready),
        public("/metrics", "Figures for Prometheus").answers(200, Answer::Text).runs(figures),
    ]
}

fn ready(call: &Call<'_>) -> Result<Reply, Problem> {
    let found: Vec<_> = obstacles(call.engine()).iter().map(|result| result.to_json()).collect();
    let status = if found.is_empty() { 200 } else { 503 };
    Ok(Reply::json(json!({"ready": found.is_empty(), "obstacles": found})).status(status))
}

fn figures(call: &Call<'_>) -> Result<Reply, Problem> {
    let mut page = Metrics::default();
    page.head("jackfield_info", "gauge", "Version of the appliance.");
    page.sample("jackfield_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    let streams = call.api.streams.len();
    page.one("jackfield_event_streams", "gauge", "Event streams that are open.", streams);
    let known = call.engine().presence.known();
    page.one("jackfield_presence_accounts", "gauge", "Accounts whose presence is kept in memory.", known);
    page.one(
        "jackfield_presence_unsaved",
        "gauge",
        "States set by hand, or taken back, that a power cut would still lose; more than a few seconds above 0: the disk \
         does not keep up.",
        call.engine().presence.unsaved(),
    );
    let uptime = call.engine().started.elapsed().as_secs_f64();
    page.one("jackfield_uptime_seconds", "gauge", "Time since the process began.", uptime);
    page.one(
        "jackfield_ready",
        "gauge",
        "1 when /readyz answers 200.",
        u8::from(obstacles(call.engine()).is_empty()),
    );
    call.api.traffic.write(&mut page);
    database(call, &mut page);
    plugins(call, &mut page);
    plugins_own(call, &mut page);
    scripts(call, &mut page);
    checks(call, &mut page);
    door(call, &mut page);
    Ok(Reply::text("text/plain; version=0.0.4; charset=utf-8", page.0))
}

fn database(call: &Call<'_>, page: &mut Metrics) {
    let stats = call.engine().db.stats();
    page.one("jackfield_db_commits_total", "counter", "Transactions on disk.", stats.commits);
    page.one(
        "jackfield_db_writes_total",
        "counter",
        "Writes on disk; several may share a commit.",
        stats.writes,
    );
    page.one(
        "jackfield_db_failed_writes_total",
        "counter",
        "Writes that were refused or failed.",
        stats.failed_writes,
    );
    page.one("jackfield_db_queued_writes", "gauge", "Writes that wait.", stats.queued);
}

fn plugins(call: &Call<'_>, page: &mut Metrics) {
    let Some(host) = call.engine().plugins.get() else { return };
    let all = host.list();
    page.head("jackfield_plugin_up", "gauge", "1 while the plugin serves.");
    for status in &all {
        let serves = matches!(status.state, Serving::Up | Serving::Degraded);
        page.sample("jackfield_plugin_up", &format!("plugin={:?}", status.id), u8::from(serves));
    }
    page.head(
        "jackfield_plugin_restarts_total",
        "counter",
        "How often the plugin's process was started again.",
    );
    for status in &all {
        page.sample("jackfield_plugin_restarts_total", &format!("plugin={:?}", status.id), status.restarts);
    }
    page.head("jackfield_plugin_memory_bytes", "gauge", "Memory of its own that the plugin's process holds.");
    for status in &all {
        let bytes = status.memory_bytes.unwrap_or(0);
        page.sample("jackfield_plugin_memory_bytes", &format!("plugin={:?}", status.id), bytes);
    }
}

/// What plugins tell of themselves. A name that is there already stays what it is.
fn plugins_own(call: &Call<'_>, page: &mut Metrics) {
    let told = metrics::told(call.engine());
    page.head(
        "jackfield_plugin_metrics_refused",
        "gauge",
        "Figures of the plugin's own that are left out as wrong.",
    );
    for one in &told {
        page.sample("jackfield_plugin_metrics_refused", &format!("plugin={:?}", one.plugin), one.refused);
    }
    for family in told.into_iter().flat_map(|one| one.families) {
        if page.0.contains(&format!("# TYPE {} ", family.name)) {
            continue;
        }
        page.head(&family.name, &family.kind, &family.help);
        family.samples.iter().for_each(|(labels, value)| page.sample(&family.name, labels, value));
    }
}

fn scripts(call: &Call<'_>, page: &mut Metrics) {
    let figures = scripts::figures(call.engine());
    let labels = |one: &Figures| format!("script={:?},hook={:?}", one.script, one.hook);
    page.head("jackfield_hook_calls_total", "counter", "How often a script was asked at a hook.");
    figures.iter().for_each(|one| page.sample("jackfield_hook_calls_total", &labels(one), one.calls));
    page.head("jackfield_hook_failures_total", "counter", "How often a script failed at a hook.");
    figures.iter().for_each(|one| page.sample("jackfield_hook_failures_total", &labels(one), one.failures));
    page.head("jackfield_hook_seconds_total", "counter", "Time that a script took at a hook.");
    figures
        .iter()
        .for_each(|one| page.sample("jackfield_hook_seconds_total", &labels(one), one.took.as_secs_f64()));
    page.head("jackfield_hook_skipped", "gauge", "1 while a script is skipped because it failed too often.");
    figures
        .iter()
        .for_each(|one| page.sample("jackfield_hook_skipped", &labels(one), u8::from(one.is_skipped)));
    page.head("jackfield_script_active", "gauge", "1 while the published version of a script serves.");
    for script in scripts::list(call.engine()).unwrap_or_default() {
        let serves = text(&script, "state") == "active";
        page.sample(
            "jackfield_script_active",
            &format!("script={:?}", text(&script, "name")),
            u8::from(serves),
        );
    }
}

fn checks(call: &Call<'_>, page: &mut Metrics) {
    let all = checks::figures(call.engine());
    page.head("jackfield_check_state", "gauge", "1 for the state that the check is in.");
    for check in &all {
        for state in State::NAMES {
            let labels = format!("check={:?},state={state:?}", check.name);
            page.sample("jackfield_check_state", &labels, u8::from(check.state.name() == *state));
        }
    }
    page.head("jackfield_check_duration_seconds", "gauge", "How long the check's last run took.");
    for (check, took) in all.iter().filter_map(|check| Some((check, check.took?))) {
        page.sample("jackfield_check_duration_seconds", &format!("check={:?}", check.name), took);
    }
    page.head("jackfield_check_value", "gauge", "Numbers that the check's last run gave, such as offset_ms.");
    for (check, (name, value)) in all.iter().flat_map(|check| check.values.iter().map(move |v| (check, v))) {
        page.sample("jackfield_check_value", &format!("check={:?},name={name:?}", check.name), value);
    }
}

fn door(call: &Call<'_>, page: &mut Metrics) {
    let Some(stats) = call.api.door.get().map(|stats| stats()) else { return };
    page.labelled(
        "jackfield_door_connections",
        "gauge",
        "Open connections by what they do.",
        "phase",
        stats.open,
    );
    page.labelled(
        "jackfield_door_timeouts_total",
        "counter",
        "Connections ended by a deadline.",
        "wait",
        stats.timed_out,
    );
    page.one("jackfield_door_accepted_total", "counter", "Connections accepted.", stats.accepted);
    page.one("jackfield_door_refused_total", "counter", "Connections refused at a cap.", stats.refused);
    page.one(
        "jackfield_door_evicted_total",
        "counter",
        "Silent connections closed to make room.",
        stats.evicted,
    );
    page.one(
        "jackfield_door_bad_requests_total",
        "counter",
        "Requests refused by the door.",
        stats.bad_requests,
    );
    page.one(
        "jackfield_door_overloaded_total",
        "counter",
        "Requests answered 503 by the door.",
        stats.overloaded,
    );
}
