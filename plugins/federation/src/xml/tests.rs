//! What comes in over the wire and what goes out, as tables.

use proptest::prelude::*;

use super::element::{Attribute, Node};
use super::*;

const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' \
     xmlns:db='jabber:server:dialback' to='a.example' version='1.0'>";

/// All pieces of a text that comes in chunks of that size.
fn pieces(text: &[u8], chunk: usize, limits: Limits) -> Result<Vec<Piece>, Broken> {
    let mut reader = Reader::new(limits);
    let mut found = Vec::new();
    for mut part in text.chunks(chunk) {
        while let Some(piece) = reader.next(&mut part)? {
            found.push(piece);
        }
    }
    Ok(found)
}

fn children(text: &str) -> Result<Vec<Element>, Broken> {
    let found = pieces(format!("{OPEN}{text}").as_bytes(), 7, BEFORE)?;
    Ok(found
        .into_iter()
        .filter_map(|piece| if let Piece::Child(element) = piece { Some(element) } else { None })
        .collect())
}

#[test]
fn a_stream_is_read_in_pieces_however_it_is_cut() {
    let text = format!(
        "{OPEN}<message to='x@y'><body>a &amp; <![CDATA[<b/>]]></body></message> \n <db:result/></stream:stream>"
    );
    for chunk in [1, 2, 7, 4096] {
        let found = pieces(text.as_bytes(), chunk, BEFORE).unwrap();
        let [Piece::Open { root, default_ns }, Piece::Child(message), Piece::Child(result), Piece::Close] =
            &found[..]
        else {
            panic!("{chunk}: {found:?}")
        };
        assert!(root.is(ns::STREAM, "stream") && default_ns == ns::SERVER);
        assert_eq!(root.attribute("to"), Some("a.example"));
        assert_eq!(message.find(ns::SERVER, "body").unwrap().words(), "a & <b/>");
        assert!(result.is(ns::DIALBACK, "result"));
    }
}

