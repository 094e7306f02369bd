//! Start and stop of the appliance as two lists of named steps, and the loop in between that keeps watch.
//! If a step fails, the message names it.

mod outward;

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::api::{self, Api};
use crate::catalog::counted;
use crate::catalog::events::SETTINGS_CHANGED;
use crate::catalog::problems::Problem;
use crate::catalog::settings as names;
use crate::config::{self, Config};
use crate::console;
use crate::engine::access::{claim, sessions};
use crate::engine::doctor::{Finding, State, is_stuck};
use crate::engine::secrets::{Secret, store};
use crate::engine::settings::Settings;
use crate::engine::state::{StateDir, StateLock};
use crate::engine::{
    Engine, checks, clock, import, messages, own_names, plugins, presence, revisions, schedule, scripts,
    synchronization,
};
use crate::host::verify::Trust;
use crate::http::{self, CertStore, Http, Limits, Request, Response};

/// All of the stop must end within five seconds; the database gets what the door leaves.
const STOP_WITHIN: Duration = Duration::from_millis(4500);
const DOOR_PATIENCE: Duration = Duration::from_millis(1500);
const PLUGIN_PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_secs(1);
const LOOK_AT_CERTIFICATE_EVERY: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// A door that has not turned for this long hangs: it turns at least every second.
const DOOR_HANGS_AFTER: Duration = Duration::from_secs(10);
const CERTIFICATE_WARN_DAYS: i64 = 14;
const SELF_SIGNED: &str = "tls.self_signed";

