//! The figures: as a table for people, as JSON for comparisons over time.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::appliance::Memory;
use crate::measure::Samples;

/// One measurement beside its peer.
pub struct Row {
    /// What was done.
    pub what: String,
    /// Beside what.
    pub peer: &'static str,
    /// The appliance.
    pub ours: Samples,
    /// The peer.
    pub theirs: Samples,
}

/// Everything that was measured.
pub struct Report {
    /// All comparisons.
    pub rows: Vec<Row>,
    /// Median from spawn to readiness.
    pub start_ms: f64,
    /// After the start.
    pub idle: Memory,
    /// After all measurements.
    pub loaded: Memory,
    binary_bytes: u64,
}

impl Report {
    /// An empty one, for a binary of that size.
    pub fn new(binary_bytes: u64) -> Self {
        let (idle, loaded) = (Memory::default(), Memory::default());
        Self { rows: Vec::new(), start_ms: f64::NAN, idle, loaded, binary_bytes }
    }

    /// Prints the table and puts the figures under `core` into the file, beside what other benchmarks put there.
    pub fn publish(&self, file: &Path) -> Outcome<()> {
        io::stdout().write_all(self.table().as_bytes())?;
        let mut known: Map<String, Value> = match fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(cause) => return Err(cause.into()),
        };
        known.insert("core".to_owned(), self.json());
        fs::write(file, format!("{:#}\n", Value::Object(known)))?;
        Ok(())
    }

    fn table(&self) -> String {
        let mut text = format!(
            "{:<32}{:>9}{:>9}{:>9}   {:>9}{:>9}{:>9}   {:>7}  beside\n",
            "appliance (left), peer (right)", "1/s", "p50 ms", "p99 ms", "1/s", "p50 ms", "p99 ms", "rate"
        );
        for row in &self.rows {
            let part = |samples: &Samples| {
                let (half, most) = (samples.quantile(0.5), samples.quantile(0.99));
                format!("{:>9.0}{half:>9.3}{most:>9.3}", samples.rate())
            };
            let (ours, theirs, ratio) = (part(&row.ours), part(&row.theirs), row.ratio());
            text += &format!("{:<32}{ours}   {theirs}   {ratio:>6.2}x  {}\n", row.what, row.peer);
        }
        let Memory { resident, share } = self.idle;
        text + &format!("\nspawn to ready     {:.1} ms (median)\n", self.start_ms)
            + &format!("idle memory        {resident} KiB resident, {share} KiB proportional\n")
            + &format!("memory afterwards  {} KiB resident\n", self.loaded.resident)
            + &format!("binary             {:.1} MiB\n", self.binary_bytes as f64 / 1_048_576.0)
    }

    fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({"what": row.what, "peer": row.peer, "appliance": figures(&row.ours),
                   "beside": figures(&row.theirs), "rate_ratio": row.ratio()})
        });
        json!({
            "comparisons": rows.collect::<Vec<_>>(), "start_ms": self.start_ms,
            "idle_resident_kib": self.idle.resident, "idle_proportional_kib": self.idle.share,
            "loaded_resident_kib": self.loaded.resident, "binary_bytes": self.binary_bytes,
        })
    }
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours.ratio(&self.theirs)
    }
}

fn figures(samples: &Samples) -> Value {
    json!({"per_second": samples.rate(), "p50_ms": samples.quantile(0.5), "p99_ms": samples.quantile(0.99)})
}

/// Says why there are no figures.
pub fn complain(cause: &str) {
    // Nobody is left to be told when standard error is gone; the exit code still says it.
    let _ = writeln!(io::stderr(), "the benchmark ended without figures: {cause}");
}
