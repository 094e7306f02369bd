//! What a dialing decision leaves behind: the string, the steps that made it, and the lints beside it.
//! Every stable code is declared here once. Leaves out the rules, which live beside what they judge.

use serde::Serialize;

/// One thing that was done (or deliberately not done) on the way to the dialed string.
///
/// A site's script adds its own steps with code `dial.rewrite` or `dial.admit` and its file and line as `source`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Stable code, one of [`STEP_CODES`].
    pub code: &'static str,
    /// What happened and why, in plain words.
    pub text: String,
    /// The string before this step.
    pub before: String,
    /// The string after this step.
    pub after: String,
    /// Who did it, where that is not this engine: the script's file and line, `site/NAME.lua:LINE`.
    pub source: Option<String>,
}

/// Something that deserves a second look. A lint never blocks saving or dialing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// Stable code, one of [`LINT_CODES`].
    pub code: &'static str,
    /// What was found, what it may cause and what to do, as a sentence.
    pub text: String,
}

/// The outcome of [`dial`](super::dial).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dialed {
    /// What the PBX is asked to dial; empty when there is nothing that could be dialed (a lint says why).
    pub dialed: String,
    /// How it came about, in order.
    pub steps: Vec<Step>,
    /// What deserves a second look.
    pub lints: Vec<Lint>,
}

/// Declares codes as constants and collects them, with their meanings, in one list.
macro_rules! codes {
    ($list:ident, $about:literal: $($name:ident $code:literal $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: &str = $code;)*
        #[doc = $about]
        pub const $list: &[(&str, &str)] = &[$(($name, $meaning)),*];
    };
}

codes! { STEP_CODES, "Every step of this engine: code and meaning.":
    INPUT_REFUSE "input.refuse" "The input cannot be dialed; nothing is dialed.";
    INPUT_ASCII "input.ascii" "Outer spaces, invisible marks and other scripts' digits were replaced.";
    EMERGENCY_KEEP "emergency.keep" "An emergency number goes out exactly as it is.";
    URI_READ "uri.read" "A tel: URI was taken apart (RFC 3966).";
    EXTENSION_PREFER "extension.prefer" "The extension given with a number wins for a peer's contact.";
    EXTENSION_DROP "extension.drop" "The extension given with a number is not dialed with it.";
    EXTENSION_CLEAN "extension.clean" "Labels and separators were removed from an extension.";
    LOCAL_KEEP "local.keep" "An extension of the caller's own PBX is dialed alone.";
    PEER_TRANSPARENT "peer.transparent" "No peer dialing prefix: the PBX network routes the extension.";
    PEER_PREFIX "peer.prefix" "The peer dialing prefix was put in front.";
    PEER_EXTERNAL "peer.external" "The contact's number is external: the peer dialing prefix is not used.";
    OUTGOING_ADD "outgoing.add" "The node's outgoing digit was put in front.";
    OUTGOING_SUPPRESS "outgoing.suppress" "The prefix's leading hyphen drops the outgoing digit.";
    OUTGOING_NONE "outgoing.none" "The node has no outgoing digit.";
    NUMBER_CLEAN "number.clean" "Separators and labels were removed from a number.";
    NUMBER_LETTERS "number.letters" "Letters became keypad digits (ITU-T E.161).";
    NUMBER_GLOBAL "number.global" "The international prefix was read as a plus sign (ITU-T E.164).";
    NUMBER_TRUNK "number.trunk" "A trunk prefix behind the calling code was removed.";
    NUMBER_NATIONAL "number.national" "A number of the caller's own country got its national form.";
    NUMBER_INTERNATIONAL "number.international" "A number of another country got the international prefix.";
    NUMBER_SHORT "number.short" "A short number is not converted.";
    NUMBER_AS_TYPED "number.as_typed" "The number was not converted; the step says why.";
    SCRIPT_EMERGENCY "script.emergency" "An emergency number: no script is asked about it.";
    DIAL_REWRITE "dial.rewrite" "A script of the site was asked for another number; the step says what it made of it.";
    DIAL_ADMIT "dial.admit" "A script of the site was asked whether the call may be made; the step says what it decided.";
}

