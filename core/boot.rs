//! Start and stop of the appliance as two lists of named steps, and the loop in between that keeps watch.
//! If a step fails, the message names it.

mod certificate;
mod outward;
mod sweeps;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::api::{self, Api};
use crate::catalog::events::SETTINGS_CHANGED;
use crate::catalog::settings as names;
use crate::config::{self, Config};
use crate::console;
use crate::engine::access::claim;
use crate::engine::doctor::{Finding, State, is_stuck};
use crate::engine::secrets::Secret;
use crate::engine::settings::Settings;
use crate::engine::state::{StateDir, StateLock};
use crate::engine::{Engine, checks, import, plugins, presence, schedule, scripts};
use crate::host::verify::Trust;
use crate::http::{self, Http, Limits, Request, Response};
use certificate::Certificate;

/// All of the stop must end within five seconds; the database gets what the door leaves.
const STOP_WITHIN: Duration = Duration::from_millis(4500);
const DOOR_PATIENCE: Duration = Duration::from_millis(1500);
const PLUGIN_PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_secs(1);
const LOOK_AT_CERTIFICATE_EVERY: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// A door that has not turned for this long hangs: it turns at least every second.
const DOOR_HANGS_AFTER: Duration = Duration::from_secs(10);

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
    certificate: Option<Certificate>,
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
            certificate: None,
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
            fingerprint: self.certificate.as_ref().map(Certificate::fingerprint).unwrap_or_default(),
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
                Some(SIGHUP) => self.certificate.iter_mut().for_each(Certificate::reload),
                Some(signal) => {
                    log::info!("signal {signal}: stopping");
                    return self.stop();
                }
                None => {}
            }
            if looked.elapsed() >= LOOK_AT_CERTIFICATE_EVERY {
                looked = Instant::now();
                self.certificate.iter_mut().for_each(Certificate::look);
            }
            if swept.elapsed() >= SWEEP_EVERY {
                swept = Instant::now();
                self.engine.iter().for_each(|engine| sweeps::all(engine));
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
        self.certificate = Some(Certificate::load(&self.config, Arc::clone(self.engine()?))?);
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
            certificates: self.certificate.as_ref().ok_or("There is no certificate.")?.store(),
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

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn url(address: &SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("https://{}:{}/", host_name(), address.port()),
        false => format!("https://{address}/"),
    }
}
