//! The smallest useful plugin, to imitate: two API routes, one setting, one job that counts. The same in C
//! is beside it, in `c/`.

#![forbid(unsafe_code)]

use std::sync::{Mutex, PoisonError};

use jackfield_sdk::{
    Call, Config, Failure, Host, Job, Outcome, Plugin, Reply, Routes, Settings, Value, json,
};
use serde::Deserialize;

jackfield_sdk::export_plugin!(Echo);

struct Echo {
    known: Mutex<Known>,
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
    const OPS: &'static [&'static str] = &["http", "job.run", "settings.changed"];

    fn start(_host: Host, config: Config) -> Result<Self, Failure> {
        Ok(Self { known: Mutex::new(config.settings.read()?) })
    }

    fn routes() -> Routes<Self> {
        Routes::new().get("echo", Self::who).post("echo", Self::back)
    }

    fn job(&self, job: &Job<'_>) -> Result<Value, Failure> {
        let Count { to } = job.input()?;
        (1..=to).try_for_each(|done| job.progress(done, to, "counting"))?;
        Ok(json!({"counted": to}))
    }

    fn settings_changed(&self, settings: Settings) -> Result<(), Failure> {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = settings.read()?;
        Ok(())
    }
}

impl Echo {
    fn who(&self, call: &Call<'_>) -> Outcome {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Reply::ok(&json!({"greeting": known.greeting, "who": call.who(), "method": call.http.method}))
    }

    fn back(&self, call: &Call<'_>) -> Outcome {
        Reply::ok(&call.http.body)
    }
}

#[cfg(test)]
mod tests;
