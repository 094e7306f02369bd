//! What synchronizing a directory of 50,000 people costs: the first run, which brings all of them; one without changes;
//! one with 500. Beside each `ldapsearch` dumping the same attributes of the same people from the same slapd to a file.
//! Both speak without TLS, and read pages of 500. During the first run somebody else writes all the time: what counts is
//! the longest wait. `--people N` makes the directory another size, to see what memory depends on.

#[allow(dead_code, reason = "a part of it is used here")]
mod appliance;
mod client;
mod directory;
#[allow(dead_code, reason = "the figures' table")]
mod measure;
mod report;
#[allow(dead_code, reason = "the figures' table")]
mod rounds;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use appliance::Appliance;
use directory::Directory;
use report::{Report, argument};

/// Any failure; a benchmark has nobody to sort them for.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const PEOPLE: usize = 50_000;
/// The argument for another number.
const SIZE: &str = "--people";
const CHANGED: usize = 500;
/// Runs without changes; the median counts.
const REPEATS: usize = 5;
const WITHIN: Duration = Duration::from_secs(600);
const OWNER: &str = "/enterprises/bench/synchronizer";

fn main() -> ExitCode {
    report::run(measured)
}

/// An appliance with a directory to read.
struct Bench {
    appliance: Appliance,
    directory: Directory,
    database: PathBuf,
    pid: u64,
    people: usize,
}

fn measured(binary: &Path, folder: &Path) -> Outcome<Report> {
    let asked = argument(SIZE).ok();
    let people = asked.map_or(Ok(PEOPLE), |asked| asked.to_string_lossy().parse())?;
    let directory = Directory::start(&folder.join("slapd"), people)?;
    let mut appliance = Appliance::lay_out(binary, folder)?;
    stage(binary, folder)?;
    appliance.start()?;
    appliance.prepare()?;
    let pid = await_plugin(&appliance)?;
    let database = folder.join("state/jackfield.db");
    let bench = Bench { appliance, directory, database, pid, people };
    let mut report = Report::new("ldap");
    report.note("people", "people in the directory", people as f64);
    bench.ask("PUT", OWNER, Some(&bench.directory.synchronizer().to_string()), 201)?;
    bench.first(&mut report)?;
    bench.unchanged(&mut report)?;
    bench.changed(&mut report)?;
    report.note(
        "plugin_peak_kib",
        "the plugin's process, most memory ever resident, KiB",
        peak_kib(bench.pid)?,
    );
    Ok(report)
}

impl Bench {
    fn first(&self, report: &mut Report) -> Outcome<()> {
        report.note("plugin_before_kib", "the plugin's process before, resident, KiB", peak_kib(self.pid)?);
        let dump = median((0..REPEATS).map(|_| self.directory.dump()).collect::<Outcome<_>>()?);
        let before = self.appliance.memory()?.resident;
        let ((took, rows), waited) = self.beside(|| self.run())?;
        if rows != i64::try_from(self.people)? {
            return Err(format!("{rows} people were brought instead of {}", self.people).into());
        }
        report.note("core_before_kib", "the appliance's process before, resident, KiB", before as f64);
        report.note("dump_s", "ldapsearch, all entries to a file (median), s", dump);
        report.note("first_s", "first run, s", took);
        report.note("first_ratio", "first run over ldapsearch", took / dump);
        report.note("others_wait_s", "longest wait of somebody else's write meanwhile, s", waited);
        report.note("others_ratio", "that over the first run", waited / took);
        let peak = peak_kib(self.appliance.process()?)?;
        report.note("core_peak_kib", "the appliance's process, most memory ever resident, KiB", peak);
        Ok(())
    }

