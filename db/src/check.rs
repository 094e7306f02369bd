//! Asking SQLite whether the content can be right. An empty list of findings means that it is.

use rusqlite::Connection;

use crate::error::Error;

/// Reads every page and every row, but does not compare indexes with tables: seconds for gigabytes.
pub(crate) fn quick(conn: &Connection) -> Result<Vec<String>, Error> {
    pages(conn, "PRAGMA quick_check")
}

/// Compares indexes with tables too, and looks for references to rows that do not exist.
pub(crate) fn full(conn: &Connection) -> Result<Vec<String>, Error> {
    let mut findings = pages(conn, "PRAGMA integrity_check")?;
    if findings.is_empty() {
        findings = references(conn)?;
    }
    Ok(findings)
}

/// Every reference to a row that does not exist.
pub(crate) fn references(conn: &Connection) -> Result<Vec<String>, Error> {
    collect(
        conn,
        "SELECT format('row %s of %s refers to a missing row of %s', coalesce(rowid, '?'), \"table\", parent) \
         FROM pragma_foreign_key_check",
    )
}

fn pages(conn: &Connection, pragma: &str) -> Result<Vec<String>, Error> {
    match collect(conn, pragma) {
        Ok(lines) if lines == ["ok"] => Ok(Vec::new()),
        // Damage may be such that the check itself cannot go on: that is a finding, not a failure to look.
        Err(Error::Damaged { detail }) => Ok(vec![detail]),
        other => other,
    }
}

fn collect(conn: &Connection, sql: &str) -> Result<Vec<String>, Error> {
    let mut statement = conn.prepare(sql)?;
    let lines = statement.query_map([], |row| row.get(0))?;
    Ok(lines.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dangling_reference_is_found() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "PRAGMA foreign_keys=OFF; CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT; \
             CREATE TABLE child (p INTEGER REFERENCES parent (id)) STRICT; INSERT INTO child VALUES (7);",
        )
        .unwrap();
        assert_eq!(quick(&conn).unwrap(), Vec::<String>::new());
        assert_eq!(full(&conn).unwrap(), ["row 1 of child refers to a missing row of parent"]);
    }
}
