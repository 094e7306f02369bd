//! Whether clocks agree now: every pair, with its error bar, and what a disagreement does to people. Pure.

use super::host::Host;
use crate::engine::checks::State;

/// Tolerances in seconds, after the error bar is added, with what goes wrong from there on. Half of the 300 s that
/// Kerberos and most token checks allow is the last line.
const LEVELS: &[(f64, State, &str)] = &[
    (
        150.0,
        State::Critical,
        "sign-in and tokens are refused as not yet valid or expired: Kerberos, AD and most token checks tolerate 300 s",
    ),
    (60.0, State::Error, "tokens may be refused as not yet valid or expired: some libraries tolerate 60 s"),
    (15.0, State::Warning, "one-time codes (30 s) and certificates that were just issued begin to fail"),
    (1.0, State::Notice, "the order of log lines and events of the servers cannot be compared any more"),
];

/// Two clocks compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Index of the clock that is ahead.
    pub ahead: usize,
    /// Index of the one that is behind.
    pub behind: usize,
    /// How far, in seconds.
    pub skew: f64,
    /// How wrong that may be, in seconds.
    pub error: f64,
    /// How bad it is.
    pub state: State,
}

/// How bad a disagreement is, and what it does.
pub fn level(skew: f64, error: f64) -> (State, &'static str) {
    let worst = skew.abs() + error;
    let found = LEVELS.iter().find(|(from, ..)| worst >= *from);
    found.map_or((State::Ok, ""), |(_, state, effect)| (*state, effect))
}

/// Every pair of measured clocks, the worst first.
pub fn pairs(clocks: &[Host]) -> Vec<Pair> {
    let measured: Vec<(usize, (f64, f64))> =
        clocks.iter().enumerate().filter_map(|(index, clock)| Some((index, clock.offset?))).collect();
    let mut pairs = Vec::new();
    for (n, (a, (offset_a, error_a))) in measured.iter().enumerate() {
        for (b, (offset_b, error_b)) in &measured[n + 1..] {
            let (ahead, behind) = if offset_a >= offset_b { (*a, *b) } else { (*b, *a) };
            let (skew, error) = ((offset_a - offset_b).abs(), error_a + error_b);
            pairs.push(Pair { ahead, behind, skew, error, state: level(skew, error).0 });
        }
    }
    pairs.sort_by(|a, b| (b.skew + b.error).total_cmp(&(a.skew + a.error)));
    pairs
}

/// The clock of a pair that is to be mended: the one farther from the source, or from most of the others where the
/// source was not measured. `None` where that cannot be told, such as where they are not farther apart than the
/// measurement may be wrong.
pub fn to_mend(pair: &Pair, clocks: &[Host], source: Option<f64>) -> Option<usize> {
    if pair.skew <= pair.error {
        return None;
    }
    let mut offsets: Vec<f64> = clocks.iter().filter_map(|clock| Some(clock.offset?.0)).collect();
    offsets.sort_by(f64::total_cmp);
    let middle = source.or_else(|| (offsets.len() > 2).then(|| offsets[offsets.len() / 2]))?;
    let far = |index: usize| clocks[index].offset.map_or(0.0, |(offset, _)| (offset - middle).abs());
    Some(if far(pair.ahead) >= far(pair.behind) { pair.ahead } else { pair.behind })
}

/// The pair in a sentence: who is ahead of whom, what it does, and which side to mend.
pub fn words(pair: &Pair, clocks: &[Host], source: Option<f64>) -> String {
    let (_, effect) = level(pair.skew, pair.error);
    let (ahead, behind) = (&clocks[pair.ahead].name, &clocks[pair.behind].name);
    let compared = format!("{ahead} is {} ahead of {behind} (± {})", seconds(pair.skew), seconds(pair.error));
    let mend =
        to_mend(pair, clocks, source).map(|index| format!("; set the clock of {}", clocks[index].name));
    match effect {
        "" => compared,
        effect => format!("{compared}: {effect}{}", mend.unwrap_or_default()),
    }
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.3} s"),
        s => format!("{s:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn clock(name: &str, offset_ms: f64, error_ms: f64) -> Host {
        let result = json!({"verdict": "ok", "method": "ntp", "offset_ms": offset_ms, "error_ms": error_ms});
        Host::of(name, &result).unwrap()
    }

    #[test]
    fn tolerances_hold_after_the_error_bar() {
        let table = [
            (0.0, 0.002, State::Ok),
            (0.998, 0.001, State::Ok),
            (0.998, 0.002, State::Notice),
            (-1.0, 0.0, State::Notice),
            (14.999, 0.0, State::Notice),
            (15.0, 0.0, State::Warning),
            (59.0, 1.0, State::Error),
            (60.0, 0.0, State::Error),
            (149.9, 0.0, State::Error),
            (-150.0, 0.0, State::Critical),
            (86400.0, 0.0, State::Critical),
        ];
        for (skew, error, state) in table {
            let (found, effect) = level(skew, error);
            assert_eq!((found, effect.is_empty()), (state, state == State::Ok), "{skew} {error}");
        }
    }

    #[test]
    fn two_hosts_apart_are_seen_though_each_is_near_us() {
        let clocks = [clock("PBX", 100_000.0, 5.0), clock("gateway", -100_000.0, 5.0), clock("us", 0.0, 0.0)];
        let pairs = pairs(&clocks);
        assert_eq!(pairs.len(), 3);
        assert_eq!((pairs[0].ahead, pairs[0].behind, pairs[0].state), (0, 1, State::Critical));
        assert!((pairs[0].skew - 200.0).abs() < 1e-9 && (pairs[0].error - 0.010).abs() < 1e-9);
        assert!(
            words(&pairs[0], &clocks, None)
                .starts_with("PBX is 200.0 s ahead of gateway (± 0.010 s): sign-in")
        );
    }

    #[test]
    fn the_side_to_mend_is_the_one_far_from_the_source_or_from_the_others() {
        let clocks = [clock("PBX", 90_000.0, 5.0), clock("gateway", 90_001.0, 5.0), clock("us", 0.0, 0.0)];
        let found = pairs(&clocks);
        assert_eq!(to_mend(&found[0], &clocks, None), Some(2), "we alone are wrong");
        assert_eq!(to_mend(&found[0], &clocks, Some(0.0)), Some(1), "the source says that we are right");
        let two = &clocks[1..];
        assert_eq!(to_mend(&pairs(two)[0], two, None), None, "one against one tells nothing");
        let vague = [clock("PBX", 0.0, 1200.0), clock("gateway", 1.0, 5.0), clock("us", 0.0, 0.0)];
        let found = pairs(&vague);
        assert_eq!((found[0].state, to_mend(&found[0], &vague, Some(0.0))), (State::Notice, None));
        assert!(
            !words(&found[0], &vague, Some(0.0)).contains("set the clock"),
            "nothing is wrong that is known"
        );
    }
}
