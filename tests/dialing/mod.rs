//! Which digits are dialed, asked through the preview from configuration that was saved through the API: the
//! reference table of dialing cases row by row, and what holds for every answer.

use serde_json::{Value, json};

use crate::harness::*;

const TWENTY: &str = "12345678901234567890";
const NINETEEN: &str = "-1234567890123456789";

/// Whom a row calls.
enum To {
    /// A contact on a peer with this prefix, by what the directory has.
    Peer(&'static str, &'static str),
    /// What was typed.
    Typed(&'static str),
    /// The account `jo`, who has the extension 2001 on the caller's node.
    Colleague,
}
use To::{Colleague, Peer, Typed};

/// Row, country and outgoing digit of the caller's node, whom, digits, lints that must be there.
type Row = (&'static str, &'static str, &'static str, To, &'static str, &'static [&'static str]);

const ROWS: &[Row] = &[
    ("1", "FR", "0", Colleague, "2001", &[]),
    ("2", "FR", "0", Peer("", "4001"), "4001", &[]),
    ("3", "FR", "0", Peer("77", "4001"), "0774001", &[]),
    ("4", "FR", "9", Peer("8", "4001"), "984001", &[]),
    ("5", "FR", "0", Peer("-77", "4001"), "774001", &[]),
    ("6", "FR", "", Peer("77", "4001"), "774001", &[]),
    ("7", "FR", "", Peer("-77", "4001"), "774001", &[]),
    ("8", "FR", "0", Peer("-", "4001"), "4001", &[]),
    ("9", "FR", "0", Peer(TWENTY, "4001"), "0123456789012345678904001", &[]),
    ("12", "FR", "0", Peer(NINETEEN, "4001"), "12345678901234567894001", &[]),
    ("13", "FR", "9", Peer("8-1", "4001"), "98-14001", &["prefix.hyphen"]),
    ("14", "FR", "0", Peer("--77", "4001"), "-774001", &["prefix.hyphen"]),
    ("15", "FR", "0", Peer("*72", "4001"), "0*724001", &["prefix.feature_code"]),
    ("16", "FR", "0", Peer(" -77", "4001"), "0 -774001", &["prefix.space"]),
    ("17", "FR", "0", Peer("077", "4001"), "00774001", &["prefix.outgoing_doubled"]),
    ("18", "FR", "0", Peer("77", "40 01"), "0774001", &[]),
    ("19", "FR", "0", Peer("77", "ext. 4001"), "0774001", &[]),
    ("20", "FR", "0", Peer("77", "774001"), "077774001", &["extension.prefixed"]),
    ("21", "FR", "0", Peer("77", "+33 1 42 76 49 78"), "00142764978", &[]),
    ("22", "FR", "0", Peer("77", "+1 613 592 2122"), "00016135922122", &[]),
    ("23", "US", "9", Peer("77", "+33 1 42 76 49 78"), "901133142764978", &[]),
    ("24", "US", "9", Peer("77", "(613) 592-2122"), "916135922122", &[]),
    ("25", "US", "9", Peer("-77", "tel:+16135922122;ext=4001"), "774001", &[]),
    ("26", "FR", "0", Typed("112"), "112", &[]),
    ("26 on a peer", "FR", "0", Peer("77", "112"), "112", &["emergency.peer_extension"]),
    ("27", "FR", "0", Typed("3611"), "03611", &[]),
    ("28", "US", "9", Peer("77", "1-800-MITEL-00"), "918006483500", &[]),
    ("29", "FR", "2", Colleague, "2001", &["outgoing.overlap"]),
    ("29 typed", "FR", "2", Typed("2001"), "2001", &["outgoing.overlap"]),
];

/// An enterprise with one node, whose digit and country each row sets, one peer and the account `jo`.
struct Ground {
    admin: Client,
    node: String,
    peer: String,
    jo: String,
    _appliance: Appliance,
}

