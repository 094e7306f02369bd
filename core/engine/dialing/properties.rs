//! What holds for every prefix and every number, whatever people type.

use proptest::prelude::*;

use super::text::to_ascii;
use super::*;

fn site(country: &str, outgoing_digit: &str) -> Site {
    let outgoing_digit = outgoing_digit.to_owned();
    Site { outgoing_digit, country: Some(country.to_owned()), ..Site::default() }
}

fn dial_peer(site: &Site, prefix: &str, number: &str) -> Dialed {
    dial(site, &Destination::Peer { prefix: prefix.to_owned(), number: number.to_owned() })
}

/// Any prefix that may be stored.
fn any_prefix() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..=20).prop_map(String::from_iter)
}

/// Any prefix that is not empty and has no leading hyphen.
fn adding_prefix() -> impl Strategy<Value = String> {
    let first = any::<char>().prop_filter("a leading hyphen is the marker", |mark| *mark != '-');
    (first, proptest::collection::vec(any::<char>(), 0..=19))
        .prop_map(|(first, rest)| [first].into_iter().chain(rest).collect())
}

/// Text as directories hold it: mostly what numbers are made of, some of everything else.
fn any_number() -> impl Strategy<Value = String> {
    let mark = prop_oneof![
        4 => proptest::char::range('0', '9'),
        3 => proptest::sample::select("+-()/.;=*#% xextDurchwahlABCtel:\u{661}\u{FF14}\u{200E}".chars().collect::<Vec<_>>()),
        1 => any::<char>(),
    ];
    let text = proptest::collection::vec(mark, 0..=200).prop_map(String::from_iter);
    let uri = text.clone().prop_map(|text| format!("tel:{text}").chars().take(200).collect());
    prop_oneof![text, uri]
}

/// Extensions that are no emergency number of the sites used here.
fn any_extension() -> impl Strategy<Value = String> {
    "[0-9]{1,8}".prop_filter("emergency numbers have their own rule", |digits| {
        ["FR", "US"].iter().all(|country| !site(country, "").emergency().contains(&digits.as_str()))
    })
}

fn any_site() -> impl Strategy<Value = Site> {
    let country = proptest::sample::select(vec!["FR", "US", "IT", "RU", "HU", "BR", "QQ", ""]);
    (country, "[0-9]{0,2}").prop_map(|(country, digit)| site(country, &digit))
}

proptest! {
    // A case that once failed becomes a test with a name, not a line in a side file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_prefix_without_leading_hyphen_gives_exactly_outgoing_digit_prefix_extension(
        prefix in adding_prefix(), extension in any_extension(), digit in "[0-9]{0,2}"
    ) {
        let dialed = dial_peer(&site("FR", &digit), &prefix, &extension).dialed;
        prop_assert_eq!(dialed, format!("{digit}{prefix}{extension}"));
    }

    #[test]
    fn a_leading_hyphen_never_adds_the_outgoing_digit(body in any_prefix(), extension in any_extension()) {
        let dialed = dial_peer(&site("US", "9"), &format!("-{body}"), &extension).dialed;
        prop_assert_eq!(dialed, format!("{body}{extension}"));
    }

    #[test]
    fn a_peer_extension_is_made_of_nothing_but_its_three_parts(
        site in any_site(), prefix in any_prefix(), extension in "[0-9 .*#a-z\u{660}-\u{669}]{0,8}"
    ) {
        let dialed = dial_peer(&site, &prefix, &extension);
        let parts = format!("{}{prefix}{}", site.outgoing_digit, to_ascii(&extension));
        prop_assert!(dialed.dialed.chars().all(|mark| parts.contains(mark)));
    }

    #[test]
    fn no_input_stops_the_engine_and_the_steps_lead_unbroken_from_input_to_result(
        site in any_site(), prefix in any_prefix(), text in any_number()
    ) {
        for destination in [
            Destination::Peer { prefix: prefix.clone(), number: text.clone() },
            Destination::Local { extension: text.clone() },
            Destination::Number { text: text.clone() },
        ] {
            let dialed = dial(&site, &destination);
            let has_reason = dialed.steps.last().is_some_and(|step| step.code == trace::INPUT_REFUSE);
            prop_assert_eq!(dialed.dialed.is_empty(), has_reason);
            prop_assert_eq!(&dialed.steps[0].before, &text);
            prop_assert!(dialed.steps.windows(2).all(|pair| pair[0].after == pair[1].before), "{:?}", dialed.steps);
            prop_assert_eq!(dialed.steps.last().map(|step| step.after.clone()), Some(dialed.dialed));
        }
    }

    #[test]
    fn a_public_number_goes_out_as_dialable_keys_with_at_most_a_leading_plus(site in any_site(), text in any_number()) {
        let dialed = dial(&site, &Destination::Number { text }).dialed;
        let keys = dialed.strip_prefix(&site.outgoing_digit).unwrap_or(&dialed);
        let keys = keys.strip_prefix('+').unwrap_or(keys);
        prop_assert!(keys.chars().all(|mark| mark.is_ascii_digit() || matches!(mark, '*' | '#')), "{}", dialed);
    }

    #[test]
    fn any_prefix_and_any_range_can_be_examined(site in any_site(), prefix in any_prefix(), other in any_prefix()) {
        let own = PeerPrefix { peer: "own", prefix: &prefix, pbx: "1" };
        let others = [PeerPrefix { peer: "other", prefix: &other, pbx: "2" }];
        for lint in lint_prefix(&own, &site, &others) {
            prop_assert!(LINT_CODES.iter().any(|(code, _)| *code == lint.code));
        }
        prop_assert_eq!(ExtensionRange::parse(&prefix).is_ok_and(|range| range.to_string().is_empty()), false);
    }
}
