//! A connection whose SQL can be confined to one owner for a while: hooks that are installed once, and a switch that
//! says for whom they work. While the switch is off, core may do everything.
//!
//! SQLite asks the authorizer when it prepares a statement, so confined SQL never meets the cache of prepared ones.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rusqlite::hooks::{AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OptionalExtension, Statement};

use crate::connection;
use crate::error::Error;
use crate::owner::Owner;
use crate::rules::{Answer, Rules, Task};
use crate::views::{self, Views};

/// Longest SQL text, in bytes.
const TEXT: usize = 64 * 1024;

/// Steps of SQLite's machine between two looks at the clock: tens of microseconds.
const STEPS: i32 = 1000;

/// What confined SQL gets less of than core. Functions such as `instr` take time by the square of a value's length, and
/// LIKE by the power of its pattern's, without a look at the clock.
const LIMITS: &[(Limit, i32)] = &[
    (Limit::SQLITE_LIMIT_LENGTH, 1024 * 1024),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
];

/// SQLite's own refusals to change its catalogue or a view, which come before its question.
const UNCHANGEABLE: &[&str] = &["may not be modified", "because it is a view"];

/// A connection with the hooks in place.
pub(crate) struct Scoped {
    conn: Connection,
    switch: Arc<Mutex<Option<Confinement>>>,
    is_roomy: Cell<bool>,
}

/// What the hooks know while SQL is confined.
struct Confinement {
    rules: Rules,
    deadline: Instant,
    denial: Option<String>,
    unknown: Vec<String>,
    is_late: bool,
}

/// SQL is confined until this is dropped, also by a panic.
pub(crate) struct Confined<'c> {
    scoped: &'c Scoped,
    before: Vec<(Limit, i32)>,
}

impl Scoped {
    /// Installs the hooks.
    pub(crate) fn new(mut conn: Connection, views: Arc<Views>) -> rusqlite::Result<Self> {
        let switch: Arc<Mutex<Option<Confinement>>> = Arc::default();
        let asked = Arc::clone(&switch);
        conn.authorizer(Some(move |question: AuthContext<'_>| match lock(&asked).as_mut() {
            None => Authorization::Allow,
            Some(confinement) => confinement.answer(&views, question),
        }))?;
        let watched = Arc::clone(&switch);
        conn.progress_handler(
            STEPS,
            Some(move || lock(&watched).as_mut().is_some_and(Confinement::is_over)),
        )?;
        Ok(Self { conn, switch, is_roomy: Cell::new(false) })
    }

    /// Makes room in memory for a write of very many rows.
    pub(crate) fn make_room(&self) -> rusqlite::Result<()> {
        self.is_roomy.set(true);
        self.conn.execute_batch(connection::ROOMY)
    }

    /// Gives it back, where it was made.
    pub(crate) fn give_room_back(&self) -> rusqlite::Result<()> {
        if self.is_roomy.replace(false) { self.conn.execute_batch(connection::USUAL) } else { Ok(()) }
    }

    /// Confines the connection's SQL to `owner` until the answer is dropped or `deadline` has passed.
    pub(crate) fn confine(
        &self,
        owner: &Owner,
        task: Task,
        deadline: Instant,
    ) -> Result<Confined<'_>, Error> {
        let rules = Rules::new(owner.clone(), task);
        let mut confined = Confined { scoped: self, before: Vec::new() };
        *lock(&self.switch) =
            Some(Confinement { rules, deadline, denial: None, unknown: Vec::new(), is_late: false });
        for (limit, value) in LIMITS {
            let before = self.conn.limit(*limit)?;
            self.conn.set_limit(*limit, *value)?;
            confined.before.push((*limit, before));
        }
        Ok(confined)
    }

    /// Closes the connection.
    pub(crate) fn close(self) -> Result<(), Error> {
        self.conn.close().map_err(|(_, error)| error.into())
    }
}

impl Deref for Scoped {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl<'c> Confined<'c> {
    /// Prepares one statement, past the cache.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement<'c>, Error> {
        check_text(sql)?;
        self.admit(|conn| conn.prepare(sql))
    }

