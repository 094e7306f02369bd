//! The prefix's rule and each of its lints.

use super::super::ExtensionRange;
use super::*;

fn french() -> Site {
    Site {
        outgoing_digit: "0".into(),
        country: Some("FR".into()),
        extension_ranges: vec![ExtensionRange::parse("2000-2999").unwrap()],
        ..Site::default()
    }
}

fn peer<'a>(peer: &'a str, prefix: &'a str, pbx: &'a str) -> PeerPrefix<'a> {
    PeerPrefix { peer, prefix, pbx }
}

fn codes(prefix: &str, site: &Site) -> Vec<&'static str> {
    lint_prefix(&peer("own", prefix, "pbx1"), site, &[]).iter().map(|lint| lint.code).collect()
}

#[test]
fn each_lint_names_what_is_odd_about_a_prefix() {
    for (prefix, expected) in [
        ("77", &[][..]),
        ("-77", &[]),
        ("-", &[]),
        ("", &[trace::PREFIX_MISSING]),
        ("7A*#D", &[]),
        ("7x", &[trace::PREFIX_CHARACTERS]),
        ("7 7", &[trace::PREFIX_CHARACTERS]),
        ("8-1", &[trace::PREFIX_HYPHEN]),
        ("--77", &[trace::PREFIX_HYPHEN]),
        (" 77", &[trace::PREFIX_SPACE]),
        ("77 ", &[trace::PREFIX_SPACE]),
        (" -77", &[trace::PREFIX_SPACE, trace::PREFIX_HYPHEN]),
        ("*72", &[trace::PREFIX_FEATURE]),
        ("077", &[trace::PREFIX_DOUBLED]),
        ("-077", &[]),
        ("112", &[trace::PREFIX_EMERGENCY]),
        ("-1125", &[trace::PREFIX_EMERGENCY]),
        ("3611", &[trace::PREFIX_SHORT_CODE]),
    ] {
        assert_eq!(codes(prefix, &french()), expected, "{prefix:?}");
    }
}

#[test]
fn an_outgoing_digit_and_a_prefix_that_together_spell_an_emergency_number_are_noted() {
    let site = Site { outgoing_digit: "1".into(), ..french() };
    assert!(codes("12", &site).contains(&trace::PREFIX_EMERGENCY));
    assert!(!codes("-22", &site).contains(&trace::PREFIX_EMERGENCY));
}

#[test]
fn a_prefix_beside_transparent_routing_and_an_overlapping_outgoing_digit_are_noted() {
    let site = Site { transparent: true, outgoing_digit: "2".into(), ..french() };
    assert_eq!(codes("77", &site), [trace::PREFIX_TRANSPARENT, trace::OUTGOING_OVERLAP]);
    let site = Site { outgoing_digit: "0".into(), ..site };
    assert_eq!((codes("", &site), codes("-", &site)), (vec![], vec![]));
}

#[test]
fn peers_that_share_or_nest_prefixes_are_named() {
    let others = [
        peer("own", "77", "pbx9"),
        peer("Lyon", "77", "pbx2"),
        peer("Nice", "-077", ""),
        peer("Twin", "77", "pbx1"),
        peer("Nest", "7", "pbx3"),
        peer("Deep", "771", "pbx1"),
        peer("Bare", "-", "pbx4"),
    ];
    let lints = lint_prefix(&peer("own", "77", "pbx1"), &french(), &others);
    let found: Vec<_> = lints.iter().map(|lint| lint.code).collect();
    let (shared, ambiguous) = (trace::PREFIX_SHARED, trace::PREFIX_AMBIGUOUS);
    assert_eq!(found, [shared, shared, ambiguous, ambiguous]);
    for (lint, name) in lints.iter().zip(["Lyon", "Nice", "Nest", "Deep"]) {
        assert!(lint.text.contains(name), "{}", lint.text);
    }
}

#[test]
fn an_oversized_prefix_is_noted_and_not_examined() {
    let long = "x".repeat(INPUT_CHARS + 1);
    assert_eq!(codes(&long, &french()), [trace::INPUT_TOO_LONG]);
}
