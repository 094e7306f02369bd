//! What prefixes stand for (Namespaces in XML 1.0). The library has a step of its own for it, which takes an element
//! that declares its default namespace twice; a peer that knows better (XML 1.0 section 3.1) would end the stream.

use rxml::parser::{RawQName, XMLNS_XMLNS};
use rxml::{Error, NcName};

use super::element::{Attribute, Element};
use super::ns;

/// The declarations that hold where a stream is being read, and the tag that is being read there.
#[derive(Default)]
pub struct Spaces {
    /// The innermost last.
    declared: Vec<Declared>,
    /// Elements that are open, that of the tag included.
    depth: usize,
    /// The tag. Until it is whole, prefixes stand in the places of namespaces.
    head: Element,
    /// What the tag declares.
    declares: usize,
}

struct Declared {
    depth: usize,
    /// Empty: of elements without prefix.
    prefix: String,
    ns: String,
}

impl Spaces {
    /// A tag begins.
    pub fn begin(&mut self, (prefix, name): RawQName) {
        self.depth += 1;
        self.declares = 0;
        self.head = Element { ns: plain(prefix), name: name.into(), ..Element::default() };
    }

    /// The tag has an attribute, which may be a declaration.
    pub fn attribute(&mut self, (prefix, name): RawQName, value: String) -> Result<(), Error> {
        match (plain(prefix), String::from(name)) {
            (prefix, name) if prefix == "xmlns" => self.declare(name, value),
            (prefix, name) if prefix.is_empty() && name == "xmlns" => self.declare(String::new(), value),
            (ns, name) => {
                self.head.attributes.push(Attribute { ns, name, value });
                Ok(())
            }
        }
    }

    /// The larger of what the tag has so far of attributes and of declarations.
    pub fn width(&self) -> usize {
        self.head.attributes.len().max(self.declares)
    }

    /// The tag is whole: its element.
    pub fn complete(&mut self) -> Result<Element, Error> {
        let mut element = std::mem::take(&mut self.head);
        element.ns = self.meant(&element.ns)?;
        for at in 0..element.attributes.len() {
            if !element.attributes[at].ns.is_empty() {
                element.attributes[at].ns = self.meant(&element.attributes[at].ns)?;
            }
        }
        if has_twin(&element.attributes) {
            return Err(Error::DuplicateAttribute);
        }
        Ok(element)
    }

    /// The innermost element has ended.
    pub fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        while self.declared.last().is_some_and(|last| last.depth > self.depth) {
            self.declared.pop();
        }
    }

    /// The namespace of elements without prefix.
    pub fn default_ns(&self) -> &str {
        self.find("").unwrap_or_default()
    }

    fn declare(&mut self, prefix: String, ns: String) -> Result<(), Error> {
        if ns == XMLNS_XMLNS {
            return Err(Error::ReservedNamespaceName);
        }
        if self.declared.iter().rev().take(self.declares).any(|known| known.prefix == prefix) {
            return Err(Error::DuplicateAttribute);
        }
        self.declares += 1;
        self.declared.push(Declared { depth: self.depth, prefix, ns });
        Ok(())
    }

    fn find(&self, prefix: &str) -> Option<&str> {
        self.declared.iter().rev().find(|known| known.prefix == prefix).map(|known| known.ns.as_str())
    }

    fn meant(&self, prefix: &str) -> Result<String, Error> {
        match self.find(prefix) {
            Some(ns) => Ok(ns.to_owned()),
            // Both need no declaration.
            None if prefix.is_empty() => Ok(String::new()),
            None if prefix == "xml" => Ok(ns::XML.to_owned()),
            None => Err(Error::UndeclaredNamespacePrefix(None)),
        }
    }
}

fn plain(prefix: Option<NcName>) -> String {
    prefix.map(String::from).unwrap_or_default()
}

/// There are few attributes: the reader bounds them.
fn has_twin(attributes: &[Attribute]) -> bool {
    let is_same = |one: &Attribute, other: &Attribute| one.name == other.name && one.ns == other.ns;
    attributes.iter().enumerate().any(|(at, one)| attributes[..at].iter().any(|other| is_same(one, other)))
}
