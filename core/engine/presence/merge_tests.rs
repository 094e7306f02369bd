//! The merge by table: each rule with where it is from, and rows that it decides. A row is its name, what sources say,
//! oldest first, what is set for the account and whose input is left out (nothing: it is shown), what must come out, and
//! the reason that is given.

use std::collections::BTreeSet;
use std::time::Instant;

use super::*;
use State::{Available, Away, Busy, InCall, Offline, Unknown};

const OPEN: Facts = Facts { is_shown: true, is_teams_on: false, has_calendar: true };

/// A rule of the merge.
struct Law {
    says: &'static str,
    from: &'static str,
    rows: &'static [&'static str],
}

const LAWS: &[Law] = &[
    Law {
        says: "an account that does not show its presence is unknown to everybody",
        from: "Mitel's help on privacy: a hidden user is \"Status Unknown\"",
        rows: &[
            "hidden is unknown | manual busy | hidden | unknown | Hidden",
            "hidden is unknown to Teams as well | telephony in_call | hidden, without teams | unknown | Hidden",
            "hidden comes before Teams | teams away | hidden, Teams on | unknown | Hidden",
        ],
    },
    Law {
        says: "while Teams is on its status is shown and nothing else",
        from: "seed 003",
        rows: &[
            "Teams alone | teams away, manual busy | Teams on | away by teams | TeamsOnly",
            "Teams before a call | teams available, telephony in_call | Teams on | available by teams | TeamsOnly",
            "Teams offline is offline | teams offline, xmpp available | Teams on | offline by teams | TeamsOnly",
            "to XMPP: Teams | teams busy, xmpp away | Teams on, without xmpp | busy by teams | TeamsOnly",
            "Teams silent | manual busy, xmpp available | Teams on | unknown | TeamsSilent",
            "Teams says that it does not know | teams unknown, xmpp away | Teams on | unknown | TeamsSilent",
        ],
    },
    Law {
        says: "while Teams is on what was set by hand is not used either",
        from: "seed 003: \"will not be displayed or utilized\"",
        rows: &[
            "to Teams: the call, not the hand | manual away, telephony in_call | Teams on, without teams | in_call by telephony | Telephone",
            "to Teams: nothing | manual away | Teams on, without teams | unknown | Nothing",
        ],
    },
    Law {
        says: "when Teams is switched off what was there before is back",
        from: "seed 003: \"as long as Microsoft Teams presence integration remains enabled\"",
        rows: &[
            "the hand is back | manual away, teams busy |  | away by manual | LastSet",
            "Teams' input is not used | teams busy |  | unknown | Nothing",
        ],
    },
    Law {
        says: "the last change wins between hand and calendar",
        from: "Mitel's help on dynamic status",
        rows: &[
            "hand after calendar | calendar in_meeting, manual available |  | available by manual | LastSet",
            "calendar after hand | manual available, calendar in_meeting |  | in_meeting by calendar | LastSet",
            "offline by hand is meant | xmpp available, manual offline |  | offline by manual | LastSet",
        ],
    },
    Law {
        says: "the calendar has no say unless enterprise and profile have calendar integration",
        from: "Mitel's help on user profiles",
        rows: &[
            "a meeting does not count | calendar in_meeting | no calendar | unknown | Nothing",
            "nor does it take the hand's place | manual away, calendar in_meeting | no calendar | away by manual | LastSet",
            "nor does it make anybody available | xmpp offline, calendar available | no calendar | offline by xmpp | Faint",
        ],
    },
    Law {
        says: "XMPP and CloudLink beyond \"there\" and \"not there\" are on purpose too",
        from: "ours: a client's user chooses them",
        rows: &[
            "the XMPP client set last | manual available, xmpp do_not_disturb |  | do_not_disturb by xmpp | LastSet",
            "CloudLink set last | xmpp away, cloudlink be_right_back |  | be_right_back by cloudlink | LastSet",
        ],
    },
    Law {
        says: "a client that is there or not, and a free calendar, say nothing about what somebody wants",
        from: "ours: nobody chose them",
        rows: &[
            "a client that leaves takes nothing back | manual busy, xmpp offline |  | busy by manual | LastSet",
            "an absence stays over a client | calendar out_of_office, xmpp available |  | out_of_office by calendar | LastSet",
            "a free calendar | manual away, calendar available |  | away by manual | LastSet",
        ],
    },
    Law {
        says: "a call counts more than what is known otherwise",
        from: "Mitel's guide to presence in Teams: on a call is busy there",
        rows: &[
            "a call | telephony in_call |  | in_call by telephony | Telephone",
            "a call over a client | telephony in_call, xmpp available |  | in_call by telephony | Telephone",
            "a call over a meeting | telephony in_call, calendar in_meeting |  | in_call by telephony | Telephone",
            "a conference | telephony in_meeting, xmpp away |  | in_meeting by telephony | Telephone",
        ],
    },
    Law {
        says: "do not disturb at the telephone counts likewise",
        from: "Mitel's guide to presence in Teams: it is presenting there",
        rows: &[
            "do not disturb | telephony do_not_disturb, xmpp away |  | do_not_disturb by telephony | Telephone",
        ],
    },
    Law {
        says: "what was set by hand hides a call",
        from: "Microsoft Graph: a preferred state beats all sessions",
        rows: &[
            "by hand over a call | manual do_not_disturb, telephony in_call |  | do_not_disturb by manual | ByHand",
            "appear offline also in a call | manual offline, telephony in_call |  | offline by manual | ByHand",
            "a later meeting took the hand's place | manual away, calendar in_meeting, telephony in_call |  | in_call by telephony | Telephone",
        ],
    },
    Law {
        says: "choosing available is taking one's choice back",
        from: "Microsoft Graph: whoever picks it clears what is preferred",
        rows: &[
            "a call over available by hand | telephony in_call, manual available |  | in_call by telephony | Telephone",
        ],
    },
    Law {
        says: "an idle telephone says little",
        from: "Mitel's guide to presence in Teams: it changes nothing there",
        rows: &[
            "under a client | telephony available, xmpp away |  | away by xmpp | LastSet",
            "alone | telephony available |  | available by telephony | Faint",
        ],
    },
    Law {
        says: "whoever is there makes it available, else it is offline if somebody says so",
        from: "ours: as several clients of one XMPP user",
        rows: &[
            "one client of two is there | cloudlink available, xmpp offline |  | available by cloudlink | Faint",
            "nobody is there | xmpp offline |  | offline by xmpp | Faint",
        ],
    },
    Law {
        says: "who does not know says nothing",
        from: "ours",
        rows: &[
            "nobody has said anything |  |  | unknown | Nothing",
            "unknown | manual unknown, xmpp unknown |  | unknown | Nothing",
        ],
    },
    Law {
        says: "a world is told the rest",
        from: "ours: nothing comes back to it as an echo",
        rows: &[
            "to XMPP without XMPP's own | manual available, xmpp do_not_disturb | without xmpp | available by manual | LastSet",
            "to Teams: never what was read there | teams busy | Teams on, without teams | unknown | Nothing",
            "to Teams: our own call | teams in_call, telephony in_call | Teams on, without teams | in_call by telephony | Telephone",
            "to CloudLink without its own | cloudlink away | without cloudlink | unknown | Nothing",
        ],
    },
];

