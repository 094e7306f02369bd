//! The way into a stream: header, STARTTLS, proof of a password, and binding of a resource or resuming of a session
//! (RFC 6120 sections 4 to 7, XEP-0198 section 5). Nothing but TLS is taken without TLS. Each part of the way after the
//! header has a file of its own, and the proof one for each kind of mechanism.

mod plain;
mod proof;
mod resource;
mod scram;
mod shapes;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::scram::{Binding, MadeUp};
use crate::s2s::{Condition, address};
use crate::xml::{Element, client_header, ns, written_to_client};
use proof::{MECHANISMS, Mechanism, Proof};
use resource::refused_management;
pub use shapes::{Account, Ask, Out, Told, Who, Wish};

/// Where the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Open,
    Over,
}

type Outs = Vec<Out>;
/// The stream's end: a condition and a sentence.
type Ended<T> = Result<T, (Condition, &'static str)>;

/// What a login goes by.
pub struct Rules {
    /// Whether that is the domain of an enterprise of ours.
    pub serves: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Makes identifiers that nobody guesses.
    pub id: fn() -> String,
    /// Keys of logins that nobody has.
    pub made_up: MadeUp,
}

/// One client on its way in.
pub struct Login {
    rules: Arc<Rules>,
    id: String,
    stage: Stage,
    domain: Option<String>,
    /// Channel bindings, once there is TLS.
    bindings: Option<Vec<Binding>>,
    proof: Proof,
    failures: u32,
    who: Option<Who>,
}

impl Login {
    /// Before the header.
    pub fn new(rules: Arc<Rules>) -> Self {
        let id = (rules.id)();
        let (stage, proof) = (Stage::Header, Proof::None);
        Self { rules, id, stage, domain: None, bindings: None, proof, failures: 0, who: None }
    }

    /// TLS stands with these channel bindings; a new header must come.
    pub fn secured(&mut self, bindings: Vec<Binding>) {
        self.bindings = Some(bindings);
        self.stage = Stage::Header;
    }

    /// Who has proved itself.
    pub fn who(&self) -> Option<&Who> {
        self.who.as_ref()
    }

    /// The domain that the client wants to reach.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// The client's header.
    pub fn opened(&mut self, root: &Element, default_ns: &str) -> Outs {
        if self.stage != Stage::Header {
            return self.end(Condition::NotWellFormed, "a stream within the stream");
        }
        self.id = (self.rules.id)();
        match self.judged(root, default_ns) {
            Ok(()) => {
                self.stage = Stage::Open;
                let header = client_header(self.domain.as_deref(), &self.id);
                vec![Out::Send(header + &written_to_client(&self.features()))]
            }
            Err((condition, words)) => self.end(condition, words),
        }
    }

    fn judged(&mut self, root: &Element, default_ns: &str) -> Ended<()> {
        if !root.is(ns::STREAM, "stream") || default_ns != ns::CLIENT {
            let words = "this is a stream of clients: stream:stream with jabber:client";
            return Err((Condition::InvalidNamespace, words));
        }
        let version = root.attribute("version").and_then(|version| version.split('.').next());
        if version.and_then(|major| major.parse::<u32>().ok()) != Some(1) {
            return Err((Condition::UnsupportedVersion, "version 1.0 is spoken here"));
        }
        let to = root.attribute("to").filter(|to| !to.is_empty());
        let to = to.ok_or((Condition::ImproperAddressing, "the header must say `to` which domain"))?;
        let domain = address::domain(to).filter(|domain| (self.rules.serves)(domain));
        let domain = domain.ok_or((Condition::HostUnknown, "that domain is not served here"))?;
        if self.domain.as_ref().is_some_and(|known| *known != domain) {
            return Err((Condition::ImproperAddressing, "`to` has changed since the first header"));
        }
        self.domain = Some(domain);
        Ok(())
    }

    fn features(&self) -> Element {
        let features = Element::new(ns::STREAM, "features");
        let Some(bindings) = &self.bindings else {
            let required = Element::new(ns::TLS, "required");
            return features.child(Element::new(ns::TLS, "starttls").child(required));
        };
        if self.who.is_some() {
            let optional = Element::new(ns::SESSION, "optional");
            return features
                .child(Element::new(ns::BIND, "bind").child(Element::new(ns::BIND, "required")))
                .child(Element::new(ns::SESSION, "session").child(optional))
                .child(Element::new(ns::SM, "sm"))
                .child(Element::new(ns::ROSTER_VERSIONS, "ver"));
        }
        let names = self.mechanisms().map(|(name, _)| Element::new(ns::SASL, "mechanism").text(name));
        let features = features.child(names.fold(Element::new(ns::SASL, "mechanisms"), Element::child));
        if bindings.is_empty() {
            return features;
        }
        let kinds = bindings
            .iter()
            .map(|binding| Element::new(ns::CHANNEL_BINDING, "channel-binding").with("type", binding.kind));
        features.child(kinds.fold(Element::new(ns::CHANNEL_BINDING, "sasl-channel-binding"), Element::child))
    }

    /// Those that are offered, once there is TLS.
    fn mechanisms(&self) -> impl Iterator<Item = &'static (&'static str, Mechanism)> {
        let can_bind = self.bindings.as_ref().is_some_and(|bindings| !bindings.is_empty());
        MECHANISMS.iter().filter(move |(_, mechanism)| {
            can_bind || !matches!(mechanism, Mechanism::Scram { is_bound: true, .. })
        })
    }

    /// A child of the stream.
    pub fn element(&mut self, element: &Element) -> Outs {
        if self.stage != Stage::Open {
            return self.end(Condition::NotAuthorized, "a new header must come first");
        }
        match (element.ns.as_str(), element.name.as_str()) {
            (ns::TLS, "starttls") => self.start_tls(),
            (ns::STREAM, "error") => self.closed(),
            (ns::SASL, _) if self.who.is_some() => {
                self.end(Condition::PolicyViolation, "this stream is authenticated already")
            }
            (ns::SASL, "auth") if self.bindings.is_none() => self.failure("encryption-required"),
            (ns::SASL, "auth") => self.auth(element),
            (ns::SASL, "response") => self.response(element),
            (ns::SASL, "abort") => {
                self.proof = Proof::None;
                self.failure("aborted")
            }
            (ns::SM, "resume") if self.who.is_some() => self.resume(element),
            (ns::SM, "enable") if self.who.is_some() => vec![refused_management("unexpected-request")],
            (ns::CLIENT, "iq") if self.who.is_some() => self.bind(element),
            (ns::CLIENT, "message" | "presence") if self.who.is_some() => {
                self.end(Condition::NotAuthorized, "a resource must be bound first")
            }
            (ns::CLIENT, "message" | "presence" | "iq") => {
                self.end(Condition::NotAuthorized, "no stanza before authentication")
            }
            _ => self.end(Condition::UnsupportedStanzaType, "that is no part of a login"),
        }
    }

    fn start_tls(&mut self) -> Outs {
        if self.bindings.is_some() {
            self.stage = Stage::Over;
            let failure = written_to_client(&Element::new(ns::TLS, "failure"));
            return vec![Out::Send(failure + "</stream:stream>"), Out::Close];
        }
        self.stage = Stage::Header;
        vec![Out::Send(written_to_client(&Element::new(ns::TLS, "proceed"))), Out::StartTls]
    }

    /// Ends the stream for a reason.
    pub fn end(&mut self, condition: Condition, words: &str) -> Outs {
        let text = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => return vec![Out::Close],
            Stage::Open => condition.ending(words),
            Stage::Header => client_header(self.domain.as_deref(), &self.id) + &condition.ending(words),
        };
        vec![Out::Send(text), Out::Close]
    }

    /// The client has closed its side.
    pub fn closed(&mut self) -> Outs {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Open => vec![Out::Send("</stream:stream>".to_owned()), Out::Close],
            _ => vec![Out::Close],
        }
    }
}
