//! The merge by table: each row is who says what, oldest first, what is known of the account, whose input is
//! left out, and what must come out.

use std::time::Instant;

use super::*;
use Rule::{ByHand, Faint, Hidden, LastSet, Nothing, TeamsOnly, TeamsSilent, Telephone};
use Source::{Calendar, Cloudlink, Manual, Teams, Telephony, Xmpp};
use State::{
    Available, Away, BeRightBack, Busy, DoNotDisturb, InCall, InMeeting, Offline, OutOfOffice, Unknown,
};

const OPEN: Facts = Facts { is_shown: true, is_teams_on: false };
const TEAMS: Facts = Facts { is_shown: true, is_teams_on: true };
const HIDDEN: Facts = Facts { is_shown: false, is_teams_on: false };

type Told = &'static [(Source, State)];
type Row = (&'static str, Told, Facts, Option<Source>, State, Option<Source>, Rule);

fn inputs(told: Told) -> Inputs {
    let mut inputs = Inputs::default();
    for (n, (source, state)) in told.iter().enumerate() {
        let (order, told) = (n as u64, Instant::now());
        let input = Input { state: *state, note: "".into(), since: 0, order, told, expires: None };
        inputs[*source as usize] = Some(Box::new(input));
    }
    inputs
}

const ROWS: &[Row] = &[
    ("nobody has said anything", &[], OPEN, None, Unknown, None, Nothing),
    ("unknown says nothing", &[(Manual, Unknown), (Xmpp, Unknown)], OPEN, None, Unknown, None, Nothing),
    // 1: privacy.
    ("hidden is unknown", &[(Manual, Busy)], HIDDEN, None, Unknown, None, Hidden),
    (
        "hidden is unknown to Teams as well",
        &[(Telephony, InCall)],
        HIDDEN,
        Some(Teams),
        Unknown,
        None,
        Hidden,
    ),
    // 2: Teams only (seed 003).
    ("Teams alone", &[(Teams, Away), (Manual, Busy)], TEAMS, None, Away, Some(Teams), TeamsOnly),
    (
        "Teams before a call",
        &[(Teams, Available), (Telephony, InCall)],
        TEAMS,
        None,
        Available,
        Some(Teams),
        TeamsOnly,
    ),
    (
        "Teams offline is offline",
        &[(Teams, Offline), (Xmpp, Available)],
        TEAMS,
        None,
        Offline,
        Some(Teams),
        TeamsOnly,
    ),
    ("Teams silent", &[(Manual, Busy), (Xmpp, Available)], TEAMS, None, Unknown, None, TeamsSilent),
    (
        "Teams says that it does not know",
        &[(Teams, Unknown), (Xmpp, Away)],
        TEAMS,
        None,
        Unknown,
        None,
        TeamsSilent,
    ),
    ("Teams off: its input is not used", &[(Teams, Busy)], OPEN, None, Unknown, None, Nothing),
    // 3: the last change wins.
    (
        "hand after calendar",
        &[(Calendar, InMeeting), (Manual, Available)],
        OPEN,
        None,
        Available,
        Some(Manual),
        LastSet,
    ),
    (
        "calendar after hand",
        &[(Manual, Available), (Calendar, InMeeting)],
        OPEN,
        None,
        InMeeting,
        Some(Calendar),
        LastSet,
    ),
    (
        "a free calendar says nothing",
        &[(Manual, Away), (Calendar, Available)],
        OPEN,
        None,
        Away,
        Some(Manual),
        LastSet,
    ),
    (
        "an absence stays over a client",
        &[(Calendar, OutOfOffice), (Xmpp, Available)],
        OPEN,
        None,
        OutOfOffice,
        Some(Calendar),
        LastSet,
    ),
    (
        "the XMPP client set last",
        &[(Manual, Available), (Xmpp, DoNotDisturb)],
        OPEN,
        None,
        DoNotDisturb,
        Some(Xmpp),
        LastSet,
    ),
    (
        "CloudLink set last",
        &[(Xmpp, Away), (Cloudlink, BeRightBack)],
        OPEN,
        None,
        BeRightBack,
        Some(Cloudlink),
        LastSet,
    ),
    (
        "by hand offline is meant",
        &[(Xmpp, Available), (Manual, Offline)],
        OPEN,
        None,
        Offline,
        Some(Manual),
        LastSet,
    ),
    (
        "a client that leaves takes nothing back",
        &[(Manual, Busy), (Xmpp, Offline)],
        OPEN,
        None,
        Busy,
        Some(Manual),
        LastSet,
    ),
    // 4: the telephone.
    ("a call", &[(Telephony, InCall)], OPEN, None, InCall, Some(Telephony), Telephone),
    (
        "a call over a client",
        &[(Telephony, InCall), (Xmpp, Available)],
        OPEN,
        None,
        InCall,
        Some(Telephony),
        Telephone,
    ),
    (
        "a call over a meeting",
        &[(Telephony, InCall), (Calendar, InMeeting)],
        OPEN,
        None,
        InCall,
        Some(Telephony),
        Telephone,
    ),
    (
        "a call over available by hand",
        &[(Telephony, InCall), (Manual, Available)],
        OPEN,
        None,
        InCall,
        Some(Telephony),
        Telephone,
    ),
    (
        "by hand over a call",
        &[(Manual, DoNotDisturb), (Telephony, InCall)],
        OPEN,
        None,
        DoNotDisturb,
        Some(Manual),
        ByHand,
    ),
    (
        "appear offline also in a call",
        &[(Manual, Offline), (Telephony, InCall)],
        OPEN,
        None,
        Offline,
        Some(Manual),
        ByHand,
    ),
    (
        "a later meeting took the hand's place",
        &[(Manual, Away), (Calendar, InMeeting), (Telephony, InCall)],
        OPEN,
        None,
        InCall,
        Some(Telephony),
        Telephone,
    ),
    (
        "do not disturb at the telephone",
        &[(Telephony, DoNotDisturb), (Xmpp, Away)],
        OPEN,
        None,
        DoNotDisturb,
        Some(Telephony),
        Telephone,
    ),
    (
        "an idle telephone says little",
        &[(Telephony, Available), (Xmpp, Away)],
        OPEN,
        None,
        Away,
        Some(Xmpp),
        LastSet,
    ),
    // 5: who is there.
    ("an idle telephone alone", &[(Telephony, Available)], OPEN, None, Available, Some(Telephony), Faint),
    (
        "one client of two is there",
        &[(Cloudlink, Available), (Xmpp, Offline)],
        OPEN,
        None,
        Available,
        Some(Cloudlink),
        Faint,
    ),
    ("nobody is there", &[(Xmpp, Offline)], OPEN, None, Offline, Some(Xmpp), Faint),
    // Outward.
    (
        "to XMPP without XMPP's own",
        &[(Manual, Available), (Xmpp, DoNotDisturb)],
        OPEN,
        Some(Xmpp),
        Available,
        Some(Manual),
        LastSet,
    ),
    (
        "to Teams: the call",
        &[(Teams, InCall), (Telephony, InCall)],
        TEAMS,
        Some(Teams),
        InCall,
        Some(Telephony),
        Telephone,
    ),
    ("to Teams: never what was read there", &[(Teams, Busy)], TEAMS, Some(Teams), Unknown, None, Nothing),
    (
        "to Teams: not what was set by hand",
        &[(Manual, Away), (Telephony, InCall)],
        TEAMS,
        Some(Teams),
        InCall,
        Some(Telephony),
        Telephone,
    ),
    (
        "to XMPP while Teams is on: Teams",
        &[(Teams, Busy), (Xmpp, Away)],
        TEAMS,
        Some(Xmpp),
        Busy,
        Some(Teams),
        TeamsOnly,
    ),
    ("to CloudLink without its own", &[(Cloudlink, Away)], OPEN, Some(Cloudlink), Unknown, None, Nothing),
];

#[test]
fn each_row_comes_out_as_it_must() {
    for (what, told, facts, without, state, source, rule) in ROWS {
        let expected = Verdict { state: *state, source: *source, rule: *rule };
        assert_eq!(merge(&inputs(told), *facts, *without), expected, "{what}");
    }
}

/// Whatever the inputs are: what is left out never shows, and what shows is some input's own state.
#[test]
fn for_all_pairs_of_inputs_the_outcome_is_an_inputs_own() {
    for a in Source::ALL {
        for b in Source::ALL {
            for (first, second) in [(InCall, Away), (Offline, Available), (Busy, Offline)] {
                let mut inputs = Inputs::default();
                for (order, (source, state)) in [(a, first), (b, second)].into_iter().enumerate() {
                    let told = Instant::now();
                    let input =
                        Input { state, note: "".into(), since: 0, order: order as u64, told, expires: None };
                    inputs[source as usize] = Some(Box::new(input));
                }
                for facts in [OPEN, TEAMS] {
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
