//! Public numbers: from what was typed to what goes out behind the outgoing digit. Rules: ITU-T E.164 for the
//! shape, the node's (or its country's) international and trunk prefix for the form.
//!
//! Leaves out extensions and emergency numbers, which never come here, and guessing: a number that says neither
//! `+` nor a prefix goes out as typed. Whether a number is assigned to anybody is not checked.

use super::countries::{self, Plan};
use super::site::{EXTENSION_DIGITS, Site};
use super::text;
use super::trace::{self, Trace};

/// Most digits of a number that is a short code rather than a subscriber's.
const SHORT_DIGITS: usize = 6;
/// Fewest and most digits of an international number, calling code included (E.164 section 6 sets the most; no
/// shorter number than the least is known to be in use).
const E164_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Whether a peer's number is a public one rather than an extension: it has a plus sign, keypad letters in a
/// complete number, or more digits than an extension.
pub(super) fn is_public(number: &str, site: &Site) -> bool {
    text::behind_plus(number).is_some()
        || text::number_keys(number).keys.len() > EXTENSION_DIGITS
        || text::spell_out(number)
            .is_some_and(|spelled| has_public_form(&text::number_keys(&spelled).keys, site))
}

fn has_public_form(keys: &str, site: &Site) -> bool {
    if let Some(digits) = site.plan().and_then(|plan| plan.national_digits()) {
        return keys.strip_prefix(site.trunk_prefix()).is_some_and(|national| national.len() == digits);
    }
    let trunk = site.trunk_prefix();
    behind_international_prefix(keys, site).is_some() || (!trunk.is_empty() && keys.starts_with(trunk))
}

/// The digits to dial for a public number, without the outgoing digit; empty when the text holds none.
pub(super) fn convert(number: &str, site: &Site, trace: &mut Trace) -> String {
    let typed = clean(number, trace);
    if typed.is_empty() {
        return typed;
    }
    match global_digits(&typed, site, trace) {
        Some(digits) => dial_global(&without_trunk(digits, trace), site, trace),
        None => dial_plain(&typed, site, trace),
    }
}

/// Keys only, with the leading plus where there is one.
fn clean(number: &str, trace: &mut Trace) -> String {
    let spelled = text::spell_out(number);
    if let Some(spelled) = &spelled {
        trace.step(trace::NUMBER_LETTERS, number, spelled, "Keypad letters became digits.");
    }
    let number = spelled.as_deref().unwrap_or(number);
    let found = text::number_keys(number);
    if found.keys.is_empty() {
        return String::new();
    }
    if found.has_rest {
        let shown = text::quote(number);
        let text = format!("Text around the number in {shown} was ignored. Check that the rest is right.");
        trace.lint(trace::NUMBER_REST, text);
    }
    let plus = if text::behind_plus(number).is_some() { "+" } else { "" };
    let typed = format!("{plus}{}", found.keys);
    if typed != number {
        trace.step(trace::NUMBER_CLEAN, number, &typed, "Separators, labels and other text were removed.");
    }
    typed
}

/// The international digits of a number that says it is international.
fn global_digits(typed: &str, site: &Site, trace: &mut Trace) -> Option<String> {
    if let Some(digits) = typed.strip_prefix('+') {
        return Some(digits.to_owned());
    }
    let digits = behind_international_prefix(typed, site)?;
    let text = "The node's international prefix was read as a plus sign.";
    trace.step(trace::NUMBER_GLOBAL, typed, &format!("+{digits}"), text);
    Some(digits.to_owned())
}

fn behind_international_prefix<'a>(keys: &'a str, site: &Site) -> Option<&'a str> {
    keys.strip_prefix(site.international_prefix()?).filter(|digits| is_global(digits))
}

