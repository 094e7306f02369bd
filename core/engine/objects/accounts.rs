//! Accounts: the people (and their telephones) of an enterprise.

use jackfield_db::{Read, Tx, params};

use super::profiles::DEFAULT_PROFILE;
use super::{
    CHANGED_AT, CREATED_AT, ENTERPRISE, ID, Id, PBX_NODES, REVISION, Resource, hide_nothing, nothing_follows,
    text,
};
use crate::catalog::problems::Problem;
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};

const SOURCE: Kind = Kind::Text { min: 1, max: 256, rule: None };
const NAME: Kind = Kind::Text { min: 0, max: 64, rule: Some(&rules::PLAIN) };

static SHAPE: Shape = Shape {
    name: "Account",
    help: "A person of an enterprise.",
    fields: &[
        ID,
        ENTERPRISE,
        Field::required(
            "login_id",
            Kind::Text { min: 2, max: 113, rule: Some(&rules::LOGIN_ID) },
            "Login ID, also in UPN form; unique in the enterprise without regard to case; not somebody else's extension.",
        ),
        Field::optional("first_name", NAME, Absent::Text(""), "First name."),
        Field::required("last_name", Kind::Text { min: 1, max: 64, rule: Some(&rules::PLAIN) }, "Last name."),
        Field::optional(
            "email",
            Kind::Text { min: 0, max: 254, rule: Some(&rules::EMAIL) },
            Absent::Text(""),
            "Primary e-mail address.",
        ),
        Field::optional(
            "extension",
            Kind::Text { min: 0, max: 32, rule: Some(&rules::EXTENSION) },
            Absent::Text(""),
            "Extension on the PBX node.",
        ),
        Field::optional(
            "pbx_node",
            Kind::Reference("pbx-nodes"),
            Absent::Null,
            "PBX node of the same enterprise; null: none.",
        ),
        Field::read_only(
            "origin",
            Kind::Choice(&["manual", "synchronizer", "peer"]),
            "Where the account came from.",
        ),
        Field::read_only("peer", Kind::Reference("peers"), "Peer whose user it is; null: one of ours."),
        Field::optional(
            "profile",
            Kind::Reference("profiles"),
            Absent::Null,
            "User profile; left out or null: the Default User Profile.",
        ),
        Field::optional(
            "teams_status",
            Kind::Boolean,
            Absent::Boolean(false),
            "Microsoft Teams status: whether the status comes from Teams although the profile does not say so.",
        ),
        Field::optional(
            "show_presence",
            Kind::Boolean,
            Absent::Boolean(true),
            "Whether others see the status, where the enterprise has Presence Privacy Service.",
        ),
        Field::optional(
            "in_directory",
            Kind::Boolean,
            Absent::Boolean(true),
            "Whether the corporate directory shows it; hiding an entry keeps the account.",
        ),
        Field::optional(
            "folder",
            Kind::Text { min: 0, max: 255, rule: Some(&rules::FOLDER) },
            Absent::Text(""),
            "Folder of the corporate directory below the top, such as Sales/Paris; empty: the top.",
        ),
        Field::optional(
            "voice_mail_server",
            Kind::Text { min: 0, max: 128, rule: Some(&rules::HOST) },
            Absent::Text(""),
            "Host name or IP address of the account's own voice mail server; empty: the node's.",
        ),
        Field::optional(
            "voice_mail_number",
            Kind::Text { min: 0, max: 32, rule: Some(&rules::NUMBER) },
            Absent::Text(""),
            "Public number of the account's own voice mail; empty: the node's.",
        ),
        Field::optional("deployed", Kind::Boolean, Absent::Boolean(true), "Whether it is in use."),
        Field::read_only(
            "address",
            Kind::Text { min: 3, max: 2047, rule: None },
            "XMPP address of a peer's user, where the source gives one; null: the login at the peer's domain.",
        ),
        Field::read_only("synchronizer", SOURCE, "Synchronizer that brought it; null: none did."),
        Field::read_only(
            "directory_key",
            SOURCE,
            "Key by which its source knows it, such as an objectGUID; null: no synchronizer brought it.",
        ),
        Field::read_only(
            "directory_hash",
            SOURCE,
            "What tells the source's version of it from the next; null: no synchronizer brought it.",
        ),
        Field::read_only(
            "removed_at",
            Kind::Time,
            "Since when its source has it no longer: it is un-deployed and out of the directory; null: it is there.",
        ),
        Field::read_only(
            "kept_until",
            Kind::Time,
            "When it is deleted, unless its source has it again before; null: its source has it.",
        ),
        Field::read_only(
            "before_removal",
            Kind::Any,
            "What deployed and in_directory will be when its source has it again; null: its source has it.",
        ),
        Field::read_only(
            "photo",
            Kind::Text { min: 40, max: 40, rule: None },
            "SHA-1 of its photo in hexadecimal, as XMPP names photos (XEP-0153); null: it has none.",
        ),
        Field::read_only(
            "can_sign_in",
            Kind::Choice(&["password", "directory", "no"]),
            "How its user signs in to chat: with the password that was set here, with that of the directory it came from, or not at all, as while it is un-deployed.",
        )
        .derived(),
        Field::read_only(
            "password_changed_at",
            Kind::Time,
            "When its password was last set here, null where it has none. The password itself is never given back.",
        )
        .derived(),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// Accounts.
pub static ACCOUNTS: Resource = Resource {
    name: "accounts",
    one: "account",
    table: "account",
    shape: &SHAPE,
    id: Id::Made("acc"),
    read: rights::ACCOUNTS_READ,
    write: rights::ACCOUNTS_WRITE,
    event: events::ACCOUNT_CHANGED,
    filters: &[
        "enterprise",
        "pbx_node",
        "login_id",
        "extension",
        "email",
        "profile",
        "peer",
        "origin",
        "synchronizer",
        "can_sign_in",
    ],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle,
    follow: nothing_follows,
};

/// Frees an account's login for another one, until it is given its own in the same transaction.
pub fn set_login_aside(tx: &Tx<'_>, id: &str) -> Result<(), Problem> {
    // No login has a blank in it.
    tx.execute("UPDATE account SET login_id = ' ' || id WHERE id = ?1", params![id])?;
    Ok(())
}

/// An account as it is without the password that was set for it.
pub fn forget_password(account: &mut Object) {
    if account.get("password_changed_at").is_none_or(serde_json::Value::is_null) {
        return;
    }
    account.insert("password_changed_at".to_owned(), serde_json::Value::Null);
    if text(account, "can_sign_in") == "password" {
        let way = if text(account, "origin") == "synchronizer" { "directory" } else { "no" };
        account.insert("can_sign_in".to_owned(), way.into());
    }
}

/// What an account has unless told otherwise.
pub fn fill(object: &mut Object) {
    object.entry("origin").or_insert_with(|| "manual".into());
    if object.get("profile").is_none_or(serde_json::Value::is_null) {
        object.insert("profile".to_owned(), DEFAULT_PROFILE.into());
    }
}

fn settle(read: &Read<'_>, object: &mut Object) -> Result<(), Problem> {
    fill(object);
    check_node(read, object)?;
    if !text(object, "peer").is_empty() || !text(object, "removed_at").is_empty() {
        // A peer's user is called on the peer's telephone system, and signs in there; one that its directory has no
        // longer does so nowhere.
        return Ok(());
    }
    check_login(read, object)?;
    check_extension(read, object)
}

/// An account may gain a PBX node later and never lose it again (Mitel's help on accounts): its telephones would be left
/// on a system that it has no part in any more. It may move to another node.
pub fn refuse_losing_node(before: &Object, after: &Object) -> Result<(), Problem> {
    let has_node = |account: &Object| account.get("pbx_node").is_some_and(|node| !node.is_null());
    // A peer's user is on whatever the peer says.
    if !has_node(before) || has_node(after) || !text(before, "peer").is_empty() {
        return Ok(());
    }
    Err(Problem::field(
        "pbx_node",
        "must name a PBX node: an account that has one may move to another and never be without again; null is not",
    ))
}

fn check_node(read: &Read<'_>, object: &Object) -> Result<(), Problem> {
    let Some(node) = object.get("pbx_node").and_then(|v| v.as_str()) else { return Ok(()) };
    let home = PBX_NODES.get(read, node)?;
    if text(&home, "enterprise") == text(object, "enterprise") {
        return Ok(());
    }
    Err(Problem::field(
        "pbx_node",
        format!(
            "must be a PBX node of the account's enterprise; {:?} belongs to enterprise {:?}",
            text(&home, "name"),
            text(&home, "enterprise")
        ),
    ))
}

/// A login made of digits must not be what somebody else is called at.
fn check_login(read: &Read<'_>, object: &Object) -> Result<(), Problem> {
    let login = text(object, "login_id");
    let sql =
        "SELECT login_id FROM account WHERE enterprise = ?1 AND extension = ?2 AND id <> ?3 AND peer IS NULL
               AND removed_at IS NULL LIMIT 1";
    let bound = params![text(object, "enterprise"), login, text(object, "id")];
    match read.one(sql, bound, |row| row.get::<_, String>(0))? {
        Some(other) => {
            Err(Problem::field("login_id", format!("{login:?} is the extension of account {other:?}")))
        }
        None => Ok(()),
    }
}

/// The other way round: an extension must not be what somebody else signs in with.
fn check_extension(read: &Read<'_>, object: &Object) -> Result<(), Problem> {
    let extension = text(object, "extension");
    let sql = "SELECT 1 FROM account WHERE enterprise = ?1 AND login_id = ?2 AND id <> ?3 AND peer IS NULL
         AND removed_at IS NULL LIMIT 1";
    let bound = params![text(object, "enterprise"), extension, text(object, "id")];
    match read.one(sql, bound, |row| row.get::<_, i64>(0))? {
        Some(_) => {
            Err(Problem::field("extension", format!("{extension:?} is the login ID of another account")))
        }
        None => Ok(()),
    }
}
