//! A plugin at work: what happens when a message arrives, on which thread the plugin's code runs, and what
//! becomes of its answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_abi::ops::{self, Code, Event, Failure, HostHello, HttpRequest, LoginBind, PluginHello};
use jackfield_abi::{Kind, Sent};
use serde_json::json;
use serde_json::value::RawValue;

use crate::db::Tx;
use crate::host::{Host, Secret};
use crate::job::Job;
use crate::lane::Lane;
use crate::logger;
use crate::message::{Answer, Heard, encode, unavailable};
use crate::plugin::{Config, Message, Plugin, Request, Settings, Taken};
use crate::problem::Problem;
use crate::routes::Routes;
use crate::served;
use crate::shared::{PANICKED, Phase, Shared, guarded};
use crate::work::{Lanes, Work};

/// Exit code of a process whose plugin could not begin its work.
const NOT_READY: i32 = 1;

/// One of the three lanes.
type Pick = fn(&Lanes) -> &Lane<Work>;

/// A started plugin.
pub struct Runtime<P: Plugin> {
    inner: Arc<Inner<P>>,
}

struct Inner<P: Plugin> {
    plugin: P,
    routes: Routes<P>,
    host: Host,
    shared: Arc<Shared>,
}

impl<P: Plugin> Runtime<P> {
    /// Starts the plugin and greets the host. `Err` is a refusal, logged already.
    pub fn start(shared: &Arc<Shared>, config: HostHello) -> Result<Self, Failure> {
        logger::install();
        let _lines = logger::enter(shared);
        Self::begun(shared, config).inspect_err(|e| log::error!(target: "start", "{e}"))
    }

    fn begun(shared: &Arc<Shared>, config: HostHello) -> Result<Self, Failure> {
        const { assert!(P::WORKERS > 0 && P::JOBS > 0 && P::QUEUE > 0, "each is at least 1") };
        let host = Host::new(Arc::clone(shared));
        let config = Config::new(config, P::ID);
        let made = guarded(|| (P::start(host.clone(), config), P::routes()));
        let (plugin, routes) = made.map_err(|()| Failure::new(Code::Panic, "`start` panicked"))?;
        let inner = Arc::new(Inner { plugin: plugin?, routes, host, shared: Arc::clone(shared) });
        shared.begin();
        shared.tell(Kind::Hello, &encode(&hello::<P>())?)?;
        inner.prepare()?;
        Ok(Self { inner })
    }

    /// Takes one message; never blocks but for [`Plugin::on_message`]. The result is the treaty's.
    pub fn recv(&self, kind: u32, id: u64, bytes: &[u8]) -> i32 {
        let _lines = logger::enter(&self.inner.shared);
        let Some(kind) = Kind::from_number(kind) else {
            log::warn!("the host sent a message of the unknown kind {kind}");
            return Sent::Malformed as i32;
        };
        self.inner.take(&Message { kind, id, bytes }) as i32
    }

    /// Refuses what waits, lets the plugin end its own work, waits for its threads at most so long.
    pub fn stop(&self, deadline: Duration) {
        let until = Instant::now() + deadline;
        let Inner { plugin, shared, .. } = &*self.inner;
        let _lines = logger::enter(shared);
        shared.stop_taking();
        if shared.phase() != Phase::Broken {
            // Its panic is in the log, and the process ends now anyway.
            let _ = guarded(|| plugin.stop(deadline));
        }
        shared.finish(until);
    }
}

fn hello<P: Plugin>() -> PluginHello {
    let ops = P::OPS.iter().map(|op| (*op).to_owned()).collect();
    PluginHello { id: P::ID.to_owned(), version: P::VERSION.to_owned(), ops }
}

impl<P: Plugin> Inner<P> {
    /// `ready` first, then as many threads for each lane as the plugin wants.
    fn prepare(self: &Arc<Self>) -> Result<(), Failure> {
        let inner = Arc::clone(self);
        self.shared.spawn("ready", move || {
            let begun = inner.plugin.ready().and_then(|()| inner.staff());
            if let Err(failure) = begun {
                log::error!(target: "ready", "{failure}");
                inner.shared.give_up(&failure.msg, NOT_READY);
            }
        })
    }

