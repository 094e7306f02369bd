//! The peer dialing prefix (seed 001): its one hard rule, its leading hyphen, and the lints around it.
//! Leaves out putting it in front of an extension, which [`dial`](super::dial) does.

use super::emergency;
use super::site::Site;
use super::text::{INPUT_CHARS, quote};
use super::trace::{self, Lint, Trace};

/// Longest peer dialing prefix in Unicode scalar values, a leading hyphen included (seed 001).
pub const PREFIX_CHARS: usize = 20;
/// Most lints of one kind that a comparison with other peers returns.
const SHOWN: usize = 5;

/// One peer's prefix, to compare peers with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerPrefix<'a> {
    /// The peer's name, as the reader knows it.
    pub peer: &'a str,
    /// Its peer dialing prefix, as stored.
    pub prefix: &'a str,
    /// Which PBX its extensions live on; empty when unknown, which counts as different from every other.
    pub pbx: &'a str,
}

/// Every lint for the form in which `own` is saved: the prefix alone, with the node, and beside other peers.
/// An entry of `others` with `own`'s name is `own` as it was stored before, and is skipped.
pub fn lint_prefix(own: &PeerPrefix<'_>, site: &Site, others: &[PeerPrefix<'_>]) -> Vec<Lint> {
    let mut trace = Trace::default();
    note_prefix(own.prefix, site, &mut trace);
    note_outgoing(site, &mut trace);
    note_others(own, site, others, &mut trace);
    trace.finish(String::new()).lints
}

/// The prefix without its marker, and whether the outgoing digit goes in front. Only the first hyphen is a marker.
pub(super) fn split_marker(prefix: &str) -> (&str, Outgoing) {
    match prefix.strip_prefix('-') {
        Some(body) => (body, Outgoing::Suppressed),
        None => (prefix, Outgoing::Wanted),
    }
}

/// What the prefix says about the outgoing digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// No leading hyphen: the node's digit goes in front.
    Wanted,
    /// Leading hyphen: it does not.
    Suppressed,
}

/// Lints that concern the prefix alone or together with the node.
pub(super) fn note_prefix(prefix: &str, site: &Site, trace: &mut Trace) {
    if prefix.chars().count() > INPUT_CHARS {
        return trace.lint(trace::INPUT_TOO_LONG, "The peer dialing prefix is far too long to be examined.");
    }
    let (body, outgoing) = split_marker(prefix);
    note_routing(prefix, site, trace);
    note_characters(prefix, body, trace);
    note_doubling(body, outgoing, site, trace);
    note_public_codes(body, outgoing, site, trace);
}

fn note_routing(prefix: &str, site: &Site, trace: &mut Trace) {
    match (prefix, site.transparent) {
        ("", false) => trace.lint(
            trace::PREFIX_MISSING,
            "The node does not route peers' extensions itself, yet no peer dialing prefix is set: the bare \
             extension will be dialed. Enter the prefix, or mark the node as transparent.",
        ),
        // A hyphen alone says on purpose that nothing goes in front, which suits either kind of node.
        ("" | "-", _) | (_, false) => {}
        (_, true) => trace.lint(
            trace::PREFIX_TRANSPARENT,
            "The node routes peers' extensions itself, yet a peer dialing prefix is set and will be dialed. \
             Clear one of the two.",
        ),
    }
}

fn note_characters(prefix: &str, body: &str, trace: &mut Trace) {
    let is_key = |mark: char| mark.is_ascii_digit() || matches!(mark, '*' | '#' | 'A'..='D');
    if prefix.starts_with(char::is_whitespace) || prefix.ends_with(char::is_whitespace) {
        trace.lint(
            trace::PREFIX_SPACE,
            "The prefix starts or ends with a space, and it is dialed as typed. Remove it.",
        );
    }
    if body.contains('-') {
        trace.lint(
            trace::PREFIX_HYPHEN,
            "Only a hyphen in first place drops the outgoing digit; every other hyphen is dialed as typed. Remove it.",
        );
    }
    let wrong: String = body.trim().chars().filter(|mark| !is_key(*mark) && *mark != '-').collect();
    if !wrong.is_empty() {
        let wrong = quote(&wrong);
        let text = format!("A PBX dials 0-9, *, # and A-D; the prefix also holds {wrong}, dialed as typed.");
        trace.lint(trace::PREFIX_CHARACTERS, text);
    }
    if body.starts_with(['*', '#']) {
        let text =
            "The prefix starts like a PBX feature code. Make sure the PBX expects it in front of a number.";
        trace.lint(trace::PREFIX_FEATURE, text);
    }
}

