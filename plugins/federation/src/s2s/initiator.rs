//! The end of a stream that connects: to send stanzas, or only to ask whether a key is right.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64;

use super::address;
use super::dialback::Secret;
use super::policy::Policy;
use super::shared::{Judge, Out, Pair, Question, Verified, dialback};
use crate::xml::{Element, header, ns, written};

/// What the stream is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Stanzas.
    Carry,
    /// A key of the peer's; only its answer is wanted.
    Ask(Question),
}

/// Why there is no stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// TLS is needed, and the peer offers none.
    NoTls,
    /// The peer said it would begin TLS, and did not.
    TlsRefused,
    /// The certificate does not do; why.
    Certificate(String),
    /// Nothing is offered by which we could prove who we are.
    NoMechanism,
    /// Our key was not believed; the peer's word.
    Denied(String),
    /// The peer ended the stream; its condition and words.
    Ended(String),
    /// The peer does not speak as streams between servers do.
    Foreign(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTls => f.write_str("the server offers no TLS, and the row of the table asks for it"),
            Self::TlsRefused => f.write_str("the server offers TLS and then refuses it"),
            Self::Certificate(why) => f.write_str(why),
            Self::NoMechanism => {
                f.write_str("the server offers neither EXTERNAL nor dialback, so we cannot prove who we are")
            }
            Self::Denied(word) => write!(f, "the server does not believe that we are who we say: {word}"),
            Self::Ended(word) => write!(f, "the server ended the stream: {word}"),
            Self::Foreign(word) => write!(f, "the server does not answer as one of XMPP: {word}"),
        }
    }
}

/// Where the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The peer's header must come.
    Header,
    /// Its features must come.
    Features,
    /// It must say whether TLS may begin.
    Proceed,
    /// It must say whether the certificate proves us.
    External,
    /// It must say whether the key proves us.
    Dialback,
    /// It must say whether its key is right.
    Asking,
    /// It takes stanzas.
    Ready,
    /// It has ended.
    Over,
}

/// One outbound stream.
pub struct Initiator {
    pair: Pair,
    policy: Policy,
    errand: Errand,
    secret: Arc<Secret>,
    stage: Stage,
    id: String,
    judge: Option<Judge>,
    is_modern: bool,
    has_authenticated: bool,
    is_external_refused: bool,
    lost: Option<Lost>,
}

type Outs = Vec<Out>;

impl Initiator {
    /// Before our header.
    pub fn new(pair: Pair, policy: Policy, errand: Errand, secret: Arc<Secret>) -> Self {
        Self {
            pair,
            policy,
            errand,
            secret,
            stage: Stage::Header,
            id: String::new(),
            judge: None,
            is_modern: true,
            has_authenticated: false,
            is_external_refused: false,
            lost: None,
        }
    }

    /// Why there is no stream.
    pub fn lost(&self) -> Option<&Lost> {
        self.lost.as_ref()
    }

    /// Whether our certificate proved us, instead of a key.
    pub fn has_external(&self) -> bool {
        self.has_authenticated
    }

    /// Our header.
    pub fn start(&mut self) -> Outs {
        self.stage = Stage::Header;
        vec![Out::Send(header(Some(&self.pair.from), Some(&self.pair.to), None))]
    }

    /// TLS stands: a new stream begins on it.
    pub fn secured(&mut self, judge: Judge) -> Outs {
        if self.policy == Policy::VerifiedTls
            && let Err(wrong) = judge(&self.pair.to)
        {
            return self.lose(Lost::Certificate(wrong));
        }
        self.judge = Some(judge);
        self.start()
    }

    /// The peer's header.
    pub fn opened(&mut self, root: &Element, default_ns: &str) -> Outs {
        if self.stage != Stage::Header {
            return self.lose(Lost::Foreign("a header came twice".to_owned()));
        }
        if !root.is(ns::STREAM, "stream") || default_ns != ns::SERVER {
            let root = format!("its stream is {}, of {default_ns}", root.name);
            return self.lose(Lost::Foreign(root));
        }
        self.id = root.attribute("id").unwrap_or_default().to_owned();
        self.is_modern = root.attribute("version").is_some_and(|version| version.starts_with("1."));
        self.stage = Stage::Features;
        // Servers of before RFC 3920 have no features, and know dialback only.
        if self.is_modern { vec![] } else { self.prove(&Element::default()) }
    }

    /// A child of the stream.
    pub fn element(&mut self, element: &Element) -> Outs {
        match (self.stage, element.ns.as_str(), element.name.as_str()) {
            (Stage::Over, ..) => vec![],
            (_, ns::STREAM, "error") => self.lose(self.ended(element)),
            (Stage::Features, ns::STREAM, "features") => self.features(element),
            (Stage::Proceed, ns::TLS, "proceed") => {
                self.stage = Stage::Header;
                vec![Out::StartTls]
            }
            (Stage::Proceed, ns::TLS, _) => self.lose(Lost::TlsRefused),
            (Stage::External, ns::SASL, "success") => {
                self.has_authenticated = true;
                let mut outs = vec![Out::Restart];
                outs.extend(self.start());
                outs
            }
            // The same stream goes on with dialback (XEP-0178 section 3).
            (Stage::External, ns::SASL, "failure") => {
                self.is_external_refused = true;
                self.dial_back()
            }
            (Stage::Dialback, ns::DIALBACK, "result") => self.result(element),
            (Stage::Asking, ns::DIALBACK, "verify") => self.verify(element),
            // Nothing else was asked for, so nothing else says anything.
            (_, ns::DIALBACK, _) | (Stage::Ready, ..) => vec![],
            (_, _, name) => self.lose(Lost::Foreign(format!("<{name}> comes at the wrong time"))),
        }
    }