    fn staff(self: &Arc<Self>) -> Result<(), Failure> {
        // News are heard in order, so one thread has to do for them.
        let staff: [(&str, Pick, usize); 3] = [
            ("request", |lanes| &lanes.requests, P::WORKERS),
            ("job", |lanes| &lanes.jobs, P::JOBS),
            ("news", |lanes| &lanes.news, 1),
        ];
        staff
            .into_iter()
            .try_for_each(|(name, lane, count)| (0..count).try_for_each(|_| self.employ(name, lane)))
    }

    /// A thread for one of the lanes.
    fn employ(self: &Arc<Self>, name: &str, lane: Pick) -> Result<(), Failure> {
        let inner = Arc::clone(self);
        self.shared.spawn(name, move || {
            while let Some(work) = lane(&inner.shared.lanes).pop() {
                inner.work(work);
            }
        })
    }

    fn work(&self, work: Work) {
        match work {
            Work::Event(event) => self.hear(event),
            Work::Request(request) => self.serve(&request),
        }
    }

    fn hear(&self, event: Event) {
        let name = event.event.clone();
        if guarded(|| self.plugin.event(event)).is_err() {
            self.shared.give_up(&format!("its code panicked when it heard `{name}`"), PANICKED);
        }
    }

    fn serve(&self, request: &Request) {
        if request.is_cancelled() {
            let text = format!("`{}` was taken back, or too late, before it began", request.op);
            self.shared.answer(request.id, Err(Failure::new(Code::Timeout, text)));
            return;
        }
        let Ok(answer) = guarded(|| self.dispatch(request)) else {
            let text = format!("the plugin's code panicked in `{}`; it starts again by itself", request.op);
            self.shared.answer(request.id, Err(Failure::new(Code::Panic, text)));
            self.shared.give_up(&format!("its code panicked in `{}`", request.op), PANICKED);
            return;
        };
        self.shared.answer(request.id, answer);
    }

    fn dispatch(&self, request: &Request) -> Answer {
        match request.op.as_str() {
            op if !P::OPS.contains(&op) => {
                Err(Failure::new(Code::BadRequest, format!("this plugin does not answer `{op}`")))
            }
            ops::HTTP => self.http(request),
            ops::JOB_RUN => {
                let job = Job::new(&self.host, request)?;
                self.plugin.job(&job).map(|result| json!({"result": result}))
            }
            ops::SETTINGS_CHANGED => {
                let settings = request.args["settings"].as_object().cloned().unwrap_or_default();
                self.plugin.settings_changed(Settings::new(settings, P::ID)).map(|()| json!({}))
            }
            ops::REVISION_UNDO => self.undo(request),
            ops::LOGIN_BIND => {
                let LoginBind { account, password } = request.args()?;
                self.plugin.bind(&account, &Secret::new(password), request).map(|()| json!({}))
            }
            ops::METRICS => Ok(json!({"metrics": self.plugin.metrics()})),
            ops::DOCTOR => self.plugin.doctor().map(|findings| json!({"findings": findings})),
            _ => self.plugin.request(request),
        }
    }

    fn http(&self, request: &Request) -> Answer {
        let asked: HttpRequest = request.args()?;
        let _named = served::enter(&asked.request);
        let response = self.routes.answer(&self.plugin, &asked, request);
        serde_json::to_value(response)
            .map_err(|e| Failure::new(Code::Internal, format!("the answer cannot be written as JSON: {e}")))
    }

    fn undo(&self, request: &Request) -> Answer {
        let mut tx = Tx::default();
        self.plugin.undo(&request.args()?, &mut tx).map_err(Problem::failure)?;
        tx.into_answer()
    }

