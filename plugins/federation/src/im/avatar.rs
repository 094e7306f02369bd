//! Photos as clients of today ask for them (XEP-0084), as answers to questions (XEP-0060 section 6.5). Nobody subscribes
//! to them, because presence says when there is another one (XEP-0153); nobody publishes them, because the appliance's
//! directory has them.

use jackfield_sdk::{Failure, Host, params};
use serde::Deserialize;

use crate::xml::{Element, ns};

const PHOTO: &str = "SELECT p.hash, p.media_type, p.width, p.height, p.size
    FROM core_accounts a JOIN core_photos p ON p.hash = a.photo WHERE a.id = ?1";
const BYTES: &str = "SELECT p.hash, p.media_type, p.width, p.height, p.size, p.bytes
    FROM core_accounts a JOIN core_photos p ON p.hash = a.photo WHERE a.id = ?1";
/// Says what there is; also the namespace of what it holds.
const METADATA: &str = "urn:xmpp:avatar:metadata";
/// Holds the picture; also its namespace.
const DATA: &str = "urn:xmpp:avatar:data";

/// What of an avatar somebody is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Which there is.
    Metadata,
    /// The picture.
    Data,
    /// Setting it, or anything else that is not done here.
    Other,
}

/// A photo of the appliance's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stored {
    hash: String,
    /// Its media type.
    pub media_type: String,
    width: u32,
    height: u32,
    size: u32,
    /// The picture, where it was asked for.
    pub bytes: Option<Bytes>,
}

/// Bytes as the appliance gives them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bytes {
    /// The form that vCards and avatars have as well (RFC 4648 section 4).
    pub base64: String,
}

/// The photo of an account or contact, with its bytes; none: it has none.
pub fn stored(host: &Host, id: &str) -> Result<Option<Stored>, Failure> {
    host.db().first(BYTES, params![id])
}

/// What is asked for or set; none: it is not about avatars.
pub fn part(payload: &Element, kind: &str) -> Option<Part> {
    let is_asked = match payload.ns.as_str() {
        ns::PUBSUB => kind == "get",
        ns::PUBSUB_OWNER => false,
        _ => return None,
    };
    let wanted = payload.elements().find(|child| matches!(child.attribute("node"), Some(METADATA | DATA)))?;
    Some(match wanted.attribute("node") {
        _ if !is_asked || wanted.name != "items" => Part::Other,
        Some(METADATA) => Part::Metadata,
        _ => Part::Data,
    })
}

/// The answer about the photo of an account or contact; none: there is no such photo.
pub fn read(host: &Host, id: &str, payload: &Element, part: Part) -> Result<Option<Element>, Failure> {
    let stored = match part {
        Part::Metadata => host.db().first::<Stored>(PHOTO, params![id])?,
        _ => stored(host, id)?,
    };
    Ok(stored.filter(|stored| is_meant(payload, &stored.hash)).map(|stored| stored.item()))
}

/// Whoever names no item means what there is.
fn is_meant(payload: &Element, hash: &str) -> bool {
    let mut items =
        payload.elements().flat_map(Element::elements).filter(|child| child.name == "item").peekable();
    items.peek().is_none()
        || items.any(|item| item.attribute("id").is_some_and(|id| id.eq_ignore_ascii_case(hash)))
}

impl Stored {
    /// As the item of the node that was asked.
    fn item(&self) -> Element {
        let (node, content) = match &self.bytes {
            Some(bytes) => (DATA, Element::new(DATA, "data").text(&bytes.base64)),
            None => (METADATA, Element::new(METADATA, "metadata").child(self.info())),
        };
        let item = Element::new(ns::PUBSUB, "item").with("id", &self.hash).child(content);
        let items = Element::new(ns::PUBSUB, "items").with("node", node).child(item);
        Element::new(ns::PUBSUB, "pubsub").child(items)
    }

    fn info(&self) -> Element {
        let Self { hash, media_type, width, height, size, .. } = self;
        let info = Element::new(METADATA, "info").with("id", hash).with("type", media_type);
        let info = info.with("bytes", &size.to_string()).with("width", &width.to_string());
        info.with("height", &height.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{parsed, written};

    fn asked(inside: &str) -> Element {
        parsed(&format!("<pubsub xmlns='http://jabber.org/protocol/pubsub'>{inside}</pubsub>")).unwrap()
    }

    #[test]
    fn only_what_is_about_avatars_is_answered_and_only_questions_are_granted() {
        let meta = "<items node='urn:xmpp:avatar:metadata'/>";
        for (inside, kind, wanted) in [
            (meta, "get", Some(Part::Metadata)),
            ("<items node='urn:xmpp:avatar:data' max_items='1'/>", "get", Some(Part::Data)),
            ("<items node='urn:xmpp:bookmarks:1'/>", "get", None),
            ("<items/>", "get", None),
            ("", "get", None),
            (meta, "set", Some(Part::Other)),
            ("<publish node='urn:xmpp:avatar:data'><item/></publish>", "set", Some(Part::Other)),
            ("<subscribe node='urn:xmpp:avatar:metadata'/>", "set", Some(Part::Other)),
            ("<default node='urn:xmpp:avatar:metadata'/>", "get", Some(Part::Other)),
        ] {
            assert_eq!(part(&asked(inside), kind), wanted, "{inside} {kind}");
        }
        let owner = "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='urn:xmpp:avatar:data'/></pubsub>";
        assert_eq!(part(&parsed(owner).unwrap(), "set"), Some(Part::Other));
        assert_eq!(part(&parsed("<vCard xmlns='vcard-temp'/>").unwrap(), "get"), None);
    }

    #[test]
    fn an_item_is_meant_by_its_digest_or_by_no_name() {
        let items = |inside: &str| asked(&format!("<items node='urn:xmpp:avatar:data'>{inside}</items>"));
        for (inside, is_it) in
            [("", true), ("<item id='AB'/>", true), ("<item id='cd'/>", false), ("<item/>", false)]
        {
            assert_eq!(is_meant(&items(inside), "ab"), is_it, "{inside}");
        }
    }

    #[test]
    fn what_there_is_is_told_with_its_size() {
        let photo = Stored {
            hash: "ab".to_owned(),
            media_type: "image/png".to_owned(),
            width: 96,
            height: 64,
            size: 3,
            bytes: None,
        };
        assert_eq!(
            written(&photo.item()),
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:metadata'><item id='ab'>\
             <metadata xmlns='urn:xmpp:avatar:metadata'><info id='ab' type='image/png' bytes='3' width='96' height='64'/>\
             </metadata></item></items></pubsub>"
        );
        let photo = Stored { bytes: Some(Bytes { base64: "AAEC".to_owned() }), ..photo };
        assert!(written(&photo.item()).contains("<data xmlns='urn:xmpp:avatar:data'>AAEC</data>"));
    }
}
