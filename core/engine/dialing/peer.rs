//! Calls to a contact that lives on a peer: `O + P + X` (seed 001). Leaves out what a prefix may hold, which
//! [`prefix`] lints, and the form of public numbers.

use super::prefix::{self, Outgoing};
use super::site::Site;
use super::text;
use super::trace::{self, Trace};
use super::typed::{as_emergency, dial_public, keep_emergency};
use super::{Reading, clean_extension, number, put_outgoing};

/// What is dialed for a peer's contact: emergency numbers and public numbers keep their own rules, except that
/// an extension given with the number wins; everything else is an extension behind outgoing digit and prefix.
pub(super) fn dial_peer(site: &Site, prefix: &str, reading: &Reading, trace: &mut Trace) -> Option<String> {
    if let Some(extension) = &reading.extension {
        let entry = prefer_extension(reading, extension, trace);
        let keys = clean_extension(entry, extension, trace)?;
        return Some(dial_peer_extension(site, prefix, &keys, trace));
    }
    if let Some(keys) = as_emergency(site, &reading.number) {
        let text = format!(
            "The contact's number is the emergency number {keys}: calling it reaches the rescue service. \
             If an extension is meant, write it as \"ext. {keys}\"."
        );
        trace.lint(trace::EMERGENCY_PEER, text);
        return Some(keep_emergency(site, &reading.number, keys, trace));
    }
    if !number::is_public(&reading.number, site) {
        let keys = clean_extension(&reading.number, &reading.number, trace)?;
        return Some(dial_peer_extension(site, prefix, &keys, trace));
    }
    let text = "The number is a public one: the peer dialing prefix is for extensions and is not used.";
    trace.step(trace::PEER_EXTERNAL, &reading.number, &reading.number, text);
    dial_public(site, &reading.number, trace)
}

/// Notes that the extension wins over a number beside it; returns what the trace has got to.
fn prefer_extension<'a>(reading: &'a Reading, extension: &'a str, trace: &mut Trace) -> &'a str {
    if !text::has_keys(&reading.number) {
        return &reading.text;
    }
    let text = "The contact has an extension of its own, which wins over its public number.";
    trace.step(trace::EXTENSION_PREFER, &reading.text, extension, text);
    extension
}

/// `O + P + X`, or without O where the prefix starts with a hyphen or is empty.
fn dial_peer_extension(site: &Site, prefix: &str, keys: &str, trace: &mut Trace) -> String {
    prefix::note_prefix(prefix, site, trace);
    prefix::note_outgoing(site, trace);
    let (body, outgoing) = prefix::split_marker(prefix);
    note_peer_extension(site, body, keys, trace);
    let prefixed = put_prefix(body, keys, trace);
    let dialed = match outgoing {
        Outgoing::Suppressed => suppress_outgoing(prefixed, trace),
        Outgoing::Wanted if prefix.is_empty() => prefixed,
        Outgoing::Wanted => put_outgoing(site, prefixed, trace),
    };
    if site.emergency().contains(&dialed.as_str()) {
        let text =
            format!("Prefix and extension together are the emergency number {dialed}. Change the prefix.");
        trace.lint(trace::EMERGENCY_PEER, text);
    }
    dialed
}

fn note_peer_extension(site: &Site, body: &str, keys: &str, trace: &mut Trace) {
    if body.is_empty() && site.has_extension(keys) {
        let text = format!(
            "No prefix is dialed and {keys} is also an extension of the caller's own PBX, which will ring instead."
        );
        return trace.lint(trace::EXTENSION_LOCAL, text);
    }
    if !body.is_empty() && keys.starts_with(body) {
        let text = format!(
            "The extension {keys} starts with the prefix {body} already, which is dialed twice. \
             Check whether the directory stores the prefix with the extension."
        );
        trace.lint(trace::EXTENSION_PREFIXED, text);
    }
}

fn put_prefix(body: &str, keys: &str, trace: &mut Trace) -> String {
    if body.is_empty() {
        let text = "No peer dialing prefix: the extension is dialed alone and the PBX network routes it.";
        trace.step(trace::PEER_TRANSPARENT, keys, keys, text);
        return keys.to_owned();
    }
    let prefixed = format!("{body}{keys}");
    trace.step(trace::PEER_PREFIX, keys, &prefixed, "The peer dialing prefix was put in front.");
    prefixed
}

fn suppress_outgoing(tail: String, trace: &mut Trace) -> String {
    let text =
        "The prefix starts with a hyphen: the outgoing digit is left out, and the hyphen is not dialed.";
    trace.step(trace::OUTGOING_SUPPRESS, &tail, &tail, text);
    tail
}
