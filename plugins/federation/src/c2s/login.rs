//! The way into a stream: header, STARTTLS, proof of a password, and binding of a resource or resuming of a session
//! (RFC 6120 sections 4 to 7, XEP-0198 section 5). Nothing but TLS is taken without TLS.

use std::sync::Arc;

use data_encoding::BASE64;
use jackfield_sdk::Secret;
use jid::BareJid;

use super::scram::{Binding, Exchange, First, Flag, Hash, Keys, MadeUp};
use crate::s2s::stanza::error;
use crate::s2s::{Condition, address};
use crate::xml::{Element, client_header, ns, written_to_client};

/// Most wrong proofs on one connection (RFC 6120 section 6.4.5 wants at least two).
const MOST_FAILURES: u32 = 5;
/// Longest login that is looked at.
const LONGEST_LOGIN: usize = 256;
/// What is said without the right proof.
const NOT_AUTHORIZED: &str = "not-authorized";

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Send that text.
    Send(String),
    /// Begin TLS, unless bytes came behind the word for it.
    StartTls,
    /// The peer's next bytes are a new stream's.
    Restart,
    /// Ask the appliance, and say what it said by [`Login::told`]; nothing is read before.
    Ask(Ask),
    /// The proof was wrong: that is to be counted, and the answer takes effect afterwards.
    Failed {
        /// Login that was tried.
        login: String,
        /// Whether the appliance has not counted it by itself.
        is_uncounted: bool,
    },
    /// Bind a resource, and say by [`Login::bound`] which.
    Bind(Wish),
    /// Resume the session of that name; [`Login::not_resumed`] where there is none.
    Resume {
        /// Its name.
        id: String,
        /// How many stanzas the client has handled.
        h: u32,
    },
    /// End the connection once everything is sent.
    Close,
}

/// What the appliance is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Keys of a login.
    Keys {
        /// Login id.
        login: String,
        /// Domain of its enterprise.
        domain: String,
        /// For which mechanism.
        hash: Hash,
    },
    /// Whether a password is right.
    Check {
        /// Login id.
        login: String,
        /// Domain of its enterprise.
        domain: String,
        /// In clear.
        password: Secret,
    },
}

/// What the appliance said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The account and its keys.
    Keys(Account, Keys),
    /// There are no keys: nobody has that login, or only its directory knows the password. For the latter a client that
    /// begins with SCRAM has done nothing wrong, and goes on to PLAIN.
    NoKeys {
        /// Whether what comes of it counts as a wrong proof.
        is_counted: bool,
    },
    /// The account whose password it is.
    Right(Account),
    /// It is nobody's.
    Wrong,
    /// Not now, in words.
    Later(String),
}

/// An account that may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// When its password was set; none: it has none of its own.
    pub password_at: Option<String>,
}

/// Who has proved itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The account.
    pub account: Account,
    /// Its address.
    pub address: BareJid,
    /// By which mechanism.
    pub mechanism: &'static str,
}

/// A resource that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name; none: any.
    pub resource: Option<String>,
    /// What answers are made from.
    iq: Element,
}

/// A mechanism, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Scram { hash: Hash, is_bound: bool },
    Plain,
}

const MECHANISMS: [(&str, Mechanism); 5] = [
    ("SCRAM-SHA-256-PLUS", Mechanism::Scram { hash: Hash::Sha256, is_bound: true }),
    ("SCRAM-SHA-1-PLUS", Mechanism::Scram { hash: Hash::Sha1, is_bound: true }),
    ("SCRAM-SHA-256", Mechanism::Scram { hash: Hash::Sha256, is_bound: false }),
    ("SCRAM-SHA-1", Mechanism::Scram { hash: Hash::Sha1, is_bound: false }),
    ("PLAIN", Mechanism::Plain),
];

/// Where the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Open,
    Over,
}

/// How far the proof is.
enum Proof {
    None,
    /// A first message must come.
    Begun(&'static str, Mechanism),
    /// The appliance is asked for keys.
    Keys {
        name: &'static str,
        hash: Hash,
        first: Box<First>,
        who: Claimed,
    },
    /// The client's proof must come.
    Scram {
        name: &'static str,
        exchange: Box<Exchange>,
        binding: Vec<u8>,
        account: Result<Account, bool>,
        who: Claimed,
    },
    /// The appliance is asked for the password.
    Plain {
        name: &'static str,
        who: Claimed,
    },
}

/// Who a client says it is.
#[derive(Debug, Clone)]
struct Claimed {
    login: String,
    address: BareJid,
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

    fn auth(&mut self, auth: &Element) -> Outs {
        if !matches!(self.proof, Proof::None) {
            self.proof = Proof::None;
            return self.failure("malformed-request");
        }
        let wanted = auth.attribute("mechanism").unwrap_or_default();
        let Some((name, mechanism)) = self.mechanisms().find(|(name, _)| *name == wanted).copied() else {
            return self.failure("invalid-mechanism");
        };
        let said = auth.words();
        if said.trim().is_empty() {
            self.proof = Proof::Begun(name, mechanism);
            return vec![challenge("")];
        }
        self.first(name, mechanism, &said)
    }

