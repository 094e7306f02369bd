//! Administrators. Their password is a hash in a column that never leaves the database.

use jackfield_db::{Value as Cell, params};
use serde_json::Value;

use super::{Act, CHANGED_AT, CREATED_AT, Hidden, ID, Id, REVISION, Resource, settled, text};
use crate::catalog::problems::{CONFLICT, Problem};
use crate::catalog::rights::Role;
use crate::catalog::shape::{self, Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};
use crate::engine::access::{claim, passwords, sessions};
use crate::engine::change::Change;
use crate::engine::secrets::Secret;

/// A password's rule: long enough that guessing fails; no rule on its characters (NIST SP 800-63B 5.1.1.2).
pub const PASSWORD: Kind = Kind::Text { min: 12, max: 128, rule: None };

static SHAPE: Shape = Shape {
    name: "Admin",
    help: "A person who may sign in to the console and the API.",
    fields: &[
        ID,
        Field::required(
            "name",
            Kind::Text { min: 2, max: 64, rule: Some(&rules::ACCESS_NAME) },
            "Name to sign in with; unique without regard to case.",
        )
        .fixed(),
        Field::required("role", Kind::Choice(Role::NAMES), "What they may do."),
        Field::optional(
            "password",
            PASSWORD,
            Absent::Null,
            "12 to 128 characters; needed for a new administrator, left out or null: stays.",
        )
        .secret(),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// Administrators.
pub static ADMINS: Resource = Resource {
    name: "admins",
    one: "administrator",
    table: "admin",
    shape: &SHAPE,
    id: Id::Made("adm"),
    read: rights::ADMINS_READ,
    write: rights::ADMINS_WRITE,
    event: events::ADMIN_CHANGED,
    filters: &["name"],
    no_undo: Some(
        "passwords are not kept, so an administrator cannot be put back; change the administrator instead",
    ),
    changeable: true,
    hide,
    settle: settled,
    follow,
};

fn hide(input: &Value, act: Act) -> Result<Hidden, Problem> {
    let password = match (input.get("password"), act) {
        (None | Some(Value::Null), Act::Replace) => return Ok(Hidden::default()),
        (None | Some(Value::Null), Act::Create) => {
            return Err(Problem::field("password", "is missing: a new administrator needs one"));
        }
        (Some(given), _) => given,
    };
    shape::check(PASSWORD, password, "/password").map_err(Problem::invalid)?;
    let hash = passwords::hash(&Secret::new(password.as_str().unwrap_or_default()))?;
    Ok(Hidden { columns: vec![("password", Cell::Text(hash))], once: None })
}

/// Whoever was signed in must sign in anew under the new role or password, and somebody must be left who
/// can administer the appliance.
fn follow(change: &Change<'_>, admin: Option<&Object>) -> Result<(), Problem> {
    if let Some(admin) = admin {
        sessions::end_all(change.tx, text(admin, "id"))?;
    }
    let sql = "SELECT count(*) FROM admin WHERE role = 'admin'";
    let left: i64 = change.tx.one(sql, params![], |row| row.get(0))?.unwrap_or(0);
    if left == 0 {
        return Err(Problem::new(
            CONFLICT,
            "Nobody would be left with the role admin. Make another administrator first.",
        ));
    }
    claim::forget(change)
}
