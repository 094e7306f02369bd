//! One frame: a JSON object with `type`, behind its length in four bytes. Everything has a bound, and what does not fit is
//! refused with words before anything is done.

use serde::{Deserialize, Serialize};

use super::bounds;

/// Largest frame between appliances that trust each other, in bytes.
pub const LARGEST: usize = 256 * 1024;
/// Largest frame of somebody who is not known yet.
pub const LARGEST_FIRST: usize = 8 * 1024;
/// Most people in one frame.
pub const PEOPLE: usize = 500;
/// Most messages in one frame.
pub const MESSAGES: usize = 50;
/// Most enterprises that are listed.
pub const ENTERPRISES: usize = 1000;
/// Most names that an appliance had before.
pub const FORMER_NAMES: usize = 10;

/// First protocol that is spoken, and the newest.
pub const PROTOCOLS: [u32; 2] = [1, 1];
/// What we understand: 2 has presence of logins in UPN form (seed 002: both sides must).
pub const LEVEL: u32 = 2;
/// The level from which presence of logins in UPN form is told.
pub const LEVEL_UPN: u32 = 2;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// Begins a link, from either side.
    Hello(Box<Hello>),
    /// Answers a first frame that is not taken; the connection ends.
    Refuse(Refuse),
    /// Uses an invitation.
    Redeem(Box<Redeem>),
    /// The invitation was good.
    Redeemed(Box<Party>),
    /// Asks for the enterprises there are.
    Enterprises,
    /// All of them.
    EnterpriseList {
        /// At most [`ENTERPRISES`].
        items: Vec<Enterprise>,
    },
    /// Are you there?
    Ping {
        /// Comes back.
        n: u64,
    },
    /// Yes.
    Pong {
        /// As it came.
        n: u64,
    },
    /// What people are doing.
    Presence {
        /// Whether it is part of the whole, and which.
        #[serde(default)]
        part: Part,
        /// At most [`PEOPLE`].
        items: Vec<Person>,
    },
    /// The directory is another one; ask for it.
    DirectoryChanged,
    /// Asks for a page of the directory.
    DirectoryGet {
        /// The epoch of the place; empty: from the beginning.
        #[serde(default)]
        epoch: String,
        /// All after this place.
        #[serde(default)]
        after: Place,
    },
    /// A page of the directory.
    DirectoryPage(Box<Page>),
    /// Messages on their way.
    Messages {
        /// At most [`MESSAGES`].
        items: Vec<Letter>,
    },
    /// What became of them.
    MessagesDone {
        /// Stored for good.
        done: Vec<String>,
        /// Never taken.
        #[serde(default)]
        refused: Vec<Returned>,
        /// To be sent again after a while.
        #[serde(default)]
        later: Vec<String>,
    },
    /// The link ends on purpose.
    Bye {
        /// `deleted`: the peer is no more over there; `moved`; `stopping`; `replaced`; `disabled`.
        reason: String,
    },
}

/// How a link begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// First and newest protocol that is understood.
    pub protocols: [u32; 2],
    /// What is understood, see [`LEVEL`].
    pub level: u32,
    /// Version of the product, for people.
    pub version: String,
    /// The name of the sender's certificate to go by.
    pub hostname: String,
    /// Names that it had before, at most [`FORMER_NAMES`].
    #[serde(default)]
    pub formerly: Vec<String>,
    /// Where the sender is reached, HOST:PORT.
    pub address: String,
    /// Id of the sender's enterprise.
    pub from: String,
    /// Id of the receiver's enterprise.
    pub to: String,
    /// XMPP domain of the sender's enterprise; empty: none.
    #[serde(default)]
    pub domain: String,
    /// The sender's clock, seconds since 1970.
    #[serde(default)]
    pub clock: i64,
}

/// Why a first frame is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refuse {
    /// What sort of reason.
    pub code: Reason,
    /// In words.
    pub detail: String,
    /// What should have been, where something was compared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What was found instead.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
}

/// Sorts of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The certificate is nobody's that is trusted for that enterprise.
    NotTrusted,
    /// The certificate is another one than the trusted one, or has another name.
    CertificateMismatch,
    /// There is no such enterprise.
    EnterpriseNotFound,
    /// No protocol in common.
    VersionTooOld,
    /// There is a link already.
    Duplicate,
    /// An invitation that is wrong, used or over.
    Invitation,
    /// Too much at once.
    Busy,
    /// A frame that nobody may send, or not now.
    BadFrame,
    /// Peering is off over there.
    Disabled,
    /// Something broke over there; and what later versions say.
    #[serde(other)]
    Internal,
}

/// An invitation being used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeem {
    /// Which invitation.
    pub invitation: String,
    /// Its secret.
    pub secret: String,
    /// Who uses it.
    pub party: Party,
}

