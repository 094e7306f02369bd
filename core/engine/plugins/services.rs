//! The operations that plugins may ask of the appliance, each in the plugin's own name and bounds.

use std::sync::{Arc, Weak};

use jackfield_abi::ops::{self, Code, Event, Failure, Note, Query, Statements};
use jackfield_db::{Owner, OwnerStep};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::writing::{self, Hand, Undone, failure, of_problem};
use super::{directory, jobs, login, messages, peers, people, presence, rows, settings};
use crate::engine::doctor::{Finding, PLUGIN_FINDINGS, State};
use crate::engine::events::Fired;
use crate::engine::idempotency::InHand;
use crate::engine::secrets::{Secret, store};
use crate::engine::{Engine, scripts, secrets};
use crate::host::manifest::Manifest;
use crate::host::{Services, Written};

/// Most statements of one transaction.
const MOST_STATEMENTS: usize = 1000;
/// Most findings of one plugin on the doctor's board.
const MOST_FINDINGS: usize = 64;
/// Longest name of a secret or a finding, in characters.
const NAME_LENGTH: usize = 64;

/// Answers plugins from the engine.
pub struct EngineServices {
    engine: Weak<Engine>,
}

impl EngineServices {
    /// Services that do not keep the engine alive.
    pub fn new(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::downgrade(engine) }
    }
}

impl Services for EngineServices {
    fn prepare(&self, manifest: &Manifest) -> Result<(), String> {
        let engine = self.engine.upgrade().ok_or("The appliance is stopping.")?;
        // What a process before this one had begun, nobody goes on with.
        engine.runs.drop_of(&manifest.id);
        let needs_tables = manifest.services.iter().any(|service| service == "db/1");
        if needs_tables {
            migrate(&engine, manifest)?;
        }
        super::bring(manifest)?;
        settings::hide_former_values(&engine, manifest)
    }

    fn settings(&self, manifest: &Manifest) -> Map<String, Value> {
        let Some(engine) = self.engine.upgrade() else { return manifest.default_settings() };
        settings::taken_at_start(&engine, manifest);
        settings::values(&engine, manifest)
    }

    fn call_written(&self, plugin: &str, op: &str, args: &RawValue) -> Option<Written> {
        let engine = self.engine.upgrade().filter(|_| !scripts::is_own(plugin))?;
        messages::call_written(&engine, plugin, op, args)
            .or_else(|| directory::call_written(&engine, plugin, op, args))
    }

    fn call(&self, plugin: &str, op: &str, args: Value) -> Result<Value, Failure> {
        let stopping = || Failure::new(Code::Unavailable, "the appliance is stopping");
        let engine = self.engine.upgrade().ok_or_else(stopping)?;
        // What runs scripts has no tables, secrets, jobs or findings.
        if scripts::is_own(plugin) {
            return scripts::serve(&engine, plugin, op, &args).unwrap_or_else(|| Err(unknown(op)));
        }
        let desk = Desk { engine: &engine, plugin };
        match op {
            ops::DB_QUERY => desk.query(read(args)?),
            ops::DB_TX => desk.write(read(args)?),
            ops::EVENT_PUBLISH => desk.publish(read(args)?),
            ops::SECRET_PUT => desk.put_secret(read(args)?),
            ops::SECRET_GET => desk.get_secret(read(args)?),
            ops::SECRET_DELETE => desk.delete_secret(read(args)?),
            ops::JOB_PROGRESS => desk.progress(&read(args)?),
            ops::JOB_QUEUE => jobs::queue(&engine, plugin, read(args)?),
            ops::JOB_PLANS => jobs::plan(&engine, plugin, read(args)?),
            ops::CHECK_REPORT => desk.report(read(args)?),
            ops::REVISION_NOTE => desk.note(read(args)?),
            ops::PRESENCE_PUBLISH | ops::PRESENCE_GET | ops::PRESENCE_GOVERN => {
                presence::call(&engine, plugin, op, args)
            }
            ops::PEOPLE_FIND => people::find(&engine, &read(args)?),
            ops::PEER_DOMAIN => directory::call(&engine, plugin, op, args),
            name if name.starts_with(directory::AREA) => directory::call(&engine, plugin, op, args),
            name if name.starts_with(peers::AREA) => peers::call(&engine, plugin, op, args),
            name if name.starts_with(messages::AREA) => messages::call(&engine, plugin, op, args),
            name if name.starts_with(login::AREA) => login::call(&engine, op, args),
            other => Err(unknown(other)),
        }
    }
}

fn unknown(op: &str) -> Failure {
    Failure::new(Code::NotFound, format!("this appliance does not know the operation {op:?}"))
}

/// The arguments of an operation.
pub fn read<T: DeserializeOwned>(args: Value) -> Result<T, Failure> {
    serde_json::from_value(args)
        .map_err(|e| Failure::new(Code::BadRequest, format!("the arguments do not fit: {e}")))
}

#[derive(Deserialize)]
struct NewSecret {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Progress {
    job: String,
    done: u64,
    total: u64,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn migrate(engine: &Engine, manifest: &Manifest) -> Result<(), String> {
    let owner = Owner::new(&manifest.id).map_err(|e| e.to_string())?;
    let steps = manifest.migrations.iter();
    let steps: Vec<_> =
        steps.map(|step| OwnerStep { name: step.name.clone(), sql: step.sql.clone() }).collect();
    let migrated = engine.db.migrate_owner(&owner, &steps).map_err(|e| e.to_string())?;
    if migrated.from != migrated.to {
        log::info!(
            "the tables of the plugin {} went from step {} to {}",
            manifest.id,
            migrated.from,
            migrated.to
        );
    }
    Ok(())
}

/// One plugin asking.
struct Desk<'a> {
    engine: &'a Arc<Engine>,
    plugin: &'a str,
}

impl Desk<'_> {
    fn owner(&self) -> Result<Owner, Failure> {
        Owner::new(self.plugin).map_err(|e| failure(&e))
    }

