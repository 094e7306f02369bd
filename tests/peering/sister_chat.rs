//! Users of two appliances, each at an unmodified client of their own appliance, over the link between the two.

use serde_json::{Value, json};

use super::lan::{self, Lan};
use super::sister::{SOON, Sister, join};
use crate::federation::authority::Authority;
use crate::federation::person::{Person, let_in};

/// An appliance of that number with one user, who may log in; the account's id.
fn office(lan: &Lan, number: u8, enterprise: &str, login: &str, authority: &Authority) -> (Sister, String) {
    let (place, host) = (lan.place(number), format!("{enterprise}.example"));
    let office = Sister::within_with(&["peering", "federation"], lan, &place, (&host, enterprise), 0);
    let leaf = authority.leaf(&office.domain(), 2090);
    let body = json!({"certificate": leaf.cert, "key": leaf.key, "trusted": [authority.pem()]});
    office.admin.put("/federation/certificate", "*", &body).expect(200);
    let account = office.account(login);
    let_in(&office.admin, &[&account]);
    (office, account)
}

#[test]
fn users_of_two_appliances_see_and_write_to_each_other() {
    lan::within(|lan| {
        lan.name(&[("north.example", 1), ("south.example", 2)]);
        let authority = Authority::new();
        let (north, _) = office(lan, 1, "north", "ann", &authority);
        let (south, bob_there) = office(lan, 2, "south", "bob", &authority);
        join(&north, &south);
        let bob_here = north.await_contact("bob");
        south.await_contact("ann");
        let arrive = |number: u8, address: &str| {
            Person::arrive_at(&format!("10.98.0.{number}"), &format!("{address}/desk"), &authority)
        };
        let (mut ann, roster) = arrive(1, "ann@north.example.com");
        let (mut bob, _) = arrive(2, "bob@south.example.com");
        assert!(
            roster.contains("bob@south.example.com") && roster.contains("<group>Company south<"),
            "{roster}"
        );

        bob.say("<presence><show>dnd</show><status>Board</status></presence>");
        ann.hear(&["<presence", "bob@south.example.com", "<show>dnd</show>", "Board"]);
        north.await_state(&bob_here, SOON, "do_not_disturb");
        ann.say("<presence><show>away</show></presence>");
        bob.hear(&["<presence", "ann@north.example.com", "<show>away</show>"]);
        ann.say("<message type='chat' to='bob@south.example.com' id='m1'><body>Lunch?</body></message>");
        bob.hear(&["<message", "ann@north.example.com", "Lunch?"]);
        bob.say("<message type='chat' to='ann@north.example.com' id='m2'><body>At noon</body></message>");
        ann.hear(&["<message", "bob@south.example.com", "At noon"]);

        // What an appliance does not show of its people, it does not tell its peers either.
        let change = |path: &str, field: &str, value: bool| {
            let body = Value::from_iter([(field, value)]);
            south.admin.patch(path, "*", &body).expect(200);
        };
        change("/enterprises/south", "presence_privacy", true);
        change(&format!("/accounts/{bob_there}"), "show_presence", false);
        north.await_state(&bob_here, SOON, "unknown");
        change(&format!("/accounts/{bob_there}"), "show_presence", true);
        north.await_state(&bob_here, SOON, "do_not_disturb");
    });
}
