//! When a run changes nothing and asks: a source that could not be read, or answers nothing, or has lost many people at
//! once, is more often out of order than right. Pure.

use jackfield_abi::ops::{DirectoryHeld, DirectoryOutcome};

/// What is known when a run is closed.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// How the source was read.
    pub outcome: DirectoryOutcome,
    /// Whether everything should have been told.
    pub full: bool,
    /// Whether somebody has said that it is meant.
    pub confirm: bool,
    /// Entries that were told.
    pub told: u64,
    /// Accounts or contacts that are there.
    pub present: u64,
    /// Those that would go.
    pub removals: u64,
    /// Share of `present` that may go unasked, in percent.
    pub share: u64,
}

impl Facts {
    /// Why it is held; none: it may go on. `detail` is what the source's reader says went wrong.
    pub fn held(&self, detail: &str) -> Option<DirectoryHeld> {
        let (reason, what) = match self.outcome {
            DirectoryOutcome::Failed => ("failed", failed(detail)),
            DirectoryOutcome::Complete if self.confirm => return None,
            DirectoryOutcome::Complete if self.is_empty() => ("empty", self.emptied()),
            DirectoryOutcome::Complete if self.is_many() => ("removals", self.thinned()),
            DirectoryOutcome::Complete => return None,
        };
        Some(DirectoryHeld { reason: reason.to_owned(), what })
    }

    fn is_empty(&self) -> bool {
        self.full && self.told == 0 && self.present > 0
    }

    /// Whether more would go than may.
    fn is_many(&self) -> bool {
        self.removals * 100 > self.present * self.share
    }

    fn emptied(&self) -> String {
        format!(
            "The source answered nothing, and {} that came from it are here. Nothing was changed. If it is meant to be empty, run it again and confirm.",
            self.present
        )
    }

    fn thinned(&self) -> String {
        let Self { removals, present, share, .. } = self;
        format!(
            "{removals} of {present} would be removed, and more than {share} % must be confirmed. Nothing was changed. If that is meant, run it again and confirm."
        )
    }
}

fn failed(detail: &str) -> String {
    let why = detail.trim().trim_end_matches('.');
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("The source could not be read to its end{why}. Nothing was changed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Facts = Facts {
        outcome: DirectoryOutcome::Complete,
        full: true,
        confirm: false,
        told: 80,
        present: 100,
        removals: 20,
        share: 20,
    };

    fn reason(facts: Facts) -> Option<String> {
        facts.held("").map(|held| held.reason)
    }

    #[test]
    fn a_source_that_failed_is_never_believed() {
        let failed = Facts { outcome: DirectoryOutcome::Failed, confirm: true, removals: 0, ..FULL };
        let held = failed.held("the server closed the connection.").unwrap();
        assert_eq!(held.reason, "failed");
        assert!(held.what.contains("to its end: the server closed the connection. Nothing"), "{}", held.what);
    }

    #[test]
    fn an_empty_answer_over_something_is_asked_about() {
        let empty = Facts { told: 0, removals: 100, share: 100, ..FULL };
        assert_eq!(reason(empty).as_deref(), Some("empty"));
        assert_eq!(reason(Facts { present: 0, removals: 0, ..empty }), None, "nothing over nothing");
        assert_eq!(reason(Facts { full: false, removals: 0, ..empty }), None, "no news");
        assert_eq!(reason(Facts { confirm: true, ..empty }), None);
    }

    #[test]
    fn the_share_is_what_may_go_and_not_one_more() {
        for (removals, present, share, is_held) in [
            (20, 100, 20, false),
            (21, 100, 20, true),
            (1, 4, 20, true),
            (1, 5, 20, false),
            (1, 1, 99, true),
            (1, 1, 100, false),
            (1, 1000, 0, true),
            (0, 0, 0, false),
        ] {
            let facts = Facts { removals, present, share, ..FULL };
            assert_eq!(reason(facts).is_some(), is_held, "{removals} of {present}, {share} %");
            assert_eq!(reason(Facts { full: false, told: 0, ..facts }).is_some(), is_held, "incremental");
            assert_eq!(reason(Facts { confirm: true, ..facts }), None);
        }
    }
}