fn ground() -> Ground {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let node = admin.post("/pbx-nodes", &node("acme", "Main", &json!({}))).expect(201).id();
    let peer = admin.post("/peers", &json!({"enterprise": "acme", "description": "Lyon"})).expect(201).id();
    let jo = account("acme", "jo", &json!({"pbx_node": node, "extension": "2001"}));
    let jo = admin.post("/accounts", &jo).expect(201).id();
    Ground { admin, node, peer, jo, _appliance: appliance }
}

impl Ground {
    fn ask(&self, country: &str, digit: &str, to: &To) -> Value {
        let node = json!({"country": country, "outgoing_digit": digit});
        self.admin.patch(&format!("/pbx-nodes/{}", self.node), "*", &node).expect(200);
        let to = match to {
            Typed(number) => json!(number),
            Colleague => json!({"account": self.jo}),
            Peer(prefix, number) => {
                let saved = self.save_prefix(prefix).expect(200);
                assert_eq!(saved.json["dialing_prefix"], *prefix, "a prefix is kept as it was typed");
                json!({"peer": self.peer, "number": number})
            }
        };
        self.preview(&json!({"node": self.node, "to": to})).expect(200).json
    }

    fn save_prefix(&self, prefix: &str) -> Answer {
        self.admin.patch(&format!("/peers/{}", self.peer), "*", &json!({"dialing_prefix": prefix}))
    }

    fn preview(&self, question: &Value) -> Answer {
        self.admin.post("/dialing/preview", question)
    }
}

fn codes(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|one| one["code"].as_str().expect("a code")).collect()
}

/// The steps lead from one string to the next without a gap and end in what is dialed.
fn assert_chained(row: &str, answer: &Value) {
    let steps = answer["steps"].as_array().expect("steps");
    assert!(!steps.is_empty(), "row {row}: no steps");
    for pair in steps.windows(2) {
        assert_eq!(pair[0]["after"], pair[1]["before"], "row {row}: a gap in {steps:?}");
    }
    assert_eq!(steps[steps.len() - 1]["after"], answer["dialed"], "row {row}");
    assert!(
        steps.iter().all(|step| !step["text"].as_str().unwrap_or_default().is_empty()),
        "row {row}: {steps:?}"
    );
}

#[test]
fn every_row_of_the_reference_table_dials_as_written() {
    let ground = ground();
    for (row, country, digit, to, dialed, lints) in ROWS {
        let answer = ground.ask(country, digit, to);
        assert_eq!(answer["dialed"], *dialed, "row {row}: {answer}");
        assert_chained(row, &answer);
        let seen = codes(&answer["lints"]);
        assert!(lints.iter().all(|lint| seen.contains(lint)), "row {row}: {seen:?} lacks one of {lints:?}");
    }
}

#[test]
fn rows_10_and_11_are_refused_when_they_are_saved() {
    let ground = ground();
    for prefix in [format!("{TWENTY}1"), format!("-{TWENTY}")] {
        let refused = ground.save_prefix(&prefix).problem(422, "request/invalid");
        refused.blames("/dialing_prefix", "0 to 20 characters long; this has 21");
    }
}

#[test]
fn a_lint_never_keeps_a_prefix_from_being_saved() {
    let ground = ground();
    for prefix in ["abc", "é", "112", "--", " ", "\u{0}", "0", "00", "👩‍🚀"] {
        assert_eq!(ground.save_prefix(prefix).expect(200).json["dialing_prefix"], prefix);
        let answer = ground.ask("FR", "0", &Typed("2001"));
        assert_eq!(answer["dialed"], "2001", "{prefix:?}");
        let to = json!({"peer": ground.peer, "number": "4001"});
        let answer = ground.preview(&json!({"node": ground.node, "to": to})).expect(200).json;
        assert!(!codes(&answer["lints"]).is_empty(), "{prefix:?} deserves a second look: {answer}");
    }
}

