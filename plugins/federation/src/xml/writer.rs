//! Writes what goes out. Text comes from people and from other servers, so characters that XML 1.0 section 2.2 forbids
//! become U+FFFD here: one of them would make the peer end the stream for everybody. Nothing is copied as bytes.

use std::fmt::Write;

use super::element::{Attribute, Element, Node};
use super::ns;

/// Bytes that most stanzas have room in.
const ROOM: usize = 512;

/// An element as it stands in a stream whose header is [`header`]'s.
pub fn written(element: &Element) -> String {
    let mut out = String::with_capacity(ROOM);
    put(&mut out, element, ns::SERVER, &SERVERS);
    out
}

/// An element as it stands in a client's stream, where stanzas have the namespace of clients.
pub fn written_to_client(element: &Element) -> String {
    let mut out = String::with_capacity(ROOM);
    put(&mut out, element, ns::SERVER, &CLIENTS);
    out
}

/// The same with one more element at its end.
pub fn written_to_client_with(element: &Element, last: &Element) -> String {
    let mut out = String::with_capacity(ROOM);
    let within = begin(&mut out, element, ns::SERVER, &CLIENTS);
    out.push('>');
    element.children.iter().for_each(|child| put_node(&mut out, child, within, &CLIENTS));
    put(&mut out, last, within, &CLIENTS);
    end(&mut out, element, &CLIENTS);
    out
}

/// An element as [`written`] has it, without what is left out of its children.
pub fn written_without(element: &Element, is_left_out: impl Fn(&Node) -> bool) -> String {
    let mut out = String::with_capacity(ROOM);
    let mut left = element.children.iter().filter(|child| !is_left_out(child)).peekable();
    let within = begin(&mut out, element, ns::SERVER, &SERVERS);
    if left.peek().is_none() {
        out.push_str("/>");
        return out;
    }
    out.push('>');
    left.for_each(|child| put_node(&mut out, child, within, &SERVERS));
    end(&mut out, element, &SERVERS);
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

impl Manner {
    /// The prefix of elements of that namespace; mostly none.
    fn prefix(&self, ns: &str) -> &'static str {
        self.prefixes.iter().find(|(known, _)| *known == ns).map_or("", |(_, prefix)| prefix)
    }
}

/// The namespace of `xml` goes by that prefix alone (Namespaces in XML 1.0, section 3).
static SERVERS: Manner = Manner {
    stanzas: ns::SERVER,
    prefixes: &[(ns::STREAM, "stream:"), (ns::DIALBACK, "db:"), (ns::XML, "xml:")],
};
static CLIENTS: Manner =
    Manner { stanzas: ns::CLIENT, prefixes: &[(ns::STREAM, "stream:"), (ns::XML, "xml:")] };

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
    let within = begin(out, element, around, manner);
    if element.children.is_empty() {
        return out.push_str("/>");
    }
    out.push('>');
    element.children.iter().for_each(|child| put_node(out, child, within, manner));
    end(out, element, manner);
}

fn put_node(out: &mut String, node: &Node, within: &str, manner: &Manner) {
    match node {
        Node::Element(element) => put(out, element, within, manner),
        Node::Text(text) => escaped(out, text),
    }
}

/// The tag that begins an element, but for its last letter; the namespace of what stands in it without prefix.
fn begin<'a>(out: &mut String, element: &'a Element, around: &'a str, manner: &Manner) -> &'a str {
    let prefix = manner.prefix(&element.ns);
    ["<", prefix, &element.name].iter().for_each(|part| out.push_str(part));
    let within = if prefix.is_empty() { element.ns.as_str() } else { around };
    if within != around {
        attribute(out, "xmlns", if within == ns::SERVER { manner.stanzas } else { within });
    }
    element.attributes.iter().enumerate().for_each(|(at, given)| put_attribute(out, at, given));
    within
}

/// The tag that ends an element.
fn end(out: &mut String, element: &Element, manner: &Manner) {
    ["</", manner.prefix(&element.ns), &element.name, ">"].iter().for_each(|part| out.push_str(part));
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
    [" ", name, "='"].iter().for_each(|part| out.push_str(part));
    escaped(out, value);
    out.push('\'');
}

/// Line ends and tabs are written as references, or a reader would make spaces of them in attributes.
fn escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        out.push_str(&rest[..at]);
        let mut others = rest[at..].chars();
        if let Some(special) = others.next() {
            put_special(out, special);
        }
        rest = others.as_str();
    }
    out.push_str(rest);
}

fn is_special(c: char) -> bool {
    matches!(c, '&' | '<' | '>' | '\'' | '"' | '\u{FFFE}' | '\u{FFFF}') || c < ' '
}

fn put_special(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\'' => out.push_str("&apos;"),
        '"' => out.push_str("&quot;"),
        '\t' | '\n' | '\r' => {
            let _ = write!(out, "&#{};", u32::from(c));
        }
        _ => out.push('\u{FFFD}'),
    }
}
