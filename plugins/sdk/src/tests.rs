//! The crate on its own bench: one plugin that does what a test asks of it.

mod calls;
mod directories;
mod life;
mod logins;
mod panics;
mod people;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bench::{Bench, FakeHost};
use crate::{
    Call, Code, Config, Event, Failure, Finding, Host, Job, Message, Outcome, Plugin, Reply, Request, Routes,
    Settings, State, Taken,
};

/// Does what requests of the operation `try` say.
struct Probe {
    host: Host,
    colour: Mutex<String>,
    /// Ends requests that block.
    release: (Mutex<Sender<()>>, Mutex<Receiver<()>>),
}

#[derive(Deserialize, Serialize, Debug, PartialEq)]
struct Thing {
    id: i64,
    name: String,
}

#[derive(Deserialize)]
struct Wanted {
    colour: String,
    #[serde(default)]
    panics_in: String,
}

impl Plugin for Probe {
    const ID: &'static str = "probe";
    const VERSION: &'static str = "1.2.3";
    const OPS: &'static [&'static str] = &["http", "job.run", "settings.changed", "doctor", "try"];
    const QUEUE: usize = 4;

    fn start(host: Host, config: Config) -> Result<Self, Failure> {
        let wanted: Wanted = config.settings.read()?;
        assert_ne!(wanted.panics_in, "start", "as asked");
        if wanted.colour == "ask" {
            host.report(State::Up, "too early")?;
        }
        let (sender, receiver) = channel();
        Ok(Self {
            host,
            colour: Mutex::new(wanted.colour),
            release: (Mutex::new(sender), Mutex::new(receiver)),
        })
    }

    fn ready(&self) -> Result<(), Failure> {
        let colour = self.colour.lock().unwrap().clone();
        assert_ne!(colour, "panic", "as asked");
        if colour == "unready" {
            return Err(Failure::new(Code::Unavailable, "there is no paint"));
        }
        self.host.report(State::Up, &format!("painting in {colour}"))
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .get("probe/things/{id}", Self::show)
            .post("probe/things", Self::make)
            .post("probe/things/{id}:paint", |_, _| Reply::nothing())
    }

    fn job(&self, job: &Job<'_>) -> Result<Value, Failure> {
        (1..=3).try_for_each(|done| job.progress(done, 3, "painting"))?;
        Ok(json!(job.name()))
    }

    fn doctor(&self) -> Result<Vec<Finding>, Failure> {
        let text = |text: &str| text.to_owned();
        let (name, state, detail, advice) = (text("paint"), text("ok"), text("enough"), String::new());
        Ok(vec![Finding { name, state, detail, advice }])
    }

    fn settings_changed(&self, settings: Settings) -> Result<(), Failure> {
        let wanted: Wanted = settings.read()?;
        assert_ne!(wanted.panics_in, "settings", "as asked");
        if wanted.colour == "invisible" {
            return Err(Failure::new(Code::BadRequest, "invisible is no colour"));
        }
        *self.colour.lock().unwrap() = wanted.colour;
        Ok(())
    }

    fn event(&self, event: Event) {
        assert_ne!(event.object, "panic", "as asked");
        log::info!("heard {} of {}", event.event, event.object);
    }

    fn request(&self, request: &Request) -> Result<Value, Failure> {
        match request.args["do"].as_str().unwrap_or_default() {
            "panic" => panic!("as asked"),
            "block" => self.block(),
            "wait for cancel" => wait_for_cancel(request),
            "thread" => self.host.spawn("painter", || panic!("the painter fell")).map(|()| json!({})),
            "sum" => self.host.call("secret.get", json!({"name": "a"})),
            "hurry" => self.host.call_within("secret.get", json!({}), Duration::from_millis(20)),
            "secrets" => self.keep_a_secret(),
            "big" => Ok(json!("x".repeat(crate::abi::MESSAGE_BYTES))),
            "colour" => Ok(json!(*self.colour.lock().unwrap())),
            other => Err(Failure::new(Code::BadRequest, format!("cannot do {other:?}"))),
        }
    }

    fn on_message(&self, message: &Message<'_>) -> Taken {
        match message.bytes {
            b"panic" => panic!("as asked"),
            b"mine" => {
                assert!(self.host.answer(message.id, Ok(json!("taken"))));
                assert!(!self.host.answer(message.id, Ok(json!("twice"))));
                Taken::Mine
            }
            _ => Taken::Passed,
        }
    }

    fn stop(&self, _deadline: Duration) {
        let colour = self.colour.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert_ne!(colour, "sticky", "as asked");
        log::info!("stopping in {colour}");
        // Nobody waits any more when that fails.
        let _ = self.release.0.lock().unwrap_or_else(PoisonError::into_inner).send(());
    }
}

impl Probe {
    fn show(&self, call: &Call<'_>) -> Outcome {
        let id: i64 = call.param("id")?;
        let sql = "SELECT id, name FROM probe_things WHERE id = ?1";
        let found = self.host.db().first::<Thing>(sql, crate::params![id])?;
        let thing = found.ok_or_else(|| crate::Problem::not_found(format!("there is no thing {id}")))?;
        call.must_match("v1")?;
        Ok(Reply::ok(&thing)?.version("v1"))
    }

    fn make(&self, call: &Call<'_>) -> Outcome {
        let thing: Thing = call.body()?;
        let mut errors = crate::Errors::new();
        errors.check(thing.id > 0, "/id", "must be above 0").check(
            !thing.name.is_empty(),
            "/name",
            "must be there",
        );
        errors.done()?;
        self.host.db().tx(|tx| {
            tx.run("INSERT INTO probe_things VALUES (?1, ?2)", crate::params![thing.id, thing.name]);
            tx.revision(("things", &thing.id.to_string()), call.who(), None, Some(&thing))?;
            Ok(())
        })?;
        Reply::created(&thing)
    }

    /// What a secret reads as before, while and after it is kept.
    fn keep_a_secret(&self) -> Result<Value, Failure> {
        let secrets = self.host.secret();
        let read = || {
            Ok::<_, Failure>(secrets.get("a")?.map(|secret| secret.reveal().to_owned()).unwrap_or_default())
        };
        let before = read()?;
        secrets.put("a", &crate::Secret::new("hush"))?;
        let kept = read()?;
        secrets.delete("a")?;
        Ok(json!([before, kept, read()?]))
    }

    fn block(&self) -> Result<Value, Failure> {
        log::info!("blocked");
        let released = self.release.1.lock().unwrap().recv_timeout(Duration::from_secs(10));
        released.map(|()| json!("released")).map_err(|e| Failure::new(Code::Timeout, e.to_string()))
    }
}

fn wait_for_cancel(request: &Request) -> Result<Value, Failure> {
    log::info!("waiting");
    while !request.is_cancelled() {
        std::thread::yield_now();
    }
    Ok(json!("ended early"))
}

fn host() -> FakeHost {
    FakeHost::new().setting("probe.colour", "red")
}

fn probe() -> Bench {
    host().start::<Probe>().unwrap()
}

fn doing(what: &str) -> Value {
    json!({"do": what})
}

fn code(answer: Result<Value, Failure>) -> Code {
    answer.unwrap_err().code
}
