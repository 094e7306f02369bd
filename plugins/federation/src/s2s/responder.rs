//! The end of a stream that was connected to. Takes header, elements, TLS and answers about keys; says what to do.

mod keys;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use data_encoding::BASE64;

use super::address;
use super::dialback::Secret;
use super::policy::{Policy, Rules};
use super::shared::{Condition, Judge, Out, Pair};
use crate::xml::{Element, header, ns, written};

/// Most attempts to authenticate (RFC 6120 section 6.4.5 wants at least two).
const MOST_FAILURES: u32 = 3;

/// Where the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its header must come.
    Header,
    /// Its header came.
    Open,
    /// It has ended.
    Over,
}

/// One inbound stream.
pub struct Responder<R> {
    rules: R,
    secret: Arc<Secret>,
    ids: Box<dyn Fn() -> String + Send + Sync>,
    id: String,
    stage: Stage,
    /// Judges the peer's certificate once there is TLS.
    judge: Option<Judge>,
    /// Domains of the first header; later ones must be the same.
    from: Option<String>,
    to: Option<String>,
    has_external: bool,
    failures: u32,
    verified: BTreeSet<Pair>,
    pending: BTreeMap<Pair, String>,
}

type Outs = Vec<Out>;
/// The stream's end: a condition and a sentence.
type Ended<T> = Result<T, (Condition, String)>;