fn is_global(digits: &str) -> bool {
    E164_DIGITS.contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `+33 (0)1 …` without the zero that is dialed inside the country only; Italy's zero belongs to the number.
fn without_trunk(digits: String, trace: &mut Trace) -> String {
    let codes = (1..=3).filter_map(|length| digits.split_at_checked(length));
    let mut national = codes.filter(|(code, _)| countries::trunk_of(code) == "0");
    let Some((code, rest)) = national.next().and_then(|(code, rest)| Some((code, rest.strip_prefix('0')?)))
    else {
        return digits;
    };
    let bare = format!("{code}{rest}");
    let text = "The trunk prefix behind the calling code is not dialed from abroad.";
    trace.step(trace::NUMBER_TRUNK, &format!("+{digits}"), &format!("+{bare}"), text);
    bare
}

fn dial_global(digits: &str, site: &Site, trace: &mut Trace) -> String {
    let global = format!("+{digits}");
    let plan = site.plan();
    let national = plan.and_then(|plan| digits.strip_prefix(plan.calling_code));
    if !is_global(digits) || !fits_plan(national, plan) {
        let shown = text::quote(&global);
        let text = format!("{shown} does not have the shape of an international number (E.164). Correct it.");
        trace.lint(trace::NUMBER_SHAPE, text);
        return as_typed(&global, "It is not a valid international number.", trace);
    }
    let Some(national) = national else { return dial_abroad(&global, digits, site, trace) };
    let dialed = format!("{}{national}", site.trunk_prefix());
    let text = "The number is in the node's own numbering plan: national form with the trunk prefix.";
    trace.step(trace::NUMBER_NATIONAL, &global, &dialed, text);
    dialed
}

fn fits_plan(national: Option<&str>, plan: Option<Plan>) -> bool {
    let Some((national, digits)) = national.zip(plan.and_then(|plan| plan.national_digits())) else {
        return true;
    };
    national.len() == digits
}

fn dial_abroad(global: &str, digits: &str, site: &Site, trace: &mut Trace) -> String {
    note_country(site, trace);
    let Some(prefix) = site.international_prefix() else {
        trace.lint(
            trace::NUMBER_PLUS,
            "The node's international prefix is not known, so the plus sign was kept; most PBXs refuse it. \
             Enter the international prefix in the node's settings.",
        );
        let reason = "The international prefix is not known; without it another number would ring.";
        return as_typed(global, reason, trace);
    };
    let dialed = format!("{prefix}{digits}");
    let text = match site.plan() {
        Some(_) => "The number is of another numbering plan: international prefix and calling code.",
        None => "The node's country is not known: dialed the international way, which reaches any country.",
    };
    trace.step(trace::NUMBER_INTERNATIONAL, global, &dialed, text);
    dialed
}

/// A number without plus or international prefix.
fn dial_plain(typed: &str, site: &Site, trace: &mut Trace) -> String {
    if typed.starts_with(['*', '#']) {
        return as_typed(typed, "A feature code is for the PBX itself: no outgoing digit.", trace);
    }
    if typed.len() <= SHORT_DIGITS {
        trace.step(
            trace::NUMBER_SHORT,
            typed,
            typed,
            "A short number is the same everywhere in the country.",
        );
        return typed.to_owned();
    }
    if typed.len() > *E164_DIGITS.end() {
        trace.lint(
            trace::NUMBER_SHAPE,
            format!("{} has more digits than any public number. Correct the number.", text::quote(typed)),
        );
    }
    let Some(plan) = site.plan() else {
        note_country(site, trace);
        return as_typed(typed, "The node's country is not known, so the number was not converted.", trace);
    };
    match plan.national_digits() {
        Some(digits) => dial_fixed_length(typed, digits, plan, site, trace),
        None => dial_national(typed, site, trace),
    }
}

/// National numbers of one length: recognisable with and without the trunk prefix.
fn dial_fixed_length(typed: &str, digits: usize, plan: Plan, site: &Site, trace: &mut Trace) -> String {
    let bare = typed.strip_prefix(plan.trunk_prefix).filter(|bare| bare.len() == digits).unwrap_or(typed);
    if bare.len() != digits {
        return as_typed(typed, "It has neither a plus sign nor the length of a national number.", trace);
    }
    let dialed = format!("{}{bare}", site.trunk_prefix());
    let text = "A national number by its length: dialed with the node's trunk prefix.";
    trace.step(trace::NUMBER_NATIONAL, typed, &dialed, text);
    dialed
}

fn dial_national(typed: &str, site: &Site, trace: &mut Trace) -> String {
    let trunk = site.trunk_prefix();
    if !typed.starts_with(trunk) {
        return as_typed(
            typed,
            "It starts with neither a plus sign nor the trunk prefix, and guessing may ring a stranger.",
            trace,
        );
    }
    trace.step(trace::NUMBER_NATIONAL, typed, typed, "The number is in national form already.");
    typed.to_owned()
}

fn as_typed(typed: &str, reason: &str, trace: &mut Trace) -> String {
    trace.step(trace::NUMBER_AS_TYPED, typed, typed, reason);
    typed.to_owned()
}

fn note_country(site: &Site, trace: &mut Trace) {
    if site.plan().is_some() {
        return;
    }
    let country = site.country.as_deref().unwrap_or("none");
    let country = text::quote(country);
    let text = format!(
        "The node's country is {country}, which gives no dialing rules: numbers are not converted. \
         Enter the country's two-letter code in the node's settings."
    );
    trace.lint(trace::COUNTRY_UNKNOWN, text);
}
