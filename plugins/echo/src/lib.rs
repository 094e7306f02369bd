//! The smallest useful plugin, to imitate: two API routes, one setting, one job that counts, one figure. The same in C
//! is beside it, in `c/`.

#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use jackfield_sdk::{
    Call, Config, Failure, Host, Job, Metric, Outcome, Plugin, Reply, Routes, Settings, Value, json,
};
use serde::Deserialize;

jackfield_sdk::export_plugin!(Echo);

struct Echo {
    known: Mutex<Known>,
    answers: AtomicU32,
}

#[derive(Deserialize)]
struct Known {
    greeting: String,
}

#[derive(Deserialize)]
struct Count {
    to: u64,
}

impl Plugin for Echo {
    const ID: &'static str = "echo";
    const VERSION: &'static str = "1.0.0";
    const OPS: &'static [&'static str] = &["http", "job.run", "metrics", "settings.changed"];

    fn start(_host: Host, config: Config) -> Result<Self, Failure> {
        Ok(Self { known: Mutex::new(config.settings.read()?), answers: AtomicU32::new(0) })
    }

    fn routes() -> Routes<Self> {
        Routes::new().get("echo", Self::who).post("echo", Self::back)
    }

    fn job(&self, job: &Job<'_>) -> Result<Value, Failure> {
        let Count { to } = job.input()?;
        (1..=to).try_for_each(|done| job.progress(done, to, "counting"))?;
        Ok(json!({"counted": to}))
    }

    fn metrics(&self) -> Vec<Metric> {
        let answers = self.answers.load(Ordering::Relaxed).into();
        vec![Metric::counter("answers_total", "Answers given.", answers)]
    }

    fn settings_changed(&self, settings: Settings) -> Result<(), Failure> {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = settings.read()?;
        Ok(())
    }
}

impl Echo {
    fn who(&self, call: &Call<'_>) -> Outcome {
        self.answers.fetch_add(1, Ordering::Relaxed);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Reply::ok(&json!({"greeting": known.greeting, "who": call.who(), "method": call.http.method}))
    }

    fn back(&self, call: &Call<'_>) -> Outcome {
        self.answers.fetch_add(1, Ordering::Relaxed);
        Reply::ok(&call.http.body)
    }
}

#[cfg(test)]
mod tests;
