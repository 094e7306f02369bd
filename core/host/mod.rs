//! Plugins: which may be run, their processes, and the way to and from them. Whatever happens in a plugin's
//! process, the appliance goes on: the plugin is restarted, then quarantined, and says so.
//!
//! What a plugin asks of the appliance is handed to [`Services`], and what must be remembered to [`Memory`];
//! both are the engine's. This part knows neither storage nor HTTP.

mod asking;
pub mod builtin;
pub mod child;
mod claims;
mod confine;
pub mod conformance;
mod desk;
mod extent;
mod folder;
mod gate;
mod journal;
mod ledger;
mod library;
mod link;
pub mod manifest;
mod manifest_rules;
mod outbox;
mod page;
pub mod policy;
mod pool;
mod probe;
mod process;
pub mod refusal;
mod running;
mod seal;
pub mod sign;
mod supervisor;
mod symbols;
mod syscalls;
mod unit;
pub mod verify;
mod watch;
pub mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jackfield_abi::ops::{Code, Event, Failure};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use asking::Written;
use builtin::Builtin;
use desk::Desk;
use manifest::Manifest;
pub use page::Page;
use policy::{Counters, Pace};
pub use process::VERB;
use supervisor::{Command, Note, Outcome, Supervisor};
use unit::Unit;
pub use unit::{State, Status};
use verify::Trust;

/// What plugins ask of the appliance.
pub trait Services: Send + Sync + 'static {
    /// Does an operation for a plugin. Called on up to four threads of each plugin at a time.
    fn call(&self, plugin: &str, op: &str, args: Value) -> Result<Value, Failure>;

    /// Does an operation that comes by the thousand: from the text of its arguments to the text of its answer, without a
    /// tree of values between them. None: it is one for [`Services::call`]. Called as that.
    fn call_written(&self, _plugin: &str, _op: &str, _args: &RawValue) -> Option<Written> {
        None
    }

    /// Makes ready what a plugin needs before it is started, such as its tables. The error is one sentence; the
    /// plugin is then refused.
    fn prepare(&self, manifest: &Manifest) -> Result<(), String> {
        log::debug!("nothing is made ready for the plugin {}", manifest.id);
        Ok(())
    }

    /// Values of the settings that the manifest declares, by name, with secrets in clear.
    fn settings(&self, manifest: &Manifest) -> Map<String, Value> {
        manifest.default_settings()
    }
}

/// Where what must outlive the appliance's process is kept.
pub trait Memory: Send + Sync + 'static {
    /// What was saved last for that plugin; the default when nothing was.
    fn load(&self, plugin: &str) -> Counters;
    /// Saves it. What goes wrong is logged there; supervision goes on.
    fn save(&self, plugin: &str, counters: &Counters);
}

/// The times of supervision; the defaults are the appliance's.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two looks at a process.
    pub tick: Duration,
    /// Between two questions for a pulse.
    pub ping: Duration,
    /// Longest time without an answer to one; a `recv` that takes longer is a hang.
    pub hang: Duration,
    /// From the start of a process to the plugin's hello.
    pub start: Duration,
    /// For the plugin's `stop`.
    pub stop: Duration,
    /// For the requests of a process that is being replaced.
    pub drain: Duration,
    /// Log lines over the rate for so long are a flood.
    pub flood: Duration,
    /// After a request's deadline, with no answer to anything: a hang.
    pub unanswered: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            tick: seconds(1),
            ping: seconds(5),
            hang: seconds(5),
            start: seconds(10),
            stop: seconds(3),
            drain: seconds(30),
            flood: seconds(10),
            unanswered: seconds(10),
        }
    }
}

/// What the host works with.
pub struct Config {
    /// Folder of the plugins: one folder each, and `keys`.
    pub plugins: PathBuf,
    /// Whose plugins are run.
    pub trust: Trust,
    /// The appliance's own units that are run beside the plugins.
    pub builtins: &'static [Builtin],
    /// The program whose hidden verb runs a plugin: `/proc/self/exe`, which is the running version even after
    /// an upgrade of the file.
    pub exe: PathBuf,
    /// Version of the appliance.
    pub version: String,
    /// What plugins ask of the appliance.
    pub services: Arc<dyn Services>,
    /// What outlives the appliance's process.
    pub memory: Arc<dyn Memory>,
    /// Times of supervision.
    pub timing: Timing,
    /// Times of the rule for plugins that die.
    pub pace: Pace,
}