    fn take(&self, message: &Message<'_>) -> Sent {
        match message.kind {
            Kind::Reply => self.complete(message, Ok),
            Kind::Error => self.complete(message, |content| Err(failed(&content))),
            Kind::Request => self.take_request(message),
            Kind::Event => self.take_event(message),
            Kind::Cancel => {
                self.shared.cancel(message.id);
                self.offer(message);
                Sent::Ok
            }
            Kind::Data => {
                self.offer(message);
                Sent::Ok
            }
            // The host repeats its greeting; everything in it came with `start`.
            Kind::Hello => Sent::Ok,
            Kind::Log | Kind::Ping | Kind::Pong => Sent::Malformed,
        }
    }

    /// A broken answer is an answer too: who waits is told, instead of waiting on.
    fn complete(&self, message: &Message<'_>, meant: fn(Box<RawValue>) -> Heard) -> Sent {
        let text = "the host's answer is not JSON; its log may say more";
        let parsed = serde_json::from_slice(message.bytes).map_err(|_| Failure::new(Code::Internal, text));
        let taken = if parsed.is_ok() { Sent::Ok } else { Sent::Malformed };
        self.shared.complete(message.id, parsed.and_then(meant));
        taken
    }

    fn take_request(&self, message: &Message<'_>) -> Sent {
        let id = message.id;
        // The host's ids are even, and 0 is nobody's.
        let cancelled = (id != 0 && id.is_multiple_of(2)).then(|| self.shared.open(id)).flatten();
        let Some(cancelled) = cancelled else {
            log::warn!("the host sent a request with the id {id}, which is not its own or is in use");
            return Sent::Malformed;
        };
        if self.offer(message) == Taken::Mine {
            return Sent::Ok;
        }
        let Ok(ops::Request { op, args, deadline_ms }) = serde_json::from_slice(message.bytes) else {
            let text = "a request must be a JSON object with `op`";
            self.shared.answer_at_once(id, Err(Failure::new(Code::BadRequest, text)));
            return Sent::Ok;
        };
        let until = deadline_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        self.queue(Request { id, op, args, until, cancelled });
        Sent::Ok
    }

    fn queue(&self, request: Request) {
        let id = request.id;
        if self.shared.lanes.of(&request.op).push(Work::Request(request)).is_ok() {
            return;
        }
        let failure = match self.shared.phase() {
            Phase::Broken => unavailable("its code panicked; it starts again by itself"),
            Phase::Stopping => unavailable("it is stopping"),
            Phase::Starting | Phase::Running => {
                let text = format!("the plugin has {} requests waiting already; try again", P::QUEUE);
                Failure { retry_ms: Some(500), ..Failure::new(Code::Busy, text) }
            }
        };
        self.shared.answer_at_once(id, Err(failure));
    }

    fn take_event(&self, message: &Message<'_>) -> Sent {
        if self.offer(message) == Taken::Mine {
            return Sent::Ok;
        }
        let Ok(event) = serde_json::from_slice::<Event>(message.bytes) else {
            log::warn!("the host sent an event that is not a JSON object with `event` and `object`");
            return Sent::Malformed;
        };
        let lost = self.shared.lanes.news.push(Work::Event(event));
        if let (Err(Work::Event(Event { event, object })), Phase::Running) = (lost, self.shared.phase()) {
            log::warn!("the event `{event}` of `{object}` was dropped: {} wait already", P::QUEUE);
        }
        Sent::Ok
    }

    fn offer(&self, message: &Message<'_>) -> Taken {
        if self.shared.phase() == Phase::Broken {
            return Taken::Passed;
        }
        guarded(|| self.plugin.on_message(message)).unwrap_or_else(|()| {
            let text = "the plugin's code panicked in `on_message`; it starts again by itself";
            self.shared.answer_at_once(message.id, Err(Failure::new(Code::Panic, text)));
            self.shared.give_up("its code panicked in `on_message`", PANICKED);
            Taken::Mine
        })
    }
}

fn failed(content: &RawValue) -> Failure {
    let text = "the host's error is not one that the treaty describes";
    serde_json::from_str(content.get()).unwrap_or_else(|_| Failure::new(Code::Internal, text))
}
