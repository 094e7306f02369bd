//! What becomes of people whom an enterprise's directory brings for the first time. Contacts of a peer have none of it.

use jackfield_sdk::form::{Form, PLAIN};
use serde::{Deserialize, Serialize};

/// How new accounts begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newcomers {
    /// Whether they are put into use at once.
    pub deploy: bool,
    /// Id of their user profile; none: the Default User Profile.
    pub profile: Option<String>,
}

impl Default for Newcomers {
    fn default() -> Self {
        Self { deploy: true, profile: None }
    }
}

/// Reads the fields. Whether the profile is there is judged elsewhere.
pub fn read(form: &mut Form<'_>) -> Option<Newcomers> {
    let deploy = form.field("deploy").flag().or(true);
    let profile = form.field("profile").text(1..=64, &PLAIN).optional();
    Some(Newcomers { deploy: deploy?, profile: profile? })
}
