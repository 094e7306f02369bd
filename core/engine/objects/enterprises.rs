//! Enterprises: the owners of everything else.

use jackfield_db::{Read, params};

use super::{
    CHANGED_AT, CREATED_AT, Id, PEERS, REVISION, Resource, hide_nothing, is_neighbour, nothing_follows, text,
};
use crate::catalog::problems::Problem;
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};

static SHAPE: Shape = Shape {
    name: "Enterprise",
    help: "A company or site whose nodes, accounts and peers belong together.",
    fields: &[
        Field::required(
            "id",
            Kind::Text { min: 4, max: 32, rule: Some(&rules::ENTERPRISE_ID) },
            "Enterprise ID: 4 to 32 letters, digits and dashes (seed 001); unique without regard to case.",
        )
        .fixed(),
        Field::required(
            "description",
            Kind::Text { min: 1, max: 128, rule: Some(&rules::DESCRIPTION) },
            "What people call it.",
        ),
        Field::required(
            "domain",
            Kind::Text { min: 3, max: 253, rule: Some(&rules::DOMAIN) },
            "DNS name that its users' addresses end in; unique, also among known peers' domains; need not resolve. Kept in lower case.",
        ),
        Field::optional(
            "voice_mail_server",
            Kind::Text { min: 0, max: 128, rule: Some(&rules::HOST) },
            Absent::Text(""),
            "Host name or IP address of the voice mail server; empty: none.",
        ),
        Field::optional(
            "admin_email",
            Kind::Text { min: 0, max: 254, rule: Some(&rules::EMAIL) },
            Absent::Text(""),
            "E-mail address that notices for its administrator go to.",
        ),
        Field::optional(
            "presence_privacy",
            Kind::Boolean,
            Absent::Boolean(false),
            "Presence Privacy Service: whether an account's show_presence is heeded.",
        ),
        Field::optional(
            "calendar_integration",
            Kind::Boolean,
            Absent::Boolean(true),
            "Whether profiles may take statuses from calendars.",
        ),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// Enterprises.
pub static ENTERPRISES: Resource = Resource {
    name: "enterprises",
    one: "enterprise",
    table: "enterprise",
    shape: &SHAPE,
    id: Id::Given,
    read: rights::ENTERPRISES_READ,
    write: rights::ENTERPRISES_WRITE,
    event: events::ENTERPRISE_CHANGED,
    filters: &[],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle,
    follow: nothing_follows,
};

fn settle(read: &Read<'_>, object: &mut Object) -> Result<(), Problem> {
    let domain = text(object, "domain").to_ascii_lowercase();
    refuse_peers_domain(read, text(object, "id"), &domain)?;
    object.insert("domain".to_owned(), domain.into());
    Ok(())
}

/// An address must lead to one place: a domain is ours or a peer's, unless that peer is the enterprise itself. Peers have
/// one once it is known.
fn refuse_peers_domain(read: &Read<'_>, id: &str, domain: &str) -> Result<(), Problem> {
    let ids =
        read.all("SELECT id FROM peer WHERE domain = ?1", params![domain], |row| row.get::<_, String>(0))?;
    let peers = ids.iter().map(|peer| PEERS.get(read, peer)).collect::<Result<Vec<_>, _>>()?;
    let Some(peer) = peers.iter().find(|peer| !is_neighbour(peer, id)) else { return Ok(()) };
    let peer = text(peer, "description");
    let detail = format!("must differ from the domain of every peer; {domain:?} is that of peer {peer:?}");
    Err(Problem::field("domain", detail))
}
