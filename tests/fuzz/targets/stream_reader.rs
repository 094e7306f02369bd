//! The reader of streams beside a second parser. For every input: no panic, the same pieces however the bytes are
//! cut, no piece beyond the limits, what is written of a piece is read back the same, and one tree with the second
//! parser wherever both take the input.

#![no_main]
// The reader has more than is needed here.
#![allow(dead_code, unused_imports)]

#[path = "../../../plugins/federation/src/xml/mod.rs"]
mod xml;

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use roxmltree::{Document, Error, Node};
use xml::{AFTER, BEFORE, Broken, Element, Limits, Piece, Reader, header, written};

const OPEN: &str = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' \
     xmlns:db='jabber:server:dialback'>";
const CLOSE: &str = "</stream:stream>";

fuzz_target!(|input: &[u8]| {
    let Some((&how, rest)) = input.split_first() else { return };
    let limits = if how & 1 == 0 { BEFORE } else { AFTER };
    let is_framed = how & 2 == 0;
    // Most of what is wrong with a header is found soon; framed, the inputs reach further.
    let text = if is_framed { [OPEN.as_bytes(), rest, CLOSE.as_bytes()].concat() } else { rest.to_vec() };
    let whole = read(&text, text.len().max(1), limits);
    for chunk in [1, 1 + usize::from(how >> 2)] {
        // Of two faults either may be seen first, and a fault at the very end may need another byte to be seen.
        assert_eq!(read(&text, chunk, limits).0, whole.0, "cut into pieces of {chunk} bytes");
    }
    for piece in &whole.0 {
        within(piece, limits);
        comes_back(piece);
    }
    compare(&text);
});

/// What is read of a text, and why no more.
type Outcome = (Vec<Piece>, Option<Broken>);

fn read(text: &[u8], chunk: usize, limits: Limits) -> Outcome {
    let (mut reader, mut pieces) = (Reader::new(limits), Vec::new());
    for mut part in text.chunks(chunk) {
        loop {
            match reader.next(&mut part) {
                Ok(Some(Piece::Close)) => {
                    pieces.push(Piece::Close);
                    return (pieces, None);
                }
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => break,
                Err(broken) => return (pieces, Some(broken)),
            }
        }
    }
    (pieces, None)
}

fn within(piece: &Piece, limits: Limits) {
    let Piece::Child(element) = piece else { return };
    let mut count = 0;
    let mut around = vec![(element, 1)];
    while let Some((element, depth)) = around.pop() {
        count += 1;
        assert!(depth <= limits.depth && element.attributes.len() <= limits.attributes);
        around.extend(element.elements().map(|inner| (inner, depth + 1)));
    }
    assert!(count <= limits.elements);
}

fn comes_back(piece: &Piece) {
    let Piece::Child(element) = piece else { return };
    // What is escaped grows.
    let wide = Limits { bytes: 8 * AFTER.bytes, ..AFTER };
    let text = format!("{}{}", header(None, None, None), written(element));
    let (pieces, broken) = read(text.as_bytes(), text.len(), wide);
    let Some(Piece::Child(again)) = pieces.get(1) else { panic!("{text:?} is not read back: {broken:?}") };
    assert_eq!(Plain::ours(again), Plain::ours(element), "{text:?}");
}

/// What the reader took to the stream's end the second parser must take, and see the same tree.
fn compare(text: &[u8]) {
    let (mut reader, mut left, mut pieces) = (Reader::new(AFTER), text, Vec::new());
    while let Ok(Some(piece)) = reader.next(&mut left) {
        let is_end = piece == Piece::Close;
        pieces.push(piece);
        if is_end {
            break;
        }
    }
    let [Piece::Open { root, .. }, .., Piece::Close] = &pieces[..] else { return };
    // What follows the end is never looked at.
    let stream = std::str::from_utf8(&text[..text.len() - left.len()]).expect("what was taken is UTF-8");
    // Of several carriage returns in a row the reader's library drops one: other space, but nothing that has a meaning.
    if stream.contains('\r') {
        return;
    }
    let document = match Document::parse(stream.trim_ascii()) {
        Ok(document) => document,
        // It knows this prefix in attributes only, though it is bound everywhere (Namespaces in XML, section 3).
        Err(Error::UnknownNamespace(prefix, _)) if prefix == "xml" => return,
        Err(error) => panic!("the second parser refuses {stream:?}: {error}"),
    };
    let mut ours = Plain::ours(root);
    for piece in &pieces {
        if let Piece::Child(element) = piece {
            ours.children.push(Plain::ours(element));
        }
    }
    let mut theirs = Plain::theirs(document.root_element());
    // Whitespace between stanzas is no content.
    assert!(theirs.words.trim_ascii().is_empty(), "words between stanzas: {stream:?}");
    theirs.words.clear();
    assert_eq!(ours, theirs, "{stream:?}");
}

/// What both parsers can tell of an element.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plain {
    ns: String,
    name: String,
    attributes: BTreeMap<(String, String), String>,
    words: String,
    children: Vec<Plain>,
}

impl Plain {
    fn ours(element: &Element) -> Self {
        let attributes =
            element.attributes.iter().map(|one| ((one.ns.clone(), one.name.clone()), one.value.clone()));
        Self {
            ns: element.ns.clone(),
            name: element.name.clone(),
            attributes: attributes.collect(),
            words: element.words(),
            children: element.elements().map(Self::ours).collect(),
        }
    }

    fn theirs(node: Node<'_, '_>) -> Self {
        let text = |space: Option<&str>| space.unwrap_or_default().to_owned();
        let attributes = node
            .attributes()
            .map(|one| ((text(one.namespace()), one.name().to_owned()), one.value().to_owned()));
        Self {
            ns: text(node.tag_name().namespace()),
            name: node.tag_name().name().to_owned(),
            attributes: attributes.collect(),
            words: node.children().filter(Node::is_text).filter_map(|text| text.text()).collect(),
            children: node.children().filter(Node::is_element).map(Self::theirs).collect(),
        }
    }
}