codes! { LINT_CODES, "Every lint: code and meaning.":
    INPUT_TOO_LONG "input.too_long" "The input is longer than any number and was not processed.";
    INPUT_EMPTY "input.empty" "Nothing that can be dialed is left after cleaning.";
    PREFIX_CHARACTERS "prefix.characters" "The prefix holds characters a PBX cannot dial.";
    PREFIX_HYPHEN "prefix.hyphen" "The prefix holds a hyphen that is not its leading marker.";
    PREFIX_SPACE "prefix.space" "The prefix starts or ends with a space.";
    PREFIX_FEATURE "prefix.feature_code" "The prefix looks like a PBX feature code.";
    PREFIX_DOUBLED "prefix.outgoing_doubled" "The prefix starts with the outgoing digit already.";
    PREFIX_EMERGENCY "prefix.emergency" "The prefix starts like an emergency number.";
    PREFIX_SHORT_CODE "prefix.short_code" "The prefix is a public short code.";
    PREFIX_TRANSPARENT "prefix.transparent" "A prefix is set although the node routes transparently.";
    PREFIX_MISSING "prefix.missing" "No prefix although the node does not route transparently.";
    PREFIX_SHARED "prefix.shared" "Another peer on a different PBX has the same prefix.";
    PREFIX_AMBIGUOUS "prefix.ambiguous" "One peer's prefix is the beginning of another's.";
    OUTGOING_OVERLAP "outgoing.overlap" "The outgoing digit starts extensions of the node itself.";
    EXTENSION_PREFIXED "extension.prefixed" "The extension starts with the prefix already.";
    EXTENSION_LOCAL "extension.local" "The peer's extension also exists on the caller's PBX.";
    EXTENSION_REST "extension.rest_ignored" "Text around the extension was ignored.";
    EXTENSION_DROPPED "extension.not_dialed" "An extension behind an external number was not dialed.";
    EMERGENCY_LOCAL "emergency.local_extension" "An emergency number is also a local extension.";
    EMERGENCY_PEER "emergency.peer_extension" "A peer's contact has an emergency number as its number.";
    NUMBER_REST "number.rest_ignored" "Text around the number was ignored.";
    NUMBER_SHAPE "number.shape" "The number does not have the shape of a public number.";
    NUMBER_PLUS "number.plus_kept" "A plus sign was kept because the international prefix is unknown.";
    COUNTRY_UNKNOWN "country.unknown" "The node's country is missing or not in the table.";
    DIALED_LONG "dialed.long" "The dialed string is longer than most PBXs accept.";
    SCRIPT_FAILED "script.failed" "A script of the site failed, and the policy of its hook took its place.";
    SCRIPT_REJECTED "script.rejected" "A script of the site, or the policy in its place, rejected the call: nothing is dialed.";
    SCRIPT_TO_EMERGENCY "script.made_emergency" "A script of the site made an emergency number of another one.";
}

/// Collects steps and lints while a number is worked on.
#[derive(Debug, Default)]
pub(super) struct Trace {
    steps: Vec<Step>,
    lints: Vec<Lint>,
}

impl Trace {
    /// Notes a step from `before` to `after`.
    pub(super) fn step(&mut self, code: &'static str, before: &str, after: &str, text: impl Into<String>) {
        let (before, after) = (before.to_owned(), after.to_owned());
        self.steps.push(Step { code, text: text.into(), before, after, source: None });
    }

    /// Notes a lint.
    pub(super) fn lint(&mut self, code: &'static str, text: impl Into<String>) {
        self.lints.push(Lint { code, text: text.into() });
    }

    /// Closes the trace with what is dialed.
    pub(super) fn finish(self, dialed: String) -> Dialed {
        Dialed { dialed, steps: self.steps, lints: self.lints }
    }
}
