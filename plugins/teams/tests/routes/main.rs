//! The plugin's routes end to end, on the appliance's real storage: what is answered, what is stored, which
//! revisions are left, and what the host is told.

#![cfg(test)]

mod consent;
mod credentials;
mod preconditions;
mod tenant;
mod users;

use jackfield_sdk::bench::differences;
use jackfield_sdk::jiff::Timestamp;
use jackfield_sdk::jiff::ToSpan;
use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::jiff::tz::TimeZone;
use jackfield_sdk::{Value, json};
use jackfield_teams::Teams;

const MANIFEST: &str = include_str!("../../plugin.toml");
const TENANT: &str = "6a7e3f1c-0b52-4b55-9d0e-2f6a1c0d9e11";
const CLIENT: &str = "0b1c2d3e-4f50-4617-8a2b-3c4d5e6f7081";

type Appliance = jackfield_bench::Appliance<Teams>;

fn appliance() -> Appliance {
    Appliance::new(MANIFEST)
}

/// So many days from now (UTC).
fn day(days: i32) -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date().checked_add(days.days()).unwrap()
}

/// A set-up that lacks nothing, for that direction.
fn whole(direction: &str) -> Value {
    json!({"name": "Contoso", "tenant_id": TENANT, "client_id": CLIENT, "direction": direction,
        "redirect_uri": "https://uc.example.com/api/v1/teams:callback",
        "client_secret": "hush-hush", "client_secret_expires": day(90),
        "contract": {"tier": "advantage", "active_until": day(30)},
        "administrators": {"microsoft_365_global": true, "cloudlink_account": true}})
}

#[test]
fn the_plugin_is_what_its_manifest_says() {
    assert_eq!(differences::<Teams>(MANIFEST), Vec::<String>::new());
}
