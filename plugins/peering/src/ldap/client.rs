//! A client of a directory (RFC 4511): signs in, and reads entries page by page (RFC 2696). The only door to LDAP; all
//! of it has bounds in time and size, and what is not sensible ends it.

use std::time::Duration;

use super::ber::{BOOLEAN, Broken, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, Writer};
use super::entry::Entry;
use super::filter_ber;
use super::trouble::{Step, Trouble};
use super::wire::{Lost, Message, Wire};
use super::words;

/// Longest wait for an answer to signing in.
const BIND: Duration = Duration::from_secs(15);
/// Longest time for one page.
const PAGE: Duration = Duration::from_secs(60);

const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const UNBIND_REQUEST: u8 = 0x42;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
const PAGED_RESULTS: &[u8] = b"1.2.840.113556.1.4.319";
/// RFC 4511 section 4.5.1.8: no attribute at all.
pub const NO_ATTRIBUTE: &str = "1.1";

const GONE: &str = "See the directory's own log for the reason, and try again";
const ASK_LESS: &str =
    "Ask for fewer entries by a narrower filter, or raise the directory's limits for this account";

/// How a directory ended an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Result code.
    pub code: i64,
    /// How much of a name is there, where it is not.
    pub matched: String,
    /// What the directory says of it.
    pub text: String,
}

impl Outcome {
    fn read(content: &mut Reader<'_>) -> Result<Self, Broken> {
        let code = content.number(ENUMERATED)?;
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.chars().filter(|c| !c.is_control()).take(300).collect::<String>()
        };
        Ok(Self { code, matched: text(content.take(OCTETS)?), text: text(content.take(OCTETS)?) })
    }

    /// What it means, with the directory's own words.
    pub fn words(&self) -> String {
        let meaning = words::of_active_directory(&self.text).unwrap_or_else(|| words::of(self.code));
        match self.text.as_str() {
            "" => format!("{meaning} (result {})", self.code),
            text => format!("{meaning} (result {}: {text})", self.code),
        }
    }
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'q> {
    /// Where it begins.
    pub base: &'q str,
    /// `base`, `one` or `subtree`.
    pub scope: &'q str,
    /// Which entries.
    pub filter: &'q str,
    /// Which attributes of them.
    pub attributes: &'q [String],
    /// Entries of one page.
    pub page: i64,
}

/// What a page ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How it ended.
    pub outcome: Outcome,
    /// Where the next one begins; empty: there is none.
    pub cookie: Vec<u8>,
    /// Places that the directory told of instead of looking there; they are not followed.
    pub references: u64,
}

/// Something of a page.
pub enum Item<'b> {
    /// An entry.
    Entry(Entry<'b>),
    /// An entry that is too big to be looked at: its name, as far as it is known, and its bytes.
    TooBig(String, usize),
}

/// A client.
pub struct Client<'s> {
    wire: Wire<'s>,
}

impl<'s> Client<'s> {
    /// Over a connection.
    pub fn new(wire: Wire<'s>) -> Self {
        Self { wire }
    }

    /// Signs in by name and password (RFC 4513 section 5.1.3). Without a password no directory checks anything and most
    /// say yes (section 5.1.2), so that is never asked.
    pub fn bind(&mut self, name: &str, password: &str) -> Result<Outcome, Trouble> {
        if name.is_empty() || password.is_empty() {
            let detail = "nobody signs in with an empty name or an empty password";
            return Err(Trouble::new(Step::Bind, detail, "Give both"));
        }
        self.sign_in(name, password)
    }

    /// Reads without being anybody (RFC 4513 section 5.1.1).
    pub fn bind_anonymously(&mut self) -> Result<Outcome, Trouble> {
        self.sign_in("", "")
    }

    fn sign_in(&mut self, name: &str, password: &str) -> Result<Outcome, Trouble> {
        self.wire.allow(BIND);
        self.exchange(name, password).map_err(|lost| lost.trouble(Step::Bind, GONE))
    }

    fn exchange(&mut self, name: &str, password: &str) -> Result<Outcome, Lost> {
        let request = |writer: &mut Writer| {
            writer.nest(BIND_REQUEST, |inner| {
                inner.number(INTEGER, 3);
                inner.put(OCTETS, name.as_bytes());
                inner.put(0x80, password.as_bytes());
            });
        };
        let id = self.wire.send(request, |_| {})?;
        let answer = self.wire.receive()?;
        refuse_notice(&answer)?;
        if answer.id != id || answer.tag != BIND_RESPONSE || answer.too_big.is_some() {
            return Err(Lost::Nonsense("it answers another question than who we are"));
        }
        Ok(Outcome::read(&mut Reader::new(answer.content))?)
    }

