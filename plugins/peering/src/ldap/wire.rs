//! Messages over a connection (RFC 4511 section 4.1.1), one at a time in one buffer. A message that is too big to be
//! looked at is passed over, and as much of it kept as says whose it is. No crate for LDAP is used because those to be
//! had take messages of any size, keep whatever comes, and fall over malformed ones.

use std::io::{self, Read, Write};
use std::time::Duration;

use super::ber::{self, Broken, INTEGER, Reader, SEQUENCE, Writer};
use super::tls::Stream;

/// Biggest message that is looked at; an Active Directory sends at most a few hundred kilobytes of what we ask for.
pub const LARGEST: usize = 1024 * 1024;
/// Biggest message that is passed over; beyond it, what comes is no sensible answer.
const PASSED_OVER: usize = 256 * 1024 * 1024;
/// How much of it is kept.
const BEGINNING: usize = 8 * 1024;
const CHUNK: usize = 64 * 1024;
/// Controls of a message.
const CONTROLS: u8 = 0xa0;

/// Why no message comes.
#[derive(Debug)]
pub enum Lost {
    /// The connection ended or timed out.
    Socket(io::Error),
    /// What came is no LDAP.
    Nonsense(&'static str),
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

impl From<Broken> for Lost {
    fn from(_: Broken) -> Self {
        Self::Nonsense("a message of it is malformed")
    }
}

/// A message.
#[derive(Debug)]
pub struct Message<'b> {
    /// Number of the request that it answers; 0: none.
    pub id: i64,
    /// Which operation.
    pub tag: u8,
    /// Its content; of a message that was passed over, the beginning.
    pub content: &'b [u8],
    /// Its controls.
    pub controls: Option<Reader<'b>>,
    /// Bytes of a message that was passed over.
    pub too_big: Option<usize>,
}

/// The connection with its buffer.
pub struct Wire<'s> {
    stream: Stream<'s>,
    buffer: Vec<u8>,
    /// Where in the buffer the next message begins.
    start: usize,
    last_id: i32,
}

impl<'s> Wire<'s> {
    /// Over a connection.
    pub fn new(stream: Stream<'s>) -> Self {
        Self { stream, buffer: Vec::new(), start: 0, last_id: 0 }
    }

    /// From now on everything together may take so long.
    pub fn allow(&mut self, time: Duration) {
        self.stream.line().allow(time);
    }

    /// The connection in clear, for TLS to begin on it. Nothing may have come before its time (RFC 4513 section 3.1.1).
    pub fn into_clear(self) -> Result<super::line::Line<'s>, Lost> {
        match self.stream {
            Stream::Clear(line) if self.start == self.buffer.len() => Ok(line),
            _ => Err(Lost::Nonsense("it sent something in clear after it agreed to TLS")),
        }
    }

    /// Sends a request; its number.
    pub fn send(
        &mut self,
        operation: impl FnOnce(&mut Writer),
        controls: impl FnOnce(&mut Writer),
    ) -> Result<i64, Lost> {
        self.last_id += 1;
        let id = self.last_id;
        let mut writer = Writer::default();
        writer.nest(SEQUENCE, |message| {
            message.number(INTEGER, id);
            operation(message);
            let mut inner = Writer::default();
            controls(&mut inner);
            let inner = inner.bytes();
            if !inner.is_empty() {
                message.put(CONTROLS, &inner);
            }
        });
        self.stream.write_all(&writer.bytes())?;
        self.stream.flush()?;
        Ok(i64::from(id))
    }

    /// The next message.
    pub fn receive(&mut self) -> Result<Message<'_>, Lost> {
        let head = loop {
            match ber::head(&self.buffer[self.start..])? {
                Some(head) => break head,
                None => self.fill(1)?,
            }
        };
        if head.tag != SEQUENCE {
            return Err(Lost::Nonsense("what it sends is no LDAP"));
        }
        let whole = head.size + head.length;
        if whole > LARGEST {
            return self.pass_over(whole);
        }
        while self.buffer.len() - self.start < whole {
            self.fill(whole - (self.buffer.len() - self.start))?;
        }
        let from = self.start + head.size;
        self.start += whole;
        let mut reader = Reader::new(&self.buffer[from..from + head.length]);
        let id = reader.number(INTEGER)?;
        let (tag, content) = reader.next()?.ok_or(Broken)?;
        // What follows and is none, as an Active Directory's notice of disconnection has it, is left alone.
        let controls = reader.next()?.filter(|(tag, _)| *tag == CONTROLS);
        let controls = controls.map(|(_, content)| Reader::new(content));
        Ok(Message { id, tag, content, controls, too_big: None })
    }

    /// Reads on; there is room for at least so many bytes more.
    fn fill(&mut self, wanted: usize) -> Result<(), Lost> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let had = self.buffer.len();
        self.buffer.resize(had + wanted.max(CHUNK), 0);
        let read = self.stream.read(&mut self.buffer[had..]);
        self.buffer.truncate(had + read.as_ref().copied().unwrap_or_default());
        match read? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(()),
        }
    }

    fn pass_over(&mut self, whole: usize) -> Result<Message<'_>, Lost> {
        if whole > PASSED_OVER {
            return Err(Lost::Nonsense("it sends a message of more than 256 MiB"));
        }
        while self.buffer.len() - self.start < BEGINNING {
            self.fill(BEGINNING)?;
        }
        let mut left = whole.saturating_sub(self.buffer.len() - self.start);
        // The beginning stays, and stands before whatever follows.
        let beginning = self.buffer[self.start..self.start + BEGINNING].to_vec();
        if left == 0 {
            self.buffer.drain(..self.start + whole);
        } else {
            self.buffer.clear();
            self.buffer.resize(CHUNK, 0);
            while left > 0 {
                let most = left.min(CHUNK);
                match self.stream.read(&mut self.buffer[..most])? {
                    0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                    read => left -= read,
                }
            }
            self.buffer.clear();
        }
        self.buffer.splice(..0, beginning);
        self.start = BEGINNING;
        let (id, tag, content) = opened(&self.buffer[..BEGINNING])?;
        Ok(Message { id, tag, content, controls: None, too_big: Some(whole) })
    }
}

/// Number, operation and what there is of the content at the beginning of a message.
fn opened(bytes: &[u8]) -> Result<(i64, u8, &[u8]), Broken> {
    let outer = ber::head(bytes)?.ok_or(Broken)?;
    let inner = bytes.get(outer.size..).ok_or(Broken)?;
    let number = ber::head(inner)?.ok_or(Broken)?;
    let after = number.size.checked_add(number.length).ok_or(Broken)?;
    let id = Reader::new(inner.get(..after).ok_or(Broken)?).number(INTEGER)?;
    let operation = inner.get(after..).ok_or(Broken)?;
    let head = ber::head(operation)?.ok_or(Broken)?;
    Ok((id, head.tag, operation.get(head.size..).ok_or(Broken)?))
}
