//! Presence as XMPP says it: its words, and what was heard of a contact. Who is told what is `roster`'s.

pub mod heard;
pub mod words;
