//! What an operation costs as the number of accounts grows: 2,000, 20,000 and 200,000 in three enterprises, made by the
//! import. A page of a list, a search by part of a name, opening and changing one, each through the door with TLS,
//! rights and revisions; beside it bare SQLite doing the same on a copy of the same rows.

#[allow(dead_code, reason = "a part of it is used here")]
mod appliance;
mod client;
mod measure;
mod report;
mod rounds;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use appliance::Appliance;
use measure::{Samples, drive};
use report::Report;
use rounds::{Row, alternate};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Accounts, with the labels of what the import of those that were missing took.
const SIZES: [(usize, &str, &str); 3] = [
    (2_000, "import_2k_per_second", "import up to 2k, lines/s"),
    (20_000, "import_20k_per_second", "import up to 20k, lines/s"),
    (200_000, "import_200k_per_second", "import up to 200k, lines/s"),
];
const ENTERPRISES: [&str; 3] = ["bench", "north", "south"];
/// Ids that are opened and changed in turn.
const IDS: usize = 500;
const IMPORT_WITHIN: Duration = Duration::from_secs(1200);

const COLUMNS: &str =
    "id, enterprise, login_id, first_name, last_name, email, extension, pbx_node, origin, peer, profile,
    teams_status, show_presence, in_directory, folder, deployed, revision, created_at, changed_at";

fn main() -> ExitCode {
    report::run(measured)
}

fn measured(binary: &Path, folder: &Path) -> Outcome<Report> {
    let mut appliance = Appliance::lay_out(binary, folder)?;
    appliance.start()?;
    appliance.prepare()?;
    let mut door = client::Connection::tls(appliance.address()?, appliance.trust()?)?;
    for id in &ENTERPRISES[1..] {
        let body = json!({"id": id, "description": id, "domain": format!("{id}.example.com")}).to_string();
        door.ask(&appliance.request("POST", "/enterprises", Some(&body)), 201)?;
    }
    let (mut report, mut made) = (Report::new("accounts"), 0);
    for (size, key, label) in SIZES {
        let began = Instant::now();
        import(&appliance, folder, made, size)?;
        report.note(key, label, (size - made) as f64 / began.elapsed().as_secs_f64());
        made = size;
        report.rows.extend(operations(&appliance, folder, size)?);
    }
    report.note("file_mib", "database with 200k accounts and their history, MiB", mib(folder)?);
    let memory = appliance.memory()?;
    report.note("resident_kib", "memory afterwards, resident, KiB", memory.resident as f64);
    Ok(report)
}

fn mib(folder: &Path) -> Outcome<f64> {
    Ok(folder.join("state/jackfield.db").metadata()?.len() as f64 / 1024.0 / 1024.0)
}

fn line(n: usize) -> String {
    const FIRST: [&str; 8] = ["Ann", "Jérôme", "Li", "Olga", "Peter", "Quentin", "Rosa", "Sven"];
    let (enterprise, first) = (ENTERPRISES[n % 3], FIRST[n % 8]);
    // A name of letters that differs from account to account, as names do.
    let last: String =
        format!("{:06}", n * 7919 % 1_000_000).chars().map(|c| (c as u8 - b'0' + b'a') as char).collect();
    format!("{enterprise},user{n},{first},Mc{last},{last}.{n}@{enterprise}.example.com,{}\n", 1_000_000 + n)
}

