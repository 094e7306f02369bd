//! An appliance for the tests: a fake host whose storage is the real one, so that SQLite's authorizer is in
//! force and each revision is in the same transaction as its change. Left out: the process and the API.

// It is part of tests, where a broken premise is a failure of the test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod storage;
mod world;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::PoisonError;

use jackfield_db::{Db, Error, Options, OwnerStep, Value as Cell, params};
use jackfield_sdk::bench::{Bench, FakeHost};
use jackfield_sdk::{Failure, HttpRequest, HttpResponse, Plugin, Undo, Value, json};
use tempfile::TempDir;
use world::{World, owner};

/// A plugin, started on a new database.
pub struct Appliance<P> {
    /// Its process, to be asked directly.
    pub bench: Bench,
    world: World,
    _folder: TempDir,
    _plugin: PhantomData<P>,
}

/// What there is before the plugin starts, and what its host does beyond storage, secrets and presence.
#[derive(Clone, Copy)]
pub struct Site {
    /// Written into core's own tables.
    pub core: &'static [&'static str],
    /// The host, without those three.
    pub host: fn() -> FakeHost,
    /// Whether a transaction is one of those that the plugin makes by itself at any time: it is neither interrupted
    /// nor counted.
    pub is_by_itself: fn(&Value) -> bool,
}

/// The enterprise `home` of the domain `Home.example`.
impl Default for Site {
    fn default() -> Self {
        const HOME: &str =
            "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at)
            VALUES ('home', '', 'Home.example', 1, '', '')";
        Self { core: &[HOME], host: FakeHost::new, is_by_itself: |_| false }
    }
}

/// One revision as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// Kind and object.
    pub what: String,
    /// Who made it.
    pub who: String,
    /// As it was.
    pub before: Value,
    /// As it is.
    pub after: Value,
}

#[derive(serde::Deserialize)]
struct Manifest {
    migrations: Vec<Migration>,
}

#[derive(serde::Deserialize)]
struct Migration {
    name: String,
    sql: String,
}

impl<P: Plugin> Appliance<P> {
    /// On the usual site, with the migrations of that manifest.
    pub fn new(manifest: &str) -> Self {
        Self::on(Site::default(), manifest)
    }