/// All plugins. Dropping it kills their processes; [`Host::stop`] ends them in order.
pub struct Host {
    config: Arc<Config>,
    posts: Mutex<BTreeMap<String, Post>>,
}

/// One plugin and its supervisor.
struct Post {
    unit: Arc<Unit>,
    notes: Sender<Note>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Begins to supervise every plugin of the folder; returns at once. Errors: no thread can be started.
    pub fn start(config: Config) -> std::io::Result<Self> {
        if config.trust == Trust::Development {
            log::warn!("plugins are run without a signature, which is for development only");
        }
        let host = Self { config: Arc::new(config), posts: Mutex::default() };
        host.rescan()?;
        Ok(host)
    }

    /// Begins to supervise plugins whose folder is new. A folder that is gone keeps its plugin, which is
    /// refused at its next start.
    pub fn rescan(&self) -> std::io::Result<()> {
        let mut posts = self.lock();
        let builtins = self.config.builtins.iter().map(|builtin| builtin.id.to_owned());
        for id in builtins.chain(self.folders()) {
            if !posts.contains_key(&id) {
                posts.insert(id.clone(), self.post(&id)?);
            }
        }
        Ok(())
    }

    /// How every plugin is, by id.
    pub fn list(&self) -> Vec<Status> {
        self.units().iter().map(|unit| unit.status()).collect()
    }

    /// Waits until a plugin is in that state, at most so long; how it is then.
    #[cfg(test)]
    pub fn wait_for(&self, id: &str, state: State, within: Duration) -> Option<Status> {
        let unit = self.lock().get(id).map(|post| Arc::clone(&post.unit))?;
        unit.wait_for(state, within)
    }

    /// The manifests that were accepted, by id.
    pub fn manifests(&self) -> Vec<Arc<Manifest>> {
        self.units().iter().filter_map(|unit| unit.manifest()).collect()
    }

    /// A plugin's console page.
    pub fn page(&self, id: &str) -> Option<Arc<Page>> {
        self.lock().get(id)?.unit.page()
    }

    /// Asks a plugin and waits for its answer, at most so long.
    pub fn request(&self, id: &str, op: &str, args: &Value, within: Duration) -> Result<Value, Failure> {
        self.request_while(id, op, args, within, &|| true)
    }

