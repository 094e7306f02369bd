//! Two sides measured in turns, so that a machine that drifts drifts for both.

use std::time::Duration;

use crate::Outcome;
use crate::measure::Samples;

/// Many short ones: a virtual disk's sync may take 0.1 ms in one second and 4 ms in the next.
const ROUNDS: usize = 20;
const ROUND: Duration = Duration::from_millis(300);
const WARM_UP: Duration = Duration::from_millis(300);

/// One measurement beside its peer.
pub struct Row {
    /// What was done.
    pub what: String,
    /// Beside what.
    pub peer: &'static str,
    /// The appliance.
    pub ours: Samples,
    /// The peer.
    pub theirs: Samples,
}

impl Row {
    /// How many times as fast the appliance is.
    pub fn ratio(&self) -> f64 {
        self.ours.ratio(&self.theirs)
    }
}

/// A B A B …, after a warm-up of each.
pub fn alternate(
    what: String,
    peer: &'static str,
    ours: impl Fn(Duration) -> Outcome<Samples>,
    theirs: impl Fn(Duration) -> Outcome<Samples>,
) -> Outcome<Row> {
    ours(WARM_UP)?;
    theirs(WARM_UP)?;
    let mut row = Row { what, peer, ours: Samples::default(), theirs: Samples::default() };
    for _ in 0..ROUNDS {
        row.ours.add(ours(ROUND)?);
        row.theirs.add(theirs(ROUND)?);
    }
    Ok(row)
}
