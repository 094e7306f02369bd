//! Who is in the directory with what was filled in: the enterprise's accounts and the contacts of its peers that the
//! directory shows.

use jackfield_sdk::{Failure, Host, Value, json};
use jid::BareJid;
use serde::Deserialize;

use crate::s2s::address;

/// Most that are found at once.
pub const MOST: usize = 50;
/// Fields: name in a search, label, column.
pub const FIELDS: [(&str, &str, &str); 6] = [
    ("first", "First name", "first_name"),
    ("last", "Last name", "last_name"),
    ("nick", "Login", "login_id"),
    ("email", "E-mail", "email"),
    ("x-extension", "Extension", "extension"),
    ("x-folder", "Folder", "folder"),
];

/// Everybody whom the directory of an enterprise shows.
const EVERYBODY: &str = "SELECT * FROM (
    SELECT a.login_id, '' AS address, a.first_name, a.last_name, a.email, a.extension, a.folder, e.domain
        FROM core_accounts a JOIN core_enterprises e ON e.id = a.enterprise
        WHERE a.enterprise = ?1 AND a.in_directory = 1 AND a.deployed = 1 AND a.peer IS NULL
    UNION ALL SELECT c.login_id, c.address, c.first_name, c.last_name, c.email, c.extension,
            rtrim(p.description || '/' || c.folder, '/'), ''
        FROM core_contacts c JOIN core_peers p ON p.id = c.peer
        WHERE c.enterprise = ?1 AND c.in_directory = 1 AND c.address <> '')";

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Address.
    pub address: BareJid,
    /// Values in the order of [`FIELDS`].
    pub values: [String; 6],
}

#[derive(Deserialize)]
struct Row {
    login_id: String,
    address: String,
    first_name: String,
    last_name: String,
    email: String,
    extension: String,
    folder: String,
    domain: String,
}

impl Row {
    fn found(self) -> Option<Found> {
        let address = if self.address.is_empty() {
            address::of_login(&self.login_id, &self.domain)?
        } else {
            address::parsed(&self.address)?.into_bare()
        };
        let Self { login_id, first_name, last_name, email, extension, folder, .. } = self;
        Some(Found { address, values: [first_name, last_name, login_id, email, extension, folder] })
    }
}

/// Those who have all of that, one more than [`MOST`] when there are more.
pub fn find(host: &Host, enterprise: &str, wanted: &[(usize, String)]) -> Result<Vec<Found>, Failure> {
    let mut params = vec![json!(enterprise)];
    let mut all = Vec::new();
    for (at, text) in wanted {
        let column = FIELDS[*at].2;
        let any: Vec<String> = patterns(text)
            .into_iter()
            .map(|pattern| {
                params.push(Value::String(pattern));
                format!("{column} LIKE ?{} ESCAPE '\\'", params.len())
            })
            .collect();
        all.push(format!("({})", any.join(" OR ")));
    }
    let sql = format!("{EVERYBODY} WHERE {} LIMIT {}", all.join(" AND "), MOST + 1);
    let rows: Vec<Row> = host.db().query(&sql, params)?;
    Ok(rows.into_iter().filter_map(Row::found).collect())
}

/// What the text looks like anywhere in a value. SQLite knows capitals of ASCII alone, so others are tried both ways.
fn patterns(text: &str) -> Vec<String> {
    let mut written = vec![text.to_owned()];
    if !text.is_ascii() {
        let lower = text.to_lowercase();
        let mut letters = lower.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        written.extend([first + letters.as_str(), lower, text.to_uppercase()]);
    }
    let pattern = |text: String| {
        let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").replace('*', "%");
        format!("%{text}%")
    };
    let mut patterns: Vec<_> = written.into_iter().map(pattern).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_was_typed_and_a_star_anything() {
        assert_eq!(patterns("an*n"), ["%an%n%"]);
        assert_eq!(patterns("50%_\\"), ["%50\\%\\_\\\\%"]);
        assert_eq!(patterns("\u{f6}z"), ["%\u{d6}Z%", "%\u{d6}z%", "%\u{f6}z%"]);
    }
}
