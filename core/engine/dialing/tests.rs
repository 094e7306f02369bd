//! What each situation dials: the reference table of dialing cases row by row, then the cases around it.

use super::trace::*;
use super::*;

fn site(country: &str, outgoing_digit: &str) -> Site {
    Site {
        outgoing_digit: outgoing_digit.into(),
        country: Some(country.into()),
        extension_ranges: vec![ExtensionRange::parse("2000-2999").unwrap()],
        ..Site::default()
    }
}

fn local(extension: &str) -> Destination {
    Destination::Local { extension: extension.into() }
}

fn peer(prefix: &str, number: &str) -> Destination {
    Destination::Peer { prefix: prefix.into(), number: number.into() }
}

fn number(text: &str) -> Destination {
    Destination::Number { text: text.into() }
}

fn lints(dialed: &Dialed) -> Vec<&'static str> {
    dialed.lints.iter().map(|lint| lint.code).collect()
}

fn steps(dialed: &Dialed) -> Vec<&'static str> {
    dialed.steps.iter().map(|step| step.code).collect()
}

const TWENTY: &str = "12345678901234567890";
const NINETEEN: &str = "-1234567890123456789";

#[test]
fn every_row_of_the_reference_table_dials_as_written() {
    let transparent = Site { transparent: true, ..site("FR", "0") };
    let (fr, fr9, fr2, none, us) =
        (site("FR", "0"), site("FR", "9"), site("FR", "2"), site("FR", ""), site("US", "9"));
    let long = format!("0{TWENTY}4001");
    let table: &[(&str, &Site, Destination, &str, &[&str])] = &[
        ("1 own PBX", &fr, local("2001"), "2001", &[]),
        ("2 transparent", &transparent, peer("", "4001"), "4001", &[]),
        ("3 basic", &fr, peer("77", "4001"), "0774001", &[]),
        ("4 other digits", &fr9, peer("8", "4001"), "984001", &[]),
        ("5 hyphen drops O", &fr, peer("-77", "4001"), "774001", &[]),
        ("6 no O", &none, peer("77", "4001"), "774001", &[]),
        ("7 no O, hyphen", &none, peer("-77", "4001"), "774001", &[]),
        ("8 hyphen alone", &fr, peer("-", "4001"), "4001", &[]),
        ("9 twenty digits", &fr, peer(TWENTY, "4001"), &long, &[]),
        ("12 hyphen and nineteen", &fr, peer(NINETEEN, "4001"), "12345678901234567894001", &[]),
        ("13 verbatim", &fr9, peer("8-1", "4001"), "98-14001", &[PREFIX_HYPHEN]),
        ("14 one marker", &fr, peer("--77", "4001"), "-774001", &[PREFIX_HYPHEN]),
        ("15 feature-like", &fr, peer("*72", "4001"), "0*724001", &[PREFIX_FEATURE]),
        ("16 not leading", &fr, peer(" -77", "4001"), "0 -774001", &[PREFIX_SPACE, PREFIX_HYPHEN]),
        ("17 O doubled", &fr, peer("077", "4001"), "00774001", &[PREFIX_DOUBLED]),
        ("18 X cleaned", &fr, peer("77", "40 01"), "0774001", &[]),
        ("19 label removed", &fr, peer("77", "ext. 4001"), "0774001", &[]),
        ("20 X has P", &fr, peer("77", "774001"), "077774001", &[EXTENSION_PREFIXED]),
        ("21 P ignored", &fr, peer("77", "+33 1 42 76 49 78"), "00142764978", &[]),
        ("22 abroad", &fr, peer("77", "+1 613 592 2122"), "00016135922122", &[]),
        ("23 abroad from US", &us, peer("77", "+33 1 42 76 49 78"), "901133142764978", &[]),
        ("24 national US", &us, peer("77", "(613) 592-2122"), "916135922122", &[]),
        ("25 ext preferred", &us, peer("-77", "tel:+16135922122;ext=4001"), "774001", &[]),
        ("26 emergency", &fr, number("112"), "112", &[]),
        ("26 emergency on a peer", &fr, peer("77", "112"), "112", &[EMERGENCY_PEER]),
        ("27 short code", &fr, number("3611"), "03611", &[]),
        ("28 vanity on a peer", &us, peer("77", "1-800-MITEL-00"), "918006483500", &[]),
        ("28 vanity", &us, number("1-800-MITEL-00"), "918006483500", &[]),
        ("29 O overlaps range", &fr2, local("2001"), "2001", &[OUTGOING_OVERLAP]),
        ("29 typed", &fr2, number("2001"), "2001", &[OUTGOING_OVERLAP]),
    ];
    for (row, site, destination, expected, expected_lints) in table {
        let dialed = dial(site, destination);
        assert_eq!(dialed.dialed, *expected, "row {row}");
        assert_eq!(lints(&dialed), *expected_lints, "row {row}");
    }
}

