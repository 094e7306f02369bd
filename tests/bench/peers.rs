//! What a peer's directory of 50,000 people costs: brought whole, looked through again, and with 500 changes. Beside it
//! the import of the same 50,000 accounts from a list, by the same appliance. Both enterprises are on one appliance, so a
//! run has all of a link but its sockets.

#[allow(dead_code, reason = "a part of it is used here")]
mod appliance;
mod client;
#[allow(dead_code, reason = "the figures' table")]
mod measure;
mod report;
#[allow(dead_code, reason = "the figures' table")]
mod rounds;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use appliance::Appliance;
use report::Report;

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PEOPLE: usize = 50_000;
const CHANGED: usize = 500;
const WITHIN: Duration = Duration::from_secs(900);
const IMPORT: &str = "/accounts/import?mode=keep_good";

fn main() -> ExitCode {
    report::run(measured)
}

struct Bench {
    appliance: Appliance,
    database: PathBuf,
}

fn measured(binary: &Path, folder: &Path) -> Outcome<Report> {
    let mut appliance = Appliance::lay_out(binary, folder)?;
    stage(binary, folder)?;
    appliance.start()?;
    appliance.prepare()?;
    let bench = Bench { appliance, database: folder.join("state/jackfield.db") };
    let name = bench.name()?;
    bench.ask(
        "POST",
        "/enterprises",
        &json!({"id": "south", "description": "South", "domain": "south.example.com"}),
        201,
    )?;
    let mut report = Report::new("peers");
    let import = bench.import(0..PEOPLE, "Mc")?;
    report.note("import_s", "import of 50,000 accounts, s", import);
    let began = Instant::now();
    for (enterprise, there) in [("south", "bench"), ("bench", "south")] {
        let peer = json!({"enterprise": enterprise, "description": there, "kind": "jackfield", "hostname": name,
            "peer_enterprise": there});
        bench.ask("POST", "/peers", &peer, 201)?;
    }
    bench.until("SELECT count(*) FROM account WHERE peer IS NOT NULL", PEOPLE)?;
    let first = began.elapsed().as_secs_f64();
    report.note("first_s", "50,000 contacts brought whole, s", first);
    report.note("first_ratio", "that over the import", first / import);
    let (asked, _) = bench.again("")?;
    report.note("asked_s", "asked for changes, without any, s", asked);
    let (again, written) = bench.again("?whole=1")?;
    report.note("unchanged_s", "the whole again without changes, s", again);
    report.note("unchanged_ratio", "that over the import", again / import);
    report.note("unchanged_rows", "contacts written by it", written as f64);
    let began = Instant::now();
    bench.import(0..CHANGED, "Mac")?;
    bench.until("SELECT count(*) FROM account WHERE peer IS NOT NULL AND last_name LIKE 'Mac%'", CHANGED)?;
    report.note("changed_s", "500 changes imported and with the peer, s", began.elapsed().as_secs_f64());
    let memory = bench.appliance.memory()?;
    report.note("resident_kib", "the appliance afterwards, resident, KiB", memory.resident as f64);
    Ok(report)
}

impl Bench {
    /// The name that the appliance is known by.
    fn name(&self) -> Outcome<String> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            let found = self.db()?.query_row("SELECT hostname FROM peering_self", [], |row| row.get(0));
            match found {
                Ok(name) => return Ok(name),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        Err("peering does not come up".into())
    }

    fn db(&self) -> Outcome<Connection> {
        Ok(Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
    }

    fn count(&self, sql: &str) -> Outcome<i64> {
        Ok(self.db()?.query_row(sql, [], |row| row.get(0))?)
    }

    fn until(&self, sql: &str, wanted: usize) -> Outcome<()> {
        let began = Instant::now();
        while began.elapsed() < WITHIN {
            if self.count(sql)? == i64::try_from(wanted)? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{} instead of {wanted}: {sql}", self.count(sql)?).into())
    }

    /// Imports those accounts of the enterprise `bench`; seconds until the job has ended.
    fn import(&self, which: std::ops::Range<usize>, prefix: &str) -> Outcome<f64> {
        let line = |n| format!("bench,user{n},Ann,{prefix}{n},user{n}@bench.example.com,{}\n", 1_000_000 + n);
        let list: String = which.map(line).collect();
        let list = format!("enterprise,login_id,first_name,last_name,email,extension\n{list}");
        let request = String::from_utf8(self.appliance.request("POST", IMPORT, Some(&list)))?;
        let request = request.replacen("application/json", "text/csv", 1);
        let began = Instant::now();
        client::Connection::tls(self.appliance.address()?, self.appliance.trust()?)?
            .ask(request.as_bytes(), 202)?;
        self.until("SELECT count(*) FROM job WHERE ended_at IS NULL", 0)?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// The directory again: seconds, and contacts that were written.
    fn again(&self, query: &str) -> Outcome<(f64, i64)> {
        let before = self.count("SELECT coalesce(max(n), 0) FROM revision")?;
        let peer: String =
            self.db()?.query_row("SELECT id FROM peer WHERE enterprise = 'south'", [], |row| row.get(0))?;
        let began = Instant::now();
        self.ask("POST", &format!("/peers/{peer}:sync{query}"), &Value::Null, 202)?;
        self.until("SELECT count(*) FROM job WHERE ended_at IS NULL", 0)?;
        let took = began.elapsed().as_secs_f64();
        Ok((took, self.count(&format!("SELECT count(*) FROM account WHERE revision > {before}"))?))
    }

    fn ask(&self, method: &str, path: &str, body: &Value, status: u16) -> Outcome<()> {
        let text = (!body.is_null()).then(|| body.to_string());
        let request = self.appliance.request(method, path, text.as_deref());
        client::Connection::tls(self.appliance.address()?, self.appliance.trust()?)?.ask(&request, status)
    }
}

/// Lays peering out beside what is there already.
fn stage(binary: &Path, folder: &Path) -> Outcome<()> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests are a folder of the workspace")?;
    let mut stage = Command::new(root.join("packaging/stage"));
    let status = stage.arg(folder).args(["--plugin", "peering"]).env("JACKFIELD_BIN", binary).status()?;
    if status.success() { Ok(()) } else { Err("packaging/stage failed".into()) }
}
