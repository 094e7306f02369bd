//! An element and what is in it.

/// An element. It is never deeper than the reader's limits, so dropping it needs little stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Namespace; empty: none.
    pub ns: String,
    /// Name without prefix.
    pub name: String,
    /// Attributes, without declarations of namespaces.
    pub attributes: Vec<Attribute>,
    /// What stands between its tags, in order.
    pub children: Vec<Node>,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Namespace; mostly none.
    pub ns: String,
    /// Name without prefix.
    pub name: String,
    /// Value, as meant and not as written.
    pub value: String,
}

/// Part of an element's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Another element.
    Element(Element),
    /// Text, as meant and not as written.
    Text(String),
}

impl Element {
    /// An empty one.
    pub fn new(ns: &str, name: &str) -> Self {
        Self { ns: ns.to_owned(), name: name.to_owned(), ..Self::default() }
    }

    /// With an attribute that has no namespace.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.attributes.push(Attribute { ns: String::new(), name, value });
        self
    }

    /// With the attribute where there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Gives an attribute without namespace that value, whatever it had.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|known| known.ns.is_empty() && known.name == name) {
            Some(known) => value.clone_into(&mut known.value),
            None => {
                let (name, value) = (name.to_owned(), value.to_owned());
                self.attributes.push(Attribute { ns: String::new(), name, value });
            }
        }
    }

    /// With another namespace, as far as it reaches from the outside: what stands in elements of other namespaces stays
    /// as it is.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        if self.ns == from {
            to.clone_into(&mut self.ns);
            for child in &mut self.children {
                if let Node::Element(element) = child {
                    *element = std::mem::take(element).renamed(from, to);
                }
            }
        }
        self
    }

    /// With another element at its end.
    #[must_use]
    pub fn child(mut self, element: Self) -> Self {
        self.children.push(Node::Element(element));
        self
    }

    /// With text at its end.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.children.push(Node::Text(text.to_owned()));
        self
    }

    /// Whether it is that one.
    pub fn is(&self, ns: &str, name: &str) -> bool {
        self.ns == ns && self.name == name
    }

    /// Value of an attribute without namespace.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|known| known.ns.is_empty() && known.name == name);
        found.map(|found| found.value.as_str())
    }

    /// Elements directly in it.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first element of that name directly in it.
    pub fn find(&self, ns: &str, name: &str) -> Option<&Self> {
        self.elements().find(|element| element.is(ns, name))
    }

    /// Text directly in it.
    pub fn words(&self) -> String {
        let texts = self.children.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }
}