#[test]
fn public_numbers_take_the_form_their_country_dials() {
    for (country, typed, expected) in [
        ("FR", "01 42 76 49 78", "00142764978"),
        ("FR", "0033 1 42 76 49 78", "00142764978"),
        ("FR", "+33 (0)1 42 76 49 78", "00142764978"),
        ("FR", "+33 01 42 76 49 78", "00142764978"),
        ("FR", "+39 06 1234 5678", "000390612345678"),
        ("FR", "0033 (0)1 42 76 49 78", "00142764978"),
        ("FR", "Tel. +49 (0)89/1234-56", "00049891234 56"),
        ("FR", "+39 (0)6 1234 5678", "000390612345678"),
        ("FR", "142764978", "0142764978"),
        ("IT", "+39 06 1234 5678", "00612345678"),
        ("IT", "06 1234 5678", "00612345678"),
        ("RU", "+7 800 555 35 35", "088005553535"),
        ("RU", "8 800 555 35 35", "088005553535"),
        ("RU", "8 10 33 1 42 76 49 78", "081033142764978"),
        ("HU", "+36 1 234 5678", "00612345678"),
        ("US", "011 33 1 42 76 49 78", "001133142764978"),
        ("US", "1 613 592 2122", "016135922122"),
        ("US", "592-2122", "05922122"),
        ("CA", "+1 876 555 0123", "018765550123"),
        ("JP", "+81 3 1234 5678", "00312345678"),
        ("FR", "tel:0142764978;phone-context=+33", "00142764978"),
        ("FR", "\u{FF0B}\u{FF13}\u{FF13} 1 42 76 49 78", "00142764978"),
        ("FR", "*31#", "*31#"),
    ] {
        let dialed = dial(&site(country, "0"), &number(typed));
        assert_eq!(dialed.dialed, expected.replace(' ', ""), "{country} {typed}: {dialed:?}");
        assert!(dialed.lints.is_empty(), "{country} {typed}: {:?}", dialed.lints);
    }
}

#[test]
fn the_nodes_own_prefixes_win_over_its_countrys() {
    let mut own = site("FR", "9");
    own.international_prefix = Some("700".into());
    own.trunk_prefix = Some("5".into());
    assert_eq!(dial(&own, &number("+1 613 592 2122")).dialed, "970016135922122");
    assert_eq!(dial(&own, &number("+33 1 42 76 49 78")).dialed, "95142764978");
}

#[test]
fn a_number_that_cannot_be_converted_goes_out_as_typed_and_says_why() {
    for (country, typed, expected, lint) in [
        ("QQ", "01 42 76 49 78", "00142764978", Some(COUNTRY_UNKNOWN)),
        ("QQ", "+33 1 42 76 49 78", "0+33142764978", Some(NUMBER_PLUS)),
        ("BR", "+33 1 42 76 49 78", "0+33142764978", Some(NUMBER_PLUS)),
        ("FR", "+0 142 76 49 78", "0+0142764978", Some(NUMBER_SHAPE)),
        ("FR", "+1234567890123456", "0+1234567890123456", Some(NUMBER_SHAPE)),
        ("US", "+1 613 592", "0+1613592", Some(NUMBER_SHAPE)),
        ("FR", "1234567890123456", "01234567890123456", Some(NUMBER_SHAPE)),
        ("FR", "42 76 49 78", "042764978", None),
    ] {
        let dialed = dial(&site(country, "0"), &number(typed));
        assert_eq!(dialed.dialed, expected, "{country} {typed}");
        assert!(steps(&dialed).contains(&NUMBER_AS_TYPED), "{country} {typed}: {:?}", dialed.steps);
        assert!(
            lint.is_none_or(|code| lints(&dialed).contains(&code)),
            "{country} {typed}: {:?}",
            dialed.lints
        );
    }
    let known = Site { international_prefix: Some("00".into()), ..site("QQ", "0") };
    assert_eq!(dial(&known, &number("+33142764978")).dialed, "00033142764978");
}

#[test]
fn an_emergency_number_is_never_rewritten() {
    for (country, text) in [("FR", "15"), ("FR", "1 1 2"), ("US", "911"), ("GB", "999"), ("QQ", "112")] {
        let dialed = dial(&site(country, "0"), &number(text));
        assert_eq!(dialed.dialed, text.replace(' ', ""), "{country}");
        assert_eq!(steps(&dialed), [EMERGENCY_KEEP], "{country}");
    }
    assert_eq!(dial(&site("US", "9"), &number("9911")).dialed, "9911");
    assert_eq!(dial(&site("US", "9"), &number("tel:911")).dialed, "911");
    let own = Site { emergency_numbers: vec!["5555".into()], ..site("FR", "0") };
    assert_eq!(dial(&own, &number("5555")).dialed, "5555");
    assert_eq!(dial(&own, &number("112")).dialed, "0112");
}

#[test]
fn an_emergency_number_that_is_also_an_extension_is_noted() {
    let clash = Site { extension_ranges: vec![ExtensionRange::parse("100-199").unwrap()], ..site("FR", "0") };
    for destination in [number("112"), local("112")] {
        let dialed = dial(&clash, &destination);
        assert_eq!(dialed.dialed, "112");
        assert_eq!(lints(&dialed), [EMERGENCY_LOCAL], "{destination:?}");
    }
    let spelled = dial(&site("FR", "0"), &peer("-11", "2"));
    assert_eq!((spelled.dialed.as_str(), lints(&spelled)), ("112", vec![EMERGENCY_PEER]));
    assert_eq!(dial(&site("FR", "0"), &peer("77", "ext. 112")).dialed, "077112");
}