type StepResult = Result<(), String>;
type Step = (&'static str, fn(&mut Boot) -> StepResult);

const START: &[Step] = &[
    ("open the state folder", Boot::open_state),
    ("open the database", Boot::open_database),
    ("load the certificate", Boot::load_certificate),
    ("prepare the claim code", Boot::prepare_claim),
    ("raise the bound of open files", Boot::raise_open_files),
    ("keep presence", Boot::keep_presence),
    ("take up the scripts", Boot::take_up_scripts),
    ("supervise the plugins", Boot::supervise_plugins),
    ("run the checks", Boot::run_checks),
    ("open the door", Boot::open_door),
    ("follow the settings", Boot::follow_settings),
    ("listen for signals", Boot::listen_for_signals),
    ("report readiness", Boot::report_readiness),
];

const STOP: &[Step] = &[
    ("report the stop", Boot::report_stop),
    // First, so that no request waits in the door for a plugin that never answers.
    ("end the plugins", Boot::end_plugins),
    ("close the door", Boot::close_door),
    ("close the database", Boot::close_database),
    ("release the state folder", Boot::release_state),
];

/// What a person needs to know once the appliance runs.
pub struct Greeting {
    /// Where the console is.
    pub urls: Vec<String>,
    /// SHA-256 of the certificate, to compare with what the browser shows.
    pub fingerprint: String,
    /// The claim code, while nobody has claimed the appliance.
    pub claim_code: Option<Secret>,
}

/// The appliance while it starts, runs and stops.
pub struct Boot {
    config: Config,
    began: Instant,
    lock: Option<StateLock>,
    state: Option<StateDir>,
    engine: Option<Arc<Engine>>,
    certificates: Option<Arc<CertStore>>,
    certificate_seen: [Stamp; 2],
    claim_code: Option<Secret>,
    api: Option<Arc<Api>>,
    http: Option<Http>,
    signals: Option<(Receiver<i32>, Handle)>,
    has_reported: bool,
    stopping_since: Option<Instant>,
}

impl Boot {
    /// Starts the appliance; the error names the step that failed.
    pub fn start(config: Config) -> Result<Self, String> {
        let mut boot = Self {
            config,
            began: Instant::now(),
            lock: None,
            state: None,
            engine: None,
            certificates: None,
            certificate_seen: [None, None],
            claim_code: None,
            api: None,
            http: None,
            signals: None,
            has_reported: false,
            stopping_since: None,
        };
        for (index, (name, step)) in START.iter().enumerate() {
            log::debug!("start {}/{}: {name}", index + 1, START.len());
            if let Err(cause) = step(&mut boot) {
                // What keeps it from stopping in order as well is in the log; the first cause is what matters.
                boot.stop().unwrap_or_default();
                return Err(format!("{cause} (start step {} of {}: {name})", index + 1, START.len()));
            }
        }
        log::info!("ready after {} ms", boot.began.elapsed().as_millis());
        Ok(boot)
    }

    /// What to print at the terminal.
    pub fn greeting(&self) -> Greeting {
        let addresses = self.http.as_ref().map(|http| http.addresses().to_vec()).unwrap_or_default();
        Greeting {
            urls: addresses.iter().map(url).collect(),
            fingerprint: self.certificates.as_ref().map(|c| c.fingerprint()).unwrap_or_default(),
            claim_code: self.claim_code.clone(),
        }
    }

    /// Keeps watch until a signal asks to stop, then stops.
    pub fn run(mut self) -> StepResult {
        let watchdog = sd_notify::watchdog_enabled();
        let tick = watchdog.map_or(TICK, |limit| (limit / 3).min(TICK));
        let (mut looked, mut swept) = (Instant::now(), Instant::now());
        loop {
            match self.next_signal(tick) {
                Some(SIGHUP) => self.reload_certificate(),
                Some(signal) => {
                    log::info!("signal {signal}: stopping");
                    return self.stop();
                }
                None => {}
            }
            if looked.elapsed() >= LOOK_AT_CERTIFICATE_EVERY {
                looked = Instant::now();
                self.look_at_certificate();
            }
            if swept.elapsed() >= SWEEP_EVERY {
                swept = Instant::now();
                self.sweep();
            }
            self.api.iter().for_each(|api| api.end_unwelcome());
            if self.makes_progress() && watchdog.is_some() {
                notify(&[NotifyState::Watchdog]);
            }
        }
    }

    fn next_signal(&self, tick: Duration) -> Option<i32> {
        let (receiver, _) = self.signals.as_ref()?;
        match receiver.recv_timeout(tick) {
            Ok(signal) => Some(signal),
            Err(RecvTimeoutError::Timeout) => None,
            // The thread that forwards signals is gone: nobody could stop us politely any more.
            Err(RecvTimeoutError::Disconnected) => Some(SIGTERM),
        }
    }

    /// Stops what was started, in order; a failed step does not keep the later ones from running.
    fn stop(&mut self) -> StepResult {
        self.stopping_since = Some(Instant::now());
        let mut outcome = Ok(());
        for (name, step) in STOP {
            log::debug!("stop: {name}");
            if let Err(cause) = step(self) {
                log::error!("stop, {name}: {cause}");
                outcome = Err(cause);
            }
        }
        outcome
    }

    fn open_state(&mut self) -> StepResult {
        let state = StateDir::open(&self.config.state)?;
        self.lock = Some(state.lock()?);
        self.state = Some(state);
        Ok(())
    }

    fn open_database(&mut self) -> StepResult {
        let state = self.state.clone().ok_or("The state folder is not open.")?;
        self.engine = Some(Arc::new(Engine::open(state)?));
        Ok(())
    }

    fn load_certificate(&mut self) -> StepResult {
        let (cert, key) = match &self.config.certificate {
            Some((cert, key)) => {
                self.certificate_seen = stamps(cert, key);
                (read_pem(cert)?, read_pem(key)?)
            }
            None => {
                let pem =
                    self_signed(self.engine()?, &self.config.listen).map_err(|problem| problem.detail)?;
                (pem.clone(), pem)
            }
        };
        let store = CertStore::new(cert.reveal(), key.reveal()).map_err(|e| e.to_string())?;
        self.certificates = Some(Arc::new(store));
        self.report_certificate();
        Ok(())
    }

    fn prepare_claim(&mut self) -> StepResult {
        self.claim_code = claim::code(self.engine()?).map_err(|problem| problem.detail)?;
        Ok(())
    }

    /// Every connection is an open file, and the system's usual bound of 1024 is for programs without any.
    fn raise_open_files(&mut self) -> StepResult {
        let bound = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: bound.maximum, maximum: bound.maximum };
        if let Err(cause) = setrlimit(Resource::Nofile, raised) {
            log::warn!(
                "could not raise the bound of open files ({cause}); the door holds fewer connections than it may"
            );
        }
        Ok(())
    }

    /// Before their process starts, which asks for them.
    fn take_up_scripts(&mut self) -> StepResult {
        let engine = self.engine()?;
        scripts::install(engine).map_err(|problem| problem.detail)?;
        scripts::supervise(engine)?;
        scripts::carry(engine)
    }

    fn keep_presence(&mut self) -> StepResult {
        presence::begin(self.engine()?)
    }

    fn supervise_plugins(&mut self) -> StepResult {
        plugins::supervise(self.engine()?, self.config.plugins.clone(), trust(&self.config))?;
        // Jobs that do not go on have been told apart by now.
        import::drop_strays(self.engine()?);
        schedule::begin(self.engine()?)?;
        Ok(())
    }

    fn run_checks(&mut self) -> StepResult {
        let engine = self.engine()?;
        if engine.probes.tls.set(Box::new(outward::Outward)).is_err() {
            return Err("The probes have their TLS already.".to_owned());
        }
        checks::begin(engine, Box::new(checks::OfScripts::new(engine, scripts::registered_checks)))
    }

    fn end_plugins(&mut self) -> StepResult {
        if let Some(engine) = &self.engine {
            engine.stop_plugins(PLUGIN_PATIENCE);
        }
        Ok(())
    }

    fn open_door(&mut self) -> StepResult {
        let engine = self.engine()?;
        let api = Arc::new(Api::new(Arc::clone(engine)));
        let config = http::Config {
            listen: self.config.listen.clone(),
            control_socket: Some(engine.state.control_socket()),
            certificates: self.certificates.clone().ok_or("There is no certificate.")?,
            limits: limits(&engine.settings),
            workers: http::WORKERS,
            body_limit: api::body_limit,
            spool: engine.state.path().to_owned(),
            handler: handler(Arc::clone(&api)),
        };
        let http = Http::start(config).map_err(|e| e.to_string())?;
        api.watch_door(http.teller());
        engine.news.wakes(http.nudge());
        self.api = Some(api);
        self.http = Some(http);
        self.makes_progress();
        Ok(())
    }

    fn follow_settings(&mut self) -> StepResult {
        let (engine, limit) = (Arc::downgrade(self.engine()?), self.http()?.limiter());
        self.engine()?.bus.listen(move |fired| {
            let Some(engine) = engine.upgrade() else { return };
            if fired.event == SETTINGS_CHANGED.name
                && let Err(cause) = limit(limits(&engine.settings))
            {
                log::error!("could not give the door its new limits: {cause}");
            }
        });
        Ok(())
    }

    fn listen_for_signals(&mut self) -> StepResult {
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])
            .map_err(|e| format!("Cannot listen for signals: {e}."))?;
        let handle = signals.handle();
        let (sender, receiver) = sync_channel(4);
        let forward = move || signals.forever().try_for_each(|signal| sender.send(signal)).is_ok();
        let spawned = std::thread::Builder::new().name("signals".to_owned()).spawn(forward);
        spawned.map_err(|e| format!("Cannot start the thread that waits for signals: {e}."))?;
        self.signals = Some((receiver, handle));
        Ok(())
    }

    fn report_readiness(&mut self) -> StepResult {
        let status = format!("serving {}", self.greeting().urls.join(" "));
        notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
        self.has_reported = true;
        Ok(())
    }

    fn report_stop(&mut self) -> StepResult {
        if self.has_reported {
            notify(&[NotifyState::Stopping]);
        }
        Ok(())
    }

    fn close_door(&mut self) -> StepResult {
        if let Some(http) = self.http.take() {
            http.stop(DOOR_PATIENCE);
        }
        Ok(())
    }

    fn close_database(&mut self) -> StepResult {
        let Some(engine) = self.engine.take() else { return Ok(()) };
        let spent = self.stopping_since.map(|since| since.elapsed()).unwrap_or_default();
        engine.close(STOP_WITHIN.saturating_sub(spent))
    }

    fn release_state(&mut self) -> StepResult {
        if let Some((_, handle)) = self.signals.take() {
            handle.close();
        }
        self.lock = None;
        Ok(())
    }

    fn engine(&self) -> Result<&Arc<Engine>, String> {
        self.engine.as_ref().ok_or_else(|| "The database is not open.".to_owned())
    }

    fn http(&self) -> Result<&Http, String> {
        self.http.as_ref().ok_or_else(|| "The door is not open.".to_owned())
    }

    /// Reports how the door does. The watchdog is fed while door and writer make progress: a restart helps against
    /// a hang, but not against a full disk, with which reads still work.
    fn makes_progress(&self) -> bool {
        let (Some(engine), Some(http)) = (&self.engine, &self.http) else { return false };
        let since = http.stats().since_last_turn;
        let finding = match since > DOOR_HANGS_AFTER {
            true => Finding::bad(
                State::Problem,
                format!("the door's loop has not turned for {} seconds", since.as_secs()),
                "Restart the service and keep the log of the last minutes.",
            ),
            false => Finding::ok(format!("{} connections accepted", http.stats().accepted)),
        };
        engine.board.report("door", finding);
        since <= DOOR_HANGS_AFTER && !is_stuck(engine)
    }

    fn sweep(&self) {
        let Some(engine) = &self.engine else { return };
        let told = |what: &str, swept: Result<(), Problem>| {
            if let Err(problem) = swept {
                log::warn!("could not {what}: {}", problem.detail);
            }
        };
        told("write down how late it is", engine.leaps.keep(&engine.db));
        // Once for all of them.
        if let Err(problem) = engine.leaps.refuse() {
            return told("forget what is old", Err(problem));
        }
        told("forget old revisions", revisions::sweep(engine, |_| false).map(drop));
        told("drop sessions that are over", sessions::sweep(engine).map(drop));
        told("drop messages that are old enough", messages::sweep(engine).map(drop));
        engine.runs.drop_silent();
        match synchronization::expire(engine) {
            Ok(0) => {}
            Ok(count) => log::info!("{count} accounts and contacts are deleted: their grace period is over"),
            Err(problem) => log::warn!("could not delete whose grace period is over: {}", problem.detail),
        }
    }

    fn look_at_certificate(&mut self) {
        self.report_certificate();
        let Some((cert, key)) = &self.config.certificate else { return };
        if stamps(cert, key) != self.certificate_seen {
            self.reload_certificate();
        }
    }

    /// Puts a changed certificate into use; a bad one changes nothing and is reported.
    fn reload_certificate(&mut self) {
        let (Some((cert, key)), Some(store)) = (self.config.certificate.clone(), &self.certificates) else {
            return;
        };
        self.certificate_seen = stamps(&cert, &key);
        let replaced = read_pem(&cert).and_then(|cert| {
            let key = read_pem(&key)?;
            store.replace(cert.reveal(), key.reveal()).map_err(|e| e.to_string())
        });
        match replaced {
            Ok(()) => log::info!("new certificate in use: SHA-256 {}", store.fingerprint()),
            Err(cause) => log::error!("the new certificate is not used, the old one stays: {cause}"),
        }
        self.report_certificate();
    }

    fn report_certificate(&self) {
        let (Some(engine), Some(store)) = (&self.engine, &self.certificates) else { return };
        own_names::set(store.names());
        let days = (store.not_after() - clock::unix()).div_euclid(24 * 3600);
        let advice =
            "Put a new certificate into the files named in the configuration; it is taken up within seconds.";
        let finding = match days {
            ..0 => Finding::bad(State::Problem, "the certificate has expired", advice),
            0..CERTIFICATE_WARN_DAYS => Finding::bad(
                State::Warning,
                format!("expires in {}", counted(days.unsigned_abs(), "day")),
                advice,
            ),
            _ => Finding::ok(format!("valid for {}", counted(days.unsigned_abs(), "day"))),
        };
        engine.board.report("certificate", finding);
    }
}

