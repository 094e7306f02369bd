//! Plugins' deaths and switches in the database, so that a restart of the appliance is no amnesty.

use std::sync::{Arc, Weak};

use jackfield_db::{Error, params};

use crate::engine::{Engine, clock};
use crate::host::Memory;
use crate::host::policy::Counters;

/// Remembers in the engine's database.
pub struct EngineMemory {
    engine: Weak<Engine>,
}

impl EngineMemory {
    /// A memory that does not keep the engine alive.
    pub fn new(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::downgrade(engine) }
    }
}

impl Memory for EngineMemory {
    fn load(&self, plugin: &str) -> Counters {
        let Some(engine) = self.engine.upgrade() else { return Counters::default() };
        let sql = "SELECT counters FROM plugin WHERE id = ?1";
        let stored = engine.db.read(|read| read.one(sql, params![plugin], |row| row.get::<_, String>(0)));
        let stored = stored.unwrap_or_else(|cause: Error| {
            log::error!("cannot read what is remembered of the plugin {plugin}: {cause}");
            None
        });
        stored.map(|text| serde_json::from_str(&text).unwrap_or_default()).unwrap_or_default()
    }

    fn save(&self, plugin: &str, counters: &Counters) {
        let Some(engine) = self.engine.upgrade() else { return };
        let (id, text) = (plugin.to_owned(), serde_json::json!(counters).to_string());
        let sql = "INSERT INTO plugin (id, counters, changed_at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET counters = ?2, changed_at = ?3";
        let saved = engine.db.write(move |tx| tx.execute(sql, params![id, text, clock::now()]));
        if let Err(cause) = saved {
            log::error!("cannot save what is remembered of the plugin {plugin}: {cause}");
        }
    }
}
