//! XML as streams between servers use it: an element as a tree, a reader whose every size is bounded, and a
//! writer that lets nothing illegal out. What the elements mean is `s2s`'s.

mod element;
mod reader;
mod spaces;
mod writer;

#[cfg(test)]
mod tests;

pub use element::{Element, Node};
pub use reader::{AFTER, BEFORE, Broken, Limits, Piece, Reader, parsed};
pub use writer::{
    client_header, header, written, written_to_client, written_to_client_with, written_without,
};

/// Namespaces by their sources.
pub mod ns {
    /// Stanzas between servers (RFC 6120 section 4.8.3).
    pub const SERVER: &str = "jabber:server";
    /// Stanzas of clients (RFC 6120 section 4.8.3). Inside they are [`SERVER`]'s.
    pub const CLIENT: &str = "jabber:client";
    /// The stream itself (RFC 6120 section 4.8.1).
    pub const STREAM: &str = "http://etherx.jabber.org/streams";
    /// Conditions of stream errors (RFC 6120 section 4.9.2).
    pub const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
    /// Conditions of stanza errors (RFC 6120 section 8.3.2).
    pub const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
    /// STARTTLS (RFC 6120 section 5.4).
    pub const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
    /// SASL (RFC 6120 section 6.4).
    pub const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
    /// Dialback (XEP-0220 section 2).
    pub const DIALBACK: &str = "jabber:server:dialback";
    /// Dialback among the features (XEP-0220 section 2.3).
    pub const DIALBACK_FEATURE: &str = "urn:xmpp:features:dialback";
    /// `xml:lang` and its like.
    pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
    /// Binding of a resource (RFC 6120 section 7.2).
    pub const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
    /// Sessions of old clients (RFC 3921 section 3).
    pub const SESSION: &str = "urn:ietf:params:xml:ns:xmpp-session";
    /// Stream management (XEP-0198).
    pub const SM: &str = "urn:xmpp:sm:3";
    /// Which channel bindings there are (XEP-0440).
    pub const CHANNEL_BINDING: &str = "urn:xmpp:sasl-cb:0";
    /// Ping (XEP-0199).
    pub const PING: &str = "urn:xmpp:ping";
    /// What stands below somebody (XEP-0030).
    pub const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
    /// Name and version of software (XEP-0092).
    pub const VERSION: &str = "jabber:iq:version";
    /// What a client's user is looking at (XEP-0352).
    pub const CLIENT_STATE: &str = "urn:xmpp:csi:0";
    /// What somebody can do (XEP-0030).
    pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
    /// Rosters (RFC 6121 section 2.1).
    pub const ROSTER: &str = "jabber:iq:roster";
    /// That a roster has a version (RFC 6121 section 2.6.1).
    pub const ROSTER_VERSIONS: &str = "urn:xmpp:features:rosterver";
    /// Business cards (XEP-0054).
    pub const VCARD: &str = "vcard-temp";
    /// That there is another photo (XEP-0153 section 4.1).
    pub const VCARD_UPDATE: &str = "vcard-temp:x:update";
    /// What somebody publishes (XEP-0060).
    pub const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
    /// How that is set up (XEP-0060 section 8).
    pub const PUBSUB_OWNER: &str = "http://jabber.org/protocol/pubsub#owner";
    /// Search of people (XEP-0055).
    pub const SEARCH: &str = "jabber:iq:search";
    /// Forms (XEP-0004).
    pub const FORM: &str = "jabber:x:data";
    /// When something was, where that is not now (XEP-0203).
    pub const DELAY: &str = "urn:xmpp:delay";
}
