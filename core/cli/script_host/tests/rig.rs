//! A host with the two units of scripts, and a site that answers what scripts ask.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jackfield_abi::ops::{Code, Failure};
use serde_json::{Value, json};

use crate::catalog::hooks::{CHECK_RUN, DIAL_ADMIT, HOOK_CHAIN, SCRIPT_LOAD, SCRIPTS, WORKBENCH};
use crate::host::policy::{Counters, Pace};
use crate::host::verify::Trust;
use crate::host::{Config, Host, Memory, Services, State, Status, Timing, builtin};

pub const SOON: Duration = Duration::from_secs(20);

/// What outlives a host.
#[derive(Default)]
pub struct InMind(Mutex<BTreeMap<String, Counters>>);

impl Memory for InMind {
    fn load(&self, unit: &str) -> Counters {
        self.0.lock().unwrap().get(unit).cloned().unwrap_or_default()
    }

    fn save(&self, unit: &str, counters: &Counters) {
        self.0.lock().unwrap().insert(unit.to_owned(), counters.clone());
    }
}

/// What scripts can ask, and what they asked.
#[derive(Default)]
pub struct Site {
    /// Name and source of what is active.
    pub active: Mutex<Vec<(String, String)>>,
    pub asked: Mutex<Vec<(String, Value)>>,
}

impl Services for Site {
    fn call(&self, unit: &str, op: &str, args: Value) -> Result<Value, Failure> {
        assert!([SCRIPTS, WORKBENCH].contains(&unit), "{unit} asks {op}");
        self.asked.lock().unwrap().push((op.to_owned(), args.clone()));
        let active = self.active.lock().unwrap().clone();
        match op {
            "script.active" => {
                let scripts: Vec<_> =
                    active.iter().map(|(name, _)| json!({"name": name, "version": 1})).collect();
                Ok(json!({"scripts": scripts}))
            }
            "script.source" => {
                let source = active.iter().find(|(name, _)| args["name"] == **name);
                Ok(json!({"source": source.map(|(_, source)| source)}))
            }
            "directory.lookup" if args["number"] == "4123" => {
                Ok(json!({"found": {"account": "a1", "name": "Ann", "extension": "4123", "node": "n1"}}))
            }
            "directory.lookup" if args["number"] == "0000" => {
                std::thread::sleep(DIAL_ADMIT.waiting * 2);
                Ok(json!({"found": null}))
            }
            "directory.lookup" => Ok(json!({"found": null})),
            "ntp.query" if args["address"] == "10.0.0.9" => {
                Err(Failure::new(Code::Unavailable, "no answer from 10.0.0.9"))
            }
            "ntp.query" if args["address"] == "slow" => {
                std::thread::sleep(Duration::from_millis(1500));
                Ok(json!({"offset_ms": 0}))
            }
            "ntp.query" => Ok(json!({"offset_ms": 3.5, "asked": args})),
            "site.facts" => Ok(json!({
                "nodes": [{"id": "n1", "name": "Paris", "csta_ports": [3211, 3217]}],
                "peers": [],
                "settings": {"checks.skew_ms": 50}
            })),
            "dns.lookup" => Err(Failure::new(Code::BadRequest, "no name")),
            other => Err(Failure::new(Code::NotFound, format!("no {other} here"))),
        }
    }
}

/// A host with both units.
pub struct Rig {
    pub host: Host,
    pub site: Arc<Site>,
    pub memory: Arc<InMind>,
    _plugins: tempfile::TempDir,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Arc::default(), Arc::default())
    }

    /// With scripts that are active from the start.
    pub fn with_active(scripts: &[(&str, &str)]) -> Self {
        let site = Site::default();
        *site.active.lock().unwrap() =
            scripts.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect();
        Self::with(Arc::new(site), Arc::default())
    }

    /// Whose units are up.
    fn with(site: Arc<Site>, memory: Arc<InMind>) -> Self {
        let rig = Self::start(site, memory);
        rig.up(SCRIPTS);
        rig.up(WORKBENCH);
        rig
    }

    pub fn start(site: Arc<Site>, memory: Arc<InMind>) -> Self {
        let plugins = tempfile::tempdir().unwrap();
        let host = Host::start(Config {
            plugins: plugins.path().to_owned(),
            trust: Trust::Signed,
            builtins: builtin::ALL,
            exe: binary(),
            version: "1.2.3".into(),
            services: Arc::clone(&site) as Arc<dyn Services>,
            memory: Arc::clone(&memory) as Arc<dyn Memory>,
            timing: Timing { tick: Duration::from_millis(50), ..Timing::default() },
            pace: Pace {
                first_wait: Duration::from_millis(20),
                longest_wait: Duration::from_millis(50),
                ..Pace::default()
            },
        });
        Self { host: host.unwrap(), site, memory, _plugins: plugins }
    }

    pub fn up(&self, unit: &str) -> Status {
        self.reaches(unit, State::Up)
    }

    pub fn reaches(&self, unit: &str, state: State) -> Status {
        let reached = self.host.wait_for(unit, state, SOON);
        reached.unwrap_or_else(|| panic!("{unit} is not {state:?}: {:#?}", self.host.list()))
    }

    pub fn ask(&self, op: &str, args: &Value) -> Result<Value, Failure> {
        self.host.request(SCRIPTS, op, args, SOON)
    }

    /// Loads version 1 of a script for production.
    pub fn load(&self, name: &str, source: &str) -> Result<Value, Failure> {
        self.ask(SCRIPT_LOAD, &json!({"name": name, "version": 1, "source": source}))
    }

    /// Runs the scripts, version 1 of each, for a hook.
    pub fn chain(&self, hook: &str, scripts: &[&str], number: &str) -> Value {
        self.chain_of(hook, scripts, number).unwrap()
    }

    pub fn chain_of(&self, hook: &str, scripts: &[&str], number: &str) -> Result<Value, Failure> {
        self.ask(HOOK_CHAIN, &chain(hook, scripts, number))
    }

    pub fn check(&self, script: &str, check: &str) -> Value {
        self.ask(CHECK_RUN, &json!({"name": script, "version": 1, "check": check})).unwrap()
    }
}

pub fn chain(hook: &str, scripts: &[&str], number: &str) -> Value {
    let scripts: Vec<_> = scripts.iter().map(|name| json!({"name": name, "version": 1})).collect();
    json!({"hook": hook, "scripts": scripts, "call": {
        "number": number, "original": number,
        "from": {"account": "a1", "node": "n1", "node_kind": "mivoice_5000", "enterprise": "e1",
                 "outgoing_digit": "0", "country": "33"},
        "to": {"kind": "number", "account": "", "peer": "", "peer_description": "", "prefix": ""}
    }})
}

/// The program, which `cargo build` made.
fn binary() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(|folder| folder.parent()).unwrap().join("jackfield");
    assert!(path.exists(), "{} is not there; run cargo build --workspace first", path.display());
    path
}
