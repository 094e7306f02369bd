//! What holds for every sequence of full runs: in the end there is what the source has, and undoing the last one leads back
//! to what was before it.

use std::collections::BTreeMap;

use jackfield_abi::ops::DirectoryOpen;
use proptest::prelude::*;

use super::bench::*;
use crate::engine::objects::text;

/// A source: logins by key, as a directory may have them; a login is nobody else's.
fn source() -> impl Strategy<Value = BTreeMap<u8, u8>> {
    proptest::collection::btree_map(0..6_u8, 0..7_u8, 0..6).prop_map(|people| {
        let mut taken = std::collections::BTreeSet::new();
        people.into_iter().filter(|(_, login)| taken.insert(*login)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_full_runs_ends_in_what_the_source_has(
        sources in proptest::collection::vec((source(), prop_oneof![Just(0_u16), Just(30)]), 1..6),
    ) {
        let bench = bench();
        let mut last = (None, Vec::new());
        for (source, grace_days) in &sources {
            let entries: Vec<_> = source
                .iter()
                .map(|(key, login)| entry(&format!("k{key}"), &format!("v{login}"), &format!("user{login}")))
                .collect();
            let order = DirectoryOpen { confirm: true, grace_days: *grace_days, ..own() };
            let before = bench.everything();
            let closed = bench.run(order.clone(), &entries);
            prop_assert_eq!(closed.refused, 0, "{:?}", closed.refusals);
            let mut expected: Vec<_> = source.values().map(|login| format!("user{login}")).collect();
            expected.push("bob".to_owned());
            expected.sort();
            prop_assert_eq!(bench.shown(), expected);
            for (key, login) in source {
                let account = bench.own(&format!("user{login}"));
                prop_assert_eq!(text(&account, "directory_key"), format!("k{key}"));
                prop_assert!(text(&account, "removed_at").is_empty());
            }
            let again = bench.run(order, &entries);
            prop_assert_eq!((again.revision, again.unchanged), (None, source.len() as u64));
            last = (closed.revision, before);
        }
        if let (Some(n), before) = last {
            bench.undo(n).map_err(|problem| TestCaseError::fail(problem.detail))?;
            prop_assert_eq!(bench.everything(), before);
        }
    }
}
