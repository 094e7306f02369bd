//! What the command line prints: sentences for people, JSON for programs. The only place that writes to
//! standard output. A reader that went away is no error.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Failure;

/// Prints in the form that was asked for.
pub struct Output {
    json: bool,
}

impl Output {
    /// Output as JSON, or as sentences.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: the value for programs, the text for people.
    pub fn result(&self, value: &Value, text: impl FnOnce() -> String) {
        let line = if self.json { value.to_string() } else { text() };
        write(&mut io::stdout(), &line);
    }

    /// Prints what went wrong; for programs in the form of the API's problems.
    pub fn failure(&self, failure: &Failure) {
        match failure {
            Failure::Said => {}
            Failure::Sentence(sentence) if self.json => {
                write(&mut io::stdout(), &json!({"detail": sentence}).to_string())
            }
            Failure::Problem(problem) if self.json => write(&mut io::stdout(), &problem.to_string()),
            Failure::Sentence(sentence) => write(&mut io::stderr(), sentence),
            Failure::Problem(problem) => write(&mut io::stderr(), &sentences(problem)),
        }
    }
}

fn write(stream: &mut dyn Write, text: &str) {
    // Nobody is left to be told when the reader is gone.
    let _ = writeln!(stream, "{}", text.trim_end()).and_then(|()| stream.flush());
}

/// A problem as a person reads it: its sentence, and a line for each field when there are several.
fn sentences(problem: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = errors.iter().filter(|_| errors.len() > 1);
    let lines = lines.map(|error| format!("\n  {} {}", text(error, "pointer"), text(error, "detail")));
    text(problem, "detail") + &lines.collect::<String>()
}

/// Prints help or what is wrong with the command line.
pub fn usage(error: &clap::Error) -> ExitCode {
    // As above: nobody is left to be told.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Rows in aligned columns under a heading.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(ToString::to_string).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |row: &&Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A JSON value as a person reads it in a table.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Rows of the named fields of a list's items.
pub fn rows(list: &Value, fields: &[&str]) -> Vec<Vec<String>> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| fields.iter().map(|field| cell(&item[*field])).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align_and_do_not_trail() {
        let rows = vec![vec!["a".to_owned(), "longer".to_owned()], vec!["bcd".to_owned(), "x".to_owned()]];
        assert_eq!(table(&["n", "value"], &rows), "n    value\na    longer\nbcd  x");
    }

    #[test]
    fn several_field_errors_are_all_told() {
        let problem = json!({"detail": "2 fields break a rule", "errors": [
            {"pointer": "/a", "detail": "is missing"}, {"pointer": "/b", "detail": "is too long"}]});
        assert_eq!(sentences(&problem), "2 fields break a rule\n  /a is missing\n  /b is too long");
    }
}
