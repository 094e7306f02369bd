//! What the host keeps for a plugin beyond its process: the database, secrets, and what people are doing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_db::{Db, Owner};
use jackfield_sdk::bench::{Bench, FakeHost};
use jackfield_sdk::{Plugin, Value, json};

use crate::{Site, storage};

/// What people are doing: by account, the last word of whatever source.
type People = Arc<Mutex<BTreeMap<String, Value>>>;

/// The plugin's secrets by name.
type Secrets = Arc<Mutex<BTreeMap<String, String>>>;

/// Everything that outlives a process of the plugin.
#[derive(Clone)]
pub struct World {
    pub db: Arc<Db>,
    pub site: Site,
    pub secrets: Secrets,
    pub people: People,
    /// What somebody else writes just before the plugin's next transaction, by core's own hand.
    pub interloper: Arc<Mutex<Option<String>>>,
}

impl World {
    pub fn new(db: Db, site: Site) -> Self {
        let (secrets, people, interloper) = Default::default();
        Self { db: Arc::new(db), site, secrets, people, interloper }
    }

    /// Starts a process of the plugin in it.
    pub fn start<P: Plugin>(&self) -> Bench {
        let host = self.with_storage((self.site.host)(), owner::<P>());
        let (told, asked) = (Arc::clone(&self.people), Arc::clone(&self.people));
        let host = host.answer("presence.publish", move |args| {
            publish(&told, &args);
            Ok(json!({"refused": []}))
        });
        let host = host.answer("presence.get", move |args| Ok(json!({"presence": found(&asked, &args)})));
        with_secrets(host, &self.secrets).start::<P>().unwrap()
    }

    fn with_storage(&self, host: FakeHost, owner: Owner) -> FakeHost {
        let (asked, world, own) = (Arc::clone(&self.db), self.clone(), owner.clone());
        let host = host.answer("db.query", move |args| storage::query(&own, &asked, args));
        host.answer("db.tx", move |args| {
            if !(world.site.is_by_itself)(&args) {
                world.interrupt();
            }
            storage::write(&owner, &world.db, args)
        })
    }

    fn interrupt(&self) {
        let sql = self.interloper.lock().unwrap_or_else(PoisonError::into_inner).take();
        sql.iter().for_each(|sql| self.core(sql));
    }

    /// Writes into core's own tables, by core's hand.
    pub fn core(&self, sql: &str) {
        let sql = sql.to_owned();
        self.db.write(move |tx| tx.execute(&sql, [])).unwrap();
    }
}

/// Whose tables the plugin's are.
pub fn owner<P: Plugin>() -> Owner {
    Owner::new(P::ID).unwrap()
}

/// The appliance's merge is not here: whoever says something last is right.
pub fn publish(people: &People, args: &Value) {
    let mut people = people.lock().unwrap_or_else(PoisonError::into_inner);
    for change in args["changes"].as_array().unwrap() {
        let account = change["account"].as_str().unwrap();
        match change["state"].as_str() {
            Some(state) => {
                let (source, note) = (&args["source"], &change["note"]);
                let shown = json!({"account": account, "state": state, "note": note, "source": source});
                people.insert(account.to_owned(), shown);
            }
            None => drop(people.remove(account)),
        }
    }
}

fn found(people: &People, args: &Value) -> Vec<Value> {
    let people = people.lock().unwrap_or_else(PoisonError::into_inner);
    let shown = |account: &Value| {
        let nothing = || json!({"account": account, "state": "unknown"});
        people.get(account.as_str().unwrap()).cloned().unwrap_or_else(nothing)
    };
    args["accounts"].as_array().unwrap().iter().map(shown).collect()
}

/// Keeps secrets beyond a restart, as the appliance does.
fn with_secrets(mut host: FakeHost, secrets: &Secrets) -> FakeHost {
    for op in ["secret.put", "secret.get", "secret.delete"] {
        let secrets = Arc::clone(secrets);
        host = host.answer(op, move |args| Ok(secret(&secrets, op, &args)));
    }
    host
}

fn secret(secrets: &Secrets, op: &str, args: &Value) -> Value {
    let mut secrets = secrets.lock().unwrap_or_else(PoisonError::into_inner);
    let name = args["name"].as_str().unwrap();
    match op {
        "secret.get" => return json!({"value": secrets.get(name)}),
        "secret.put" => secrets.insert(name.to_owned(), args["value"].as_str().unwrap().to_owned()),
        _ => secrets.remove(name),
    };
    json!({})
}