    /// Runs `prepare`, and answers its statement only if every question about it was answered with yes.
    pub(crate) fn admit<T>(
        &self,
        prepare: impl FnOnce(&'c Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.with(|confinement| confinement.rules.forget());
        let prepared = prepare(&self.scoped.conn).map_err(|error| self.explain(error))?;
        self.refuse_denied()?;
        if !self.with(|confinement| confinement.rules.was_asked()).unwrap_or(false) {
            return Err(self.denied("a statement of this kind"));
        }
        self.refuse_tables()?;
        Ok(prepared)
    }

    /// Sorts what SQLite said; a refusal of ours says more than the error it led to.
    pub(crate) fn explain(&self, error: rusqlite::Error) -> Error {
        use rusqlite::ErrorCode as Code;
        if let Err(denied) = self.refuse_denied() {
            return denied;
        }
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(Code::OperationInterrupted) if self.with(|c| c.is_late).unwrap_or(false) => Error::TooSlow {
                detail: "The SQL was stopped because its time was over; read or change fewer rows at once, or add an index."
                    .to_owned(),
            },
            Some(Code::TooBig) => Error::too_large(format_args!("a value or row is longer than 1 MiB ({text})")),
            Some(Code::AuthorizationForStatementDenied) => self.denied(&text),
            _ if UNCHANGEABLE.iter().any(|words| text.contains(words)) => self.denied(&text),
            _ => error.into(),
        }
    }

    fn refuse_denied(&self) -> Result<(), Error> {
        let denial = self.with(|confinement| confinement.denial.clone()).flatten();
        denial.map_or(Ok(()), |asked| Err(self.denied(&asked)))
    }

    /// Names that SQLite asked about without a column are subqueries' or tables'; tables are refused.
    fn refuse_tables(&self) -> Result<(), Error> {
        let unknown = self.with(|confinement| std::mem::take(&mut confinement.unknown)).unwrap_or_default();
        if unknown.is_empty() {
            return Ok(());
        }
        // This question is core's, so the switch is off meanwhile.
        let resting = lock(&self.scoped.switch).take();
        let found = unknown.iter().try_fold(None, |found: Option<&String>, name| {
            Ok::<_, Error>(if is_table(&self.scoped.conn, name)? { Some(name) } else { found })
        });
        *lock(&self.scoped.switch) = resting;
        found?.map_or(Ok(()), |name| Err(self.denied(&format!("reading {name}"))))
    }

    fn denied(&self, asked: &str) -> Error {
        let owner = self.with(|confinement| confinement.rules.owner.to_string()).unwrap_or_default();
        Error::denied(format_args!(
            "{owner} tried {asked}; it may use its own tables ({owner}_…), read the views core_…, and change its schema in its migrations alone"
        ))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Confinement) -> T) -> Option<T> {
        lock(&self.scoped.switch).as_mut().map(look)
    }
}

impl Drop for Confined<'_> {
    fn drop(&mut self) {
        *lock(&self.scoped.switch) = None;
        for (limit, value) in &self.before {
            if let Err(error) = self.scoped.conn.set_limit(*limit, *value) {
                log::error!("Restoring a limit of the database failed ({error}); restart the service.");
            }
        }
    }
}

impl Confinement {
    fn answer(&mut self, views: &Views, question: AuthContext<'_>) -> Authorization {
        match self.rules.answer(views, question) {
            Answer::Yes => Authorization::Allow,
            Answer::UnlessTable(name) => {
                self.unknown.push(name);
                Authorization::Allow
            }
            Answer::No => {
                self.denial.get_or_insert_with(|| format!("{:?}", question.action));
                Authorization::Deny
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.is_late = Instant::now() >= self.deadline;
        self.is_late
    }
}

/// Refuses SQL that is too long or takes the name of one of core's views.
pub(crate) fn check_text(sql: &str) -> Result<(), Error> {
    if sql.len() > TEXT {
        return Err(Error::too_large(format_args!("the SQL has {} bytes and {TEXT} are allowed", sql.len())));
    }
    if views::are_shadowed_in(sql) {
        return Err(Error::denied(
            "names that begin with core_ are core's views; give the subquery another name",
        ));
    }
    Ok(())
}

/// Whether FROM with this name could reach anything but a subquery of the statement itself.
fn is_table(conn: &Connection, name: &str) -> Result<bool, Error> {
    let lower = name.to_ascii_lowercase();
    // SQLite makes these tables when they are first named.
    if lower.starts_with("sqlite_") || lower.starts_with("pragma_") {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE \
               UNION ALL SELECT 1 FROM pragma_module_list WHERE name = ?1 COLLATE NOCASE";
    Ok(conn.prepare_cached(sql)?.query_row([lower], |_| Ok(())).optional()?.is_some())
}

fn lock(switch: &Mutex<Option<Confinement>>) -> MutexGuard<'_, Option<Confinement>> {
    switch.lock().unwrap_or_else(PoisonError::into_inner)
}
