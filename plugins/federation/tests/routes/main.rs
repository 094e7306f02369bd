//! The plugin's routes end to end, on the appliance's real storage: what is answered, what is stored, which
//! revisions are left, and what the host is told.

#![cfg(test)]

mod applying;
mod certificate;
mod servers;
mod sessions;
mod switches;
mod testing;

use jackfield_federation::Federation;
use jackfield_sdk::bench::differences;

const MANIFEST: &str = include_str!("../../plugin.toml");

type Appliance = jackfield_bench::Appliance<Federation>;

fn appliance() -> Appliance {
    Appliance::new(MANIFEST)
}

#[test]
fn the_plugin_is_what_its_manifest_says() {
    assert_eq!(differences::<Federation>(MANIFEST), Vec::<String>::new());
}
