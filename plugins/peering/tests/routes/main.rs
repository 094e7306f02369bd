//! The plugin's routes end to end, on the appliance's real storage: what is answered, what is stored, which
//! revisions are left, which secrets are kept, and what the host is told.

#![cfg(test)]

mod appliance;
mod fields;
mod gone;
mod invitations;
mod login;
mod overview;
mod synchronizers;

use jackfield_peering::Peering;
use jackfield_sdk::bench::differences;

#[test]
fn the_plugin_is_what_its_manifest_says() {
    assert_eq!(differences::<Peering>(include_str!("../../plugin.toml")), Vec::<String>::new());
}
