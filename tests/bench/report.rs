//! The figures: as a table for people, as JSON for comparisons over time. And what every benchmark's command
//! line has.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::measure::Samples;
use crate::rounds::Row;

/// Everything that one benchmark measured.
pub struct Report {
    name: &'static str,
    /// All comparisons.
    pub rows: Vec<Row>,
    notes: Vec<(&'static str, &'static str, f64)>,
}

impl Report {
    /// An empty one, under that name in the file.
    pub fn new(name: &'static str) -> Self {
        Self { name, rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a figure that is beside nothing, under a key of the file, with a label for people.
    pub fn note(&mut self, key: &'static str, label: &'static str, value: f64) {
        self.notes.push((key, label, value));
    }

    /// Prints the table and puts the figures into the file, beside what other benchmarks put there.
    pub fn publish(&self, file: &Path) -> Outcome<()> {
        io::stdout().write_all(self.table().as_bytes())?;
        let mut known: Map<String, Value> = match fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(cause) => return Err(cause.into()),
        };
        known.insert(self.name.to_owned(), self.json());
        fs::write(file, format!("{:#}\n", Value::Object(known)))?;
        Ok(())
    }

    fn table(&self) -> String {
        let mut text = format!(
            "{:<40}{:>9}{:>9}{:>9}   {:>9}{:>9}{:>9}   {:>7}  beside\n",
            "appliance (left), peer (right)", "1/s", "p50 ms", "p99 ms", "1/s", "p50 ms", "p99 ms", "rate"
        );
        for row in &self.rows {
            let part = |samples: &Samples| {
                let (half, most) = (samples.quantile(0.5), samples.quantile(0.99));
                format!("{:>9.0}{half:>9.3}{most:>9.3}", samples.rate())
            };
            let (ours, theirs, ratio) = (part(&row.ours), part(&row.theirs), row.ratio());
            text += &format!("{:<40}{ours}   {theirs}   {ratio:>6.2}x  {}\n", row.what, row.peer);
        }
        let notes = self.notes.iter().map(|(_, label, value)| format!("{label:<56}{value:>14.3}\n"));
        text + "\n" + &notes.collect::<String>()
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({"what": row.what, "peer": row.peer, "appliance": figures(&row.ours),
                   "beside": figures(&row.theirs), "rate_ratio": row.ratio()})
        });
        let mut object = Map::new();
        object.insert("comparisons".to_owned(), rows.collect());
        object.extend(self.notes.iter().map(|(key, _, value)| ((*key).to_owned(), json!(value))));
        Value::Object(object)
    }
}

fn figures(samples: &Samples) -> Value {
    json!({"per_second": samples.rate(), "p50_ms": samples.quantile(0.5), "p99_ms": samples.quantile(0.99)})
}

/// Runs a benchmark with the binary that `--binary` names and a folder of its own, and puts its figures into the file
/// that `--result` names; says why when there are none.
pub fn run(measured: fn(&Path, &Path) -> Outcome<Report>) -> ExitCode {
    let done = || {
        let (binary, file) = (argument("--binary")?, argument("--result")?);
        let beside = file.parent().ok_or("--result must name a file in a folder")?;
        // On the disk that is built on: /tmp is memory on some machines, where durable writes cost nothing.
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
        measured(&binary, folder.path())?.publish(&file)
    };
    let Err(cause) = done() else { return ExitCode::SUCCESS };
    complain(&cause.to_string());
    ExitCode::FAILURE
}

/// The file that `--binary` or `--result` names; what else cargo passes is its own.
pub fn argument(name: &str) -> Outcome<PathBuf> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1).ok_or(format!("{name} FILE is missing; use tests/bench/run"))?;
    Ok(value.into())
}

/// Says why there are no figures.
pub fn complain(cause: &str) {
    // Nobody is left to be told when standard error is gone; the exit code still says it.
    let _ = writeln!(io::stderr(), "the benchmark ended without figures: {cause}");
}
