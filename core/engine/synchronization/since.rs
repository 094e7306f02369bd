//! Which accounts were changed since a place in the record of changes, so that whoever follows them need not look through
//! all. Contacts of peers are left out: who follows them brought them.

use jackfield_abi::ops::DirectoryNews;
use jackfield_db::{Read, params};

use crate::catalog::problems::Problem;

/// Changes that are looked at for one answer, of each sort.
const AT_ONCE: i64 = 5000;
const NO_CONTACT: &str =
    "NOT EXISTS (SELECT 1 FROM account WHERE account.id = object AND account.peer IS NOT NULL)";

/// A place: the newest revision and the newest part of one that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    revision: i64,
    part: i64,
}

impl Place {
    fn newest(read: &Read<'_>) -> Result<Self, Problem> {
        let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1";
        let newest = |table: &str| read.one(sql, params![table], |row| row.get(0));
        Ok(Self { revision: newest("revision")?.unwrap_or(0), part: newest("revision_part")?.unwrap_or(0) })
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let wrong = || Problem::field("after", "must be the `next` of an earlier answer");
        let (revision, part) = text.split_once('.').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        Ok(Self { revision: number(revision)?, part: number(part)? })
    }

    fn written(self) -> String {
        format!("{}.{}", self.revision, self.part)
    }
}

/// The accounts that were made, changed or deleted after a place; without one only where to begin.
pub fn since(read: &Read<'_>, after: Option<&str>) -> Result<DirectoryNews, Problem> {
    let newest = Place::newest(read)?;
    let Some(after) = after else {
        return Ok(DirectoryNews { accounts: Vec::new(), next: newest.written(), more: false });
    };
    let after = Place::read(after)?;
    // A change in bulk names no account itself; its parts do. The plus keeps SQLite from the index of kinds.
    let sql = format!(
        "SELECT n, object FROM revision WHERE n > ?1 AND +kind = 'accounts' AND {NO_CONTACT}
            AND (action <> 'change' OR before IS NOT NULL) ORDER BY n LIMIT ?2"
    );
    let single = read.all(&sql, params![after.revision, AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let last = single.last().filter(|_| single.len() as i64 == AT_ONCE).map(|(n, _)| *n);
    let sql =
        "SELECT max(id), count(*) FROM (SELECT id FROM revision_part WHERE id > ?1 ORDER BY id LIMIT ?2)";
    let until = read.one(sql, params![after.part, AT_ONCE], |row| {
        Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?))
    })?;
    let until = until.and_then(|(id, count)| id.filter(|_| count == AT_ONCE));
    let next = Place { revision: last.unwrap_or(newest.revision), part: until.unwrap_or(newest.part) };
    let sql = format!(
        "SELECT object FROM revision_part WHERE id > ?1 AND id <= ?2 AND +kind = 'accounts' AND {NO_CONTACT}"
    );
    let parts = read.all(&sql, params![after.part, next.part], |row| row.get::<_, String>(0))?;
    let mut accounts: Vec<String> = single.into_iter().map(|(_, object)| object).chain(parts).collect();
    accounts.sort_unstable();
    accounts.dedup();
    Ok(DirectoryNews { accounts, next: next.written(), more: last.is_some() || until.is_some() })
}