/// Whose plugins are run, in the words of those who run them.
pub fn trust(config: &Config) -> Trust {
    match config.trust {
        config::Trust::Signed => Trust::Signed,
        config::Trust::Development => Trust::Development,
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(states) {
        log::warn!("could not tell systemd: {cause}");
    }
}

fn handler(api: Arc<Api>) -> http::Handler {
    Arc::new(move |request: Request| -> Response {
        console::answer(api.engine(), &request).unwrap_or_else(|| api.answer(&request))
    })
}

/// The door's limits as the settings have them.
fn limits(settings: &Settings) -> Limits {
    let count = |name| usize::try_from(settings.number(name)).unwrap_or(usize::MAX);
    Limits {
        connections: count(names::CONNECTIONS_TOTAL),
        per_address: count(names::CONNECTIONS_PER_ADDRESS),
        head: settings.seconds(names::HEAD_SECONDS),
        body: settings.seconds(names::BODY_SECONDS),
        idle: settings.seconds(names::IDLE_SECONDS),
        ..Limits::default()
    }
}

fn read_pem(file: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(file);
    text.map(Secret::new)
        .map_err(|e| format!("Cannot read {}: {e}. Check [http] cert and key.", file.display()))
}

/// Tells whether a file was changed, replaced or removed; the time alone misses an older file moved in.
type Stamp = Option<(u64, u64, i64, i64)>;

fn stamps(cert: &Path, key: &Path) -> [Stamp; 2] {
    let stamp = |file: &Path| file.metadata().ok().map(|m| (m.ino(), m.len(), m.mtime(), m.mtime_nsec()));
    [stamp(cert), stamp(key)]
}

/// The certificate made at the first start; kept in the database, sealed, because its key is a secret.
fn self_signed(engine: &Engine, listen: &[SocketAddr]) -> Result<Secret, Problem> {
    if let Some(known) = engine.db.read(|read| engine.keyring.load(read, SELF_SIGNED))? {
        return Ok(known);
    }
    let mut names = vec![host_name()];
    names.extend(listen.iter().filter(|a| !a.ip().is_unspecified()).map(|a| a.ip().to_string()));
    let made =
        http::self_signed(&names).map_err(|e| crate::engine::fault("make a certificate", &e.to_string()))?;
    let pem = Secret::new(format!("{}{}", made.0, made.1));
    let sealed = engine.keyring.seal_named(SELF_SIGNED, &pem)?;
    engine.db.write(move |tx| store(tx, SELF_SIGNED, &sealed))?;
    Ok(pem)
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn url(address: &SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("https://{}:{}/", host_name(), address.port()),
        false => format!("https://{address}/"),
    }
}
