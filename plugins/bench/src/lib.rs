//! An appliance for the tests: a fake host whose storage is the real one, so that SQLite's authorizer is in
//! force and each revision is in the same transaction as its change. Left out: the process and the API.

// It is part of tests, where a broken premise is a failure of the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_db::{Db, Error, Options, Owner, OwnerStep, OwnerTx, Value as Cell, params};
use jackfield_sdk::abi::ops::{Changes, Query, Rows, Statements};
use jackfield_sdk::bench::{Bench, FakeHost};
use jackfield_sdk::{Code, Failure, HttpRequest, HttpResponse, Plugin, Revision, Value, json};
use tempfile::TempDir;

/// What somebody else writes just before the plugin's next transaction, by core's own hand.
type Interloper = Arc<Mutex<Option<String>>>;

/// A plugin, started on a new database with the enterprise `home` of the domain `Home.example`.
pub struct Appliance<P> {
    bench: Bench,
    db: Arc<Db>,
    interloper: Interloper,
    secrets: Secrets,
    people: People,
    _folder: TempDir,
    _plugin: PhantomData<P>,
}

/// What people are doing: by account, the last word of whatever source.
type People = Arc<Mutex<BTreeMap<String, Value>>>;

/// The plugin's secrets by name.
type Secrets = Arc<Mutex<BTreeMap<String, String>>>;

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
    /// With the migrations of that manifest.
    pub fn new(manifest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, copies) = (folder.path().join("test.db"), folder.path().join("copies"));
        let (db, _) = Db::open(Options { file, copies, readers: 2, queue: 16 }).unwrap();
        let home = "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at)
            VALUES ('home', '', 'Home.example', 1, '', '')";
        db.write(move |tx| tx.execute(home, [])).unwrap();
        db.migrate_owner(&owner::<P>(), &steps(manifest)).unwrap();
        let (db, interloper, secrets) = (Arc::new(db), Interloper::default(), Secrets::default());
        let people = People::default();
        let bench = start::<P>(&db, &interloper, &secrets, &people);
        Self { bench, db, interloper, secrets, people, _folder: folder, _plugin: PhantomData }
    }

    /// The same database with a new process of the plugin.
    #[must_use]
    pub fn restarted(self) -> Self {
        Self { bench: start::<P>(&self.db, &self.interloper, &self.secrets, &self.people), ..self }
    }

    /// Says for a source what somebody is doing; only the last word of all sources counts here.
    pub fn does(&self, account: &str, source: &str, state: &str, note: &str) {
        let change = json!({"account": account, "state": state, "note": note});
        publish(&self.people, &json!({"source": source, "changes": [change]}));
    }

    /// Writes into core's own tables, by core's hand.
    pub fn core(&self, sql: &str) {
        let sql = sql.to_owned();
        self.db.write(move |tx| tx.execute(&sql, [])).unwrap();
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
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        self.bench.http(&HttpRequest { query, ..request("GET", path, Value::Null) })
    }

    /// Makes something.
    pub fn post(&self, path: &str, body: Value) -> HttpResponse {
        self.bench.post(path, body)
    }

    /// Replaces whatever version is there.
    pub fn put(&self, path: &str, body: Value) -> HttpResponse {
        self.change("PUT", path, "*", body)
    }

    /// A change of the version that reading gave.
    pub fn change(&self, method: &str, path: &str, version: &str, body: Value) -> HttpResponse {
        self.bench.http(&HttpRequest { if_match: json!(version), ..request(method, path, body) })
    }

    /// The same, as a dry run.
    pub fn rehearse(&self, method: &str, path: &str, version: &str, body: Value) -> HttpResponse {
        let request = HttpRequest { if_match: json!(version), dry_run: true, ..request(method, path, body) };
        self.bench.http(&request)
    }

    /// Version of what is at that path.
    pub fn version(&self, path: &str) -> String {
        self.get(path).etag.unwrap()
    }

    /// Has somebody else write that just before the plugin's next transaction.
    pub fn interrupt(&self, sql: &str) {
        *self.interloper.lock().unwrap() = Some(sql.to_owned());
    }

    /// Everything in the plugin's tables, to compare.
    pub fn stored(&self) -> Vec<Vec<Cell>> {
        let owner = owner::<P>();
        let sql =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ?1 || '_*' ORDER BY name";
        let names: Result<Vec<String>, Error> =
            self.db.read(|read| read.all(sql, params![P::ID], |row| row.get(0)));
        let rows = |name: String| {
            self.db
                .query_as(&owner, &format!("SELECT * FROM {name} ORDER BY 1"), vec![], 10_000)
                .unwrap()
                .rows
        };
        names.unwrap().into_iter().flat_map(rows).collect()
    }

    /// All revisions so far.
    pub fn revisions(&self) -> Vec<Noted> {
        let sql = "SELECT kind, object, who, coalesce(before, 'null'), coalesce(after, 'null')
            FROM revision ORDER BY n";
        let parse = |text: String| text.parse::<Value>().unwrap();
        let noted: Result<_, Error> = self.db.read(|read| {
            read.all(sql, params![], |row| {
                let what = format!("{} {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?);
                let (before, after) = (parse(row.get(3)?), parse(row.get(4)?));
                Ok(Noted { what, who: row.get(2)?, before, after })
            })
        });
        noted.unwrap()
    }

    /// The plugin's last word of that kind.
    pub fn told(&self, op: &str) -> Value {
        self.bench.wait_asked(op).unwrap();
        self.bench.asked(op).pop().unwrap()
    }

    /// Questions of that kind so far.
    pub fn count(&self, op: &str) -> usize {
        self.bench.asked(op).len()
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

fn request(method: &str, path: &str, body: Value) -> HttpRequest {
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

fn owner<P: Plugin>() -> Owner {
    Owner::new(P::ID).unwrap()
}

fn steps(manifest: &str) -> Vec<OwnerStep> {
    let manifest: Manifest = toml::from_str(manifest).unwrap();
    manifest.migrations.into_iter().map(|step| OwnerStep { name: step.name, sql: step.sql }).collect()
}

fn start<P: Plugin>(db: &Arc<Db>, interloper: &Interloper, secrets: &Secrets, people: &People) -> Bench {
    let (reading, writing, interloper) = (Arc::clone(db), Arc::clone(db), Arc::clone(interloper));
    let interrupt = move |db: &Db| {
        let sql = interloper.lock().unwrap_or_else(PoisonError::into_inner).take();
        sql.map(|sql| db.write(move |tx| tx.execute(&sql, [])).unwrap());
    };
    let host = FakeHost::new().answer("db.query", move |args| query(&owner::<P>(), &reading, args));
    let host = host.answer("db.tx", move |args| {
        interrupt(&writing);
        write(&owner::<P>(), &writing, args)
    });
    let (told, asked) = (Arc::clone(people), Arc::clone(people));
    let host = host.answer("presence.publish", move |args| {
        publish(&told, &args);
        Ok(json!({"refused": []}))
    });
    let host = host.answer("presence.get", move |args| Ok(json!({"presence": found(&asked, &args)})));
    with_secrets(host, secrets).start::<P>().unwrap()
}

/// The appliance's merge is not here: whoever says something last is right.
fn publish(people: &People, args: &Value) {
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

fn query(owner: &Owner, db: &Db, args: Value) -> Result<Value, Failure> {
    let Query { statement, limit } = read(args);
    let table = db.query_as(owner, &statement.sql, cells(&statement.params), limit);
    let table = table.map_err(|error| Undone::from(error).0)?;
    let rows = table.rows.into_iter().map(|row| row.into_iter().map(shown).collect()).collect();
    Ok(json!(Rows { columns: table.columns, rows, more: table.more }))
}

/// A failure on its way out of a transaction.
struct Undone(Failure);

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Constraint { .. } => Code::Conflict,
            Error::Denied { .. } => Code::Denied,
            _ => Code::BadRequest,
        };
        Self(Failure::new(code, error.to_string()))
    }
}

fn write(owner: &Owner, db: &Db, args: Value) -> Result<Value, Failure> {
    let work: Statements = read(args);
    db.write_as(owner, move |tx| run(tx, &work))
        .map(|changes| json!(changes))
        .map_err(|Undone(failure)| failure)
}

fn run(tx: &OwnerTx<'_>, work: &Statements) -> Result<Changes, Undone> {
    let mut changes = Changes { changed: Vec::new(), rowids: Vec::new(), revisions: Vec::new() };
    for statement in &work.statements {
        let done = tx.execute_as(&statement.sql, cells(&statement.params))?;
        if statement.expect.is_some_and(|wanted| wanted != done.rows) {
            return Err(Undone(Failure::new(Code::Conflict, "another number of rows")));
        }
        changes.changed.push(done.rows);
        changes.rowids.push(done.rowid);
    }
    for revision in &work.revisions {
        changes.revisions.push(note(tx, revision)?);
    }
    Ok(changes)
}

fn note(tx: &OwnerTx<'_>, revision: &Revision) -> Result<i64, Error> {
    let text = |value: &Value| (!value.is_null()).then(|| value.to_string());
    let (before, after) = (text(&revision.before), text(&revision.after));
    let sql = "INSERT INTO revision (at, who, origin, via, action, kind, object, before, after, request)
        VALUES ('', ?1, '', 'plugin', 'change', ?2, ?3, ?4, ?5, '')";
    tx.execute(sql, params![revision.who, revision.kind, revision.object, before, after])?;
    Ok(tx.last_insert_rowid())
}

fn read<T: serde::de::DeserializeOwned>(args: Value) -> T {
    serde::Deserialize::deserialize(args).unwrap()
}

fn cells(values: &[Value]) -> Vec<Cell> {
    values.iter().map(cell).collect()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Integer((*flag).into()),
        Value::Number(number) => Cell::Integer(number.as_i64().unwrap()),
        Value::String(text) => Cell::Text(text.clone()),
        other => panic!("{other} cannot be bound"),
    }
}

fn shown(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => json!(number),
        Cell::Text(text) => json!(text),
        other => panic!("{other:?} is not in these tables"),
    }
}
