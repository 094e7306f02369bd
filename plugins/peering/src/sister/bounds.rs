//! Bounds of frames that their shapes do not have: how long a text and how many of something may be.

use super::frame::{ENTERPRISES, FORMER_NAMES, Frame, MESSAGES, PEOPLE, Party};

/// Longest text of a field, unless the field says otherwise.
const WORDS: usize = 1024;

/// Whether a frame keeps within them; the error says which one it does not.
pub fn check(frame: &Frame) -> Result<(), String> {
    match frame {
        Frame::Hello(hello) => {
            short("hostname", &hello.hostname, 253)?;
            short("address", &hello.address, 300)?;
            short("from", &hello.from, 32)?;
            short("to", &hello.to, 32)?;
            short("domain", &hello.domain, 253)?;
            short("version", &hello.version, 64)?;
            most("former names", hello.formerly.len(), FORMER_NAMES)?;
            hello.formerly.iter().try_for_each(|name| short("formerly", name, 253))
        }
        Frame::Redeem(redeem) => {
            short("invitation", &redeem.invitation, 64)?;
            short("secret", &redeem.secret, 128)?;
            party(&redeem.party)
        }
        Frame::Redeemed(said) => party(said),
        Frame::Refuse(refuse) => short("detail", &refuse.detail, WORDS),
        Frame::EnterpriseList { items } => most("enterprises", items.len(), ENTERPRISES),
        Frame::Presence { items, .. } => {
            most("people", items.len(), PEOPLE)?;
            items.iter().try_for_each(|one| {
                short("key", &one.key, 128)?;
                short("note", &one.note, WORDS)
            })
        }
        Frame::DirectoryGet { epoch, .. } => short("epoch", epoch, 64),
        Frame::DirectoryPage(page) => {
            short("epoch", &page.epoch, 64)?;
            most("people", page.entries.len() + page.gone.len(), PEOPLE)?;
            page.entries.iter().map(|entry| &entry.key).chain(&page.gone).try_for_each(|key| {
                if key.is_empty() { Err("key must not be empty".to_owned()) } else { short("key", key, 128) }
            })
        }
        Frame::Messages { items } => {
            most("messages", items.len(), MESSAGES)?;
            items.iter().try_for_each(|letter| short("id", &letter.id, 128))
        }
        Frame::MessagesDone { done, refused, later } => {
            most("messages", done.len() + refused.len() + later.len(), MESSAGES)
        }
        Frame::Bye { reason } => short("reason", reason, WORDS),
        Frame::Enterprises | Frame::Ping { .. } | Frame::Pong { .. } | Frame::DirectoryChanged => Ok(()),
    }
}

fn party(party: &Party) -> Result<(), String> {
    short("enterprise", &party.enterprise, 32)?;
    short("description", &party.description, 512)?;
    short("domain", &party.domain, 253)?;
    short("hostname", &party.hostname, 253)?;
    short("address", &party.address, 300)
}

fn short(field: &str, text: &str, longest: usize) -> Result<(), String> {
    let length = text.len();
    if length <= longest {
        return Ok(());
    }
    Err(format!("{field} has {length} bytes; {longest} are allowed"))
}

fn most(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count <= most { Ok(()) } else { Err(format!("{count} {what} in one frame; {most} are allowed")) }
}