impl<R: Rules> Responder<R> {
    /// Before the header; `ids` makes identifiers that nobody guesses.
    pub fn new(rules: R, secret: Arc<Secret>, ids: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self {
            rules,
            secret,
            id: ids(),
            ids: Box::new(ids),
            stage: Stage::Header,
            judge: None,
            from: None,
            to: None,
            has_external: false,
            failures: 0,
            verified: BTreeSet::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Who the peer says it is.
    pub fn peer(&self) -> Option<&str> {
        self.from.as_deref()
    }

    /// Whom it wants to reach.
    pub fn own(&self) -> Option<&str> {
        self.to.as_deref()
    }

    /// Pairs that may send.
    pub fn verified(&self) -> &BTreeSet<Pair> {
        &self.verified
    }

    /// Whether the peer proved itself by its certificate.
    pub fn has_external(&self) -> bool {
        self.has_external
    }

    /// TLS stands; a new header must come.
    pub fn secured(&mut self, judge: Judge) {
        self.judge = Some(judge);
        self.stage = Stage::Header;
    }

    /// The peer's header.
    pub fn opened(&mut self, root: &Element, default_ns: &str) -> Outs {
        if self.stage != Stage::Header {
            return self.end(Condition::NotWellFormed, "a stream within the stream");
        }
        self.id = (self.ids)();
        match self.judged(root, default_ns) {
            Ok(is_modern) => {
                self.stage = Stage::Open;
                let mut text = header(self.to.as_deref(), self.from.as_deref(), Some(&self.id));
                match self.features() {
                    Ok(features) if is_modern => text += &written(&features),
                    Ok(_) => {}
                    Err((condition, words)) => {
                        text += &condition.ending(&words);
                        self.stage = Stage::Over;
                        return vec![Out::Send(text), Out::Close];
                    }
                }
                vec![Out::Send(text)]
            }
            Err((condition, words)) => self.end(condition, &words),
        }
    }

    /// Whether it is a version that has features; or what is wrong with the header.
    fn judged(&mut self, root: &Element, default_ns: &str) -> Ended<bool> {
        let no = |condition, words: &str| Err((condition, words.to_owned()));
        if !root.is(ns::STREAM, "stream") || default_ns != ns::SERVER {
            return no(
                Condition::InvalidNamespace,
                "this is a stream between servers: stream:stream with jabber:server",
            );
        }
        let version = root.attribute("version").unwrap_or("0.9");
        let is_modern = match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
            Some(0) => false,
            Some(1) => true,
            _ => return no(Condition::UnsupportedVersion, "version 1.0 is spoken here"),
        };
        let to = root.attribute("to").filter(|to| !to.is_empty());
        let from = root.attribute("from").filter(|from| !from.is_empty());
        match to.map(address::domain) {
            None if is_modern => return no(Condition::ImproperAddressing, "the header must say `to` whom"),
            None => {}
            Some(None) => return no(Condition::HostUnknown, "`to` is no domain"),
            Some(Some(to)) if !self.rules.speaks_for(&to) => {
                return no(Condition::HostUnknown, "that domain is not served here");
            }
            Some(Some(to)) if self.to.as_ref().is_some_and(|known| *known != to) => {
                return no(Condition::ImproperAddressing, "`to` has changed since the first header");
            }
            Some(to) => self.to = to,
        }
        match from.map(address::domain) {
            None => {}
            Some(None) => return no(Condition::InvalidFrom, "`from` is no domain"),
            Some(Some(from)) if self.from.as_ref().is_some_and(|known| *known != from) => {
                return no(Condition::InvalidFrom, "`from` has changed since the first header");
            }
            Some(Some(from)) if self.rules.serves(&from) => {
                return no(Condition::InvalidFrom, "`from` is a domain that is served here");
            }
            Some(Some(from)) if self.rules.partner(&from).is_none() => {
                let words = format!("{from} is not among the federated servers here");
                return Err((Condition::PolicyViolation, words));
            }
            Some(from) => self.from = from,
        }
        Ok(is_modern)
    }

    /// What is offered; or why there is nothing to offer.
    fn features(&self) -> Ended<Element> {
        let features = Element::new(ns::STREAM, "features");
        let dialback = || {
            Element::new(ns::DIALBACK_FEATURE, "dialback").child(Element::new(ns::DIALBACK_FEATURE, "errors"))
        };
        if !self.verified.is_empty() {
            return Ok(features.child(dialback()));
        }
        let policy = self.from.as_deref().and_then(|from| self.rules.partner(from));
        if self.judge.is_none() {
            let starttls = Element::new(ns::TLS, "starttls");
            return Ok(match policy {
                Some(Policy::PlainDialback) => features.child(starttls).child(dialback()),
                _ => features.child(starttls.child(Element::new(ns::TLS, "required"))),
            });
        }
        let Some(from) = &self.from else { return Ok(features.child(dialback())) };
        match (self.vouched(from), policy) {
            (Ok(()), _) => {
                let external = Element::new(ns::SASL, "mechanism").text("EXTERNAL");
                Ok(features.child(Element::new(ns::SASL, "mechanisms").child(external)).child(dialback()))
            }
            (Err(_), Some(Policy::TlsDialback | Policy::PlainDialback)) => Ok(features.child(dialback())),
            (Err(wrong), _) => Err((Condition::NotAuthorized, wrong)),
        }
    }

    /// Whether the certificate speaks for that domain.
    fn vouched(&self, domain: &str) -> Result<(), String> {
        self.judge.as_ref().map_or_else(|| Err("there is no TLS".to_owned()), |judge| judge(domain))
    }

    /// A child of the stream.
    pub fn element(&mut self, element: Element) -> Outs {
        if self.stage != Stage::Open {
            return self.end(Condition::NotAuthorized, "a new header must come first");
        }
        let outs = match (element.ns.as_str(), element.name.as_str()) {
            (ns::TLS, "starttls") => return self.start_tls(),
            (ns::SASL, "auth") => return self.authenticate(&element),
            (ns::SASL, "abort") => return self.fail("aborted"),
            (ns::SASL, _) => return self.fail("malformed-request"),
            (ns::DIALBACK, "result") => self.result(&element),
            (ns::DIALBACK, "verify") => self.verify(&element),
            (ns::SERVER, "message" | "presence" | "iq") => self.stanza(element),
            // Asks for acknowledgements, which this version does not give (XEP-0198 section 3).
            ("urn:xmpp:sm:3", "enable") => {
                let refused = Element::new("urn:xmpp:sm:3", "failed");
                return vec![Out::Send(written(
                    &refused.child(Element::new(ns::STANZA_ERRORS, "feature-not-implemented")),
                ))];
            }
            (ns::STREAM, "error") => {
                self.stage = Stage::Over;
                return vec![Out::Send("</stream:stream>".to_owned()), Out::Close];
            }
            _ => Err((Condition::UnsupportedStanzaType, "that is no stanza between servers".to_owned())),
        };
        outs.unwrap_or_else(|(condition, words)| self.end(condition, &words))
    }

    fn start_tls(&mut self) -> Outs {
        if self.judge.is_some() || !self.verified.is_empty() {
            self.stage = Stage::Over;
            let failure = written(&Element::new(ns::TLS, "failure"));
            return vec![Out::Send(failure + "</stream:stream>"), Out::Close];
        }
        self.stage = Stage::Header;
        vec![Out::Send(written(&Element::new(ns::TLS, "proceed"))), Out::StartTls]
    }

    fn authenticate(&mut self, auth: &Element) -> Outs {
        if auth.attribute("mechanism") != Some("EXTERNAL") {
            return self.fail("invalid-mechanism");
        }
        if self.judge.is_none() {
            return self.fail("encryption-required");
        }
        let (Some(from), Some(to)) = (self.from.clone(), self.to.clone()) else {
            return self.fail("not-authorized");
        };
        if !self.verified.is_empty() || self.vouched(&from).is_err() {
            return self.fail("not-authorized");
        }
        let said = auth.words();
        let said = said.trim();
        if said != "=" && !said.is_empty() {
            let Ok(said) = BASE64.decode(said.as_bytes()) else { return self.fail("incorrect-encoding") };
            let said = String::from_utf8(said).ok().and_then(|said| address::domain(&said));
            if said.as_ref() != Some(&from) {
                return self.fail("invalid-authzid");
            }
        }
        self.stage = Stage::Header;
        self.has_external = true;
        let pair = Pair { from, to };
        self.verified.insert(pair.clone());
        vec![Out::Send(written(&Element::new(ns::SASL, "success"))), Out::Restart, Out::Ready(pair)]
    }

    fn fail(&mut self, why: &str) -> Outs {
        self.failures += 1;
        let failure = written(&Element::new(ns::SASL, "failure").child(Element::new(ns::SASL, why)));
        if self.failures < MOST_FAILURES {
            return vec![Out::Send(failure)];
        }
        let mut outs = vec![Out::Send(failure)];
        outs.extend(self.end(Condition::PolicyViolation, "too many attempts to authenticate"));
        outs
    }

    fn stanza(&self, stanza: Element) -> Ended<Outs> {
        if self.verified.is_empty() {
            return Err((Condition::NotAuthorized, "no stanza before authentication".to_owned()));
        }
        let domain = |name: &str| {
            let text = stanza.attribute(name).filter(|text| !text.is_empty());
            let found = text.and_then(address::parsed).map(|parsed| parsed.domain().as_str().to_owned());
            found.ok_or_else(|| {
                (Condition::ImproperAddressing, format!("`{name}` of a stanza must be an address"))
            })
        };
        let (to, from) = (domain("to")?, domain("from")?);
        if !self.rules.serves(&to) {
            return Err((Condition::HostUnknown, "`to` is an address that is not served here".to_owned()));
        }
        let pair = Pair { from, to };
        if !self.verified.contains(&pair) {
            let words = "this stream was not authenticated for the domain of `from`".to_owned();
            return Err((Condition::InvalidFrom, words));
        }
        Ok(vec![Out::Stanza(pair, stanza)])
    }

    /// Ends the stream for a reason.
    pub fn end(&mut self, condition: Condition, words: &str) -> Outs {
        let before = std::mem::replace(&mut self.stage, Stage::Over);
        let text = match before {
            Stage::Over => return vec![Out::Close],
            Stage::Open => condition.ending(words),
            Stage::Header => {
                condition.ending_unopened(self.to.as_deref(), self.from.as_deref(), &self.id, words)
            }
        };
        vec![Out::Send(text), Out::Close]
    }

    /// The peer has closed its side.
    pub fn closed(&mut self) -> Outs {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => vec![Out::Close],
            _ => vec![Out::Send("</stream:stream>".to_owned()), Out::Close],
        }
    }
}
