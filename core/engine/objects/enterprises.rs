//! Enterprises: the owners of everything else.

use super::{CHANGED_AT, CREATED_AT, Id, REVISION, Resource, hide_nothing, nothing_follows, text};
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
            "DNS name that its users' addresses end in; unique; need not resolve. Kept in lower case.",
        ),
        Field::optional(
            "show_presence",
            Kind::Boolean,
            Absent::Boolean(true),
            "Whether its accounts' presence is shown, unless an account has its own word.",
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

fn settle(_: &jackfield_db::Read<'_>, object: &mut Object) -> Result<(), Problem> {
    let domain = text(object, "domain").to_ascii_lowercase();
    object.insert("domain".to_owned(), domain.into());
    Ok(())
}
