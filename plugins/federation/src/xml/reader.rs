//! Reads a stream piece by piece. Everything is counted while it comes in, so that what is too large, too deep
//! or too much is refused before memory is taken for it.

use rxml::error::{EndOrError, Error};
use rxml::{Parse, RawEvent, RawParser};

use super::element::{Element, Node};
use super::spaces::Spaces;

/// Bounds of one piece: a header, or a child of the stream with all that is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes as they came.
    pub bytes: usize,
    /// Elements.
    pub elements: usize,
    /// Elements around an element, itself included.
    pub depth: usize,
    /// Attributes of one element, and once more as many declarations of namespaces.
    pub attributes: usize,
}

/// Before a peer has proved who it is.
pub const BEFORE: Limits = Limits { bytes: 8 * 1024, elements: 32, depth: 8, attributes: 64 };
/// Afterwards. RFC 6120 section 13.12 wants at least 10,000 bytes; a card with the largest photo needs 150 KiB.
pub const AFTER: Limits = Limits { bytes: 160 * 1024, elements: 1000, depth: 32, attributes: 64 };

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The stream's header.
    Open {
        /// Its root, without content.
        root: Element,
        /// The namespace of elements without prefix.
        default_ns: String,
    },
    /// A child of the stream.
    Child(Element),
    /// The stream's end.
    Close,
}

/// Why no more is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// It is no XML.
    Malformed(String),
    /// It is XML that streams must not have (RFC 6120 section 11.1).
    Restricted(String),
    /// A limit, in words.
    TooMuch(String),
}

/// The element that [`super::written`] wrote; none: it is no text of that.
pub fn parsed(text: &str) -> Option<Element> {
    let whole = super::header(None, None, None) + text;
    let (mut reader, mut rest) = (Reader::new(AFTER), whole.as_bytes());
    loop {
        match reader.next(&mut rest) {
            Ok(Some(Piece::Child(element))) => return Some(element),
            Ok(Some(Piece::Open { .. })) => {}
            Ok(Some(Piece::Close) | None) | Err(_) => return None,
        }
    }
}

/// Reads one stream, from its header to its end or to a restart.
pub struct Reader {
    parser: RawParser,
    spaces: Spaces,
    limits: Limits,
    /// Bytes of the piece so far.
    taken: usize,
    elements: usize,
    is_begun: bool,
    is_open: bool,
    /// Elements that are open, the stream's own left out.
    stack: Vec<Element>,
}

impl Reader {
    /// Before the header.
    pub fn new(limits: Limits) -> Self {
        let mut parser = RawParser::new();
        // Whitespace between stanzas is never kept, however much there is.
        parser.set_text_buffering(false);
        Self {
            parser,
            spaces: Spaces::default(),
            limits,
            taken: 0,
            elements: 0,
            is_begun: false,
            is_open: false,
            stack: Vec::new(),
        }
    }

    /// Other limits from now on.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The next piece, taking away from the input what was read; none: more input is needed.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Piece>, Broken> {
        if !self.is_begun {
            *input = input.trim_ascii_start();
            self.is_begun = !input.is_empty();
        }
        loop {
            let room = self.limits.bytes.saturating_sub(self.taken);
            let offered = &input[..input.len().min(room)];
            let mut part = offered;
            let event = self.parser.parse(&mut part, false);
            let read = offered.len() - part.len();
            self.taken += read;
            *input = &input[read..];
            match event {
                // One byte may bring several events, so the parser is asked until it wants more.
                Err(EndOrError::NeedMoreData) if input.is_empty() => {
                    self.rest();
                    return Ok(None);
                }
                Err(EndOrError::NeedMoreData) if self.taken < self.limits.bytes => {}
                Err(EndOrError::NeedMoreData) => {
                    return Err(too_much("longer than", self.limits.bytes, "bytes"));
                }
                Err(EndOrError::Error(error)) => return Err(broken(&error)),
                Ok(None) => return Ok(None),
                Ok(Some(event)) => {
                    if let Some(piece) = self.take(event)? {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// Most streams are silent for long: no room is kept for what may come.
    fn rest(&mut self) {
        if self.stack.is_empty() {
            self.parser.release_temporaries();
            self.stack.shrink_to_fit();
        }
    }

    fn take(&mut self, event: RawEvent) -> Result<Option<Piece>, Broken> {
        match event {
            RawEvent::XmlDeclaration(..) => Ok(None),
            RawEvent::ElementHeadOpen(_, name) => {
                self.spaces.begin(name);
                Ok(None)
            }
            RawEvent::Attribute(_, name, value) => {
                self.spaces.attribute(name, value).map_err(|error| broken(&error))?;
                let most = self.limits.attributes;
                if self.spaces.width() > most {
                    return Err(too_much("with an element of more than", most, "attributes"));
                }
                Ok(None)
            }
            RawEvent::ElementHeadClose(_) => {
                let element = self.spaces.complete().map_err(|error| broken(&error))?;
                self.begin(element)
            }
            RawEvent::Text(_, text) => self.text(text),
            RawEvent::ElementFoot(_) => {
                self.spaces.end();
                Ok(self.end())
            }
        }
    }

    fn begin(&mut self, element: Element) -> Result<Option<Piece>, Broken> {
        if !self.is_open {
            self.is_open = true;
            self.taken = 0;
            let default_ns = self.spaces.default_ns().to_owned();
            return Ok(Some(Piece::Open { root: element, default_ns }));
        }
        self.elements += 1;
        self.stack.push(element);
        if self.stack.len() > self.limits.depth {
            return Err(too_much("deeper than", self.limits.depth, "elements"));
        }
        if self.elements > self.limits.elements {
            return Err(too_much("of more than", self.limits.elements, "elements"));
        }
        Ok(None)
    }

    fn text(&mut self, text: String) -> Result<Option<Piece>, Broken> {
        if let Some(around) = self.stack.last_mut() {
            match around.children.last_mut() {
                Some(Node::Text(before)) => before.push_str(&text),
                _ => around.children.push(Node::Text(text)),
            }
            return Ok(None);
        }
        self.taken = 0;
        if text.trim_ascii().is_empty() {
            return Ok(None);
        }
        Err(Broken::Malformed("there is text between stanzas".to_owned()))
    }

    fn end(&mut self) -> Option<Piece> {
        let Some(element) = self.stack.pop() else { return Some(Piece::Close) };
        if let Some(around) = self.stack.last_mut() {
            around.children.push(Node::Element(element));
            return None;
        }
        (self.taken, self.elements) = (0, 0);
        Some(Piece::Child(element))
    }
}

fn broken(error: &Error) -> Broken {
    match error {
        Error::RestrictedXml(what) => Broken::Restricted(format!("it has what a stream must not: {what}")),
        other => Broken::Malformed(format!("it is not XML: {other}")),
    }
}

fn too_much(how: &str, most: usize, what: &str) -> Broken {
    Broken::TooMuch(format!("a stanza {how} {most} {what} is not taken"))
}
