//! Core's read-only views: what each of them reads, learnt from SQLite itself, and who pretends to be one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// How the names of core's views begin.
const PREFIX: &str = "core_";

/// Tables and columns, in lower case, that each view reads; an empty column stands for the table's rows as such.
#[derive(Debug, Default)]
pub(crate) struct Views(HashMap<String, Vec<(String, String)>>);

impl Views {
    /// Prepares a read of every view and notes what SQLite asks leave for.
    pub(crate) fn learn(conn: &mut Connection) -> rusqlite::Result<Self> {
        let names = names(conn)?;
        let seen = Arc::new(Mutex::new(Self(names.iter().map(|name| (name.clone(), Vec::new())).collect())));
        let notes = Arc::clone(&seen);
        conn.authorizer(Some(move |asked: AuthContext<'_>| {
            notes.lock().unwrap_or_else(PoisonError::into_inner).note(asked);
            Authorization::Allow
        }))?;
        let prepared =
            names.iter().try_for_each(|name| conn.prepare(&format!("SELECT * FROM {name}")).map(drop));
        conn.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
        prepared?;
        let learnt = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(learnt)
    }

    /// Whether this is one of the views.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(&name.to_ascii_lowercase())
    }

    /// Whether the view needs this column of this table.
    pub(crate) fn reads(&self, view: &str, table: &str, column: &str) -> bool {
        let Some(needs) = self.0.get(&view.to_ascii_lowercase()) else { return false };
        let is_table = |known: &str| known.eq_ignore_ascii_case(table);
        needs.iter().any(|(t, c)| is_table(t) && (column.is_empty() || c.eq_ignore_ascii_case(column)))
    }

    fn note(&mut self, asked: AuthContext<'_>) {
        let AuthAction::Read { table_name, column_name } = asked.action else { return };
        let Some(view) = asked.accessor else { return };
        let Some(needs) = self.0.get_mut(&view.to_ascii_lowercase()) else { return };
        needs.push((table_name.to_owned(), column_name.to_owned()));
    }
}

/// Whether SQL gives a view's name to a subquery of its own (`WITH core_x AS (…)`). SQLite names the subquery as the
/// accessor of what it reads, exactly as it names a view, so it could read in the view's name.
pub(crate) fn are_shadowed_in(sql: &str) -> bool {
    let text = sql.to_ascii_lowercase();
    text.match_indices(PREFIX).any(|(at, _)| defines(&text[at..]))
}

fn names(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found =
        conn.prepare("SELECT lower(name) FROM sqlite_schema WHERE type='view' AND name GLOB 'core_*'")?;
    found.query_map([], |row| row.get(0))?.collect()
}

/// Whether a text that starts with a name goes on as the definition of a common table expression: `(` for its columns,
/// or AS before its body.
fn defines(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    // A byte order mark is a blank to SQLite although it is not ASCII.
    let end = text.find(|c| !is_part(c) || c == '\u{feff}').unwrap_or(text.len());
    let rest = &text[end..];
    let rest = blanks(rest.strip_prefix(['"', '\'', '`', ']']).unwrap_or(rest));
    if rest.starts_with('(') {
        return true;
    }
    let Some(body) = rest.strip_prefix("as") else { return false };
    let body = blanks(body);
    ["(", "not", "materialized"].iter().any(|start| body.starts_with(start))
}

/// The text after blanks and comments.
fn blanks(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches([' ', '\t', '\n', '\x0c', '\r', '\x0b', '\u{feff}']);
        let (end, comment) = if let Some(comment) = text.strip_prefix("--") {
            ("\n", comment)
        } else if let Some(comment) = text.strip_prefix("/*") {
            ("*/", comment)
        } else {
            return text;
        };
        text = comment.split_once(end).map_or("", |(_, rest)| rest);
    }
}
