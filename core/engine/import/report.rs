//! What came of an import: counts, the lines that are wrong (the first ones in full), and where it goes on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Mode, Plan};
use crate::catalog::problems::Problem;

/// Wrong lines that are told in full.
const MOST_ERRORS: usize = 200;
/// Characters of a wrong value that are told.
const MOST_CHARS: usize = 100;

/// One thing that is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineError {
    /// Number of the line, counted from 1.
    pub line: u64,
    /// Name of the column; empty: the line as such.
    pub column: String,
    /// The rule that it breaks, as a sentence.
    pub rule: String,
    /// What stands there.
    pub value: String,
}

impl LineError {
    /// The beginning of a value.
    pub fn shortened(value: &str) -> String {
        match value.char_indices().nth(MOST_CHARS) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        }
    }

    /// What a problem says of a line with these fields.
    pub fn of(problem: &Problem, line: u64, fields: &crate::catalog::shape::Object) -> Vec<Self> {
        let told = problem.errors.iter().map(|error| {
            let column = error.pointer.trim_start_matches('/').to_owned();
            let value = fields.get(&column).map(shown).unwrap_or_default();
            Self { line, column, rule: error.detail.clone(), value: Self::shortened(&value) }
        });
        let told: Vec<_> = told.collect();
        if !told.is_empty() {
            return told;
        }
        vec![Self { line, column: String::new(), rule: problem.detail.clone(), value: String::new() }]
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The report, as the job's result has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// What happens when some lines are wrong.
    pub mode: Mode,
    /// Whether nothing was changed because it was only tried.
    pub dry_run: bool,
    /// Lines that were looked at, without the first.
    pub lines: u64,
    /// Accounts that were made.
    pub created: u64,
    /// Accounts that were changed.
    pub changed: u64,
    /// Accounts that were already as the line says.
    pub unchanged: u64,
    /// Lines that are wrong.
    pub failed: u64,
    /// What is wrong, of the first such lines.
    pub errors: Vec<LineError>,
    /// Further errors that are counted but not told.
    pub errors_left_off: u64,
    /// The one revision of all changes; null: nothing was changed.
    pub revision: Option<i64>,
}

/// What came of one line.
#[derive(Debug)]
pub enum Outcome {
    /// An account was made.
    Created,
    /// An account was changed.
    Changed,
    /// It was already so.
    Unchanged,
    /// It is wrong.
    Wrong(Vec<LineError>),
}

impl Report {
    /// The report of an import that has not begun.
    pub fn new(plan: &Plan) -> Self {
        Self {
            mode: plan.mode,
            dry_run: plan.dry_run,
            lines: 0,
            created: 0,
            changed: 0,
            unchanged: 0,
            failed: 0,
            errors: Vec::new(),
            errors_left_off: 0,
            revision: None,
        }
    }

    /// Counts one more line.
    pub fn count(&mut self, outcome: Outcome) {
        self.lines += 1;
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Changed => self.changed += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Wrong(errors) => {
                self.failed += 1;
                for error in errors {
                    self.tell(error);
                }
            }
        }
    }

    fn tell(&mut self, error: LineError) {
        match self.errors.len() < MOST_ERRORS {
            true => self.errors.push(error),
            false => self.errors_left_off += 1,
        }
    }

    /// Forgets what would have been done, because nothing was.
    pub fn nothing_done(&mut self) {
        (self.created, self.changed, self.unchanged, self.revision) = (0, 0, 0, None);
    }

    /// One sentence.
    pub fn sentence(&self) -> String {
        let Self { lines, created, changed, unchanged, failed, .. } = self;
        format!("{lines} lines: {created} created, {changed} changed, {unchanged} unchanged, {failed} wrong")
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_the_first_errors_and_counts_the_rest() {
        let plan = serde_json::json!({
            "enterprise": "", "mode": "keep_good", "dry_run": false, "from": "", "via": "api", "request": "",
        });
        let mut report = Report::new(&serde_json::from_value(plan).unwrap());
        for line in 0..300 {
            let (column, rule, value) = ("email".to_owned(), "must be".to_owned(), String::new());
            report.count(Outcome::Wrong(vec![LineError { line, column, rule, value }]));
        }
        assert_eq!((report.failed, report.errors.len(), report.errors_left_off), (300, 200, 100));
    }

    #[test]
    fn a_long_value_is_told_by_its_beginning() {
        assert_eq!(LineError::shortened(&"é".repeat(100)).chars().count(), 100);
        assert!(LineError::shortened(&"é".repeat(101)).ends_with("é…"));
    }
}