/// One side of a peering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Id of its enterprise.
    pub enterprise: String,
    /// What people call that.
    #[serde(default)]
    pub description: String,
    /// Its XMPP domain; empty: none.
    #[serde(default)]
    pub domain: String,
    /// The name of its certificate to go by.
    pub hostname: String,
    /// Where it is reached, HOST:PORT.
    pub address: String,
}

/// An enterprise in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enterprise {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub description: String,
}

/// Which part of the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Changes only.
    #[default]
    Change,
    /// The first of the whole: who is not in it and the following is unknown.
    First,
    /// More of it.
    More,
    /// The last of it.
    Last,
    /// The first and last.
    Only,
}

/// What somebody is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Key of the person in the directory.
    pub key: String,
    /// As in `presence.publish`; `unknown`: nobody says.
    pub state: String,
    /// Words with it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A place in a directory: the change, and within that the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Number of the change.
    pub change: i64,
    /// The last key of that change that was seen; empty: none of the next change.
    #[serde(default)]
    pub key: String,
}

/// A page of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Numbers of changes count from the beginning of this.
    pub epoch: String,
    /// Whether it is the first of the whole, because the place that was asked for is not known (any more).
    pub from_start: bool,
    /// New and changed people.
    pub entries: Vec<Entry>,
    /// Keys of those who are gone.
    pub gone: Vec<String>,
    /// Where the next page begins.
    pub next: Place,
    /// Whether there is more already.
    pub more: bool,
    /// How many people there are in all.
    pub total: u64,
}

/// Somebody in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Stable key.
    pub key: String,
    /// Login id.
    pub login_id: String,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Extension.
    #[serde(default)]
    pub extension: String,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its id on the sending side.
    pub id: String,
    /// Who wrote it.
    pub from: String,
    /// Who gets it.
    pub to: String,
    /// The text, at most 32 KiB.
    pub body: String,
}

/// A message that is never taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Its id.
    pub id: String,
    /// Why, in words.
    pub detail: String,
}

/// Reads a frame; the error is what is wrong with it, in words.
pub fn read(bytes: &[u8]) -> Result<Frame, String> {
    let frame: Frame = serde_json::from_slice(bytes).map_err(|e| format!("it is no frame: {e}"))?;
    bounds::check(&frame)?;
    Ok(frame)
}

/// Writes a frame with its length.
pub fn written(frame: &Frame) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, frame).map_err(|e| format!("it cannot be written: {e}"))?;
    let length = bytes.len() - 4;
    if length > LARGEST {
        return Err(format!("it has {length} bytes; {LARGEST} are allowed"));
    }
    let prefix = u32::try_from(length).map_err(|_| "it is too long".to_owned())?;
    bytes[..4].copy_from_slice(&prefix.to_be_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let frame = Frame::Presence {
            part: Part::First,
            items: vec![Person { key: "a".into(), state: "busy".into(), note: "\u{1F600}".into() }],
        };
        let bytes = written(&frame).unwrap();
        assert_eq!(u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize, bytes.len() - 4);
        assert_eq!(read(&bytes[4..]), Ok(frame));
        assert_eq!(
            read(br#"{"type": "directory_get"}"#),
            Ok(Frame::DirectoryGet { epoch: String::new(), after: Place::default() })
        );
    }

    #[test]
    fn fields_and_reasons_of_later_versions_are_understood() {
        assert_eq!(read(br#"{"type": "ping", "n": 1, "colour": "red"}"#), Ok(Frame::Ping { n: 1 }));
        let Ok(Frame::Refuse(refuse)) = read(br#"{"type": "refuse", "code": "melted", "detail": ""}"#) else {
            panic!("it is a refusal");
        };
        assert_eq!(refuse.code, Reason::Internal);
    }

    #[test]
    fn what_is_too_much_is_refused_with_the_bound() {
        let person = || Person { key: "k".into(), state: "busy".into(), note: String::new() };
        let items = (0..=PEOPLE).map(|_| person()).collect();
        let bytes = written(&Frame::Presence { part: Part::Change, items }).unwrap();
        assert_eq!(read(&bytes[4..]).unwrap_err(), "501 people in one frame; 500 are allowed");
        let page = Page { gone: vec![String::new()], ..Page::default() };
        let bytes = written(&Frame::DirectoryPage(Box::new(page))).unwrap();
        assert_eq!(read(&bytes[4..]).unwrap_err(), "key must not be empty");
        let bye = Frame::Bye { reason: "x".repeat(LARGEST) };
        assert!(written(&bye).unwrap_err().contains("262144 are allowed"));
    }

    #[test]
    fn garbage_is_an_error_and_nothing_else() {
        for bytes in
            [&b""[..], b"{", b"[]", b"{\"type\": 7}", b"{\"type\": \"nonsense\"}", b"\xff\xfe", b"null"]
        {
            assert!(read(bytes).unwrap_err().starts_with("it is no frame"), "{bytes:?}");
        }
    }
}
