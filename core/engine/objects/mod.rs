//! The objects an administrator configures: each is one declaration (fields, rights, event) and the rules
//! that need other rows. Making, changing, deleting, listing and undoing them is the same code for all.

mod accounts;
mod admins;
mod enterprises;
mod guards;
mod many;
mod pbx_nodes;
mod peers;
mod profiles;
mod rows;
mod schedules;
mod search;
mod tokens;
mod trusted_servers;

use jackfield_db::{Constraint, Error, Read, Value as Cell};
use serde_json::Value;

use super::change::{Change, Entry, Precondition};
use super::clock;
use super::secrets::{self, Secret};
use crate::catalog::events::Event;
use crate::catalog::problems::{CONFLICT, FieldError, IN_USE, NOT_FOUND, Problem};
use crate::catalog::rights::Right;
use crate::catalog::shape::{Field, Kind, Object, Shape};

pub use accounts::{ACCOUNTS, forget_password, refuse_losing_node, set_login_aside};
pub use admins::{ADMINS, PASSWORD};
pub use enterprises::ENTERPRISES;
pub use guards::is_same;
pub use many::{Turn, make_in_order, newcomer};
pub use pbx_nodes::PBX_NODES;
pub use peers::{PEERS, is_neighbour};
pub use profiles::{DEFAULT_PROFILE, PROFILES};
pub use rows::Page;
pub use schedules::SCHEDULES;
pub use search::{indexed, question};
pub use tokens::TOKENS;
pub use trusted_servers::TRUSTED_SERVERS;

/// Where an object's id comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    /// The caller gives it.
    Given,
    /// The appliance makes it, with this prefix.
    Made(&'static str),
}

