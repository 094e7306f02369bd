//! Namespaces of what goes with messages.

/// Ids of messages in archives, and those that clients give (XEP-0359).
pub const STABLE_IDS: &str = "urn:xmpp:sid:0";
/// Copies for one's other clients (XEP-0280).
pub const CARBONS: &str = "urn:xmpp:carbons:2";
/// A message inside another one (XEP-0297).
pub const FORWARD: &str = "urn:xmpp:forward:0";
/// The archive (XEP-0313).
pub const ARCHIVE: &str = "urn:xmpp:mam:2";
/// When something was said first (XEP-0203).
pub const DELAY: &str = "urn:xmpp:delay";
/// How servers shall handle a message (XEP-0334).
pub const HINTS: &str = "urn:xmpp:hints";
/// That a message has come (XEP-0184).
pub const RECEIPTS: &str = "urn:xmpp:receipts";
/// Whom somebody wants to hear nothing from (XEP-0191).
pub const BLOCKING: &str = "urn:xmpp:blocking";
/// The error of writing to somebody whom one has blocked (XEP-0191 section 3.4).
pub const BLOCKING_ERRORS: &str = "urn:xmpp:blocking:errors";
/// Parts of something long (XEP-0059).
pub const PARTS: &str = "http://jabber.org/protocol/rsm";
/// Forms (XEP-0004).
pub const FORMS: &str = "jabber:x:data";
