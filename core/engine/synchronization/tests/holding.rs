//! Runs that change nothing and ask.

use jackfield_abi::ops::{DirectoryEntry, DirectoryOpen, DirectoryOutcome};

use super::bench::*;

fn ten() -> Vec<DirectoryEntry> {
    (0..10).map(|n| entry(&format!("k{n}"), "v1", &format!("user{n}"))).collect()
}

fn usual() -> DirectoryOpen {
    DirectoryOpen { removal_share: 20, ..own() }
}

#[test]
fn a_run_that_would_remove_too_many_waits_for_a_confirmation() {
    let bench = bench();
    bench.run(usual(), &ten());
    let before = bench.everything();
    let closed = bench.run(usual(), &ten()[..7]);
    let held = closed.held.as_ref().unwrap();
    assert_eq!((held.reason.as_str(), closed.removals, closed.unchanged), ("removals", 3, 7));
    assert!(held.what.contains("3 of 10"), "{}", held.what);
    assert_eq!(closed.list.as_ref().unwrap().removals.len(), 3);
    assert_eq!((closed.revision, bench.everything()), (None, before));
    let question = "SELECT removals * 100 + unchanged FROM core_directory_questions
        WHERE synchronizer = 'peering/enterprise/acme' AND enterprise = 'acme' AND reason = 'removals'";
    assert_eq!(bench.count(question), 307);
    let closed = bench.run(DirectoryOpen { confirm: true, ..usual() }, &ten()[..7]);
    assert_eq!((closed.removals, closed.held), (3, None));
    assert_eq!(bench.count("SELECT count(*) FROM core_directory_questions"), 0, "it is answered");
    assert_eq!(bench.shown().len(), 8);
}

#[test]
fn the_share_that_may_go_goes() {
    let bench = bench();
    bench.run(usual(), &ten());
    let closed = bench.run(usual(), &ten()[..8]);
    assert_eq!((closed.removals, closed.held), (2, None));
}

#[test]
fn an_empty_answer_removes_nobody() {
    let bench = bench();
    assert_eq!(bench.run(usual(), &[]).held, None, "there was nothing");
    bench.run(usual(), &ten());
    let everybody_may_go = DirectoryOpen { removal_share: 100, ..usual() };
    let closed = bench.run(everybody_may_go.clone(), &[]);
    assert_eq!((closed.held.unwrap().reason.as_str(), closed.removals), ("empty", 10));
    // The question is withdrawn by a run that finds everything as it was.
    assert_eq!(bench.run(usual(), &ten()).held, None);
    assert_eq!(bench.count("SELECT count(*) FROM core_directory_questions"), 0);
    let closed = bench.run(DirectoryOpen { confirm: true, ..everybody_may_go }, &[]);
    assert_eq!((closed.removals, bench.shown()), (10, vec!["bob".to_owned()]));
}

#[test]
fn a_source_that_failed_changes_nothing_even_if_confirmed() {
    let bench = bench();
    bench.run(usual(), &ten());
    let before = bench.everything();
    for confirm in [false, true] {
        let run = bench.open(DirectoryOpen { confirm, ..usual() });
        bench.put(&run, &[entry("k0", "v2", "renamed"), entry("k99", "v1", "new")]);
        let closed = bench.close(&run, DirectoryOutcome::Failed).unwrap();
        assert_eq!(closed.held.unwrap().reason, "failed");
        assert_eq!((closed.adds, closed.changes, closed.removals), (1, 1, 0));
        assert_eq!(bench.everything(), before);
    }
}

#[test]
fn the_dry_run_of_a_held_run_says_so_and_asks_nothing() {
    let bench = bench();
    bench.run(usual(), &ten());
    let closed = bench.run(DirectoryOpen { dry_run: true, ..usual() }, &ten()[..5]);
    assert_eq!((closed.held.unwrap().reason.as_str(), closed.removals), ("removals", 5));
    assert_eq!(bench.count("SELECT count(*) FROM core_directory_questions"), 0);
}
