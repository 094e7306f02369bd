//! Plugins that the appliance is made for, and what they serve below core's own resources: where one of them is
//! missing, its routes say so instead of not being there.

use super::route::{Match, Route};

/// Each with its routes that do not begin with its own name.
const EXPECTED: &[(&str, &[&str])] = &[
    ("federation", &[]),
    (
        "peering",
        &[
            "/peers/{id}:sync",
            "/peers/{id}/enterprises",
            "/peers/{id}/status",
            "/peers/{id}/synchronizer",
            "/peers/{id}/synchronizer:assist",
            "/peers/{id}/synchronizer:test",
            "/enterprises/{id}/synchronizer",
            "/enterprises/{id}/synchronizer:assist",
            "/enterprises/{id}/synchronizer:test",
        ],
    ),
    ("cloudlink", &[]),
    ("teams", &[]),
];

/// The plugin that a path is for; `area` is its first segment.
pub fn plugin_of(area: &str, path: &str) -> Option<&'static str> {
    let fits = |template: &&str| Route::new("GET", template, "").matches("GET", path) != Match::No;
    let is_meant = |(id, routes): &&(&str, &[&str])| *id == area || routes.iter().any(&fits);
    EXPECTED.iter().find(is_meant).map(|(id, _)| *id)
}
