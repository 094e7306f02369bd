//! Who owns tables besides core: a plugin, known by its id. Which names are its own is decided here; what it may do
//! with them is `rules.rs`.

use std::fmt;

use crate::error::Error;

/// Ids whose prefix belongs to core or to SQLite. A test compares them with core's schema.
const RESERVED: &[&str] = &[
    "account",
    "check",
    "conversation",
    "core",
    "directory",
    "enterprise",
    "idempotency",
    "job",
    "json",
    "main",
    "message",
    "owner",
    "pbx",
    "photo",
    "plugin",
    "pragma",
    "presence",
    "revision",
    "script",
    "scripts",
    "session",
    "sqlite",
    "temp",
    "trusted",
    "workbench",
];

/// The validated id of a plugin: 2 to 32 lower-case letters and digits, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner(String);

impl Owner {
    /// Accepts a well-formed id whose prefix `id_` is not core's or SQLite's.
    ///
    /// # Errors
    /// `Denied`, with the rule that the id breaks.
    pub fn new(id: &str) -> Result<Self, Error> {
        if !is_well_formed(id) {
            return Err(Error::denied(format_args!(
                "{id:?} cannot own tables; an id has 2 to 32 lower-case letters and digits and starts with a letter"
            )));
        }
        if RESERVED.contains(&id) {
            return Err(Error::denied(format_args!("the id {id} is reserved; choose another one")));
        }
        Ok(Self(id.to_owned()))
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.0
    }

    /// Whether a table, index or trigger of this name is the owner's. SQLite ignores the case of ASCII letters.
    pub(crate) fn owns(&self, name: &str) -> bool {
        let id = self.0.len();
        let starts = name.get(..id).is_some_and(|start| start.eq_ignore_ascii_case(&self.0));
        starts && name.as_bytes().get(id) == Some(&b'_')
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_well_formed(id: &str) -> bool {
    let fits = (2..=32).contains(&id.len()) && id.starts_with(|first: char| first.is_ascii_lowercase());
    fits && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{CORE, run};

    #[test]
    fn no_id_can_own_a_name_of_core() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        run(&conn, CORE, 0).unwrap();
        let mut statement = conn.prepare("SELECT name FROM sqlite_schema").unwrap();
        let names: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(names.len() > 20);
        for name in names {
            let Some((id, _)) = name.split_once('_') else { continue };
            assert!(Owner::new(id).is_err(), "{name} would belong to a plugin {id}: reserve it");
        }
    }

    #[test]
    fn an_id_is_lower_case_and_short() {
        for id in ["", "a", "1a", "Ab", "a_b", "a-b", "é1", &"a".repeat(33)] {
            assert!(Owner::new(id).is_err(), "{id}");
        }
        assert!(Owner::new("federation").is_ok() && Owner::new(&"a".repeat(32)).is_ok());
    }

    #[test]
    fn a_name_is_own_by_its_whole_prefix() {
        let owner = Owner::new("federation").unwrap();
        for name in ["federation_x", "FEDERATION_x", "Federation_"] {
            assert!(owner.owns(name), "{name}");
        }
        for name in
            ["federation", "federation2_x", "xfederation_x", "federatio", " federation_x", "fédération_x"]
        {
            assert!(!owner.owns(name), "{name}");
        }
    }
}
