//! Writes what goes out. Text comes from people and from other servers, so characters that XML 1.0 section 2.2 forbids
//! become U+FFFD here: one of them would make the peer end the stream for everybody. Nothing is copied as bytes.

use std::fmt::Write;

use super::element::{Attribute, Element, Node};
use super::ns;

/// An element as it stands in a stream whose header is [`header`]'s.
pub fn written(element: &Element) -> String {
    let mut out = String::new();
    put(&mut out, element, ns::SERVER, &SERVERS);
    out
}

/// An element as it stands in a client's stream, where stanzas have the namespace of clients.
pub fn written_to_client(element: &Element) -> String {
    let mut out = String::new();
    put(&mut out, element, ns::SERVER, &CLIENTS);
    out
}

/// The header of a client's stream.
pub fn client_header(from: Option<&str>, id: &str) -> String {
    let mut out = format!(
        "<?xml version='1.0'?><stream:stream xmlns:stream='{}' xmlns='{}' version='1.0' xml:lang='en'",
        ns::STREAM,
        ns::CLIENT
    );
    for (name, value) in [("from", from), ("id", Some(id))] {
        if let Some(value) = value {
            attribute(&mut out, name, value);
        }
    }
    out.push('>');
    out
}

/// How a stream writes namespaces.
struct Manner {
    /// What stands for the namespace of servers' stanzas.
    stanzas: &'static str,
    /// Namespaces that have a prefix there.
    prefixes: &'static [(&'static str, &'static str)],
}

static SERVERS: Manner =
    Manner { stanzas: ns::SERVER, prefixes: &[(ns::STREAM, "stream:"), (ns::DIALBACK, "db:")] };
static CLIENTS: Manner = Manner { stanzas: ns::CLIENT, prefixes: &[(ns::STREAM, "stream:")] };

/// A stream's header. Dialback's prefix is declared on every one, because some servers know its elements by the
/// prefix only (XEP-0220 section 2).
pub fn header(from: Option<&str>, to: Option<&str>, id: Option<&str>) -> String {
    let mut out = format!(
        "<?xml version='1.0'?><stream:stream xmlns:stream='{}' xmlns='{}' xmlns:db='{}' version='1.0' xml:lang='en'",
        ns::STREAM,
        ns::SERVER,
        ns::DIALBACK
    );
    for (name, value) in [("from", from), ("to", to), ("id", id)] {
        if let Some(value) = value {
            attribute(&mut out, name, value);
        }
    }
    out.push('>');
    out
}

fn put(out: &mut String, element: &Element, around: &str, manner: &Manner) {
    let Element { ns, name, attributes, children } = element;
    let prefix = manner.prefixes.iter().find(|(known, _)| known == ns).map_or("", |(_, prefix)| prefix);
    let _ = write!(out, "<{prefix}{name}");
    let within = if prefix.is_empty() { ns.as_str() } else { around };
    if within != around {
        attribute(out, "xmlns", if within == ns::SERVER { manner.stanzas } else { within });
    }
    attributes.iter().enumerate().for_each(|(at, given)| put_attribute(out, at, given));
    if children.is_empty() {
        return out.push_str("/>");
    }
    out.push('>');
    for child in children {
        match child {
            Node::Element(element) => put(out, element, within, manner),
            Node::Text(text) => escaped(out, text),
        }
    }
    let _ = write!(out, "</{prefix}{name}>");
}

fn put_attribute(out: &mut String, at: usize, given: &Attribute) {
    match given.ns.as_str() {
        "" => attribute(out, &given.name, &given.value),
        ns::XML => attribute(out, &format!("xml:{}", given.name), &given.value),
        other => {
            attribute(out, &format!("xmlns:a{at}"), other);
            attribute(out, &format!("a{at}:{}", given.name), &given.value);
        }
    }
}

fn attribute(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, " {name}='");
    escaped(out, value);
    out.push('\'');
}

/// Line ends and tabs are written as references, or a reader would make spaces of them in attributes.
fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
}
