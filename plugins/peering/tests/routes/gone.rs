//! What becomes of what belongs to a peer or an enterprise that is deleted (seed 002), also while the plugin is down.

use jackfield_sdk::{Value, json};

use crate::appliance::Appliance;
use crate::fields::usual;

const PEER: &str = "peers/peer-ocs/synchronizer";
const DELETED: &str = "DELETE FROM peer WHERE id = 'peer-ocs'";

fn with_synchronizer() -> Appliance {
    let appliance = Appliance::new();
    assert_eq!(appliance.put(PEER, usual()).status, 201);
    appliance
}

#[track_caller]
fn assert_gone(appliance: &Appliance) {
    assert_eq!(appliance.table("peering_synchronizer").len(), 0);
    assert_eq!((appliance.secrets().len(), appliance.table("peering_secret").len()), (0, 0));
    let last = appliance.revisions().pop().unwrap();
    let seen = (last.what.as_str(), last.who.as_str(), &last.after);
    assert_eq!(seen, ("peering/synchronizers peer/peer-ocs", "plugin peering", &Value::Null));
    assert_eq!(last.before["description"], "Sales", "the settings can be looked up, the password cannot");
}

#[test]
fn a_deleted_peer_takes_its_synchronizer_and_password_along() {
    let appliance = with_synchronizer();
    appliance.core(DELETED);
    let told = appliance.count("check.report");
    appliance.bench.event("peer.changed", "peer-ocs");
    appliance.await_more("check.report", told);
    assert_gone(&appliance);
}

#[test]
fn so_does_one_that_was_deleted_while_the_plugin_was_down() {
    let appliance = with_synchronizer().restarted_after(DELETED);
    assert_gone(&appliance);
}

#[test]
fn one_that_is_still_there_keeps_it_over_a_restart() {
    let appliance = with_synchronizer();
    let before = (appliance.get(PEER).body, appliance.secrets());
    let appliance =
        appliance.restarted_after("UPDATE peer SET description = 'OCS two' WHERE id = 'peer-ocs'");
    assert_eq!((appliance.get(PEER).body, appliance.secrets()), before);
}

#[test]
fn what_a_deleted_peer_had_does_not_come_back_with_it() {
    let appliance = with_synchronizer().restarted_after(DELETED);
    appliance.core(
        "INSERT INTO peer (id, enterprise, description, kind, dialing_prefix, revision, created_at, changed_at)
            VALUES ('peer-ocs', 'home', 'OCS', 'external', '', 9, '2026-01-03', '')",
    );
    let answer = appliance.get(PEER);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(answer.status == 404 && detail.contains("does not come back when that is undone"), "{detail}");
}

#[test]
fn an_enterprise_made_again_under_its_id_is_another_one() {
    let appliance = Appliance::new();
    let path = "enterprises/branch/synchronizer";
    appliance.put(path, usual());
    appliance.post("peering/invitations", json!({"enterprise": "Branch"}));
    appliance.core("UPDATE enterprise SET created_at = '2026-09-09' WHERE id = 'Branch'");
    assert_eq!(appliance.get(path).status, 404, "not even before the plugin has heard of it");
    assert_eq!(appliance.get("peering/invitations").body["items"], json!([]));
    let appliance = appliance.restarted_after("UPDATE enterprise SET changed_at = 'x'");
    assert_eq!((appliance.table("peering_synchronizer").len(), appliance.secrets().len()), (0, 0));
    assert_eq!(appliance.table("peering_invitation").len(), 0);
}

#[test]
fn many_are_deleted_in_turn() {
    let appliance = Appliance::new();
    for n in 0..9 {
        appliance.core(&format!(
            "INSERT INTO peer (id, enterprise, description, kind, dialing_prefix, revision, created_at, changed_at)
                VALUES ('peer-{n}', 'home', 'P{n}', 'external', '', 1, '2026', '')"
        ));
        assert_eq!(appliance.put(&format!("peers/peer-{n}/synchronizer"), usual()).status, 201);
    }
    let appliance = appliance.restarted_after("DELETE FROM peer WHERE created_at = '2026'");
    assert_eq!((appliance.table("peering_synchronizer").len(), appliance.secrets().len()), (0, 0));
    assert_eq!(appliance.revisions().len(), 18);
}

#[test]
fn a_password_that_was_kept_for_a_write_that_never_came_is_forgotten_at_the_next_start() {
    let appliance = with_synchronizer();
    let kept = appliance.secrets();
    let appliance = appliance.restarted_after("INSERT INTO peering_secret VALUES ('peer.peer-ocs.lost', 0)");
    assert_eq!(appliance.secrets(), kept);
    assert_eq!(appliance.table("peering_secret").len(), 1);
    assert_eq!(appliance.bench.asked("secret.delete"), [json!({"name": "peer.peer-ocs.lost"})]);
}

#[test]
fn a_deleted_peer_is_trusted_again_only_when_that_is_undone_within_thirty_days() {
    const TRUST: &str = "INSERT INTO peering_trust (peer, peer_made, key, fingerprint, hostname, address, trusted_at, domain)
        VALUES ('peer-lyon', '2026-01-04', 'k', 'f', 'uc.lyon.example', '127.0.0.1:1', '2026-01-05', 'lyon.example')";
    const DELETED: &str = "UPDATE peer SET id = 'peer-gone' WHERE id = 'peer-lyon'";
    const UNDONE: &str = "UPDATE peer SET id = 'peer-lyon' WHERE id = 'peer-gone'";
    let trusts =
        |appliance: &Appliance| appliance.get("peers/peer-lyon/status").body["link"]["fingerprint"] == "f";
    let appliance = Appliance::new().restarted_after(TRUST);
    assert!(trusts(&appliance));
    let appliance = appliance.restarted_after(DELETED).restarted_after(UNDONE);
    assert!(trusts(&appliance), "undone in time");
    let made_anew = "UPDATE peer SET created_at = '2026-09-09' WHERE id = 'peer-lyon'";
    let appliance = appliance.restarted_after(made_anew);
    assert!(!trusts(&appliance), "another peer under the same id");
    let appliance = appliance.restarted_after("UPDATE peering_trust SET gone_at = '2026-01-06'");
    assert_eq!(appliance.table("peering_trust").len(), 0, "too late");
}
