//! Calls that no peer has a part in: own extensions, emergency numbers, public numbers. Leaves out the form of
//! public numbers, which [`number`] decides.

use super::site::Site;
use super::trace::{self, Trace};
use super::{Reading, clean_extension, number, prefix, put_outgoing, refuse_empty, text};

/// What is dialed for an extension of the caller's own node.
pub(super) fn dial_local(site: &Site, extension: &str, trace: &mut Trace) -> Option<String> {
    let labelled = text::split_label(extension);
    let keys = clean_extension(extension, labelled.1.unwrap_or(labelled.0), trace)?;
    prefix::note_outgoing(site, trace);
    if site.emergency().contains(&keys.as_str()) {
        note_emergency_extension(&keys, trace);
    }
    trace.step(trace::LOCAL_KEEP, &keys, &keys, "An extension of the caller's own PBX is dialed alone.");
    Some(keys)
}

/// What is dialed for a number as it stands: emergency, then own extension, then public number.
pub(super) fn dial_number(site: &Site, reading: &Reading, trace: &mut Trace) -> Option<String> {
    let number = without_extension(reading, trace);
    if let Some(keys) = as_emergency(site, number) {
        return Some(keep_emergency(site, number, keys, trace));
    }
    if text::behind_plus(number).is_none() && site.has_extension(&text::extension_keys(number).keys) {
        return dial_local(site, number, trace);
    }
    match as_emergency_behind_outgoing(site, number) {
        Some(keys) => Some(keep_emergency(site, number, keys, trace)),
        None => dial_public(site, number, trace),
    }
}

/// The part that can be dialed before the call is answered; `ext. 4001` alone is the number 4001.
fn without_extension<'a>(reading: &'a Reading, trace: &mut Trace) -> &'a str {
    let Some(extension) = &reading.extension else { return &reading.number };
    if !text::has_keys(&reading.number) {
        return &reading.text;
    }
    let shown = text::quote(extension.trim());
    let text = format!("The extension {shown} is not dialed. Dial it when the call is answered.");
    trace.lint(trace::EXTENSION_DROPPED, text.as_str());
    trace.step(trace::EXTENSION_DROP, &reading.text, &reading.number, text);
    &reading.number
}

/// What is dialed for a public number, outgoing digit included.
pub(super) fn dial_public(site: &Site, number: &str, trace: &mut Trace) -> Option<String> {
    let tail = number::convert(number, site, trace);
    if tail.is_empty() {
        return refuse_empty(number, trace);
    }
    prefix::note_outgoing(site, trace);
    if tail.starts_with(['*', '#']) {
        return Some(tail);
    }
    Some(put_outgoing(site, tail, trace))
}

/// The emergency number that the text is, whatever separators or words surround it.
pub(super) fn as_emergency(site: &Site, number: &str) -> Option<String> {
    let keys = text::number_keys(number).keys;
    let is_emergency = text::behind_plus(number).is_none() && site.emergency().contains(&keys.as_str());
    is_emergency.then_some(keys)
}

/// An emergency number typed with the outgoing digit out of habit: adding a second one would lose the call.
fn as_emergency_behind_outgoing(site: &Site, number: &str) -> Option<String> {
    if text::behind_plus(number).is_some() {
        return None;
    }
    let keys = text::number_keys(number).keys;
    as_emergency(site, keys.strip_prefix(&site.outgoing_digit)?).map(|_| keys)
}

/// Dials an emergency number as it is.
pub(super) fn keep_emergency(site: &Site, entry: &str, keys: String, trace: &mut Trace) -> String {
    if site.has_extension(&keys) {
        note_emergency_extension(&keys, trace);
    }
    trace.step(trace::EMERGENCY_KEEP, entry, &keys, "An emergency number is dialed exactly as it is.");
    keys
}

fn note_emergency_extension(keys: &str, trace: &mut Trace) {
    let text = format!(
        "{keys} is an emergency number and also an extension of the node: the PBX decides which one rings. \
         Give the extension another number."
    );
    trace.lint(trace::EMERGENCY_LOCAL, text);
}