    /// On that site.
    pub fn on(site: Site, manifest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, copies) = (folder.path().join("test.db"), folder.path().join("copies"));
        let (db, _) = Db::open(Options { file, copies, readers: 2, queue: 16 }).unwrap();
        db.write(move |tx| site.core.iter().try_for_each(|sql| tx.execute(sql, []).map(drop))).unwrap();
        db.migrate_owner(&owner::<P>(), &steps(manifest)).unwrap();
        let world = World::new(db, site);
        Self { bench: world.start::<P>(), world, _folder: folder, _plugin: PhantomData }
    }

    /// The same database with a new process of the plugin.
    #[must_use]
    pub fn restarted(self) -> Self {
        self.restarted_after(&[])
    }

    /// The same, and core writes that while there is no process.
    #[must_use]
    pub fn restarted_after(self, core: &[&str]) -> Self {
        let Self { bench, world, _folder, _plugin } = self;
        drop(bench);
        core.iter().for_each(|sql| world.core(sql));
        Self { bench: world.start::<P>(), world, _folder, _plugin }
    }

    /// Says for a source what somebody is doing; only the last word of all sources counts here.
    pub fn does(&self, account: &str, source: &str, state: &str, note: &str) {
        let change = json!({"account": account, "state": state, "note": note});
        world::publish(&self.world.people, &json!({"source": source, "changes": [change]}));
    }

    /// Writes into core's own tables, by core's hand.
    pub fn core(&self, sql: &str) {
        self.world.core(sql);
    }

    /// Puts an account of the enterprise `home` into core's own table: id and login, first and last name, e-mail.
    pub fn account(&self, login: [&str; 2], name: [&str; 2], email: &str, deployed: bool) {
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let [id, login] = login.map(text);
        let [first, last] = name.map(text);
        self.core(&format!(
            "INSERT INTO account (id, enterprise, login_id, first_name, last_name, email, extension, origin,
                deployed, revision, created_at, changed_at)
            VALUES ({id}, 'home', {login}, {first}, {last}, {}, '', 'manual', {deployed}, 1, '', '')",
            text(email)
        ));
    }

    /// The secrets that the host keeps for the plugin, by name.
    pub fn secrets(&self) -> BTreeMap<String, String> {
        self.world.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the doctor is told when it asks.
    pub fn doctor(&self) -> Vec<Value> {
        let found = self.bench.request("doctor", json!({})).unwrap();
        found["findings"].as_array().unwrap().clone()
    }

    /// Reads a path.
    pub fn get(&self, path: &str) -> HttpResponse {
        self.bench.get(path)
    }

    /// The same with a query.
    pub fn get_with(&self, path: &str, query: Value) -> HttpResponse {
        let query = query.as_object().cloned().unwrap();
        self.bench.http(&HttpRequest { query, ..Self::request("GET", path, Value::Null) })
    }

    /// Makes something.
    pub fn post(&self, path: &str, body: Value) -> HttpResponse {
        self.bench.post(path, body)
    }

    /// Replaces whatever version is there.
    pub fn put(&self, path: &str, body: Value) -> HttpResponse {
        self.change("PUT", path, "*", body)
    }

    /// A request as core sends it.
    pub fn request(method: &str, path: &str, body: Value) -> HttpRequest {
        let (method, path) = (method.to_owned(), path.to_owned());
        HttpRequest {
            request: String::new(),
            method,
            path,
            route: String::new(),
            params: Default::default(),
            query: Default::default(),
            body,
            who: "admin alice".to_owned(),
            if_match: Value::Null,
            dry_run: false,
        }
    }

    /// A change of the version that reading gave.
    pub fn change(&self, method: &str, path: &str, version: &str, body: Value) -> HttpResponse {
        self.bench.http(&HttpRequest { if_match: json!(version), ..Self::request(method, path, body) })
    }

    /// A dry run; without a version it is one of a request that names none.
    pub fn rehearse(&self, method: &str, path: &str, version: Option<&str>, body: Value) -> HttpResponse {
        let request =
            HttpRequest { if_match: json!(version), dry_run: true, ..Self::request(method, path, body) };
        self.bench.http(&request)
    }

    /// Version of what is at that path.
    pub fn version(&self, path: &str) -> String {
        self.get(path).etag.unwrap()
    }

    /// Has somebody else write that just before the plugin's next transaction.
    pub fn interrupt(&self, sql: &str) {
        *self.world.interloper.lock().unwrap() = Some(sql.to_owned());
    }

    /// Everything in the plugin's tables, to compare.
    pub fn stored(&self) -> Vec<Vec<Cell>> {
        let sql =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ?1 || '_*' ORDER BY name";
        let names: Result<Vec<String>, Error> =
            self.world.db.read(|read| read.all(sql, params![P::ID], |row| row.get(0)));
        names.unwrap().iter().flat_map(|name| self.table(name)).collect()
    }

    /// Everything in one of them.
    pub fn table(&self, name: &str) -> Vec<Vec<Cell>> {
        let sql = format!("SELECT * FROM {name} ORDER BY 1");
        self.world.db.query_as(&owner::<P>(), &sql, vec![], 10_000).unwrap().rows
    }

    /// All revisions so far.
    pub fn revisions(&self) -> Vec<Noted> {
        let sql = "SELECT kind, object, who, coalesce(before, 'null'), coalesce(after, 'null')
            FROM revision ORDER BY n";
        let parse = |text: String| text.parse::<Value>().unwrap();
        let noted: Result<_, Error> = self.world.db.read(|read| {
            read.all(sql, params![], |row| {
                let what = format!("{} {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?);
                let (before, after) = (parse(row.get(3)?), parse(row.get(4)?));
                Ok(Noted { what, who: row.get(2)?, before, after })
            })
        });
        noted.unwrap()
    }

    /// Puts the latest revision back as core does: asks the plugin how, and does that.
    pub fn undo_latest(&self) -> Result<(), Failure> {
        let Noted { what, who, before, after } = self.revisions().pop().unwrap();
        let (kind, object) = what.split_once(' ').unwrap();
        let (kind, object) = (kind.to_owned(), object.to_owned());
        let back = self.bench.undo(&Undo { n: 1, kind, object, before, after, who, parts: vec![] })?;
        storage::write(&owner::<P>(), &self.world.db, json!(back)).map(drop)
    }

    /// The plugin's last word of that kind.
    pub fn told(&self, op: &str) -> Value {
        self.bench.wait_asked(op).unwrap();
        self.bench.asked(op).pop().unwrap()
    }

    /// Questions of that kind so far.
    pub fn count(&self, op: &str) -> usize {
        self.bench.asked(op).iter().filter(|args| !(self.world.site.is_by_itself)(args)).count()
    }

    /// Size of the plugin's last transaction, in bytes of JSON.
    pub fn transaction_bytes(&self) -> usize {
        self.bench.asked("db.tx").pop().unwrap().to_string().len()
    }
}

/// Pointer and sentence of the only error of a 422.
#[track_caller]
pub fn complaint(answer: &HttpResponse) -> (&str, &str) {
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!((answer.status, errors.len()), (422, 1), "{}", answer.body);
    (errors[0]["pointer"].as_str().unwrap(), errors[0]["detail"].as_str().unwrap())
}

fn steps(manifest: &str) -> Vec<OwnerStep> {
    let manifest: Manifest = toml::from_str(manifest).unwrap();
    manifest.migrations.into_iter().map(|step| OwnerStep { name: step.name, sql: step.sql }).collect()
}
