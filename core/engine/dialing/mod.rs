//! What is dialed when somebody calls: `dialed = O + P + X` for a peer's extension (seed 001), X alone inside
//! the own PBX, the national or international form for public numbers, emergency numbers untouched.
//!
//! Values in, values out: [`dial`] is both the code that dials and the preview. Leaves out looking up the
//! account, the peer and the node, the site's scripts, and placing the call.

mod countries;
mod emergency;
mod number;
mod peer;
mod prefix;
mod site;
mod tel;
mod text;
mod trace;
mod typed;

pub use prefix::{PREFIX_CHARS, PeerPrefix, lint_prefix};
pub use site::{ExtensionRange, Site};
pub use trace::{
    DIAL_ADMIT, DIAL_REWRITE, DIALED_LONG, Dialed, EMERGENCY_KEEP, LINT_CODES, LOCAL_KEEP, Lint, PEER_PREFIX,
    PEER_TRANSPARENT, SCRIPT_EMERGENCY, SCRIPT_FAILED, SCRIPT_REJECTED, SCRIPT_TO_EMERGENCY, STEP_CODES,
    Step,
};

use text::{INPUT_CHARS, quote};
use trace::Trace;

/// Longest dialed string, in characters, that passes without a lint.
const DIALED_CHARS: usize = 32;

/// Whom the caller wants to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// An account on the caller's own node.
    Local {
        /// Its extension, as the directory has it.
        extension: String,
    },
    /// A contact that lives on a peer.
    Peer {
        /// The peer's dialing prefix, as stored.
        prefix: String,
        /// The contact's extension, public number or tel: URI, as the directory has it.
        number: String,
    },
    /// Anything typed, or a public number stored somewhere.
    Number {
        /// The number or tel: URI as it stands.
        text: String,
    },
}

/// Decides what the caller's PBX is asked to dial. Never fails and never blocks: where nothing can be dialed,
/// `dialed` is empty and the last step and a lint say why.
pub fn dial(site: &Site, destination: &Destination) -> Dialed {
    let mut trace = Trace::default();
    let dialed = decide(site, destination, &mut trace).unwrap_or_default();
    if let Some(lint) = lint_length(&dialed) {
        trace.lint(lint.code, lint.text);
    }
    trace.finish(dialed)
}

/// What deserves a second look about the length of a dialed string.
pub fn lint_length(dialed: &str) -> Option<Lint> {
    let text =
        format!("More than {DIALED_CHARS} characters are dialed, which many PBXs refuse. Check every part.");
    (dialed.chars().count() > DIALED_CHARS).then_some(Lint { code: DIALED_LONG, text })
}

fn decide(site: &Site, destination: &Destination, trace: &mut Trace) -> Option<String> {
    match destination {
        Destination::Local { extension } => typed::dial_local(site, &accept(extension, trace)?, trace),
        Destination::Peer { prefix, number } => {
            let reading = read(&accept(number, trace)?, trace);
            check_length(prefix, trace)?;
            peer::dial_peer(site, prefix, &reading, trace)
        }
        Destination::Number { text } => typed::dial_number(site, &read(&accept(text, trace)?, trace), trace),
    }
}

/// The text with ASCII digits, or a refusal when it is too long to be anything that can be dialed.
fn accept(text: &str, trace: &mut Trace) -> Option<String> {
    check_length(text, trace)?;
    let ascii = text::to_ascii(text);
    if ascii != text {
        trace.step(
            trace::INPUT_ASCII,
            text,
            &ascii,
            "Outer spaces, invisible marks and other scripts' digits were replaced.",
        );
    }
    Some(ascii)
}

fn check_length(text: &str, trace: &mut Trace) -> Option<()> {
    if text.chars().count() <= INPUT_CHARS {
        return Some(());
    }
    let shown = quote(text);
    let reason =
        format!("{shown} is longer than {INPUT_CHARS} characters and cannot be a number. Correct the entry.");
    trace.lint(trace::INPUT_TOO_LONG, reason.as_str());
    trace.step(trace::INPUT_REFUSE, &shown, "", reason);
    None
}

/// A text divided into a number and an extension that was marked as one, by a label or by `;ext=`.
struct Reading {
    /// The text as far as the trace has got with it.
    text: String,
    /// The number; may be without keys, as in `ext. 4001`.
    number: String,
    extension: Option<String>,
}

fn read(text: &str, trace: &mut Trace) -> Reading {
    if let Some(tel::Tel { number, extension }) = tel::parse(text) {
        trace.step(trace::URI_READ, text, &number, "The tel: URI was taken apart.");
        return Reading { text: number.clone(), number, extension };
    }
    let (number, extension) = text::split_label(text);
    Reading { text: text.to_owned(), number: number.to_owned(), extension: extension.map(str::to_owned) }
}

fn put_outgoing(site: &Site, tail: String, trace: &mut Trace) -> String {
    if site.outgoing_digit.is_empty() {
        trace.step(trace::OUTGOING_NONE, &tail, &tail, "The node has no outgoing digit.");
        return tail;
    }
    let dialed = format!("{}{tail}", site.outgoing_digit);
    trace.step(trace::OUTGOING_ADD, &tail, &dialed, "The node's outgoing digit was put in front.");
    dialed
}

/// The keys of an extension; `entry` is the whole text it came from, for the trace.
fn clean_extension(entry: &str, extension: &str, trace: &mut Trace) -> Option<String> {
    let found = text::extension_keys(extension);
    if found.keys.is_empty() {
        return refuse_empty(entry, trace);
    }
    if found.has_rest {
        let text = format!("Of {} only {} is dialed. Correct the directory entry.", quote(entry), found.keys);
        trace.lint(trace::EXTENSION_REST, text);
    }
    if found.keys != entry {
        trace.step(trace::EXTENSION_CLEAN, entry, &found.keys, "Labels and separators were removed.");
    }
    Some(found.keys)
}

fn refuse_empty(entry: &str, trace: &mut Trace) -> Option<String> {
    let reason = format!("{} holds no digits, so nothing can be dialed. Correct the number.", quote(entry));
    trace.lint(trace::INPUT_EMPTY, reason.as_str());
    trace.step(trace::INPUT_REFUSE, entry, "", reason);
    None
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