/// One kind of object.
pub struct Resource {
    /// Path in the API, and kind in revisions.
    pub name: &'static str,
    /// What one of them is called in a sentence.
    pub one: &'static str,
    /// Table in the database.
    pub table: &'static str,
    /// Fields; those that are not secret are columns of the same name.
    pub shape: &'static Shape,
    /// Where ids come from.
    pub id: Id,
    /// Right to see them.
    pub read: &'static Right,
    /// Right to change them.
    pub write: &'static Right,
    /// Event after a change.
    pub event: &'static Event,
    /// Fields that a list can be narrowed by.
    pub filters: &'static [&'static str],
    /// Why its changes cannot be undone, where that is so.
    pub no_undo: Option<&'static str>,
    /// Whether one can be changed once it is made.
    pub changeable: bool,
    /// Columns made from input that is never given back. Slow work such as hashing belongs here: it runs
    /// before the transaction.
    pub hide: fn(&Value, Act) -> Result<Hidden, Problem>,
    /// Rules that need other fields or rows; may normalise. Runs inside the transaction, before the row is written.
    pub settle: fn(&Read<'_>, &mut Object) -> Result<(), Problem>,
    /// What must follow, or must hold, once the row is written or gone. Runs inside the transaction.
    pub follow: fn(&Change<'_>, Option<&Object>) -> Result<(), Problem>,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is made.
    Create,
    /// It is replaced.
    Replace,
}

/// Every kind of object.
pub static ALL: &[&Resource] =
    &[&ENTERPRISES, &PBX_NODES, &PROFILES, &ACCOUNTS, &PEERS, &TRUSTED_SERVERS, &SCHEDULES, &ADMINS, &TOKENS];

/// What a caller never sees, or sees once.
#[derive(Default)]
pub struct Hidden {
    /// Columns such as a password's hash.
    pub columns: Vec<(&'static str, Cell)>,
    /// A field, such as a new token, that only the answer of this very request carries.
    pub once: Option<(&'static str, Secret)>,
}

const REVISION_KIND: Kind = Kind::Integer { min: 0, max: i64::MAX };
const ID_KIND: Kind = Kind::Text { min: 1, max: 64, rule: None };

/// The id field of objects whose id the appliance makes.
const ID: Field = Field::read_only("id", ID_KIND, "Identifies the object; opaque.");
/// The revision field of every object.
const REVISION: Field = Field::read_only(
    "revision",
    REVISION_KIND,
    "Revision that last changed it, 0: it came with the appliance; also its ETag.",
);
/// When the object was made.
const CREATED_AT: Field = Field::read_only("created_at", Kind::Time, "When it was made.");
/// When the object was last changed.
const CHANGED_AT: Field = Field::read_only("changed_at", Kind::Time, "When it was last changed.");
/// The enterprise that an object belongs to.
const ENTERPRISE: Field =
    Field::required("enterprise", Kind::Reference("enterprises"), "Enterprise it belongs to.").fixed();

/// The resource of that name.
pub fn find(name: &str) -> Option<&'static Resource> {
    ALL.iter().copied().find(|resource| resource.name == name)
}

/// One text field of an object; empty when it is absent or no text.
pub fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(|value| value.as_str()).unwrap_or_default()
}

/// The revision that last changed an object.
pub fn revision(object: &Object) -> i64 {
    object.get("revision").and_then(Value::as_i64).unwrap_or_default()
}

impl Resource {
    /// The object of that id, or a problem that says there is none.
    pub fn get(&self, read: &Read<'_>, id: &str) -> Result<Object, Problem> {
        rows::find(read, self, id)?.ok_or_else(|| self.missing(id))
    }

    /// The object of that id, if there is one.
    pub fn find(&self, read: &Read<'_>, id: &str) -> Result<Option<Object>, Problem> {
        rows::find(read, self, id)
    }

    /// Whether lists of it can be searched by words.
    pub fn is_searchable(&self) -> bool {
        self.name == ACCOUNTS.name
    }

    /// A page of objects in the order they were made.
    pub fn list(&self, read: &Read<'_>, page: &Page) -> Result<(Vec<Object>, Option<i64>), Problem> {
        rows::list(read, self, page)
    }

    fn missing(&self, id: &str) -> Problem {
        Problem::new(NOT_FOUND, format!("There is no {} {id:?}.", self.one))
    }

    /// Makes an object from accepted input.
    pub fn create(&self, change: &Change<'_>, input: Object, hidden: &Hidden) -> Result<Object, Problem> {
        let mut object = input;
        if let Some(id) = self.new_id()? {
            object.insert("id".to_owned(), id.into());
        }
        self.insert(change, object, hidden)
    }

    /// An id for a new one, where the appliance makes it.
    pub fn new_id(&self) -> Result<Option<String>, Problem> {
        let Id::Made(prefix) = self.id else { return Ok(None) };
        Ok(Some(format!("{prefix}-{}", &secrets::random_text()?[..12])))
    }

    /// Puts back an object that was deleted, under its old id.
    pub fn restore(&self, change: &Change<'_>, object: Object) -> Result<Object, Problem> {
        self.insert(change, object, &Hidden::default())
    }

    fn insert(&self, change: &Change<'_>, mut object: Object, hidden: &Hidden) -> Result<Object, Problem> {
        guards::before_write(change, self, None, &object)?;
        self.prepare(change, &mut object)?;
        rows::insert(change.tx, self, &object, hidden).map_err(|e| self.refused(e, &object))?;
        let stored = self.get(change.tx, text(&object, "id"))?;
        let n = self.record(change, None, Some(&stored))?;
        self.followed(change, n, stored)
    }

    /// Replaces an object by accepted input.
    pub fn replace(
        &self,
        change: &Change<'_>,
        before: &Object,
        mut object: Object,
        hidden: &Hidden,
    ) -> Result<Object, Problem> {
        let altered = self.shape.altered_fixed(&object, before);
        if !altered.is_empty() {
            return Err(Problem::invalid(altered));
        }
        guards::before_write(change, self, Some(before), &object)?;
        self.prepare(change, &mut object)?;
        rows::update(change.tx, self, &object, hidden).map_err(|e| self.refused(e, &object))?;
        let stored = self.get(change.tx, text(before, "id"))?;
        let n = self.record(change, Some(before), Some(&stored))?;
        self.followed(change, n, stored)
    }

    /// What follows is part of the same revision, so that undoing it undoes both.
    fn followed(&self, change: &Change<'_>, n: i64, stored: Object) -> Result<Object, Problem> {
        change.as_part_of(n, || {
            (self.follow)(change, Some(&stored))?;
            guards::after_write(change, self, &stored)
        })?;
        Ok(stored)
    }

    /// Deletes an object that nothing depends on, with what goes with it.
    pub fn remove(&self, change: &Change<'_>, id: &str, precondition: &Precondition) -> Result<(), Problem> {
        let before = self.get(change.tx, id)?;
        precondition.check(revision(&before))?;
        guards::before_removal(change, self, &before)?;
        self.refuse_if_used(change.tx, text(&before, "id"))?;
        self.erase(change, &before)
    }

    /// Deletes an object that may go, with what goes with it: one revision.
    fn erase(&self, change: &Change<'_>, before: &Object) -> Result<(), Problem> {
        let id = text(before, "id");
        let n = self.record(change, Some(before), None)?;
        change.as_part_of(n, || {
            guards::remove_dependants(change, self, id)?;
            rows::delete(change.tx, self, id)?;
            (self.follow)(change, None)
        })
    }

    /// Checks accepted input against other rows as making or replacing it would, and writes nothing.
    pub fn examine(&self, read: &Read<'_>, object: &mut Object) -> Result<(), Problem> {
        self.resolve_references(read, object)?;
        (self.settle)(read, object)
    }

    /// Settles references, the resource's own rules, and the columns that every change sets.
    fn prepare(&self, change: &Change<'_>, object: &mut Object) -> Result<(), Problem> {
        // An object that is put back may be older than some of today's fields.
        self.shape.complete(object);
        self.examine(change.tx, object)?;
        object.insert("revision".to_owned(), change.next_revision()?.into());
        let now = clock::now();
        object.entry("created_at").or_insert_with(|| now.as_str().into());
        object.insert("changed_at".to_owned(), now.into());
        Ok(())
    }

    fn record(
        &self,
        change: &Change<'_>,
        before: Option<&Object>,
        after: Option<&Object>,
    ) -> Result<i64, Problem> {
        let object = text(before.or(after).unwrap_or(&Object::new()), "id").to_owned();
        change.record(&Entry { kind: self.name, object: &object, before, after, event: self.event.name })
    }

    /// Replaces each reference by the id as its own object spells it; refuses one that leads nowhere.
    fn resolve_references(&self, read: &Read<'_>, object: &mut Object) -> Result<(), Problem> {
        for (field, target) in self.references() {
            let Some(id) = object.get(field).and_then(|v| v.as_str()) else { continue };
            let Some(target) = find(target) else { continue };
            let found = rows::spelling(read, target, id)?;
            let found = found.ok_or_else(|| Problem::field(field, names_nothing(target, id)))?;
            object.insert(field.to_owned(), found.into());
        }
        Ok(())
    }

    fn references(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        self.shape.fields.iter().filter_map(|field| match field.kind {
            Kind::Reference(target) => Some((field.name, target)),
            _ => None,
        })
    }

    fn refuse_if_used(&self, read: &Read<'_>, id: &str) -> Result<(), Problem> {
        let users = guards::users_of(read, self, id)?;
        if users.is_empty() {
            return Ok(());
        }
        let used = users.join(" and ");
        Err(Problem::new(
            IN_USE,
            format!("{} {id:?} is still used by {used}. Delete or move those first.", capital(self.one)),
        ))
    }

    /// Turns a broken constraint into a sentence about the field.
    fn refused(&self, error: Error, object: &Object) -> Problem {
        let Some(column) = unique_column(&error, self.table) else { return error.into() };
        let value = object.get(&column).map(ToString::to_string).unwrap_or_default();
        let scope = match object.contains_key("enterprise") {
            true if text(object, "peer").is_empty() => " in this enterprise",
            true => " of this peer",
            false => "",
        };
        let detail = format!("another {} has the {column} {value}{scope}", self.one);
        let errors = vec![FieldError::at(&column, detail.clone())];
        Problem::new(CONFLICT, format!("{}.", capital(&detail))).with_errors(errors)
    }
}

/// What is wrong with a field whose value should be the id of an object.
pub fn names_nothing(resource: &Resource, id: &str) -> String {
    format!("names no {}: there is none with the id {id:?}", resource.one)
}

/// The last column of a uniqueness rule that was broken: `UNIQUE constraint failed: peer.enterprise, peer.description`,
/// or, where the rule has an expression in it, by the name of its index: `… failed: index 'account_login_id'`.
fn unique_column(error: &Error, table: &str) -> Option<String> {
    let Error::Constraint { kind: Constraint::Unique, detail } = error else { return None };
    let index = detail.split('\'').nth(1).and_then(|index| index.strip_prefix(table)?.strip_prefix('_'));
    if let Some(column) = index {
        return Some(column.to_owned());
    }
    detail.rsplit('.').next().map(|column| column.trim().to_owned())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// For resources that hide nothing.
fn hide_nothing(_: &Value, _: Act) -> Result<Hidden, Problem> {
    Ok(Hidden::default())
}

/// For resources without rules of their own.
fn settled(_: &Read<'_>, _: &mut Object) -> Result<(), Problem> {
    Ok(())
}

/// For resources after which nothing follows.
fn nothing_follows(_: &Change<'_>, _: Option<&Object>) -> Result<(), Problem> {
    Ok(())
}
