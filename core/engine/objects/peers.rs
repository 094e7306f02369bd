//! Peers: sister appliances and other companies' messaging servers whose people an enterprise reaches. What is
//! decided here is how they are called and who they are; talking to them is the peering plugin's.

use jackfield_db::{Read, params};
use serde_json::Value;

use super::{
    CHANGED_AT, CREATED_AT, ENTERPRISE, ID, Id, REVISION, Resource, hide_nothing, nothing_follows, text,
};
use crate::catalog::problems::{FieldError, Problem};
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};
use crate::engine::dialing::PREFIX_CHARS;
use crate::engine::own_names;

const JACKFIELD: &str = "jackfield";
const EXTERNAL: &str = "external";

static SHAPE: Shape = Shape {
    name: "Peer",
    help: "Another system whose users an enterprise's users can call.",
    fields: &[
        ID,
        ENTERPRISE,
        Field::required(
            "description",
            Kind::Text { min: 1, max: 64, rule: Some(&rules::DESCRIPTION) },
            "What people call it: up to 64 letters, digits, dashes and spaces (seed 001); unique in the enterprise; names the folder of its contacts.",
        ),
        Field::optional(
            "kind",
            Kind::Choice(&[JACKFIELD, EXTERNAL]),
            Absent::Null,
            "What it is (seed 001): jackfield, a sister appliance; external, another messaging server. null: nobody has said, and only its dialing prefix is used. Fixed once it is set.",
        )
        .fixed(),
        Field::optional(
            "hostname",
            Kind::Text { min: 3, max: 253, rule: Some(&rules::DOMAIN) },
            Absent::Null,
            "Fully qualified name of a sister appliance, as in its certificate (seed 001); needed for the kind jackfield, null for others. Kept in lower case.",
        ),
        Field::optional(
            "peer_enterprise",
            Kind::Text { min: 4, max: 32, rule: Some(&rules::ENTERPRISE_ID) },
            Absent::Null,
            "ID of the enterprise over there: 4 to 32 letters, digits and dashes (seed 001); needed for the kind jackfield, null for others.",
        ),
        Field::optional(
            "dialing_prefix",
            Kind::Text { min: 0, max: PREFIX_CHARS, rule: None },
            Absent::Text(""),
            "Peer Dialing Prefix, at most 20 characters, otherwise not validated; a leading hyphen leaves out the node's outgoing digit (seed 001). Empty for the kind external.",
        ),
        Field::optional(
            "sync_every_days",
            Kind::Integer { min: 0, max: 365 },
            Absent::Integer(0),
            "Days from one synchronization to the next (seed 001); 0: only when somebody asks.",
        ),
        Field::optional(
            "sync_hour",
            Kind::Integer { min: 1, max: 12 },
            Absent::Integer(2),
            "Hour at which it starts, 1 to 12 (seed 001).",
        ),
        Field::optional(
            "sync_minute",
            Kind::Integer { min: 0, max: 59 },
            Absent::Integer(0),
            "Minute at which it starts (seed 001).",
        ),
        Field::optional(
            "sync_half",
            Kind::Choice(&["AM", "PM"]),
            Absent::Text("AM"),
            "Half of the day (seed 001); 12 AM is midnight, 12 PM is noon.",
        ),
        Field::read_only(
            "domain",
            Kind::Text { min: 3, max: 253, rule: Some(&rules::DOMAIN) },
            "Domain that its people's addresses end in, as it said when it was last met; null: it was not met yet.",
        ),
        Field::read_only(
            "version",
            Kind::Text { min: 1, max: 64, rule: None },
            "Version of its software, as it said when it was last met; null: it has not said so.",
        ),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// Peers.
pub static PEERS: Resource = Resource {
    name: "peers",
    one: "peer",
    table: "peer",
    shape: &SHAPE,
    id: Id::Made("peer"),
    read: rights::PEERS_READ,
    write: rights::PEERS_WRITE,
    event: events::PEER_CHANGED,
    filters: &["enterprise", "kind"],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle,
    follow: nothing_follows,
};

fn settle(read: &Read<'_>, object: &mut Object) -> Result<(), Problem> {
    if let Some(hostname) = given(object, "hostname").map(str::to_ascii_lowercase) {
        object.insert("hostname".to_owned(), hostname.into());
    }
    let mut errors = kind_errors(object);
    if errors.is_empty() {
        errors.extend(place_error(read, object)?);
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// Whether a peer is an enterprise of this appliance, that of the id: they may be peers (seed 001).
pub fn is_neighbour(peer: &Object, enterprise: &str) -> bool {
    own_names::contains(text(peer, "hostname"))
        && text(peer, "peer_enterprise").eq_ignore_ascii_case(enterprise)
}

/// A field that has a value.
fn given<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str)
}

/// Fields that the kind needs and lacks, or has no use for.
fn kind_errors(object: &Object) -> Vec<FieldError> {
    let kind = given(object, "kind");
    let named = kind.map_or("while kind is null".to_owned(), |kind| format!("for the kind {kind}"));
    let mut errors = Vec::new();
    for field in ["hostname", "peer_enterprise"] {
        match (given(object, field), kind) {
            (None, Some(JACKFIELD)) => {
                errors.push(FieldError::at(field, format!("must be given {named}; it is missing")));
            }
            (Some(value), None | Some(EXTERNAL)) => {
                errors.push(FieldError::at(field, format!("must be null {named}; {value:?} is not")));
            }
            _ => {}
        }
    }
    let prefix = text(object, "dialing_prefix");
    if kind == Some(EXTERNAL) && !prefix.is_empty() {
        let detail = format!("must be empty {named}, which has no telephones to dial; {prefix:?} is not");
        errors.push(FieldError::at("dialing_prefix", detail));
    }
    let days = object.get("sync_every_days").and_then(Value::as_i64).unwrap_or_default();
    if kind.is_none() && days > 0 {
        let detail = format!("must be 0 {named}, as there is nothing to synchronize; {days} is not");
        errors.push(FieldError::at("sync_every_days", detail));
    }
    errors
}

/// An enterprise is reached over one peer only, and never over one that leads back to itself.
fn place_error(read: &Read<'_>, object: &Object) -> Result<Option<FieldError>, Problem> {
    let (Some(hostname), Some(there)) = (given(object, "hostname"), given(object, "peer_enterprise")) else {
        return Ok(None);
    };
    if own_names::contains(hostname)
        && let Some(error) = own_error(read, text(object, "enterprise"), there)?
    {
        return Ok(Some(error));
    }
    let sql = "SELECT description FROM peer
        WHERE enterprise = ?1 AND hostname = ?2 AND peer_enterprise = ?3 AND id <> ?4 LIMIT 1";
    let bound = params![text(object, "enterprise"), hostname, there, text(object, "id")];
    let other = read.one(sql, bound, |row| row.get::<_, String>(0))?;
    Ok(other.map(|other| {
        let detail =
            format!("must be reached over one peer; {there:?} on {hostname:?} is the peer {other:?}");
        FieldError::at("peer_enterprise", detail)
    }))
}

/// Two enterprises of this appliance may be peers (seed 001); both must be here.
fn own_error(read: &Read<'_>, here: &str, there: &str) -> Result<Option<FieldError>, Problem> {
    if here.eq_ignore_ascii_case(there) {
        let detail = format!(
            "must be another enterprise than the peer's own, as hostname is this appliance; {there:?} is not"
        );
        return Ok(Some(FieldError::at("peer_enterprise", detail)));
    }
    let sql = "SELECT 1 FROM enterprise WHERE id = ?1";
    let found = read.one(sql, params![there], |row| row.get::<_, i64>(0))?;
    Ok(found.is_none().then(|| {
        let detail = format!(
            "must be an enterprise of this appliance, as hostname is; there is none with the id {there:?}"
        );
        FieldError::at("peer_enterprise", detail)
    }))
}
