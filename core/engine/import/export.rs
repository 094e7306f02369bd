//! Accounts as a list of the same shape that the import takes, page by page, safe to open in a spreadsheet.

use csv::Writer;
use jackfield_db::Read;
use serde_json::Value;

use super::Header;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::fault;
use crate::engine::objects::{ACCOUNTS, Page};

/// What to export.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Only of this enterprise.
    pub enterprise: Option<String>,
    /// Only those after this one.
    pub after: i64,
    /// Most accounts.
    pub limit: usize,
}

/// One page with its first line, and where the next one begins.
pub fn export(read: &Read<'_>, wanted: &Wanted) -> Result<(String, Option<i64>), Problem> {
    let filters = wanted.enterprise.iter().map(|id| ("enterprise", id.clone())).collect();
    let page = Page { limit: wanted.limit, after: wanted.after, filters, ..Page::default() };
    let (accounts, next) = ACCOUNTS.list(read, &page)?;
    written(&accounts).map(|text| (text, next)).map_err(|cause| fault("write the list", &cause))
}

fn written(accounts: &[Object]) -> Result<String, String> {
    let mut writer = Writer::from_writer(Vec::new());
    let said = |e: csv::Error| e.to_string();
    writer.write_record(Header::all_fields().map(|field| field.name)).map_err(said)?;
    for account in accounts {
        let cells = Header::all_fields().map(|field| cell(account.get(field.name)));
        writer.write_record(cells).map_err(said)?;
    }
    let bytes = writer.into_inner().map_err(|e| e.to_string())?;
    String::from_utf8(bytes).map_err(|e| e.to_string())
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => guarded(text),
        Some(other) => other.to_string(),
    }
}

/// Whether a spreadsheet would take the cell for a formula.
pub fn looks_like_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// An apostrophe in front makes it text; the import takes it away again.
fn guarded(text: &str) -> String {
    if looks_like_formula(text) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in
            [("=1+1", "'=1+1"), ("@x", "'@x"), ("'=1", "''=1"), ("O'Neil", "O'Neil"), ("", "")]
        {
            assert_eq!(guarded(text), expected);
        }
    }
}