    fn query(&self, query: Query) -> Result<Value, Failure> {
        let cells = rows::to_cells(&query.statement.params)?;
        let table =
            self.engine.db.query_as(&self.owner()?, &query.statement.sql, cells, query.limit.min(10_000));
        Ok(json!(rows::from_table(table.map_err(|e| failure(&e))?)))
    }

    fn write(&self, work: Statements) -> Result<Value, Failure> {
        if work.statements.len() > MOST_STATEMENTS {
            let text = format!(
                "{} statements; {MOST_STATEMENTS} are allowed in one transaction",
                work.statements.len()
            );
            return Err(Failure::new(Code::BadRequest, text));
        }
        let (plugin, engine) = (self.plugin.to_owned(), Arc::clone(self.engine));
        let written = self.engine.db.write_as(&self.owner()?, move |tx| {
            let done = writing::run(tx, &Hand::new(&plugin, &work.request), &work)?;
            // Also when the plugin never answers, a repetition of the request is not done again.
            InHand::mark(tx, &engine, &plugin, &work.request).map_err(of_problem)?;
            Ok(done)
        });
        let (changes, fired) = written.map_err(|Undone(failure)| failure)?;
        self.engine.bus.publish(&fired);
        Ok(json!(changes))
    }

    fn publish(&self, event: Event) -> Result<Value, Failure> {
        let host = self.engine.plugins.get();
        let manifest = host.and_then(|host| host.manifests().into_iter().find(|m| m.id == self.plugin));
        if !manifest.is_some_and(|m| m.publishes.contains(&event.event)) {
            let text = format!("the manifest does not list {:?} under publishes", event.event);
            return Err(Failure::new(Code::Denied, text));
        }
        self.engine.bus.publish(&[Fired { event: event.event, object: event.object }]);
        Ok(json!({}))
    }

    /// The secrets of a plugin are its own: no name leads to another's.
    fn secret_name(&self, name: &str) -> Result<String, Failure> {
        check_name(name)?;
        Ok(format!("plugin.{}.{name}", self.plugin))
    }

    fn put_secret(&self, given: NewSecret) -> Result<Value, Failure> {
        let name = self.secret_name(&given.name)?;
        let sealed = self.engine.keyring.seal_named(&name, &Secret::new(given.value)).map_err(of_problem)?;
        self.engine.db.write(move |tx| store(tx, &name, &sealed)).map_err(of_problem)?;
        Ok(json!({}))
    }

    fn get_secret(&self, asked: Named) -> Result<Value, Failure> {
        let name = self.secret_name(&asked.name)?;
        let found = self.engine.db.read(|read| self.engine.keyring.load(read, &name)).map_err(of_problem)?;
        Ok(json!({"value": found.as_ref().map(Secret::reveal)}))
    }

    fn delete_secret(&self, asked: Named) -> Result<Value, Failure> {
        let name = self.secret_name(&asked.name)?;
        self.engine.db.write(move |tx| secrets::forget(tx, &name)).map_err(of_problem)?;
        Ok(json!({}))
    }

    fn progress(&self, told: &Progress) -> Result<Value, Failure> {
        let is_cancelled = self.engine.jobs.note_progress(&told.job, told.done, told.total, &told.note);
        let unknown = || Failure::new(Code::NotFound, format!("the job {:?} does not run", told.job));
        Ok(json!({"cancelled": is_cancelled.ok_or_else(unknown)?}))
    }

    fn report(&self, finding: ops::Finding) -> Result<Value, Failure> {
        check_name(&finding.name)?;
        let own = format!("{PLUGIN_FINDINGS}{}.", self.plugin);
        let name = format!("{own}{}", finding.name);
        let known = self.engine.board.below(&own);
        if known.len() >= MOST_FINDINGS && known.iter().all(|(other, _)| *other != name) {
            return Err(Failure::new(
                Code::BadRequest,
                format!("more than {MOST_FINDINGS} findings; reuse their names"),
            ));
        }
        let wrong = || {
            Failure::new(
                Code::BadRequest,
                format!("{:?} is no state; {} are", finding.state, State::NAMES.join(", ")),
            )
        };
        let state = State::parse(&finding.state).ok_or_else(wrong)?;
        self.engine.board.report(&name, Finding { state, detail: finding.detail, advice: finding.advice });
        Ok(json!({}))
    }

    fn note(&self, Note { revision, request }: Note) -> Result<Value, Failure> {
        let noted = Statements { statements: Vec::new(), revisions: vec![revision], request };
        let changes = self.write(noted)?;
        Ok(json!({"n": changes["revisions"][0]}))
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if !name.is_empty() && name.len() <= NAME_LENGTH && name.chars().all(fits) {
        return Ok(());
    }
    let text = format!(
        "the name {name:?} must be 1 to {NAME_LENGTH} small letters, digits, dots, dashes and underscores"
    );
    Err(Failure::new(Code::BadRequest, text))
}