#[test]
fn two_peers_with_the_same_prefix_are_noted() {
    let ground = ground();
    ground.save_prefix("77").expect(200);
    let nice = json!({"enterprise": "acme", "description": "Nice", "dialing_prefix": "77"});
    ground.admin.post("/peers", &nice).expect(201);
    let answer = ground.ask("FR", "0", &Peer("77", "4001"));
    assert!(codes(&answer["lints"]).contains(&"prefix.shared"), "{answer}");
    assert!(answer["lints"].to_string().contains("Nice"), "{answer}");
}

#[test]
fn an_account_calls_from_its_own_node() {
    let ground = ground();
    ground.ask("FR", "0", &Typed("2001"));
    let asked = json!({"from_account": ground.jo, "to": "+33 1 42 76 49 78"});
    assert_eq!(ground.preview(&asked).expect(200).json["dialed"], "00142764978");
    let ann = ground.admin.post("/accounts", &account("acme", "ann", &json!({}))).expect(201).id();
    let refused = ground.preview(&json!({"from_account": ann, "to": "1"})).problem(422, "request/invalid");
    refused.blames("/from_account", "has no PBX node to call from");
}

#[test]
fn a_typed_number_that_is_a_colleagues_extension_is_dialed_alone() {
    let ground = ground();
    let far = account("acme", "ann", &json!({"extension": "7777"}));
    assert_eq!(ground.ask("FR", "0", &Typed("7777"))["dialed"], "07777");
    ground.admin.post("/accounts", &far).expect(201);
    assert_eq!(ground.ask("FR", "0", &Typed("7777"))["dialed"], "7777");
}

#[test]
fn a_question_that_makes_no_sense_is_refused_where_it_does_not() {
    let ground = ground();
    let (node, peer, jo) = (&ground.node, &ground.peer, &ground.jo);
    for (question, pointer, words) in [
        (json!({"to": "1"}), "/from_account", "give one of them"),
        (json!({"node": node, "from_account": jo, "to": "1"}), "/node", "both given"),
        (json!({"node": node}), "/to", "is missing"),
        (
            json!({"node": "nowhere", "to": "1"}),
            "/node",
            "names no PBX node: there is none with the id \"nowhere\"",
        ),
        (
            json!({"from_account": "nobody", "to": "1"}),
            "/from_account",
            "names no account: there is none with the id \"nobody\"",
        ),
        (json!({"node": node, "to": {}}), "/to", "account alone, or number, or number and peer"),
        (json!({"node": node, "to": {"account": jo, "number": "1"}}), "/to", "account alone"),
        (json!({"node": node, "to": {"peer": peer}}), "/to", "account alone"),
        (json!({"node": node, "to": {"numbr": "1"}}), "/to/numbr", "did you mean \"number\"?"),
        (
            json!({"node": node, "to": {"account": "nobody"}}),
            "/to/account",
            "names no account: there is none with the id \"nobody\"",
        ),
        (
            json!({"node": node, "to": {"peer": "none", "number": "1"}}),
            "/to/peer",
            "names no peer: there is none with the id \"none\"",
        ),
        (json!({"node": node, "to": "1".repeat(201)}), "/to", ""),
    ] {
        ground.preview(&question).problem(422, "request/invalid").blames(pointer, words);
    }
}

#[test]
fn another_enterprise_is_reached_by_a_peer_only() {
    let ground = ground();
    let beta = site_named(&ground.admin, "beta");
    let ann = ground.admin.post("/accounts", &account("beta", "ann", &json!({}))).expect(201).id();
    let ask =
        |to: Value| ground.preview(&json!({"node": ground.node, "to": to})).problem(422, "request/invalid");
    ask(json!({"account": ann})).says("another enterprise; name the peer that leads there");
    ask(json!({"peer": beta.peer, "number": "1"})).says("belongs to another enterprise");
}

#[test]
fn the_preview_changes_nothing() {
    let ground = ground();
    ground.ask("FR", "0", &Typed("2001"));
    let newest = || ground.admin.get("/revisions?limit=1").expect(200).bytes;
    let before = newest();
    ground.preview(&json!({"node": ground.node, "to": "+1 613 592 2122"})).expect(200);
    assert_eq!(newest(), before);
}
