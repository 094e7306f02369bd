//! The corporate directory: the accounts that are shown as contacts, in one tree of folders. Below the top there is a
//! folder for each organizational unit and one for each peer, named by the peer's description.

mod find;

use jackfield_db::{Read, Row, RowResult, Value as Cell, params, params_from_iter};
use serde_json::{Value, json};

use super::objects::question;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;

pub use find::find;

/// The folder of an account as the directory shows it.
const FOLDER: &str = "CASE WHEN account.peer IS NULL THEN account.folder
    WHEN account.folder = '' THEN peer.description ELSE peer.description || '/' || account.folder END";
const COLUMNS: &str =
    "account.seq, account.id, account.enterprise, first_name, last_name, email, extension, login_id,
    pbx_node, account.peer, in_directory";
/// Stands for the top itself, without the folders below it.
pub const TOP: &str = "/";

/// What to look for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Only of this enterprise.
    pub enterprise: Option<String>,
    /// Only in this folder and those below it; [`TOP`]: only in none.
    pub folder: Option<String>,
    /// Every word must be part of a name, number or e-mail; empty: everybody.
    pub words: String,
    /// Whether entries that are hidden are listed too.
    pub with_hidden: bool,
    /// Only those after this one.
    pub after: i64,
    /// Most entries.
    pub limit: usize,
}

/// A page of entries in the order they were made, and where the next one begins.
pub fn list(read: &Read<'_>, wanted: &Wanted) -> Result<(Vec<Object>, Option<i64>), Problem> {
    let asked = question(&wanted.words);
    let mut sql = format!(
        "SELECT {COLUMNS}, {FOLDER} FROM {} LEFT JOIN peer ON peer.id = account.peer WHERE account.seq > ?{}",
        asked.from, asked.conditions
    );
    let mut bound = vec![Cell::Integer(wanted.after)];
    bound.extend(asked.bound);
    if !wanted.with_hidden {
        // The plus keeps SQLite from an index that would make it sort the whole enterprise.
        sql.push_str(" AND +in_directory = 1");
    }
    if let Some(enterprise) = &wanted.enterprise {
        sql.push_str(" AND account.enterprise = ?");
        bound.push(Cell::Text(enterprise.clone()));
    }
    if let Some(folder) = &wanted.folder {
        let (condition, values) = in_folder(folder);
        sql.push_str(&condition);
        bound.extend(values);
    }
    sql.push_str(" ORDER BY account.seq LIMIT ?");
    bound.push(Cell::Integer(i64::try_from(wanted.limit).unwrap_or(i64::MAX - 1) + 1));
    let mut found = read.all(&sql, params_from_iter(bound), entry)?;
    let has_more = found.len() > wanted.limit;
    found.truncate(wanted.limit);
    let next = found.last().map(|(seq, _)| *seq).filter(|_| has_more);
    Ok((found.into_iter().map(|(_, entry)| entry).collect(), next))
}

/// In the folder or below it; the folder may be a peer's, or begin with it.
fn in_folder(folder: &str) -> (String, Vec<Cell>) {
    if folder == TOP {
        return (" AND account.folder = '' AND account.peer IS NULL".to_owned(), Vec::new());
    }
    let folder = folder.trim_matches('/');
    // `0` comes right after `/`: everything between is below the folder, and an index finds it.
    let below = |column: &str| format!("({column} = ? OR ({column} >= ? || '/' AND {column} < ? || '0'))");
    let (peer, rest) = folder.split_once('/').unwrap_or((folder, ""));
    let within_peer = if rest.is_empty() { "1".to_owned() } else { below("account.folder") };
    let condition = format!(
        " AND ((account.peer IS NULL AND {}) OR (peer.description = ? AND {within_peer}))",
        below("account.folder")
    );
    let mut values = vec![folder; 3];
    values.push(peer);
    values.extend(if rest.is_empty() { Vec::new() } else { vec![rest; 3] });
    (condition, values.into_iter().map(|text| Cell::Text(text.to_owned())).collect())
}

fn entry(row: &Row<'_>) -> RowResult<(i64, Object)> {
    let value = json!({
        "account": row.get::<_, String>(1)?, "enterprise": row.get::<_, String>(2)?,
        "folder": row.get::<_, String>(11)?, "first_name": row.get::<_, String>(3)?,
        "last_name": row.get::<_, String>(4)?, "email": row.get::<_, String>(5)?,
        "extension": row.get::<_, String>(6)?, "login_id": row.get::<_, String>(7)?,
        "pbx_node": row.get::<_, Option<String>>(8)?, "peer": row.get::<_, Option<String>>(9)?,
        "in_directory": row.get::<_, bool>(10)?,
    });
    Ok((row.get(0)?, value.as_object().cloned().unwrap_or_default()))
}

/// The folders of an enterprise's directory with their entries, the top first, then by name; a peer has its folder
/// before its first user is known.
pub fn folders(
    read: &Read<'_>,
    enterprise: &str,
    after: i64,
    limit: usize,
) -> Result<(Vec<Object>, Option<i64>), Problem> {
    let sql = format!(
        "SELECT {FOLDER}, account.peer, count(*) FROM account LEFT JOIN peer ON peer.id = account.peer
             WHERE account.enterprise = ?1 AND in_directory = 1 GROUP BY account.peer, account.folder
         UNION ALL SELECT '', NULL, 0
         UNION ALL SELECT description, id, 0 FROM peer WHERE enterprise = ?1"
    );
    let sql = format!(
        "WITH found (folder, peer, entries) AS ({sql})
         SELECT folder, max(peer), sum(entries) FROM found GROUP BY folder COLLATE NOCASE, peer
         ORDER BY folder COLLATE NOCASE, peer LIMIT ?2 OFFSET ?3"
    );
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut found = read.all(&sql, params![enterprise, one_more, after], folder)?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = i64::try_from(found.len()).ok().map(|count| after + count).filter(|_| has_more);
    Ok((found, next))
}

fn folder(row: &Row<'_>) -> RowResult<Object> {
    let (folder, peer): (String, Option<String>) = (row.get(0)?, row.get(1)?);
    let kind = match (folder.as_str(), &peer) {
        ("", None) => "top",
        (_, Some(_)) => "peer",
        _ => "unit",
    };
    let value = json!({"folder": folder, "kind": kind, "peer": peer, "entries": row.get::<_, i64>(2)?});
    Ok(value.as_object().cloned().unwrap_or_else(|| Object::from_iter([("folder".to_owned(), Value::Null)])))
}