    /// The same, but the request is also given up once it does not go on; that is looked at every second.
    pub fn request_while(
        &self,
        id: &str,
        op: &str,
        args: &Value,
        within: Duration,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Value, Failure> {
        let unit = self.lock().get(id).map(|post| Arc::clone(&post.unit));
        let missing =
            || Failure::new(Code::NotFound, format!("there is no plugin {id}; install it or check the name"));
        unit.ok_or_else(missing)?.request(op, args, within, goes_on)
    }

    /// Tells an event to the plugins that asked for it, except the one that did it.
    pub fn publish(&self, event: &Event, by: Option<&str>) {
        let others = self.units().into_iter().filter(|unit| Some(unit.id()) != by);
        for unit in others.filter(|unit| !unit.publish(event)) {
            log::warn!("the plugin {} takes nothing now: it was not told of {}", unit.id(), event.event);
        }
    }

    /// Tells one plugin an event, if it asked for it; false: it takes no more just now.
    pub fn tell(&self, id: &str, event: &Event) -> bool {
        let unit = self.lock().get(id).map(|post| Arc::clone(&post.unit));
        unit.is_none_or(|unit| unit.publish(event))
    }

    /// Stops a plugin and starts it again; requests wait meanwhile.
    pub fn restart(&self, id: &str) -> Outcome {
        self.command(id, Command::Restart)
    }

    /// Starts what is in the folder now and then ends the process that serves; no request is lost.
    pub fn replace(&self, id: &str) -> Outcome {
        self.command(id, Command::Replace)
    }

    /// Stops a plugin for good.
    pub fn disable(&self, id: &str) -> Outcome {
        self.command(id, Command::Disable)
    }

    /// Starts a plugin that was disabled.
    pub fn enable(&self, id: &str) -> Outcome {
        self.command(id, Command::Enable)
    }

    /// Forgets a plugin's deaths and starts it.
    pub fn clear_quarantine(&self, id: &str) -> Outcome {
        self.command(id, Command::ClearQuarantine)
    }

    /// Ends all plugins in order, at the same time, within that time. A second call finds nothing to do.
    pub fn stop(&self, within: Duration) {
        let posts = std::mem::take(&mut *self.lock());
        let until = Instant::now() + within;
        let orders: Vec<_> = posts.values().map(|post| order(&post.notes, Command::End(within))).collect();
        for ordered in orders {
            // A supervisor that is late is left to the end of the process, which ends its plugin too.
            let _ = ordered.recv_timeout(until.saturating_duration_since(Instant::now()) + GRACE);
        }
        for (id, thread) in posts.into_iter().filter_map(|(id, post)| Some((id, post.thread?))) {
            if thread.is_finished() && thread.join().is_err() {
                log::error!("the supervisor of the plugin {id} panicked");
            }
        }
    }

    fn command(&self, id: &str, command: Command) -> Outcome {
        let notes = self.lock().get(id).map(|post| post.notes.clone());
        let notes = notes.ok_or_else(|| format!("there is no plugin {id}; install it or check the name"))?;
        let timing = &self.config.timing;
        let patience = timing.start + timing.stop + timing.drain + GRACE;
        let answer = order(&notes, command).recv_timeout(patience);
        answer.unwrap_or_else(|_| Err(format!("the plugin {id} takes longer; look at its status")))
    }

    fn post(&self, id: &str) -> std::io::Result<Post> {
        let is_builtin = self.config.builtins.iter().any(|builtin| builtin.id == id);
        let desk = Arc::new(Desk::new(id, Arc::clone(&self.config.services))?);
        let unit = Arc::new(Unit::new(desk, is_builtin));
        let (notes, inbox): (Sender<Note>, Receiver<Note>) = channel();
        let supervisor = Supervisor::new(Arc::clone(&unit), Arc::clone(&self.config), inbox, notes.clone());
        let thread = Builder::new().name(format!("keep {id}")).spawn(move || supervisor.run())?;
        Ok(Post { unit, notes, thread: Some(thread) })
    }

    /// Names of the folders that may hold a plugin.
    fn folders(&self) -> Vec<String> {
        let entries = match std::fs::read_dir(&self.config.plugins) {
            Ok(entries) => entries,
            Err(cause) => {
                log::info!("no plugins: {} cannot be read ({cause})", self.config.plugins.display());
                return Vec::new();
            }
        };
        let folders = entries.flatten().filter(|entry| entry.path().join(manifest::FILE).exists());
        let named = folders.filter_map(|entry| entry.file_name().into_string().ok());
        named.filter(|id| !self.shadows(id)).collect()
    }

    /// Whether a folder has the name of a unit of the appliance's own; it is left alone, loudly.
    fn shadows(&self, id: &str) -> bool {
        let is_reserved = builtin::is_reserved(id);
        if is_reserved {
            let folder = self.config.plugins.join(id);
            log::error!(
                "{} is not a plugin's: {id} is a part of the appliance; rename the plugin",
                folder.display()
            );
        }
        is_reserved
    }

    fn units(&self) -> Vec<Arc<Unit>> {
        self.lock().values().map(|post| Arc::clone(&post.unit)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Post>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

/// What a supervisor's answer may take beyond the times it keeps itself.
const GRACE: Duration = Duration::from_secs(6);

fn order(notes: &Sender<Note>, command: Command) -> Receiver<Outcome> {
    let (sender, answer) = sync_channel(1);
    // A supervisor that has ended drops the sender, and the wait for the answer ends at once.
    let _ = notes.send(Note::Command(command, sender));
    answer
}

/// Milliseconds of Unix time.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, wire::milliseconds)
}
