//! What a plugin's SQL may do, one question of SQLite's authorizer at a time.
//!
//! The questions: <https://sqlite.org/c3ref/c_alter_table.html>. Whatever is not named here is refused. Names that the
//! questions leave out (a table's new name, foreign keys, bodies of triggers) are checked by `owner_steps.rs`.

use rusqlite::hooks::{AuthAction as Action, AuthContext};

use crate::owner::Owner;
use crate::views::Views;

/// SQL functions that neither reach outside the database nor change how it works.
const FUNCTIONS: &[&str] = &[
    "abs",
    "avg",
    "changes",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "dense_rank",
    "first_value",
    "format",
    "glob",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "iif",
    "instr",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "lower",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "printf",
    "quote",
    "random",
    "randomblob",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "time",
    "timediff",
    "total",
    "trim",
    "typeof",
    "unhex",
    "unicode",
    "unistr",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
    "->",
    "->>",
];

/// Functions that ALTER TABLE calls by itself; SQLite refuses them to anybody else.
const ALTERING: &[&str] = &[
    "sqlite_rename_table",
    "sqlite_rename_column",
    "sqlite_rename_test",
    "sqlite_rename_quotefix",
    "sqlite_drop_column",
    "sqlite_add_constraint",
    "sqlite_drop_constraint",
    "sqlite_find_constraint",
    "sqlite_fail",
];

/// Table-valued functions.
const TABLES: &[&str] = &["json_each", "json_tree"];

/// Tables of SQLite's own that a change of the schema touches.
const CATALOGUE: &[&str] =
    &["sqlite_master", "sqlite_temp_master", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4"];

/// For whom a statement is prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Rows only.
    Rows,
    /// The owner's migration.
    Schema,
}

/// What sort of statement it is, known from SQLite's first question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// SELECT, INSERT, UPDATE, DELETE.
    Rows,
    /// CREATE or DROP.
    Create,
    /// ALTER TABLE.
    Alter,
}

/// SQLite's answer to one question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// Yes, unless a table of this name exists: then it is a table, and not a subquery's name.
    UnlessTable(String),
}

/// One owner's rules during one statement.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) owner: Owner,
    pub(crate) task: Task,
    sort: Option<Sort>,
    used_views: Vec<String>,
}

impl Rules {
    pub(crate) fn new(owner: Owner, task: Task) -> Self {
        Self { owner, task, sort: None, used_views: Vec::new() }
    }

    /// Whether SQLite has asked anything; VACUUM, for one, does not ask.
    pub(crate) fn was_asked(&self) -> bool {
        self.sort.is_some()
    }

    /// A new statement begins.
    pub(crate) fn forget(&mut self) {
        self.sort = None;
        self.used_views.clear();
    }

    pub(crate) fn answer(&mut self, views: &Views, asked: AuthContext<'_>) -> Answer {
        let first = *self.sort.get_or_insert_with(|| sort_of(asked.action));
        if first != Sort::Rows && self.task == Task::Rows {
            return Answer::No;
        }
        if self.is_catalogue(asked) {
            return Answer::Yes;
        }
        if asked.database_name.is_some_and(|name| name != "main")
            && !matches!(asked.action, Action::AlterTable { .. })
        {
            return Answer::No;
        }
        if let Action::Read { table_name, column_name } = asked.action {
            return self.reading(views, table_name, column_name, asked.accessor);
        }
        if self.is_allowed(asked.action) { Answer::Yes } else { Answer::No }
    }

    fn is_allowed(&self, action: Action<'_>) -> bool {
        let owns = |name: &str| self.owner.owns(name);
        let is_schema = self.sort.is_some_and(|sort| sort != Sort::Rows);
        match action {
            // CREATE TABLE … AS SELECT could read SQLite's catalogue, and cannot make a STRICT table.
            Action::Select => self.sort != Some(Sort::Create),
            Action::Recursive => true,
            Action::Function { function_name } => self.may_call(function_name),
            Action::Insert { table_name }
            | Action::Delete { table_name }
            | Action::Update { table_name, .. } => owns(table_name),
            Action::CreateTable { table_name } => {
                is_schema && (owns(table_name) || table_name == "sqlite_sequence")
            }
            Action::DropTable { table_name } | Action::AlterTable { table_name, .. } => {
                is_schema && owns(table_name)
            }
            Action::CreateIndex { index_name, table_name } => {
                is_schema && self.owns_index(index_name) && owns(table_name)
            }
            Action::DropIndex { index_name, table_name } => is_schema && owns(index_name) && owns(table_name),
            Action::CreateTrigger { trigger_name, table_name }
            | Action::DropTrigger { trigger_name, table_name } => {
                is_schema && owns(trigger_name) && owns(table_name)
            }
            // Filling a new index counts as rebuilding it.
            Action::Reindex { index_name } => is_schema && self.owns_index(index_name),
            // ADD COLUMN looks whether the present rows obey the new column's rules.
            Action::Pragma { pragma_name: "quick_check", pragma_value: Some(table) } => {
                self.sort == Some(Sort::Alter) && owns(table)
            }
            _ => false,
        }
    }

    fn may_call(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let is_json =
            name.starts_with("json_") || name.starts_with("jsonb_") || name == "json" || name == "jsonb";
        let is_altering = self.sort == Some(Sort::Alter) && ALTERING.contains(&name.as_str());
        is_json || is_altering || FUNCTIONS.contains(&name.as_str())
    }

    fn owns_index(&self, name: &str) -> bool {
        self.owner.owns(name.strip_prefix("sqlite_autoindex_").unwrap_or(name))
    }

    /// SQLite's own tables, in statements that change the schema: only SQLite itself can name them there.
    fn is_catalogue(&self, asked: AuthContext<'_>) -> bool {
        let (Action::Insert { table_name }
        | Action::Delete { table_name }
        | Action::Update { table_name, .. }
        | Action::Read { table_name, .. }) = asked.action
        else {
            return false;
        };
        match self.sort {
            Some(Sort::Create) => CATALOGUE.contains(&table_name),
            Some(Sort::Alter) => CATALOGUE.contains(&table_name) || table_name == "pragma_quick_check",
            _ => false,
        }
    }

    fn reading(&mut self, views: &Views, table: &str, column: &str, accessor: Option<&str>) -> Answer {
        if self.owner.owns(table) || views.contains(table) || TABLES.contains(&table) {
            return Answer::Yes;
        }
        if let Some(view) = accessor.filter(|view| views.reads(view, table, column)) {
            self.used_views.push(view.to_owned());
            return Answer::Yes;
        }
        if !column.is_empty() {
            return Answer::No;
        }
        // SQLite may merge a view into the statement and then count the rows of the table below it.
        if self.used_views.iter().any(|view| views.reads(view, table, "")) {
            return Answer::Yes;
        }
        Answer::UnlessTable(table.to_owned())
    }
}

fn sort_of(action: Action<'_>) -> Sort {
    match action {
        Action::AlterTable { .. } => Sort::Alter,
        Action::Insert { table_name: "sqlite_master" }
        | Action::Delete { table_name: "sqlite_master" }
        | Action::CreateTrigger { .. }
        | Action::DropTrigger { .. } => Sort::Create,
        _ => Sort::Rows,
    }
}
