//! One plugin as everybody else sees it: its status, and the way for requests to whichever process serves it
//! now. The supervisor writes here; callers only read and ask.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_abi::ops::{Event, Failure};
use serde::Serialize;
use serde_json::Value;

use super::desk::Desk;
use super::link::{Link, Undone, Word, unavailable};
use super::manifest::Manifest;
use super::page::Page;
use super::wire::Measure;

/// How a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its process is being started.
    Starting,
    /// It serves.
    Up,
    /// It serves and says that something is amiss, or breaks the treaty now and then.
    Degraded,
    /// Its process died; it is started again soon.
    Backoff,
    /// It died too often; it waits for an operator, a new version, or its daily try.
    Quarantined,
    /// An operator switched it off.
    Disabled,
    /// It must not be run, for the reason given.
    Refused,
    /// Its process is being stopped.
    Stopping,
}

/// A plugin's status.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Its id.
    pub id: String,
    /// Whether it is a part of the appliance instead of a plugin.
    pub builtin: bool,
    /// Its version; empty while no manifest could be read.
    pub version: String,
    /// One line for people.
    pub summary: String,
    /// Its name for people.
    pub title: String,
    /// Where its console page is; none: it has none.
    pub page: Option<String>,
    /// How it is.
    pub state: State,
    /// Why, in words.
    pub reason: String,
    /// Since when it is in that state, in milliseconds of Unix time.
    pub since: u64,
    /// When something will be done about it, in milliseconds of Unix time.
    pub next_try: Option<u64>,
    /// How often its process was started again.
    pub restarts: u64,
    /// Its process.
    pub pid: Option<u32>,
    /// Memory that the process holds, in bytes.
    pub memory_bytes: Option<u64>,
    /// What holds the process.
    pub confinement: Vec<Measure>,
    /// File name of the key that signed it; none in development.
    pub signed_by: Option<String>,
    /// Why its process ended last; empty: never.
    pub last_end: String,
    /// Requests in its hands, by operation, oldest first.
    pub in_flight: Vec<String>,
    /// Messages of its process that broke the treaty.
    pub misbehaviour: u64,
    /// Answers of its process that came too late.
    pub late_answers: u64,
    /// Lines over the rate, dropped.
    pub dropped_lines: u64,
    /// Its last lines, oldest first.
    pub last_lines: Vec<String>,
}

/// What the supervisor knows and shows.
#[derive(Debug, Clone)]
pub struct Shown {
    /// As in [`Status`].
    pub state: State,
    /// As in [`Status`].
    pub reason: String,
    /// As in [`Status`].
    pub since: u64,
    /// As in [`Status`].
    pub next_try: Option<u64>,
    /// As in [`Status`].
    pub restarts: u64,
    /// As in [`Status`].
    pub last_end: String,
    /// The process that serves.
    pub pid: Option<u32>,
    /// What holds it.
    pub confinement: Vec<Measure>,
    /// As in [`Status`].
    pub signed_by: Option<String>,
    /// The last manifest that was accepted.
    pub manifest: Option<Arc<Manifest>>,
    /// The console page that belongs to it.
    pub page: Option<Arc<Page>>,
}

/// Where requests go.
enum Route {
    /// To that process.
    To(Arc<Link>),
    /// A successor is being started; wait for it.
    Soon,
    /// Nowhere, for that reason.
    Nowhere(String),
}

/// One plugin.
pub struct Unit {
    /// Where its messages end up.
    pub desk: Arc<Desk>,
    is_builtin: bool,
    shown: Mutex<Shown>,
    reshown: Condvar,
    route: Mutex<Route>,
    rerouted: Condvar,
}

impl Unit {
    /// A plugin that has not been looked at yet.
    pub fn new(desk: Arc<Desk>, is_builtin: bool) -> Self {
        let shown = Shown {
            state: State::Starting,
            reason: String::new(),
            since: super::now_ms(),
            next_try: None,
            restarts: 0,
            last_end: String::new(),
            pid: None,
            confinement: Vec::new(),
            signed_by: None,
            manifest: None,
            page: None,
        };
        let route = Mutex::new(Route::Soon);
        let shown = Mutex::new(shown);
        Self { desk, is_builtin, shown, reshown: Condvar::new(), route, rerouted: Condvar::new() }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.desk.plugin
    }

    /// Whether it is a part of the appliance instead of a plugin.
    pub fn is_builtin(&self) -> bool {
        self.is_builtin
    }

