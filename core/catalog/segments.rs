//! First segments of the API's paths that core shares: below them a plugin may have routes of its own beside core's,
//! for what it knows of the same objects. All others are core's alone (who may do what, what happened, how the
//! appliance is run), or a plugin's that is named so.

/// The segments.
pub const SHARED: &[&str] =
    &["accounts", "directory", "enterprises", "pbx-nodes", "peers", "profiles", "trusted-servers"];