    fn response(&mut self, response: &Element) -> Outs {
        let said = response.words();
        match std::mem::replace(&mut self.proof, Proof::None) {
            Proof::Begun(name, mechanism) => self.first(name, mechanism, &said),
            Proof::Scram { name, exchange, binding, account, who } => {
                let Some(text) = decoded(&said) else { return self.failure("incorrect-encoding") };
                let right = exchange.finish(&text, &binding);
                match (right, account) {
                    (Ok(last), Ok(account)) => self.success(name, account, who, &last),
                    // Keys that were made up fit nothing.
                    (_, Err(false)) => self.failure(NOT_AUTHORIZED),
                    (Ok(_), Err(true)) => self.wrong(who, NOT_AUTHORIZED, true),
                    (Err(why), _) => self.wrong(who, why, true),
                }
            }
            _ => self.failure("malformed-request"),
        }
    }

    fn first(&mut self, name: &'static str, mechanism: Mechanism, said: &str) -> Outs {
        let Some(text) = decoded(said) else { return self.failure("incorrect-encoding") };
        let begun = match mechanism {
            Mechanism::Scram { hash, is_bound } => self.scram(name, hash, is_bound, &text),
            Mechanism::Plain => self.plain(name, &text),
        };
        begun.unwrap_or_else(|why| self.failure(why))
    }

    fn scram(
        &mut self,
        name: &'static str,
        hash: Hash,
        is_bound: bool,
        text: &str,
    ) -> Result<Outs, &'static str> {
        let first = First::read(text)?;
        let can_bind = self.bindings.as_ref().is_some_and(|bindings| !bindings.is_empty());
        match (&first.flag, is_bound) {
            (Flag::Bound(kind), true) if self.binding(kind).is_some() => {}
            (Flag::No, false) => {}
            // Somebody on the way has taken away what we offer (RFC 5802 section 6).
            (Flag::Unaware, false) if !can_bind => {}
            _ => return Err(NOT_AUTHORIZED),
        }
        let who = self.claimed(&first.username, first.authzid.as_deref())?;
        let (login, domain) = (who.login.clone(), who.address.domain().as_str().to_owned());
        self.proof = Proof::Keys { name, hash, first: Box::new(first), who };
        Ok(vec![Out::Ask(Ask::Keys { login, domain, hash })])
    }

    /// Identity, login and password, separated by NUL (RFC 4616 section 2).
    fn plain(&mut self, name: &'static str, text: &str) -> Result<Outs, &'static str> {
        let mut parts = text.split('\0');
        let (Some(authzid), Some(login), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("malformed-request");
        };
        if password.is_empty() {
            return Err("malformed-request");
        }
        let who = self.claimed(login, Some(authzid).filter(|authzid| !authzid.is_empty()))?;
        let (login, domain) = (who.login.clone(), who.address.domain().as_str().to_owned());
        self.proof = Proof::Plain { name, who };
        Ok(vec![Out::Ask(Ask::Check { login, domain, password: Secret::new(password) })])
    }

    fn binding(&self, kind: &str) -> Option<&Binding> {
        self.bindings.as_ref()?.iter().find(|binding| binding.kind == kind)
    }

    /// Who a client says it is: by its login as it stands in an address, or as its account has it. It acts for nobody
    /// else.
    fn claimed(&self, username: &str, authzid: Option<&str>) -> Result<Claimed, &'static str> {
        let domain = self.domain.as_deref().ok_or(NOT_AUTHORIZED)?;
        if username.is_empty() || username.len() > LONGEST_LOGIN {
            return Err(NOT_AUTHORIZED);
        }
        let login = address::login(username);
        let address = address::of_login(&login, domain).ok_or(NOT_AUTHORIZED)?;
        match authzid.map(address::parsed) {
            None => {}
            Some(Some(other)) if other.to_bare() == address => {}
            Some(_) => return Err("invalid-authzid"),
        }
        Ok(Claimed { login, address })
    }