    /// Asks the plugin and waits for its answer, at most so long and while it goes on. While a successor is being started
    /// on purpose the request waits for it.
    pub fn request(
        &self,
        op: &str,
        args: &Value,
        within: Duration,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Value, Failure> {
        let until = Instant::now() + within;
        loop {
            match self.link_by(until)?.request(op, args, until, goes_on) {
                Ok(value) => return Ok(value),
                Err(Undone::Failed(failure)) => return Err(failure),
                // The successor was put in place before this process began to drain.
                Err(Undone::Draining) => {}
            }
        }
    }

    /// Tells the plugin of an event it asked for. An event that finds no room is counted by the caller.
    pub fn publish(&self, event: &Event) -> bool {
        let wants = self.manifest().is_some_and(|manifest| manifest.wants(&event.event));
        let Some(link) = self.link().filter(|_| wants) else { return true };
        link.publish(event)
    }

    /// The last manifest that was accepted.
    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        self.lock_shown().manifest.clone()
    }

    /// Its console page.
    pub fn page(&self) -> Option<Arc<Page>> {
        self.lock_shown().page.clone()
    }

    /// How it is.
    pub fn status(&self) -> Status {
        let shown = self.lock_shown().clone();
        let link = self.link();
        let (state, reason) = with_word(&shown, link.as_deref());
        let journal = &self.desk.journal;
        Status {
            id: self.id().to_owned(),
            builtin: self.is_builtin,
            version: shown.manifest.as_ref().map(|m| m.version.clone()).unwrap_or_default(),
            title: shown.manifest.as_ref().map_or_else(|| self.id().to_owned(), |m| m.shown_title()),
            page: shown.page.as_ref().map(|page| Page::address(self.id(), &page.sha256)),
            summary: shown.manifest.as_ref().map(|m| m.summary.clone()).unwrap_or_default(),
            state,
            reason,
            since: shown.since,
            next_try: shown.next_try,
            restarts: shown.restarts,
            memory_bytes: shown.pid.and_then(memory_of),
            pid: shown.pid,
            confinement: shown.confinement,
            signed_by: shown.signed_by,
            last_end: shown.last_end,
            in_flight: link.as_ref().map(|link| link.in_flight()).unwrap_or_default(),
            misbehaviour: link.as_ref().map_or(0, |link| link.strange()),
            late_answers: link.as_ref().map_or(0, |link| link.late()),
            dropped_lines: journal.dropped(),
            last_lines: journal.last_lines(),
        }
    }

    /// Changes what is shown.
    pub fn show(&self, change: impl FnOnce(&mut Shown)) {
        let mut shown = self.lock_shown();
        let before = shown.state;
        change(&mut shown);
        if shown.state != before {
            shown.since = super::now_ms();
        }
        drop(shown);
        self.reshown.notify_all();
    }

    /// Waits until it is in that state, at most so long; how it is then.
    #[cfg(test)]
    pub fn wait_for(&self, state: State, within: Duration) -> Option<Status> {
        let other = |shown: &mut Shown| shown.state != state;
        let waited = self.reshown.wait_timeout_while(self.lock_shown(), within, other);
        let (shown, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(shown);
        (!timeout.timed_out()).then(|| self.status())
    }

    /// Requests go to that process from now on.
    pub fn route_to(&self, link: Arc<Link>) {
        self.set_route(Route::To(link));
    }

    /// Requests wait from now on.
    pub fn hold(&self) {
        self.set_route(Route::Soon);
    }

    /// Requests fail from now on.
    pub fn route_nowhere(&self, reason: &str) {
        self.set_route(Route::Nowhere(reason.to_owned()));
    }

    fn link(&self) -> Option<Arc<Link>> {
        match &*self.lock_route() {
            Route::To(link) => Some(Arc::clone(link)),
            Route::Soon | Route::Nowhere(_) => None,
        }
    }

    fn link_by(&self, until: Instant) -> Result<Arc<Link>, Failure> {
        let left = until.saturating_duration_since(Instant::now());
        let waits = |route: &mut Route| matches!(route, Route::Soon);
        let waited = self.rerouted.wait_timeout_while(self.lock_route(), left, waits);
        match &*waited.unwrap_or_else(PoisonError::into_inner).0 {
            Route::To(link) => Ok(Arc::clone(link)),
            Route::Soon => Err(unavailable(self.id(), "it is being started")),
            Route::Nowhere(reason) => Err(unavailable(self.id(), reason)),
        }
    }

    fn set_route(&self, route: Route) {
        *self.lock_route() = route;
        self.rerouted.notify_all();
    }

    fn lock_route(&self) -> MutexGuard<'_, Route> {
        self.route.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A plugin that serves may itself say that it does so badly.
fn with_word(shown: &Shown, link: Option<&Link>) -> (State, String) {
    match (shown.state, link.map(Link::word)) {
        (State::Up, Some(Word::Degraded(reason))) => (State::Degraded, reason),
        (state, _) => (state, shown.reason.clone()),
    }
}

/// Memory that a process holds, in bytes: what is its own and not shared with files.
fn memory_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