#[test]
fn what_is_no_xml_is_malformed() {
    for text in [
        "GET / HTTP/1.1\r\n\r\n".as_bytes(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\xff\xfe<\0?\0",
        b"\x80\x81\x82\x83\x84\x85<a>",
    ] {
        assert!(pieces(text, 3, BEFORE).is_err(), "{text:?}");
    }
    for text in [
        "<a><b></a></b>",
        "<a x='1' x='2'/>",
        "<a xmlns='u' xmlns='v'/>",
        "<a xmlns='u' xmlns='u'/>",
        "<a xmlns:p='u' xmlns:p='v'/>",
        "<a xmlns:p='u' xmlns:q='u' p:x='1' q:x='2'/>",
        "<q:a/>",
        "<a q:x='1'/>",
        "<a><b xmlns:q='u'/><q:c/></a>",
        "<xmlns:a/>",
        "<a xmlns:xmlns='u'/>",
        "<a xmlns:p=''/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a>&nbsp;</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>\u{8}</a>",
        "words",
    ] {
        assert!(matches!(children(text), Err(Broken::Malformed(_))), "{text}: {:?}", children(text));
    }
    for bytes in [&b"\xc0\xaf"[..], b"\xff", b"\xed\xa0\x80"] {
        let text = [OPEN.as_bytes(), b"<a>", bytes, b"</a>"].concat();
        assert!(pieces(&text, 5, BEFORE).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_prefix_means_what_is_declared_nearest_and_only_inside() {
    let text = "<a xmlns='u' xmlns:p='v' p:x='1' x='2' xml:lang='en'><p:b xmlns:p='w'/><c xmlns=''><p:d/></c></a><e/>";
    let [a, e] = &children(text).unwrap()[..] else { panic!("two stanzas") };
    assert!(a.is("u", "a") && e.is(ns::SERVER, "e"));
    let attributes: Vec<_> = a.attributes.iter().map(|one| (&*one.ns, &*one.name, &*one.value)).collect();
    assert_eq!(attributes, [("v", "x", "1"), ("", "x", "2"), (ns::XML, "lang", "en")]);
    assert!(a.find("w", "b").is_some());
    assert!(a.find("", "c").unwrap().find("v", "d").is_some());
}

#[test]
fn what_streams_must_not_have_is_refused() {
    for text in ["<!-- x -->", "<?x y?>", "<a><!-- x --></a>"] {
        assert!(
            matches!(children(text), Err(Broken::Restricted(_) | Broken::Malformed(_))),
            "{text}: {:?}",
            children(text)
        );
    }
    let bomb = "<!DOCTYPE a [<!ENTITY b 'b'><!ENTITY c '&b;&b;'>]>";
    for start in [
        bomb,
        "<!DOCTYPE a SYSTEM 'http://x/'>",
        "<?xml version='1.0' encoding='ISO-8859-1'?>",
        "<?xml version='1.0' standalone='no'?>",
    ] {
        assert!(pieces(format!("{start}<a/>").as_bytes(), 4, BEFORE).is_err(), "{start}");
    }
    assert!(children("<?xml version='1.0'?>").is_err());
}

#[test]
fn limits_hold_before_memory_is_taken() {
    let long = "x".repeat(1 << 20);
    let many: String = (0..100_000).map(|n| format!(" a{n}='1'")).collect();
    let spaces: String = (0..100_000).map(|n| format!(" xmlns:a{n}='u'")).collect();
    for text in
        [format!("<a x='{long}'/>"), format!("<a{many}/>"), format!("<a{spaces}/>"), format!("<{long}/>")]
    {
        assert!(children(&text).is_err());
        assert!(pieces(text.as_bytes(), 4096, BEFORE).is_err(), "as a header");
    }
    let nested = |count: usize| "<a>".repeat(count) + &"</a>".repeat(count);
    assert!(matches!(children(&nested(3000)), Err(Broken::TooMuch(_))));
    assert!(children(&nested(8)).is_ok() && children(&nested(9)).is_err());
    let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    assert!(children(&wide(32)).is_ok() && children(&wide(33)).is_err());
    let attributes =
        |count: usize| format!("<a{}/>", (0..count).map(|n| format!(" b{n}=''")).collect::<String>());
    assert!(children(&attributes(64)).is_ok() && children(&attributes(65)).is_err());
    let declarations =
        |count: usize| format!("<a{}/>", (0..count).map(|n| format!(" xmlns:b{n}='u'")).collect::<String>());
    assert!(children(&declarations(64)).is_ok() && children(&declarations(65)).is_err());
    assert_eq!(children(&format!("{}<a/>", " ".repeat(100_000))).unwrap().len(), 1);
}

#[test]
fn a_stanza_may_be_exactly_as_long_as_the_limit() {
    let most = AFTER.bytes;
    let body = |bytes: usize| format!("{OPEN}<a>{}</a>", "x".repeat(bytes - 7));
    for chunk in [1000, usize::MAX] {
        assert_eq!(pieces(body(most).as_bytes(), chunk, AFTER).unwrap().len(), 2);
        assert!(matches!(pieces(body(most + 1).as_bytes(), chunk, AFTER), Err(Broken::TooMuch(_))));
    }
    let twice = body(most) + "<a/>";
    assert_eq!(pieces(twice.as_bytes(), 1 << 20, AFTER).unwrap().len(), 3, "every stanza is counted anew");
}

#[test]
fn prefixes_are_written_as_the_wire_has_them() {
    let result = Element::new(ns::DIALBACK, "result").with("from", "a'b").text("k");
    assert_eq!(written(&result), "<db:result from='a&apos;b'>k</db:result>");
    let features = Element::new(ns::STREAM, "features").child(Element::new(ns::TLS, "starttls"));
    assert_eq!(
        written(&features),
        format!("<stream:features><starttls xmlns='{}'/></stream:features>", ns::TLS)
    );
    let strange =
        Element::new(ns::XML, "lang").child(Element::new(ns::SERVER, "b")).child(Element::new(ns::XML, "c"));
    assert_eq!(written(&strange), "<xml:lang><b/><xml:c/></xml:lang>");
    assert_eq!(
        written_to_client(&strange),
        "<xml:lang><b/><xml:c/></xml:lang>",
        "another declaration of it would end the stream"
    );
    let body = Element::new(ns::SERVER, "message")
        .child(Element::new(ns::SERVER, "body").text("a\u{0}\u{8}\u{FFFE}]]>"));
    assert_eq!(written(&body), "<message><body>a\u{FFFD}\u{FFFD}\u{FFFD}]]&gt;</body></message>");
}

fn any_element() -> impl Strategy<Value = Element> {
    let text = "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{FFFE}\u{FFFF}]{1,12}";
    let space = prop_oneof![Just(ns::SERVER), Just(ns::DIALBACK), Just(ns::XML), Just("urn:x"), Just("")];
    let attribute = (prop_oneof![Just(""), Just(ns::XML), Just("urn:y")], "[a-z]{1,4}", text)
        .prop_map(|(ns, name, value)| Attribute { ns: ns.to_owned(), name, value });
    let leaf = (space, "[a-z]{1,5}", prop::collection::vec(attribute, 0..3)).prop_map(
        |(ns, name, mut attributes)| {
            attributes.sort_by(|a, b| (&a.ns, &a.name).cmp(&(&b.ns, &b.name)));
            attributes.dedup_by(|a, b| (&a.ns, &a.name) == (&b.ns, &b.name));
            Element { ns: ns.to_owned(), name, attributes, children: Vec::new() }
        },
    );
    leaf.prop_recursive(4, 16, 3, move |inner| {
        let child = (inner, text).prop_map(|(inner, text)| [Node::Element(inner), Node::Text(text)]);
        (any_leaf(), prop::collection::vec(child, 0..3)).prop_map(|(mut element, children)| {
            element.children = children.into_iter().flatten().collect();
            element
        })
    })
}

fn any_leaf() -> impl Strategy<Value = Element> {
    (prop_oneof![Just(ns::SERVER), Just("urn:x")], "[a-z]{1,5}")
        .prop_map(|(ns, name)| Element::new(ns, &name))
}

/// Attributes have no order.
fn sorted(mut element: Element) -> Element {
    element.attributes.sort_by(|a, b| (&a.ns, &a.name).cmp(&(&b.ns, &b.name)));
    let children = std::mem::take(&mut element.children);
    let sorted = |node| if let Node::Element(inner) = node { Node::Element(sorted(inner)) } else { node };
    element.children = children.into_iter().map(sorted).collect();
    element
}

proptest! {
    #[test]
    fn what_is_written_is_parsed_the_same(element in any_element(), chunk in 1_usize..50) {
        let text = format!("{}{}", header(None, None, None), written(&element));
        let found = pieces(text.as_bytes(), chunk, AFTER).unwrap();
        prop_assert_eq!(found.len(), 2, "{}", text);
        let Piece::Child(read) = found[1].clone() else { panic!("{text}") };
        prop_assert_eq!(sorted(read), sorted(element), "{}", text);
    }

    #[test]
    fn no_input_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = pieces(&[OPEN.as_bytes(), &bytes].concat(), 5, BEFORE);
    }
}