    /// Servers without dialback's errors end the stream when they cannot verify a key.
    fn ended(&self, error: &Element) -> Lost {
        let word = said(error, ns::STREAM_ERRORS);
        let is_doubt =
            ["remote-connection-failed", "not-authorized", "undefined-condition", "connection-timeout"]
                .iter()
                .any(|known| word.starts_with(known));
        if self.stage == Stage::Dialback && is_doubt { Lost::Denied(word) } else { Lost::Ended(word) }
    }

    fn features(&mut self, features: &Element) -> Outs {
        if self.has_authenticated {
            return self.ready();
        }
        if self.judge.is_none() && features.find(ns::TLS, "starttls").is_some() {
            self.stage = Stage::Proceed;
            return vec![Out::Send(written(&Element::new(ns::TLS, "starttls")))];
        }
        self.prove(features)
    }

    /// Says who we are in the best way that there is.
    fn prove(&mut self, features: &Element) -> Outs {
        if self.judge.is_none() && self.policy != Policy::PlainDialback {
            return self.lose(Lost::NoTls);
        }
        if let Errand::Ask(question) = &self.errand {
            self.stage = Stage::Asking;
            let ask = dialback("verify", &self.pair.from, &self.pair.to).with("id", &question.id);
            return vec![Out::Send(written(&ask.text(&question.key)))];
        }
        let mechanisms = features.find(ns::SASL, "mechanisms");
        let has_external =
            mechanisms.is_some_and(|all| all.elements().any(|one| one.words().trim() == "EXTERNAL"));
        if has_external && self.judge.is_some() && !self.is_external_refused {
            self.stage = Stage::External;
            let own = BASE64.encode(self.pair.from.as_bytes());
            let auth = Element::new(ns::SASL, "auth").with("mechanism", "EXTERNAL").text(&own);
            return vec![Out::Send(written(&auth))];
        }
        let has_dialback = features.find(ns::DIALBACK_FEATURE, "dialback").is_some();
        if has_dialback || !self.is_modern {
            return self.dial_back();
        }
        self.lose(Lost::NoMechanism)
    }

    fn dial_back(&mut self) -> Outs {
        if self.id.is_empty() {
            return self.lose(Lost::Foreign("its header has no id, which dialback needs".to_owned()));
        }
        self.stage = Stage::Dialback;
        let key = self.secret.key(&self.pair.to, &self.pair.from, &self.id);
        vec![Out::Send(written(&dialback("result", &self.pair.from, &self.pair.to).text(&key)))]
    }

    fn result(&mut self, result: &Element) -> Outs {
        if !self.is_from_peer(result) {
            return vec![];
        }
        match result.attribute("type") {
            Some("valid") => self.ready(),
            Some("error") => {
                let word = result.find(ns::SERVER, "error").map(|error| said(error, ns::STANZA_ERRORS));
                self.lose(Lost::Denied(word.unwrap_or_else(|| "error".to_owned())))
            }
            Some(_) => self.lose(Lost::Denied("it says that the key is not ours".to_owned())),
            None => vec![],
        }
    }

    fn verify(&mut self, verify: &Element) -> Outs {
        let Errand::Ask(question) = &self.errand else { return vec![] };
        if !self.is_from_peer(verify) || verify.attribute("id") != Some(question.id.as_str()) {
            return vec![];
        }
        let verified = match verify.attribute("type") {
            Some("valid") => Verified::Valid,
            Some("invalid") => Verified::Invalid,
            Some(_) => Verified::Unknown("remote-server-not-found"),
            None => return vec![],
        };
        self.stage = Stage::Over;
        vec![Out::Answer(verified), Out::Send("</stream:stream>".to_owned()), Out::Close]
    }

    fn is_from_peer(&self, element: &Element) -> bool {
        let domain = |name: &str| element.attribute(name).and_then(address::domain);
        domain("from").as_ref() == Some(&self.pair.to) && domain("to").as_ref() == Some(&self.pair.from)
    }

    fn ready(&mut self) -> Outs {
        self.stage = Stage::Ready;
        vec![Out::Ready(self.pair.clone())]
    }

    /// The peer has closed its side.
    pub fn closed(&mut self) -> Outs {
        match self.stage {
            Stage::Ready | Stage::Over => {
                self.stage = Stage::Over;
                vec![Out::Send("</stream:stream>".to_owned()), Out::Close]
            }
            _ => self.lose(Lost::Ended("without a reason".to_owned())),
        }
    }

    fn lose(&mut self, lost: Lost) -> Outs {
        self.stage = Stage::Over;
        self.lost = Some(lost);
        vec![Out::Send("</stream:stream>".to_owned()), Out::Close]
    }
}

/// Condition and words of an error.
fn said(error: &Element, space: &str) -> String {
    let condition = error.elements().find(|child| child.ns == space && child.name != "text");
    let condition = condition.map_or("undefined-condition", |child| child.name.as_str());
    let words = error.find(space, "text").map(Element::words).unwrap_or_default();
    let words: String = words.chars().filter(|c| !c.is_control()).take(200).collect();
    if words.is_empty() { condition.to_owned() } else { format!("{condition} ({words})") }
}