    /// Reads one page; `cookie` says where it begins, empty for the first one. What is read is handed over at once.
    pub fn page(
        &mut self,
        search: &Search<'_>,
        cookie: &[u8],
        mut take: impl FnMut(Item<'_>) -> Result<(), Trouble>,
    ) -> Result<Page, Trouble> {
        self.wire.allow(PAGE);
        let mut filter = Writer::default();
        filter_ber::write(&mut filter, search.filter).map_err(|cause| {
            Trouble::new(Step::Filter, format!("the filter is none: {cause}"), "Correct the filter")
        })?;
        let filter = filter.bytes();
        let lost = |lost: Lost| lost.trouble(Step::Filter, GONE);
        let sent = self.wire.send(|w| request(w, search, &filter), |w| paged(w, search, cookie));
        let id = sent.map_err(lost)?;
        let mut references = 0;
        loop {
            let message = self.wire.receive().map_err(lost)?;
            refuse_notice(&message).map_err(lost)?;
            match message.tag {
                _ if message.id != id => {
                    return Err(lost(Lost::Nonsense("it answers a question that was not asked")));
                }
                SEARCH_ENTRY => match message.too_big {
                    Some(bytes) => take(Item::TooBig(Entry::name_of_part(message.content), bytes))?,
                    None => take(Item::Entry(Entry::read(message.content).map_err(|e| lost(e.into()))?))?,
                },
                SEARCH_REFERENCE => references += 1,
                SEARCH_DONE => return ended(&message, references).map_err(|e| lost(e.into())),
                _ => return Err(lost(Lost::Nonsense("its answer to a search is none"))),
            }
        }
    }

    /// Says good-bye (RFC 4511 section 4.3); nothing answers that.
    pub fn unbind(mut self) {
        let _ = self.wire.send(|writer| writer.put(UNBIND_REQUEST, &[]), |_| {});
    }
}

/// What a page that did not end well means for a run.
pub fn must_be_whole(outcome: &Outcome) -> Result<(), Trouble> {
    let detail = || format!("the search ended early: {}", outcome.words());
    match outcome.code {
        words::SUCCESS => Ok(()),
        words::NO_OBJECT => {
            let there = if outcome.matched.is_empty() { "nothing" } else { outcome.matched.as_str() };
            let detail = format!("the place where the search begins is not there; of it there is {there}");
            Err(Trouble::new(Step::Base, detail, "Check base DN and search context"))
        }
        3 | 4 | 11 => Err(Trouble::new(Step::Filter, detail(), ASK_LESS)),
        1 | 50 => {
            Err(Trouble::new(Step::Filter, detail(), "Give the account the right to read these entries"))
        }
        _ => Err(Trouble::new(Step::Filter, detail(), GONE)),
    }
}

/// A directory that goes down may say so (RFC 4511 section 4.4.1).
fn refuse_notice(message: &Message<'_>) -> Result<(), Lost> {
    if message.id == 0 { Err(Lost::Nonsense("it says that it ends the connection")) } else { Ok(()) }
}

fn ended(message: &Message<'_>, references: u64) -> Result<Page, Broken> {
    let outcome = Outcome::read(&mut Reader::new(message.content))?;
    Ok(Page { outcome, cookie: cookie(message.controls)?, references })
}

fn cookie(controls: Option<Reader<'_>>) -> Result<Vec<u8>, Broken> {
    let Some(mut controls) = controls else { return Ok(Vec::new()) };
    while let Some((_, control)) = controls.next()? {
        let mut parts = Reader::new(control);
        if parts.take(OCTETS)? != PAGED_RESULTS {
            continue;
        }
        let value = match parts.next()? {
            Some((BOOLEAN, _)) => parts.take(OCTETS)?,
            Some((OCTETS, value)) => value,
            _ => return Err(Broken),
        };
        let mut value = Reader::new(value).inside(SEQUENCE)?;
        value.number(INTEGER)?;
        return Ok(value.take(OCTETS)?.to_vec());
    }
    Ok(Vec::new())
}

fn request(writer: &mut Writer, search: &Search<'_>, filter: &[u8]) {
    let scope = match search.scope {
        "base" => 0,
        "one" => 1,
        _ => 2,
    };
    writer.nest(SEARCH_REQUEST, |inner| {
        inner.put(OCTETS, search.base.as_bytes());
        inner.number(ENUMERATED, scope);
        // Aliases are never followed: they lead to the same entry twice, or around in a ring.
        inner.number(ENUMERATED, 0);
        inner.number(INTEGER, 0);
        inner.number(INTEGER, PAGE.as_secs() as i32);
        inner.flag(BOOLEAN, false);
        inner.append(filter);
        inner.nest(SEQUENCE, |list| {
            for attribute in search.attributes {
                list.put(OCTETS, attribute.as_bytes());
            }
        });
    });
}

fn paged(writer: &mut Writer, search: &Search<'_>, cookie: &[u8]) {
    if search.scope == "base" {
        return;
    }
    writer.nest(SEQUENCE, |control| {
        control.put(OCTETS, PAGED_RESULTS);
        control.flag(BOOLEAN, true);
        let mut value = Writer::default();
        value.nest(SEQUENCE, |inner| {
            inner.number(INTEGER, i32::try_from(search.page).unwrap_or(500));
            inner.put(OCTETS, cookie);
        });
        control.put(OCTETS, &value.bytes());
    });
}
