//! User profiles: what the clients of a group of users show and do. Two come with the appliance; others are the
//! site's own. Leaves out whose status Teams decides, which the account and its profile say together.

use super::{CHANGED_AT, CREATED_AT, ID, Id, REVISION, Resource, hide_nothing, nothing_follows, text};
use crate::catalog::problems::{CONFLICT, Problem};
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};
use crate::engine::change::Change;

/// Id of the Default User Profile.
pub const DEFAULT_PROFILE: &str = "profile-default";
/// Id of the Default MS Teams User Profile (seed 003).
const TEAMS_PROFILE: &str = "profile-teams";

const fn switch(name: &'static str, default: bool, help: &'static str) -> Field {
    Field::optional(name, Kind::Boolean, Absent::Boolean(default), help)
}

static SHAPE: Shape = Shape {
    name: "Profile",
    help: "A user profile: what the clients of a group of users show and do.",
    fields: &[
        ID,
        Field::required(
            "name",
            Kind::Text { min: 1, max: 64, rule: Some(&rules::PROFILE) },
            "What people call it; unique without regard to case.",
        ),
        Field::optional(
            "description",
            Kind::Text { min: 0, max: 128, rule: Some(&rules::PROFILE) },
            Absent::Text(""),
            "Whom it is for.",
        ),
        switch(
            "teams_status",
            false,
            "Whether its users' status comes from Microsoft Teams alone (seed 003).",
        ),
        switch(
            "allow_user_statuses",
            true,
            "Allow users to add status: whether users may make statuses of their own.",
        ),
        switch(
            "call_through",
            true,
            "Whether users may place calls through the appliance's telephone system.",
        ),
        switch("auto_start", false, "Whether the client starts when the user signs in to the computer."),
        switch(
            "telephony_only",
            false,
            "Telephony Only Mode: whether the client shows telephony and nothing else.",
        ),
        switch(
            "calendar_integration",
            true,
            "Whether the calendar may set the status, where the enterprise has calendar integration.",
        ),
        switch("set_advisory", true, "Set Advisory: whether users may add a note to their status."),
        Field::read_only(
            "built_in",
            Kind::Boolean,
            "Whether it came with the appliance and cannot be deleted.",
        ),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// User profiles.
pub static PROFILES: Resource = Resource {
    name: "profiles",
    one: "profile",
    table: "profile",
    shape: &SHAPE,
    id: Id::Made("profile"),
    read: rights::PROFILES_READ,
    write: rights::PROFILES_WRITE,
    event: events::PROFILE_CHANGED,
    filters: &["name"],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle,
    follow: nothing_follows,
};

fn settle(_: &jackfield_db::Read<'_>, object: &mut Object) -> Result<(), Problem> {
    object.entry("built_in").or_insert(false.into());
    match text(object, "id") {
        DEFAULT_PROFILE => {
            Err(refused("The Default User Profile cannot be edited. Make a profile of your own."))
        }
        TEAMS_PROFILE if object.get("teams_status") != Some(&true.into()) => Err(Problem::field(
            "teams_status",
            "must be true in the Default MS Teams User Profile; false is not: give its users another profile instead",
        )),
        _ => Ok(()),
    }
}

/// The profiles that came with the appliance stay: users without a profile would have nothing.
pub fn refuse_removal(_: &Change<'_>, profile: &Object) -> Result<(), Problem> {
    match profile.get("built_in") == Some(&true.into()) {
        true => Err(refused(&format!(
            "The {} came with the appliance and cannot be deleted.",
            text(profile, "name")
        ))),
        false => Ok(()),
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(CONFLICT, detail)
}