    /// Does something while somebody else makes one small change after another; the longest that one of them took.
    fn beside<T: Send>(&self, work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, f64)> {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let others = scope.spawn(|| self.write_until(&is_over));
            let done = work();
            is_over.store(true, Ordering::Release);
            let longest = others.join().map_err(|_| "whoever writes beside it panicked")??;
            Ok((done?, longest))
        })
    }

    fn write_until(&self, is_over: &AtomicBool) -> Outcome<f64> {
        let mut longest = 0.0_f64;
        for n in 0.. {
            if is_over.load(Ordering::Acquire) {
                break;
            }
            let server = json!({"enterprise": "bench", "description": "Beside", "type": "im",
                "address": format!("beside-{n}.example.com")});
            let began = Instant::now();
            self.ask("POST", "/trusted-servers", Some(&server.to_string()), 201)?;
            longest = longest.max(began.elapsed().as_secs_f64());
            // As somebody does who makes ten changes a second.
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(longest)
    }

    fn unchanged(&self, report: &mut Report) -> Outcome<()> {
        let (mut runs, mut dumps, mut written) = (Vec::new(), Vec::new(), 0);
        for _ in 0..REPEATS {
            dumps.push(self.directory.dump()?);
            let (took, rows) = self.run()?;
            runs.push(took);
            written += rows;
        }
        let (run, dump) = (median(runs), median(dumps));
        report.note("unchanged_s", "run without changes (median), s", run);
        report.note("unchanged_ratio", "run without changes over ldapsearch", run / dump);
        report.note("unchanged_rows", "accounts written by all of those", written as f64);
        Ok(())
    }

    fn changed(&self, report: &mut Report) -> Outcome<()> {
        let dump = self.directory.dump()?;
        self.directory.change(CHANGED)?;
        let (took, rows) = self.run()?;
        if rows != i64::try_from(CHANGED)? {
            return Err(format!("{rows} people were changed instead of {CHANGED}").into());
        }
        report.note("changed_s", "run with 500 changes, s", took);
        report.note("changed_ratio", "run with 500 changes over ldapsearch", took / dump);
        Ok(())
    }

    /// One run: seconds from the request to the end of its job, and accounts that it wrote.
    fn run(&self) -> Outcome<(f64, i64)> {
        let db = Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let one = |sql: &str| -> Outcome<i64> { Ok(db.query_row(sql, [], |row| row.get(0))?) };
        let before = one("SELECT coalesce(max(n), 0) FROM revision")?;
        let began = Instant::now();
        self.ask("POST", &format!("{OWNER}:sync"), None, 202)?;
        while began.elapsed() < WITHIN {
            if one("SELECT count(*) FROM job WHERE ended_at IS NULL")? == 0 {
                let took = began.elapsed().as_secs_f64();
                let state: String = db.query_row(
                    "SELECT state || ' ' || note FROM job ORDER BY seq DESC LIMIT 1",
                    [],
                    |row| row.get(0),
                )?;
                if !state.starts_with("done") {
                    return Err(format!("the run ended as {state}").into());
                }
                let written = format!("SELECT count(*) FROM account WHERE revision > {before}");
                return Ok((took, one(&written)?));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("a run did not end in time".into())
    }

    fn ask(&self, method: &str, path: &str, body: Option<&str>, status: u16) -> Outcome<()> {
        let request = self.appliance.request(method, path, body);
        client::Connection::tls(self.appliance.address()?, self.appliance.trust()?)?.ask(&request, status)
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The most memory that a process ever had, as the kernel counts it.
fn peak_kib(pid: u64) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the kernel counts no VmHWM")?;
    Ok(line.split_whitespace().next().ok_or("VmHWM has no value")?.parse()?)
}

/// Lays peering out beside what is there already.
fn stage(binary: &Path, folder: &Path) -> Outcome<()> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests are a folder of the workspace")?;
    let mut stage = Command::new(root.join("packaging/stage"));
    let status = stage.arg(folder).args(["--plugin", "peering"]).env("JACKFIELD_BIN", binary).status()?;
    if status.success() { Ok(()) } else { Err("packaging/stage failed".into()) }
}

/// Waits until peering serves; its process.
fn await_plugin(appliance: &Appliance) -> Outcome<u64> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let listed = appliance.command(&["plugin", "list", "--json"]).output()?;
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap_or(json!({}));
        let plugin = &listed["items"][0];
        match plugin["pid"].as_u64().filter(|_| plugin["state"] == "up") {
            Some(pid) => return Ok(pid),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    Err("peering does not come up".into())
}