/// Imports the accounts from one number up to another, and waits for the end.
fn import(appliance: &Appliance, folder: &Path, from: usize, to: usize) -> Outcome<()> {
    let lines: String = (from..to).map(line).collect();
    let list = format!("enterprise,login_id,first_name,last_name,email,extension\n{lines}");
    let request = appliance.request("POST", "/accounts/import?mode=keep_good", Some(&list));
    let request = String::from_utf8(request)?.replacen("application/json", "text/csv", 1);
    client::Connection::tls(appliance.address()?, appliance.trust()?)?.ask(request.as_bytes(), 202)?;
    let (db, began) = (reading(&folder.join("state/jackfield.db"))?, Instant::now());
    while began.elapsed() < IMPORT_WITHIN {
        let open: i64 =
            db.query_row("SELECT count(*) FROM job WHERE ended_at IS NULL", [], |row| row.get(0))?;
        if open == 0 {
            let count: i64 = db.query_row("SELECT count(*) FROM account", [], |row| row.get(0))?;
            return if count == i64::try_from(to)? {
                Ok(())
            } else {
                Err(format!("{count} accounts instead of {to}").into())
            };
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err("the import did not end in time".into())
}

fn reading(file: &Path) -> Outcome<Connection> {
    Ok(Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// The operations at one size.
fn operations(appliance: &Appliance, folder: &Path, size: usize) -> Outcome<Vec<Row>> {
    let database = folder.join("state/jackfield.db");
    let copy = folder.join(format!("bare{size}.db"));
    reading(&database)?.execute("VACUUM INTO ?1", [copy.to_str().ok_or("a path of UTF-8")?])?;
    let bare = Connection::open(&copy)?;
    bare.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")?;
    let ids = ids(&bare, size)?;
    let id = |n: usize| ids[n % ids.len()].as_str();
    let get = |path: String| appliance.request("GET", &path, None);
    let through = |status: u16, request: &(dyn Fn(usize) -> Vec<u8> + Sync), for_time: Duration| {
        let connect = || client::Connection::tls(appliance.address()?, appliance.trust()?);
        drive(1, for_time, connect, |_, n| request(n), status)
    };
    let part = |n: usize| line(n * 37 % size).split(',').nth(3).unwrap_or_default()[2..6].to_owned();
    let listed = format!(
        "SELECT {COLUMNS} FROM account WHERE seq > 0 AND enterprise = 'bench' ORDER BY seq LIMIT 101"
    );
    let found = format!(
        "SELECT {COLUMNS} FROM account_search CROSS JOIN account ON account.seq = account_search.rowid
         WHERE account_search MATCH ?1 AND enterprise = 'bench' ORDER BY account.seq LIMIT 101"
    );
    let one = format!("SELECT {COLUMNS} FROM account WHERE id = ?1");
    let change = "UPDATE account SET first_name = ?2, changed_at = ?2 WHERE id = ?1";
    Ok(vec![
        alternate(
            format!("list 100, {size} accounts"),
            "SQLite, the same rows",
            |time| through(200, &|_| get("/accounts?enterprise=bench&limit=100".to_owned()), time),
            |time| bare_rows(&bare, &listed, time, |_| None),
        )?,
        alternate(
            format!("search 4 letters, {size} accounts"),
            "SQLite FTS5, the same rows",
            |time| {
                through(200, &|n| get(format!("/directory?enterprise=bench&limit=100&q={}", part(n))), time)
            },
            |time| bare_rows(&bare, &found, time, |n| Some(format!("\"{}\"", part(n)))),
        )?,
        alternate(
            format!("open one, {size} accounts"),
            "SQLite, the same row",
            |time| through(200, &|n| get(format!("/accounts/{}", id(n))), time),
            |time| bare_rows(&bare, &one, time, |n| Some(id(n).to_owned())),
        )?,
        alternate(
            format!("change one, {size} accounts"),
            "SQLite, 1 row per commit",
            |time| through(200, &|n| patch(appliance, id(n)), time),
            |time| bare_changes(&bare, change, time, |n| (id(n).to_owned(), fresh_name())),
        )?,
    ])
}

fn ids(bare: &Connection, size: usize) -> Outcome<Vec<String>> {
    let sql = "SELECT id FROM account WHERE seq % ?1 = 0 LIMIT ?2";
    let mut all = bare.prepare(sql)?;
    let found = all.query_map([i64::try_from(size / IDS)?, i64::try_from(IDS)?], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// A new first name, so that the index of names changes as well.
fn patch(appliance: &Appliance, id: &str) -> Vec<u8> {
    let name = fresh_name();
    let request = appliance.request(
        "PATCH",
        &format!("/accounts/{id}"),
        Some(&json!({"first_name": name}).to_string()),
    );
    let text = String::from_utf8_lossy(&request).replacen("\r\n", "\r\nIf-Match: *\r\n", 1);
    text.into_bytes()
}

/// A name that nobody has had.
fn fresh_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("Name{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn bare_rows(
    bare: &Connection,
    sql: &str,
    for_time: Duration,
    bound: impl Fn(usize) -> Option<String>,
) -> Outcome<Samples> {
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < for_time {
        let asked = Instant::now();
        let mut statement = bare.prepare_cached(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(bound(took.len())))?;
        while let Some(row) = rows.next()? {
            std::hint::black_box(row.get::<_, String>(4)?);
        }
        took.push(asked.elapsed());
    }
    Ok(Samples::new(took, begun.elapsed()))
}

fn bare_changes(
    bare: &Connection,
    sql: &str,
    for_time: Duration,
    bound: impl Fn(usize) -> (String, String),
) -> Outcome<Samples> {
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < for_time {
        let asked = Instant::now();
        bare.prepare_cached(sql)?.execute(bound(took.len()))?;
        took.push(asked.elapsed());
    }
    Ok(Samples::new(took, begun.elapsed()))
}
