//! A client's stream after its login: stanzas and acknowledgements. It outlives its connection where the client resumes
//! it on another one (XEP-0198 section 5).

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use super::acks::{Acks, TooHigh};
use crate::im::Delivery;
use crate::s2s::Condition;
use crate::s2s::stanza::{answer, error};
use crate::xml::{Element, ns, written_to_client};

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Send that text.
    Send(String),
    /// Say by [`Session::ack`] how many stanzas were taken, as soon as they are kept.
    Ack,
    /// Hand that in; its namespace is that of servers.
    Stanza(Element),
    /// These stored messages have arrived.
    Written(Vec<String>),
    /// Stanzas are acknowledged from now on; with a name, under which the session can be resumed.
    Acknowledged(Option<String>),
    /// End the stream: everything is sent after that.
    Close,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    resume_within: Duration,
    acks: Option<Acks>,
    resume: Option<String>,
}

impl Session {
    /// A new one, which waits that long to be resumed if its client wants that.
    pub fn new(resume_within: Duration) -> Self {
        Self { resume_within, acks: None, resume: None }
    }

    /// How long it waits to be resumed; none: it cannot be.
    pub fn resume_within(&self) -> Option<Duration> {
        self.resume.as_ref().map(|_| self.resume_within)
    }

    /// Bytes that were sent and are not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.acks.as_ref().map_or(0, Acks::bytes)
    }

    /// Whether more may be sent.
    pub fn has_room(&self) -> bool {
        self.acks.as_ref().is_none_or(Acks::has_room)
    }

    /// A child of the stream. `id` makes names that nobody guesses.
    pub fn element(&mut self, element: Element, id: impl FnOnce() -> String) -> Vec<Act> {
        match (element.ns.as_str(), element.name.as_str()) {
            (ns::CLIENT, "message" | "presence" | "iq") => {
                self.stanza(element.renamed(ns::CLIENT, ns::SERVER))
            }
            (ns::SM, "enable") => self.enable(&element, id),
            (ns::SM, "r") => self.asked(),
            (ns::SM, "a") => self.acknowledged(&element),
            (ns::SM, "resume") => vec![Act::Send(failed("unexpected-request"))],
            // Advice of a client that nobody asked for; everything is sent at once anyway.
            (ns::CLIENT_STATE, _) => vec![],
            (ns::STREAM, "error") => vec![Act::Send("</stream:stream>".to_owned()), Act::Close],
            _ => ending(Condition::UnsupportedStanzaType, "that is no stanza of a client"),
        }
    }

    fn stanza(&mut self, stanza: Element) -> Vec<Act> {
        if let Some(acks) = &mut self.acks {
            acks.handled_one();
        }
        let payload = stanza.elements().next().map(|payload| payload.ns.as_str());
        match (stanza.name.as_str(), stanza.attribute("type"), payload) {
            // Asks for what is there already (RFC 3921 section 3); old clients do not go on without it.
            ("iq", Some("set"), Some(ns::SESSION)) => self.reply(Some(answer(&stanza, "result"))),
            ("iq", Some("set"), Some(ns::BIND)) => self.reply(error(&stanza, "not-allowed")),
            _ => vec![Act::Stanza(stanza)],
        }
    }

    /// An answer of the stream's own; it counts as any stanza.
    fn reply(&mut self, stanza: Option<Element>) -> Vec<Act> {
        let Some(stanza) = stanza else { return vec![] };
        vec![Act::Send(self.deliver(VecDeque::from([Delivery::new(&stanza)])).0)]
    }

    fn enable(&mut self, enable: &Element, id: impl FnOnce() -> String) -> Vec<Act> {
        if self.acks.is_some() {
            return vec![Act::Send(failed("unexpected-request"))];
        }
        self.acks = Some(Acks::default());
        let enabled = Element::new(ns::SM, "enabled");
        if !matches!(enable.attribute("resume"), Some("true" | "1")) {
            return vec![Act::Acknowledged(None), Act::Send(written_to_client(&enabled))];
        }
        let id = id();
        self.resume = Some(id.clone());
        let within = self.resume_within.as_secs().to_string();
        let enabled = enabled.with("id", &id).with("resume", "true").with("max", &within);
        vec![Act::Acknowledged(Some(id)), Act::Send(written_to_client(&enabled))]
    }

    fn asked(&self) -> Vec<Act> {
        match self.acks {
            Some(_) => vec![Act::Ack],
            None => vec![Act::Send(failed("unexpected-request"))],
        }
    }

    /// How many stanzas were taken.
    pub fn ack(&self) -> String {
        let handled = self.acks.as_ref().map(Acks::handled).unwrap_or_default();
        written_to_client(&Element::new(ns::SM, "a").with("h", &handled.to_string()))
    }

    fn acknowledged(&mut self, element: &Element) -> Vec<Act> {
        let h = element.attribute("h").and_then(|h| h.trim().parse().ok());
        let (Some(acks), Some(h)) = (&mut self.acks, h) else {
            return ending(Condition::PolicyViolation, "`h` must be a number, on a stream that counts");
        };
        let ids = match acks.acknowledged(h) {
            Ok(ids) => ids,
            Err(too_high) => return vec![Act::Send(too_high_ending(too_high)), Act::Close],
        };
        let mut acts = Vec::new();
        if !ids.is_empty() {
            acts.push(Act::Written(ids));
        }
        // What was sent after the question would otherwise wait for the next stanza.
        if acks.wants_ask() {
            acts.push(Act::Send(ask()));
        }
        acts
    }

    /// What these look like on the stream, and ids of stored messages that have arrived once that is flushed.
    pub fn deliver(&mut self, deliveries: VecDeque<Delivery>) -> (String, Vec<String>) {
        let mut text = String::new();
        let mut ids = Vec::new();
        for delivery in deliveries {
            text.push_str(&delivery.text);
            match &mut self.acks {
                Some(acks) => acks.sent(delivery),
                None => ids.extend(delivery.id),
            }
        }
        if self.acks.as_mut().is_some_and(Acks::wants_ask) {
            text.push_str(&ask());
        }
        (text, ids)
    }

    /// Continues on another connection, whose client has handled so many: what to do there, or the stream error. What the
    /// client sent before must have been kept.
    pub fn resumed(&mut self, h: u32) -> Vec<Act> {
        let (Some(acks), Some(id)) = (&mut self.acks, &self.resume) else {
            return ending(Condition::PolicyViolation, "this session cannot be resumed");
        };
        let written = match acks.acknowledged(h) {
            Ok(ids) => ids,
            Err(too_high) => return vec![Act::Send(too_high_ending(too_high)), Act::Close],
        };
        acks.carried_on();
        let resumed = Element::new(ns::SM, "resumed").with("previd", id);
        let mut text = written_to_client(&resumed.with("h", &acks.handled().to_string()));
        acks.unacknowledged().for_each(|delivery| text.push_str(&delivery.text));
        if acks.wants_ask() {
            text.push_str(&ask());
        }
        let mut acts = vec![Act::Send(text)];
        if !written.is_empty() {
            acts.push(Act::Written(written));
        }
        acts
    }

    /// Asks whether the client is there after a silence: by its acknowledgements, else by a ping (XEP-0199).
    pub fn poke(&self, domain: &str, to: &str, id: &str) -> String {
        if self.acks.is_some() {
            return ask();
        }
        let ping = Element::new(ns::SERVER, "iq").with("type", "get").with("from", domain).with("to", to);
        written_to_client(&ping.with("id", &format!("ping-{id}")).child(Element::new(ns::PING, "ping")))
    }
}

fn ask() -> String {
    format!("<r xmlns='{}'/>", ns::SM)
}

/// A request of XEP-0198 that cannot be followed.
fn failed(condition: &str) -> String {
    let reason = Element::new(ns::STANZA_ERRORS, condition);
    written_to_client(&Element::new(ns::SM, "failed").child(reason))
}

fn ending(condition: Condition, words: &str) -> Vec<Act> {
    vec![Act::Send(condition.ending(words)), Act::Close]
}

/// XEP-0198 section 4.
fn too_high_ending(TooHigh { h, sent }: TooHigh) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "<stream:error><undefined-condition xmlns='{}'/><handled-count-too-high xmlns='{}' h='{h}' send-count='{sent}'/>\
         </stream:error></stream:stream>",
        ns::STREAM_ERRORS,
        ns::SM
    );
    text
}
