//! An appliance for the tests: a fake host whose storage is the real one, so that SQLite's authorizer is in
//! force and each revision is in the same transaction as its change. Left out: the process and the API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jackfield_db::{Db, Error, Options, Owner, OwnerStep, OwnerTx, Value as Cell, params};
use jackfield_peering::Peering;
use jackfield_sdk::abi::ops::{Changes, Query, Rows, Statements};
use jackfield_sdk::bench::{Bench, FakeHost};
use jackfield_sdk::{Code, Failure, HttpRequest, HttpResponse, Revision, Value, json};
use tempfile::TempDir;

/// What somebody else writes just before the plugin's next transaction, by core's own hand.
type Interloper = Arc<Mutex<Option<String>>>;

/// Secrets by name, as the appliance keeps them.
type Secrets = Arc<Mutex<BTreeMap<String, Value>>>;

/// The plugin, started on a new database with the enterprises `home` (domain `Home.example`) and `Branch`, and with
/// the peers `peer-ocs` (external), `peer-lyon` (a sister appliance) and `peer-old` (of no kind).
pub struct Appliance {
    pub bench: Bench,
    db: Arc<Db>,
    interloper: Interloper,
    secrets: Secrets,
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
        db.write(move |tx| SITE.iter().try_for_each(|sql| tx.execute(sql, []).map(drop))).unwrap();
        db.migrate_owner(&owner(), &steps()).unwrap();
        let (db, interloper, secrets) = (Arc::new(db), Interloper::default(), Secrets::default());
        let bench = start(&db, &interloper, &secrets);
        Self { bench, db, interloper, secrets, _folder: folder }
    }

    /// The same database with a new process of the plugin; something may be written while there is none.
    pub fn restarted_after(self, sql: &str) -> Self {
        let Self { bench, db, interloper, secrets, _folder } = self;
        drop(bench);
        let sql = sql.to_owned();
        db.write(move |tx| tx.execute(&sql, [])).unwrap();
        let bench = start(&db, &interloper, &secrets);
        Self { bench, db, interloper, secrets, _folder }
    }

    /// Has core write that now.
    pub fn core(&self, sql: &str) {
        let sql = sql.to_owned();
        self.db.write(move |tx| tx.execute(&sql, [])).unwrap();
    }

    /// All secrets that are kept for somebody, by name; the key of the plugin's own certificate is left out.
    pub fn secrets(&self) -> BTreeMap<String, Value> {
        let mut secrets = self.secrets.lock().unwrap().clone();
        secrets.remove("certificate_key");
        secrets
    }

    /// Everything that a table of the plugin holds.
    pub fn table(&self, name: &str) -> Vec<Vec<Cell>> {
        self.db.query_as(&owner(), &format!("SELECT * FROM {name}"), vec![], 10_000).unwrap().rows
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

    /// Puts without naming a version.
    pub fn put(&self, path: &str, body: Value) -> HttpResponse {
        self.bench.http(&self.request("PUT", path, body))
    }

    /// A dry run.
    pub fn rehearse(&self, method: &str, path: &str, version: Option<&str>, body: Value) -> HttpResponse {
        let request = HttpRequest { if_match: json!(version), dry_run: true, ..request(method, path, body) };
        self.bench.http(&request)
    }

    /// A request as core sends it.
    pub fn request(&self, method: &str, path: &str, body: Value) -> HttpRequest {
        request(method, path, body)
    }

    /// Waits until the plugin has asked that more often.
    pub fn await_more(&self, op: &str, than: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.count(op) <= than {
            assert!(Instant::now() < deadline, "{op} was not asked");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Version of what is at that path.
    pub fn version(&self, path: &str) -> String {
        self.get(path).etag.unwrap()
    }

    /// Has somebody else write that just before the plugin's next transaction.
    pub fn interrupt(&self, sql: &str) {
        *self.interloper.lock().unwrap() = Some(sql.to_owned());
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
        self.bench.asked(op).iter().filter(|args| !is_desk_s(args)).count()
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

/// What core has before the plugin starts.
const SITE: &[&str] = &[
    "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at) VALUES
        ('home', 'Home', 'Home.example', 1, '2026-01-01', ''), ('Branch', 'Branch', 'branch.example', 1, '2026-01-02', '')",
    "INSERT INTO peer (id, enterprise, description, kind, hostname, peer_enterprise, dialing_prefix, revision,
        created_at, changed_at) VALUES
        ('peer-ocs', 'home', 'OCS', 'external', NULL, NULL, '', 1, '2026-01-03', ''),
        ('peer-lyon', 'home', 'Lyon', 'jackfield', 'uc.lyon.example', 'Lyon-01', '77', 1, '2026-01-04', ''),
        ('peer-old', 'Branch', 'Old', NULL, NULL, NULL, '-8', 1, '2026-01-05', '')",
];

fn owner() -> Owner {
    Owner::new("peering").unwrap()
}

fn steps() -> Vec<OwnerStep> {
    let manifest: Manifest = toml::from_str(include_str!("../../plugin.toml")).unwrap();
    manifest.migrations.into_iter().map(|step| OwnerStep { name: step.name, sql: step.sql }).collect()
}

/// Starts the plugin, and waits until it has looked around.
fn start(db: &Arc<Db>, interloper: &Interloper, secrets: &Secrets) -> Bench {
    let (reading, writing, interloper) = (Arc::clone(db), Arc::clone(db), Arc::clone(interloper));
    let interrupt = move |db: &Db| {
        let sql = interloper.lock().unwrap_or_else(PoisonError::into_inner).take();
        sql.map(|sql| db.write(move |tx| tx.execute(&sql, [])).unwrap());
    };
    let (putting, getting, deleting) = (Arc::clone(secrets), Arc::clone(secrets), Arc::clone(secrets));
    let name = |args: &Value| args["name"].as_str().unwrap().to_owned();
    let bench = FakeHost::new()
        // No test of routes needs an open port.
        .setting("peering.listen", json!([]))
        .answer("peer.here", |_| Ok(json!({"names": ["uc.home.example", "localhost"]})))
        .answer("secret.put", move |args| {
            putting.lock().unwrap().insert(name(&args), args["value"].clone());
            Ok(json!({}))
        })
        .answer("secret.get", move |args| Ok(json!({"value": getting.lock().unwrap().get(&name(&args))})))
        .answer("secret.delete", move |args| {
            deleting.lock().unwrap().remove(&name(&args));
            Ok(json!({}))
        })
        .answer("db.query", move |args| query(&reading, args))
        .answer("db.tx", move |args| {
            if !is_desk_s(&args) {
                interrupt(&writing);
            }
            write(&writing, args)
        })
        .start::<Peering>()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !bench.asked("check.report").iter().any(|finding| finding["name"] == "sisters") {
        assert!(Instant::now() < deadline, "nothing was said of sister appliances");
        std::thread::sleep(Duration::from_millis(5));
    }
    bench
}

/// Whether it is what the desk of sister appliances writes by itself, whatever is asked meanwhile.
fn is_desk_s(args: &Value) -> bool {
    let text = args.to_string();
    ["peering_shown", "peering_self"].iter().any(|table| text.contains(table))
        && !text.contains("peering_synchronizer")
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
