//! The lines of a list, one after another: cells as fields of an account, with what is wrong with them. Holds one line
//! in memory at a time, whatever the size of the list.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::Value;

use super::report::LineError;
use super::{Header, Plan};
use crate::catalog::problems::Problem;
use crate::catalog::shape::{Field, Kind, Object};
use crate::engine::fault;

/// Longest line, in bytes; more is a quote that was never closed.
const LONGEST: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One line.
#[derive(Debug)]
pub struct Line {
    /// Number of the line in the file, counted from 1.
    pub number: u64,
    /// What it says of the account, or what is wrong with it.
    pub fields: Result<Object, Vec<LineError>>,
}

/// A list being read.
pub struct Lines {
    header: Header,
    enterprise: String,
    reader: Reader<BufReader<File>>,
    record: ByteRecord,
}

impl Lines {
    /// Opens a list and reads its first line.
    pub fn open(path: &Path, plan: &Plan) -> Result<Self, Problem> {
        let cannot = |e: std::io::Error| fault("read the list", &e.to_string());
        let mut file = BufReader::new(File::open(path).map_err(cannot)?);
        let mut first = Vec::new();
        file.by_ref().take(LONGEST as u64).read_until(b'\n', &mut first).map_err(cannot)?;
        let mark = if first.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        file.seek(SeekFrom::Start(mark as u64)).map_err(cannot)?;
        let separator = Header::separator(&first);
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(file);
        let mut record = ByteRecord::new();
        let has_first = reader.read_byte_record(&mut record).map_err(|e| unreadable(&e))?;
        if !has_first {
            return Err(Problem::at("line 1", "is missing: a list begins with the names of its columns"));
        }
        let names = record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let header = Header::read(names, !plan.enterprise.is_empty())?;
        Ok(Self { header, enterprise: plan.enterprise.clone(), reader, record })
    }

    /// How many lines follow; reads them all.
    pub fn count(mut self) -> Result<u64, Problem> {
        let mut count = 0;
        while self.read()? {
            count += 1;
        }
        Ok(count)
    }

    /// The next line, if there is one.
    pub fn next(&mut self) -> Result<Option<Line>, Problem> {
        loop {
            if !self.read()? {
                return Ok(None);
            }
            let number = self.record.position().map_or(0, csv::Position::line);
            match self.cells(number) {
                Ok(cells) if self.header.is_repeated(&cells) => {}
                Ok(cells) => return Ok(Some(Line { number, fields: self.fields(number, cells) })),
                Err(error) => return Ok(Some(Line { number, fields: Err(vec![error]) })),
            }
        }
    }

    fn read(&mut self) -> Result<bool, Problem> {
        self.reader.read_byte_record(&mut self.record).map_err(|e| unreadable(&e))
    }

    fn cells(&self, number: u64) -> Result<Vec<String>, LineError> {
        let wrong =
            |rule: String| LineError { line: number, column: String::new(), rule, value: String::new() };
        if self.record.as_slice().len() > LONGEST {
            return Err(wrong(format!(
                "must be at most {LONGEST} bytes long; look for a quote that is not closed"
            )));
        }
        if self.record.len() != self.header.fields.len() {
            let (expected, found) = (self.header.fields.len(), self.record.len());
            return Err(wrong(format!(
                "must have {expected} columns as the first line has; this has {found}"
            )));
        }
        let text = |(index, cell): (usize, &[u8])| match std::str::from_utf8(cell) {
            Ok(text) => Ok(unguarded(text).to_owned()),
            Err(_) => Err(LineError {
                line: number,
                column: self.header.fields[index].name.to_owned(),
                rule: "must be UTF-8; save the list with that encoding".to_owned(),
                value: LineError::shortened(&String::from_utf8_lossy(cell)),
            }),
        };
        self.record.iter().enumerate().map(text).collect()
    }

    fn fields(&self, number: u64, cells: Vec<String>) -> Result<Object, Vec<LineError>> {
        let (mut fields, mut errors) = (Object::new(), Vec::new());
        for (field, cell) in self.header.fields.iter().zip(cells) {
            match value(field, cell) {
                Ok(Some(value)) => drop(fields.insert(field.name.to_owned(), value)),
                Ok(None) => {}
                Err((rule, value)) => {
                    let (column, value) = (field.name.to_owned(), LineError::shortened(&value));
                    errors.push(LineError { line: number, column, rule, value });
                }
            }
        }
        fields.entry("enterprise").or_insert_with(|| self.enterprise.as_str().into());
        if errors.is_empty() { Ok(fields) } else { Err(errors) }
    }
}

fn unreadable(error: &csv::Error) -> Problem {
    fault("read the list", &error.to_string())
}

/// A cell as the field's value; `None`: it says nothing, and the account keeps what it has.
fn value(field: &Field, cell: String) -> Result<Option<Value>, (String, String)> {
    match field.kind {
        Kind::Boolean => match cell.trim().to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" | "yes" | "1" => Ok(Some(true.into())),
            "false" | "no" | "0" => Ok(Some(false.into())),
            _ => Err(("must be true or false (or yes, no, 1, 0)".to_owned(), cell)),
        },
        Kind::Reference("enterprises") if cell.is_empty() => Ok(None),
        Kind::Reference(_) if cell.is_empty() => Ok(Some(Value::Null)),
        _ => Ok(Some(cell.into())),
    }
}

/// What an export put before a cell so that no spreadsheet takes it for a formula.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if super::export::looks_like_formula(rest) => rest,
        _ => cell,
    }
}
