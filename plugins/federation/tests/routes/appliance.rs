//! An appliance for the tests: a fake host whose storage is the real one, so that SQLite's authorizer is in
//! force and each revision is in the same transaction as its change. Left out: the process and the API.

use std::sync::{Arc, Mutex, PoisonError};

use jackfield_db::{Db, Error, Options, Owner, OwnerStep, OwnerTx, Value as Cell, params};
use jackfield_federation::Federation;
use jackfield_sdk::abi::ops::{Changes, Query, Rows, Statements};
use jackfield_sdk::bench::{Bench, FakeHost};
use jackfield_sdk::{Code, Failure, HttpRequest, HttpResponse, Revision, Value, json};
use tempfile::TempDir;

/// What somebody else writes just before the plugin's next transaction, by core's own hand.
type Interloper = Arc<Mutex<Option<String>>>;

/// The plugin, started on a new database with the enterprise `home` of the domain `Home.example`.
pub struct Appliance {
    bench: Bench,
    db: Arc<Db>,
    interloper: Interloper,
    _folder: TempDir,
}

/// One revision as it was recorded.
#[derive(Debug, PartialEq)]
pub struct Noted {
    pub what: String,
    pub who: String,
    pub before: Value,
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

impl Appliance {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, copies) = (folder.path().join("test.db"), folder.path().join("copies"));
        let (db, _) = Db::open(Options { file, copies, readers: 2, queue: 16 }).unwrap();
        let home = "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at)
            VALUES ('home', '', 'Home.example', 1, '', '')";
        db.write(move |tx| tx.execute(home, [])).unwrap();
        db.migrate_owner(&owner(), &steps()).unwrap();
        let (db, interloper) = (Arc::new(db), Interloper::default());
        let bench = start(&db, &interloper);
        Self { bench, db, interloper, _folder: folder }
    }

    /// The same database with a new process of the plugin.
    pub fn restarted(self) -> Self {
        Self { bench: start(&self.db, &self.interloper), ..self }
    }

    pub fn get(&self, path: &str) -> HttpResponse {
        self.bench.get(path)
    }

    pub fn get_with(&self, path: &str, query: Value) -> HttpResponse {
        let query = query.as_object().cloned().unwrap();
        self.bench.http(&HttpRequest { query, ..request("GET", path, Value::Null) })
    }

    pub fn post(&self, path: &str, body: Value) -> HttpResponse {
        self.bench.post(path, body)
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

    /// Everything in the plugin's tables, as text to compare.
    pub fn stored(&self) -> Vec<Vec<Cell>> {
        let state = self.db.query_as(&owner(), "SELECT * FROM federation_state", vec![], 10).unwrap();
        let sql = "SELECT * FROM federation_server ORDER BY domain";
        let servers = self.db.query_as(&owner(), sql, vec![], 10_000).unwrap();
        [state.rows, servers.rows].concat()
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

fn owner() -> Owner {
    Owner::new("federation").unwrap()
}

fn steps() -> Vec<OwnerStep> {
    let manifest: Manifest = toml::from_str(include_str!("../../plugin.toml")).unwrap();
    manifest.migrations.into_iter().map(|step| OwnerStep { name: step.name, sql: step.sql }).collect()
}

fn start(db: &Arc<Db>, interloper: &Interloper) -> Bench {
    let (reading, writing, interloper) = (Arc::clone(db), Arc::clone(db), Arc::clone(interloper));
    let interrupt = move |db: &Db| {
        let sql = interloper.lock().unwrap_or_else(PoisonError::into_inner).take();
        sql.map(|sql| db.write(move |tx| tx.execute(&sql, [])).unwrap());
    };
    FakeHost::new()
        .answer("db.query", move |args| query(&reading, args))
        .answer("db.tx", move |args| {
            interrupt(&writing);
            write(&writing, args)
        })
        .start::<Federation>()
        .unwrap()
}

fn query(db: &Db, args: Value) -> Result<Value, Failure> {
    let Query { statement, limit } = read(args);
    let table = db.query_as(&owner(), &statement.sql, cells(&statement.params), limit);
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

fn write(db: &Db, args: Value) -> Result<Value, Failure> {
    let work: Statements = read(args);
    db.write_as(&owner(), move |tx| run(tx, &work))
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