#[test]
fn an_extension_marked_in_a_number_is_preferred_on_a_peer_and_not_dialed_elsewhere() {
    let us = site("US", "9");
    let both = "+1 613 592 2122 ext. 4001";
    assert_eq!(dial(&us, &peer("77", both)).dialed, "9774001");
    let typed = dial(&us, &number(both));
    assert_eq!((typed.dialed.as_str(), lints(&typed)), ("916135922122", vec![EXTENSION_DROPPED]));
    assert_eq!(dial(&us, &number("ext. 2001")).dialed, "2001");
    assert_eq!(dial(&us, &local("Poste 2001")).dialed, "2001");
}

#[test]
fn directory_oddities_are_cleaned_or_noted() {
    let fr = site("FR", "0");
    for (text, expected, lint) in [
        ("x4001", "0774001", None),
        ("Durchwahl: 40-01", "0774001", None),
        ("[4001]", "0774001", None),
        ("\u{664}\u{660}\u{660}\u{661}", "0774001", None),
        ("4001 / 4002", "0774001", Some(EXTENSION_REST)),
        ("4001 home", "0774001", Some(EXTENSION_REST)),
        ("4001 MARSEILLE", "0774001", Some(EXTENSION_REST)),
    ] {
        let dialed = dial(&fr, &peer("77", text));
        assert_eq!(dialed.dialed, expected, "{text}");
        assert_eq!(lints(&dialed), lint.into_iter().collect::<Vec<_>>(), "{text}");
    }
    let remark = dial(&fr, &number("3611 p 55"));
    assert_eq!((remark.dialed.as_str(), lints(&remark)), ("03611", vec![NUMBER_REST]));
}

#[test]
fn a_bare_extension_that_exists_at_home_is_noted() {
    let dialed = dial(&site("FR", "0"), &peer("-", "2001"));
    assert_eq!((dialed.dialed.as_str(), lints(&dialed)), ("2001", vec![EXTENSION_LOCAL]));
}

#[test]
fn nothing_to_dial_and_oversized_input_are_refused_with_a_reason() {
    let fr = site("FR", "0");
    let long = "4".repeat(201);
    for (destination, lint) in [
        (local(""), INPUT_EMPTY),
        (peer("77", "none"), INPUT_EMPTY),
        (number("reception"), INPUT_EMPTY),
        (number("+"), INPUT_EMPTY),
        (local(&long), INPUT_TOO_LONG),
        (peer(&long, "4001"), INPUT_TOO_LONG),
        (peer("77", &long), INPUT_TOO_LONG),
        (number(&long), INPUT_TOO_LONG),
    ] {
        let dialed = dial(&fr, &destination);
        assert_eq!((dialed.dialed.as_str(), lints(&dialed)), ("", vec![lint]), "{destination:?}");
        assert_eq!(steps(&dialed).last(), Some(&INPUT_REFUSE), "{destination:?}");
    }
}

#[test]
fn a_very_long_dialed_string_is_noted() {
    let dialed = dial(&site("FR", "0"), &peer(&"7".repeat(20), "123456789012 ext 123456789012"));
    assert_eq!(dialed.dialed.len(), 33);
    assert_eq!(lints(&dialed), [DIALED_LONG]);
}

#[test]
fn the_steps_of_a_peer_call_read_from_directory_entry_to_dialed_string() {
    let dialed = dial(&site("FR", "0"), &peer("77", "ext. 40 01"));
    let read: Vec<_> = dialed.steps.iter().map(|step| (step.code, &*step.before, &*step.after)).collect();
    let expected = [
        (EXTENSION_CLEAN, "ext. 40 01", "4001"),
        (PEER_PREFIX, "4001", "774001"),
        (OUTGOING_ADD, "774001", "0774001"),
    ];
    assert_eq!(read, expected);
    assert_eq!(steps(&dial(&site("FR", "0"), &peer("-77", "4001"))), [PEER_PREFIX, OUTGOING_SUPPRESS]);
}

#[test]
fn codes_are_unique_and_dotted() {
    let codes: Vec<_> = STEP_CODES.iter().chain(LINT_CODES).map(|(code, _)| *code).collect();
    let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), codes.len());
    assert!(codes.iter().all(|code| code.split('.').count() == 2 && code.is_ascii()));
}

#[test]
fn a_script_step_and_the_result_serialize_as_documented() {
    let mut dialed = dial(&site("FR", "0"), &peer("-", "4001"));
    dialed.steps.truncate(1);
    let (text, before, after) = ("t".to_owned(), "1".to_owned(), "2".to_owned());
    dialed.steps.push(Step { code: "dial.rewrite", text, before, after, source: Some("site.lua".into()) });
    let json = serde_json::to_value(&dialed).unwrap();
    assert_eq!(json["dialed"], "4001");
    assert!(json["steps"][0]["source"].is_null());
    assert_eq!(json["steps"][1]["source"], "site.lua");
}
