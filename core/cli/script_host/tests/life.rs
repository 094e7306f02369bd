//! The units' processes: held like a plugin's, ended when they hang, started again, quarantined.

use super::rig::Rig;

#[test]
fn both_units_are_held_like_a_plugin_without_network() {
    let rig = Rig::new();
    for unit in ["scripts", "workbench"] {
        let status = rig.up(unit);
        assert!(status.builtin && status.version == "1.2.3", "{status:?}");
        let names: Vec<_> = status.confinement.iter().map(|measure| measure.name.as_str()).collect();
        assert_eq!(names, ["limits", "privileges", "files", "calls"]);
        let calls = &status.confinement[3];
        assert!(calls.is_enforced && calls.detail.ends_with("no sockets"), "{}", calls.detail);
    }
}
