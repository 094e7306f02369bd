//! Every cell of the table, and that two servers that keep it come to the same end whatever is lost between them.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;

const KINDS: [Kind; 4] = [Kind::Subscribe, Kind::Unsubscribe, Kind::Subscribed, Kind::Unsubscribed];

/// The table as the reference prints it: r routed, d delivered, a new state, empty: nothing.
const TABLE: [(&str, [&str; 8]); 9] = [
    ("N", ["r N+o", "r", "", "", "d N+i", "", "", ""]),
    ("N+o", ["r", "r N", "", "", "d N+oi", "", "d T", "d N"]),
    ("N+i", ["r N+oi", "r", "r F", "r N", "", "d N", "", ""]),
    ("N+oi", ["r", "r N+i", "r F+o", "r N+o", "", "d N+o", "d T+i", "d N+i"]),
    ("T", ["r", "r N", "", "", "d T+i", "", "", "d N"]),
    ("T+i", ["r", "r N+i", "r B", "r T", "", "d T", "", "d N+i"]),
    ("F", ["r F+o", "r", "", "r N", "auto", "d N", "", ""]),
    ("F+o", ["r", "r F", "", "r N+o", "auto", "d N+o", "d B", "d F"]),
    ("B", ["r", "r F", "", "r T", "auto", "d T", "", "d F"]),
];

const COLUMNS: [(Who, Kind); 8] = [
    (Who::We, Kind::Subscribe),
    (Who::We, Kind::Unsubscribe),
    (Who::We, Kind::Subscribed),
    (Who::We, Kind::Unsubscribed),
    (Who::They, Kind::Subscribe),
    (Who::They, Kind::Unsubscribe),
    (Who::They, Kind::Subscribed),
    (Who::They, Kind::Unsubscribed),
];

#[test]
fn each_cell_is_as_the_reference_has_it() {
    let mut seen = 0;
    for (word, cells) in TABLE {
        let state = State::of(word).unwrap();
        for (cell, (who, kind)) in cells.into_iter().zip(COLUMNS) {
            let (does, next) = cell.split_once(' ').unwrap_or((cell, word));
            let does = match does {
                "r" => Does::Route,
                "d" => Does::Deliver,
                "auto" => Does::Answer,
                _ => Does::Nothing,
            };
            let expected = (State::of(next).unwrap(), does);
            assert_eq!(step(state, who, kind), expected, "{word}, {who:?} {kind:?}");
            seen += 1;
        }
    }
    assert_eq!(seen, 72);
}

#[test]
fn there_are_nine_states_and_each_is_reached_from_none() {
    let (mut reached, mut next) = (BTreeSet::from([State::None]), vec![State::None]);
    while let Some(state) = next.pop() {
        for (who, kind) in COLUMNS {
            let (new, _) = step(state, who, kind);
            if reached.insert(new) {
                next.push(new);
            }
        }
    }
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), State::ALL);
}

#[test]
fn names_are_read_as_they_are_written() {
    assert!(State::ALL.into_iter().all(|state| State::of(state.word()) == Some(state)));
    assert!(KINDS.into_iter().all(|kind| Kind::of(kind.word()) == Some(kind)));
    assert_eq!((State::of("X"), Kind::of("probe")), (None, None));
}

/// Two servers, and what is on its way from each to the other.
#[derive(Debug, Default)]
struct Two {
    states: [State; 2],
    ways: [VecDeque<Kind>; 2],
}

impl Two {
    fn says(&mut self, side: usize, kind: Kind) {
        let (state, does) = step(self.states[side], Who::We, kind);
        self.states[side] = state;
        if does == Does::Route {
            self.ways[side].push_back(kind);
        }
    }

    /// The other side gets the oldest, or it is lost on the way.
    fn moves(&mut self, side: usize, is_lost: bool) {
        let Some(kind) = self.ways[side].pop_front().filter(|_| !is_lost) else { return };
        let there = 1 - side;
        let (state, does) = step(self.states[there], Who::They, kind);
        self.states[there] = state;
        if does == Does::Answer {
            self.ways[there].push_back(Kind::Subscribed);
        }
    }

    fn settle(&mut self) {
        while self.ways.iter().any(|way| !way.is_empty()) {
            self.moves(0, false);
            self.moves(1, false);
        }
    }

    /// What each side does by itself after a loss: who sees probes, which is answered by `unsubscribed` where they do
    /// not know of it; who has asked asks again; who wants nothing says so again.
    fn repeat(&mut self) {
        for side in [0, 1] {
            let (state, there) = (self.states[side], self.states[1 - side]);
            match state {
                _ if state.sees() && !there.is_seen() => self.ways[1 - side].push_back(Kind::Unsubscribed),
                _ if state.sees() => {}
                _ if state.has_asked() => self.says(side, Kind::Subscribe),
                _ => self.says(side, Kind::Unsubscribe),
            }
            self.settle();
        }
    }

    fn agree(&self) -> bool {
        let [a, b] = self.states;
        (a.sees(), a.has_asked()) == (b.is_seen(), b.is_asked())
            && (b.sees(), b.has_asked()) == (a.is_seen(), a.is_asked())
    }
}

#[test]
fn from_any_two_states_repeating_leads_to_agreement() {
    for a in State::ALL {
        for b in State::ALL {
            let mut two = Two { states: [a, b], ..Two::default() };
            two.repeat();
            two.repeat();
            assert!(two.agree(), "{a:?} and {b:?} end as {:?}", two.states);
        }
    }
}

proptest! {
    #[test]
    fn without_loss_and_crossing_both_sides_agree_at_every_moment(
        said in prop::collection::vec((0..2_usize, 0..4_usize), 0..40)
    ) {
        let mut two = Two::default();
        for (side, kind) in said {
            two.says(side, KINDS[kind]);
            two.settle();
            prop_assert!(two.agree(), "{:?}", two);
        }
    }

    #[test]
    fn after_losses_and_crossings_repeating_leads_to_agreement(
        events in prop::collection::vec((0..2_usize, 0..6_usize), 0..60)
    ) {
        let mut two = Two::default();
        for (side, what) in events {
            match KINDS.get(what) {
                Some(kind) => two.says(side, *kind),
                None => two.moves(side, what == 5),
            }
            prop_assert!(State::ALL.contains(&two.states[0]) && State::ALL.contains(&two.states[1]));
        }
        two.settle();
        two.repeat();
        two.repeat();
        prop_assert!(two.agree(), "{:?}", two);
    }
}
