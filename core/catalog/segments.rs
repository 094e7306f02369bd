//! First segments of the API's paths, and other names, that are core's. Below the shared ones a plugin may have
//! routes of its own beside core's, for what it knows of the same objects. All others are core's alone (who may do
//! what, what happened, how the appliance is run), or a plugin's that is named so.

use super::{events, rights, settings};

/// Segments that core shares.
pub const SHARED: &[&str] =
    &["accounts", "directory", "enterprises", "pbx-nodes", "peers", "profiles", "trusted-servers"];

/// Segments that are core's alone, also those that a later version will have. A test of the API compares them
/// with its routes.
pub const OWN: &[&str] = &[
    "admins",
    "backups",
    "checks",
    "claim",
    "dialing",
    "doctor",
    "events",
    "hooks",
    "jobs",
    "logs",
    "messages",
    "openapi",
    "plugins",
    "presence",
    "probes",
    "revisions",
    "schedules",
    "session",
    "settings",
    "tokens",
];

/// Whether core uses that word for a path, a right, an event or a setting, so that no plugin may have it as its id.
pub fn is_core(word: &str) -> bool {
    let mut areas = rights::ALL.iter().filter_map(|right| right.name.split(':').next());
    let mut nouns = events::ALL.iter().filter_map(|event| event.name.split('.').next());
    let mut groups = settings::ALL.iter().filter_map(|setting| setting.name.split('.').next());
    let mut segments = SHARED.iter().chain(OWN);
    segments.any(|own| *own == word)
        || areas.any(|area| area == word)
        || nouns.any(|noun| noun == word)
        || groups.any(|group| group == word)
}
