//! The appliance as the command line sees it: something that answers API requests, whether it runs or not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Failure;
use crate::api::{Api, BASE};
use crate::config::Config;
use crate::engine::state::{StateDir, StateLock};
use crate::engine::{Engine, plugins};
use crate::http::{Client, Request, Response, local};

const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Answers API requests with all rights.
pub enum Appliance {
    /// It runs: over its control socket.
    Running(StateDir),
    /// It does not run: in this process, holding its lock.
    Here(Box<Here>),
}

/// The appliance in this process.
pub struct Here {
    api: Api,
    engine: Arc<Engine>,
    /// Keeps it from being started meanwhile.
    _lock: StateLock,
}

/// An answer with its version.
pub struct Answer {
    /// The body.
    pub body: Value,
    /// The ETag, where there is one.
    pub etag: Option<String>,
}

impl Appliance {
    /// Finds the appliance of a configuration.
    pub fn find(config: &Config) -> Result<Self, Failure> {
        crate::logging::start(log::LevelFilter::Warn, config.format);
        let state = StateDir::open(&config.state)?;
        let socket = state.control_socket();
        let stream = local::connect(&socket);
        if stream.map_err(|e| format!("Cannot use the control socket {}: {e}.", socket.display()))?.is_some()
        {
            return Ok(Self::Running(state));
        }
        let lock = state.lock()?;
        plugins::declare(&config.plugins, crate::boot::trust(config));
        let engine = Arc::new(Engine::open(state)?);
        Ok(Self::Here(Box::new(Here { api: Api::new(Arc::clone(&engine)), engine, _lock: lock })))
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// Reads a path below the API's base.
    pub fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.call("GET", path, None, None)
    }

    /// Makes a request below the API's base; an answer that is no success is a failure.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        etag: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(etag.map(|etag| ("if-match".to_owned(), etag.to_owned())));
        let request = Request {
            upload: None,
            method: method.to_owned(),
            path: format!("{BASE}{path}"),
            query: query.to_owned(),
            headers,
            body: body.map(|b| b.to_string().into_bytes()).unwrap_or_default(),
            client: Client::Local { uid: rustix::process::geteuid().as_raw() },
        };
        understood(&self.answer(&request)?)
    }

    fn answer(&self, request: &Request) -> Result<Response, Failure> {
        let state = match self {
            Self::Here(here) => return Ok(here.api.answer(request)),
            Self::Running(state) => state,
        };
        let socket = state.control_socket();
        let failed =
            |e: std::io::Error| format!("The appliance did not answer at {}: {e}.", socket.display());
        let stream = local::connect(&socket)
            .map_err(failed)?
            .ok_or("The appliance stopped meanwhile. Try again.".to_owned())?;
        Ok(local::ask(stream, request).map_err(failed)?)
    }

    /// Ends the use of it; what was changed is on the disk already.
    pub fn close(self) -> Result<(), Failure> {
        match self {
            Self::Here(here) => Ok(here.engine.close(CLOSE_WITHIN)?),
            Self::Running(_) => Ok(()),
        }
    }
}

fn understood(response: &Response) -> Result<Answer, Failure> {
    let body: Value = match response.body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&response.body)
            .map_err(|e| format!("The appliance's answer is not JSON: {e}."))?,
    };
    if response.status >= 400 {
        return Err(Failure::Problem(body));
    }
    let etag = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("etag"));
    Ok(Answer { body, etag: etag.map(|(_, value)| value.clone()) })
}