fn note_doubling(body: &str, outgoing: Outgoing, site: &Site, trace: &mut Trace) {
    let digit = site.outgoing_digit.as_str();
    if outgoing == Outgoing::Suppressed || digit.is_empty() || !body.starts_with(digit) {
        return;
    }
    let text = format!(
        "The prefix starts with the outgoing digit {digit}, which the node adds as well: it is dialed twice. \
         Leave it out of the prefix, or put a hyphen in front."
    );
    trace.lint(trace::PREFIX_DOUBLED, text);
}

fn note_public_codes(body: &str, outgoing: Outgoing, site: &Site, trace: &mut Trace) {
    let lead = lead(body, outgoing, site);
    let starts = |number: &&str| body.starts_with(*number) || lead.starts_with(*number);
    if let Some(number) = site.emergency().into_iter().find(starts) {
        let text = format!(
            "What is dialed starts with the emergency number {number}: the call may reach the rescue service \
             before the extension is dialed. Choose another prefix."
        );
        trace.lint(trace::PREFIX_EMERGENCY, text);
    }
    if emergency::short_codes(site.country.as_deref()).contains(&body) {
        let text =
            format!("The prefix {body} is a public short code in the node's country. Choose another prefix.");
        trace.lint(trace::PREFIX_SHORT_CODE, text);
    }
}

/// Lints the node's outgoing digit against its own extensions.
pub(super) fn note_outgoing(site: &Site, trace: &mut Trace) {
    let digit = site.outgoing_digit.as_str();
    let Some(range) = site.extension_ranges.iter().find(|range| range.starts_with(digit)) else { return };
    let text = format!(
        "The node's outgoing digit {digit} also starts its extensions {range}: the PBX may take an outgoing call \
         for an internal one. Check both in the node's settings."
    );
    trace.lint(trace::OUTGOING_OVERLAP, text);
}

/// What is dialed in front of the extension.
fn lead(body: &str, outgoing: Outgoing, site: &Site) -> String {
    match outgoing {
        Outgoing::Wanted => format!("{}{body}", site.outgoing_digit),
        Outgoing::Suppressed => body.to_owned(),
    }
}

fn note_others(own: &PeerPrefix<'_>, site: &Site, others: &[PeerPrefix<'_>], trace: &mut Trace) {
    let Some(lead) = peer_lead(own, site) else { return };
    let others = others.iter().filter(|other| other.peer != own.peer);
    let leads: Vec<_> = others.filter_map(|other| Some((other, peer_lead(other, site)?))).collect();
    let same = leads.iter().filter(|(other, theirs)| *theirs == lead && is_elsewhere(own, other));
    for (other, _) in same.take(SHOWN) {
        let peer = quote(other.peer);
        let text =
            format!("The peer {peer} is dialed with the same digits but is on a different PBX. Change one.");
        trace.lint(trace::PREFIX_SHARED, text);
    }
    let nested = |theirs: &str| theirs != lead && (theirs.starts_with(&lead) || lead.starts_with(theirs));
    for (other, _) in leads.iter().filter(|(_, theirs)| nested(theirs)).take(SHOWN) {
        let (peer, prefix) = (quote(other.peer), quote(other.prefix));
        let text = format!(
            "This prefix and that of the peer {peer}, {prefix}, begin alike: the PBX may route one peer's calls \
             to the other. Make sure its numbering tells them apart."
        );
        trace.lint(trace::PREFIX_AMBIGUOUS, text);
    }
}

/// What is dialed in front of a peer's extensions; `None` when the prefix adds nothing or is oversized.
fn peer_lead(peer: &PeerPrefix<'_>, site: &Site) -> Option<String> {
    let (body, outgoing) = split_marker(peer.prefix);
    (!body.is_empty() && body.chars().count() <= INPUT_CHARS).then(|| lead(body, outgoing, site))
}

fn is_elsewhere(own: &PeerPrefix<'_>, other: &PeerPrefix<'_>) -> bool {
    own.pbx.is_empty() || other.pbx.is_empty() || own.pbx != other.pbx
}

#[cfg(test)]
#[path = "prefix_tests.rs"]
mod tests;