fn inputs(told: impl IntoIterator<Item = (Source, State)>) -> Inputs {
    let mut inputs = Inputs::default();
    for (order, (source, state)) in (0..).zip(told) {
        let input = Input { state, note: "".into(), since: 0, order, told: Instant::now(), expires: None };
        inputs[source as usize] = Some(Box::new(input));
    }
    inputs
}

/// `manual away, telephony in_call`
fn told(text: &str) -> impl Iterator<Item = (Source, State)> {
    text.split(", ").filter(|said| !said.is_empty()).map(|said| {
        let (source, state) = said.split_once(' ').unwrap();
        (Source::parse(source).unwrap(), State::parse(state).unwrap())
    })
}

/// `Teams on, without xmpp`
fn set(text: &str) -> (Facts, Option<Source>) {
    let (mut facts, mut without) = (OPEN, None);
    for one in text.split(", ") {
        match one {
            "" => {}
            "hidden" => facts.is_shown = false,
            "Teams on" => facts.is_teams_on = true,
            "no calendar" => facts.has_calendar = false,
            other => without = Some(Source::parse(other.strip_prefix("without ").unwrap()).unwrap()),
        }
    }
    (facts, without)
}

/// `in_call by telephony | Telephone`, or `unknown | Nothing`, which is nobody's.
fn written(Verdict { state, source, rule }: Verdict) -> String {
    let source = source.map(|source| format!(" by {}", source.name())).unwrap_or_default();
    format!("{}{source} | {rule:?}", state.name())
}

#[test]
fn each_rule_decides_its_rows() {
    for Law { says, from, rows } in LAWS {
        assert!(!from.is_empty() && !rows.is_empty(), "{says}: from nowhere, or tried by nothing");
        for row in *rows {
            let [what, said, sets, outcome, reason] = row.split('|').map(str::trim).collect::<Vec<_>>()[..]
            else {
                panic!("{row}: not five cells")
            };
            let (facts, without) = set(sets);
            let verdict = merge(&inputs(told(said)), facts, without);
            assert_eq!(written(verdict), format!("{outcome} | {reason}"), "{says} ({from}): {what}");
        }
    }
}

/// A reason that is shown to people and has no row would be nobody's rule.
#[test]
fn every_reason_is_some_row_s() {
    let rows = LAWS.iter().flat_map(|law| law.rows);
    let reasons: BTreeSet<_> = rows.filter_map(|row| row.rsplit(' ').next()).collect();
    assert_eq!(reasons.len(), 8, "{reasons:#?}");
}

/// Whatever the inputs are: what is left out never shows, and what shows is some input's own state.
#[test]
fn for_all_pairs_of_inputs_the_outcome_is_an_inputs_own() {
    for a in Source::ALL {
        for b in Source::ALL {
            for (first, second) in [(InCall, Away), (Offline, Available), (Busy, Offline)] {
                let inputs = inputs([(a, first), (b, second)]);
                for facts in
                    [OPEN, Facts { is_teams_on: true, ..OPEN }, Facts { has_calendar: false, ..OPEN }]
                {
                    for without in [None, Some(a), Some(b)] {
                        let verdict = merge(&inputs, facts, without);
                        let own = verdict.source.map(|s| inputs[s as usize].as_ref().map(|i| i.state));
                        assert_eq!(own.unwrap_or(Some(Unknown)), Some(verdict.state));
                        assert!(verdict.source.is_none() || verdict.source != without);
                    }
                }
            }
        }
    }
}