    /// What the appliance said.
    pub fn told(&mut self, told: Told) -> Outs {
        match (std::mem::replace(&mut self.proof, Proof::None), told) {
            (Proof::Keys { name, hash, first, who }, told @ (Told::Keys(..) | Told::NoKeys { .. })) => {
                let made_up = || self.rules.made_up.keys(hash, &who.login, who.address.domain().as_str());
                let (account, keys) = match told {
                    Told::Keys(account, keys) => (Ok(account), keys),
                    Told::NoKeys { is_counted } => (Err(is_counted), made_up()),
                    _ => (Err(true), made_up()),
                };
                let binding = match &first.flag {
                    Flag::Bound(kind) => self.binding(kind).map(|binding| binding.data.clone()),
                    _ => None,
                };
                let exchange = Box::new(Exchange::new(hash, *first, keys, &(self.rules.id)()));
                let said = challenge(exchange.said());
                let binding = binding.unwrap_or_default();
                self.proof = Proof::Scram { name, exchange, binding, account, who };
                vec![said]
            }
            (Proof::Plain { name, who }, Told::Right(account)) => self.success(name, account, who, ""),
            (Proof::Plain { who, .. }, Told::Wrong) => self.wrong(who, NOT_AUTHORIZED, false),
            (_, Told::Later(words)) => vec![sasl_failure("temporary-auth-failure", &words)],
            _ => self.failure("temporary-auth-failure"),
        }
    }

    fn success(&mut self, name: &'static str, account: Account, who: Claimed, last: &str) -> Outs {
        self.who = Some(Who { account, address: who.address, mechanism: name });
        self.stage = Stage::Header;
        let success = Element::new(ns::SASL, "success");
        let success = if last.is_empty() { success } else { success.text(&BASE64.encode(last.as_bytes())) };
        vec![Out::Send(written_to_client(&success)), Out::Restart]
    }

    fn wrong(&mut self, who: Claimed, why: &str, is_uncounted: bool) -> Outs {
        let mut outs = vec![Out::Failed { login: who.login, is_uncounted }];
        outs.extend(self.failure(why));
        outs
    }

    fn failure(&mut self, why: &str) -> Outs {
        self.failures += 1;
        let mut outs = vec![sasl_failure(why, "")];
        if self.failures >= MOST_FAILURES {
            outs.extend(self.end(Condition::PolicyViolation, "too many attempts to authenticate"));
        }
        outs
    }

    /// Nobody may try any more from where this client is.
    pub fn turned_away(&mut self, words: &str) -> Outs {
        self.proof = Proof::None;
        vec![sasl_failure("temporary-auth-failure", words)]
    }

    fn bind(&mut self, iq: &Element) -> Outs {
        let iq = iq.clone().renamed(ns::CLIENT, ns::SERVER);
        let bind = iq.find(ns::BIND, "bind").filter(|_| iq.attribute("type") == Some("set"));
        let Some(bind) = bind else {
            return self.end(Condition::NotAuthorized, "a resource must be bound first");
        };
        let resource = bind.find(ns::BIND, "resource").map(Element::words);
        let resource = resource.filter(|resource| !resource.is_empty());
        vec![Out::Bind(Wish { resource, iq })]
    }

    /// The resource is bound: what to say. The login is over.
    pub fn bound(&mut self, wish: &Wish, address: &str) -> String {
        self.stage = Stage::Over;
        let bind = Element::new(ns::BIND, "bind").child(Element::new(ns::BIND, "jid").text(address));
        let result =
            Element::new(ns::SERVER, "iq").with("type", "result").with_some("id", wish.iq.attribute("id"));
        written_to_client(&result.child(bind))
    }

    /// It is not, for a reason of RFC 6120 section 7.
    pub fn not_bound(&mut self, wish: &Wish, condition: &str) -> Outs {
        error(&wish.iq, condition)
            .map(|answer| vec![Out::Send(written_to_client(&answer))])
            .unwrap_or_default()
    }

    fn resume(&mut self, resume: &Element) -> Outs {
        let h = resume.attribute("h").and_then(|h| h.trim().parse().ok());
        match (resume.attribute("previd"), h) {
            (Some(id), Some(h)) if !id.is_empty() => vec![Out::Resume { id: id.to_owned(), h }],
            _ => vec![refused_management("bad-request")],
        }
    }

    /// There is no such session; the client may bind a resource instead (XEP-0198 section 5).
    pub fn not_resumed(&mut self) -> Outs {
        vec![refused_management("item-not-found")]
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

fn decoded(said: &str) -> Option<String> {
    let said = said.trim();
    // How an empty text is written (RFC 6120 section 6.4.2).
    if said == "=" {
        return Some(String::new());
    }
    String::from_utf8(BASE64.decode(said.as_bytes()).ok()?).ok()
}

fn challenge(text: &str) -> Out {
    let challenge = Element::new(ns::SASL, "challenge");
    let challenge = if text.is_empty() { challenge } else { challenge.text(&BASE64.encode(text.as_bytes())) };
    Out::Send(written_to_client(&challenge))
}

fn sasl_failure(why: &str, words: &str) -> Out {
    let failure = Element::new(ns::SASL, "failure").child(Element::new(ns::SASL, why));
    let failure =
        if words.is_empty() { failure } else { failure.child(Element::new(ns::SASL, "text").text(words)) };
    Out::Send(written_to_client(&failure))
}

fn refused_management(condition: &str) -> Out {
    let reason = Element::new(ns::STANZA_ERRORS, condition);
    Out::Send(written_to_client(&Element::new(ns::SM, "failed").child(reason)))
}
