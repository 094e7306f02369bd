//! A queue of bytes that grows when something arrives and gives its memory back when it is empty. Leaves out
//! its limit, which whoever fills it knows.

use std::io::{self, BufRead, Read};

/// Most bytes taken from a source in one call.
const GULP: usize = 16 * 1024;

/// Bytes in, in order, and out again.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    /// The bytes not yet consumed.
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// How many bytes are not yet consumed.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether everything is consumed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends bytes.
    pub fn push(&mut self, more: &[u8]) {
        self.compact();
        self.bytes.extend_from_slice(more);
    }

    /// Removes that many bytes from the front, at most all.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
        if self.is_empty() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Takes what `source` has ready, at most until the buffer holds `cap` bytes; returns the count taken.
    pub fn fill_ready(&mut self, source: &mut impl BufRead, cap: usize) -> io::Result<usize> {
        let room = cap.saturating_sub(self.len());
        let ready = source.fill_buf()?;
        let count = ready.len().min(room);
        self.push(&ready[..count]);
        source.consume(count);
        Ok(count)
    }

    /// Reads once from `source`, at most until the buffer holds `cap` bytes; returns the count read.
    pub fn fill(&mut self, source: &mut impl Read, cap: usize) -> io::Result<usize> {
        self.compact();
        let room = cap.saturating_sub(self.len());
        let held = self.bytes.len();
        self.bytes.resize(held + GULP.min(room), 0);
        let outcome = source.read(&mut self.bytes[held..]);
        self.bytes.truncate(held + outcome.as_ref().map_or(0, |count| *count));
        // A connection that has nothing to say shall not hold memory for it.
        self.release();
        outcome
    }

    /// Moves up to `most` bytes from the front of `other`; returns the count moved.
    pub fn take_from(&mut self, other: &mut Buffer, most: usize) -> usize {
        let count = most.min(other.len());
        if count > 0 {
            self.push(&other.data()[..count]);
            other.consume(count);
        }
        count
    }

    /// Gives the memory back if nothing is in it.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Moves the rest to the front once half of the memory is spent, so that each byte moves at most once
    /// or twice.
    fn compact(&mut self) {
        if self.start > 0 && self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order() {
        let (mut a, mut b) = (Buffer::default(), Buffer::default());
        a.push(b"one two");
        a.consume(4);
        a.push(b" three");
        assert_eq!(b.take_from(&mut a, 5), 5);
        assert_eq!((b.data(), a.data()), (&b"two t"[..], &b"hree"[..]));
    }

    #[test]
    fn filling_stops_at_the_cap() {
        let mut buffer = Buffer::default();
        buffer.push(b"ab");
        assert_eq!(buffer.fill(&mut &b"cdef"[..], 4).unwrap(), 2);
        assert_eq!(buffer.data(), b"abcd");
        assert_eq!(buffer.fill(&mut &b"cdef"[..], 4).unwrap(), 0);
    }

    #[test]
    fn consumed_bytes_do_not_count_against_the_cap() {
        let mut buffer = Buffer::default();
        buffer.push(b"abcd");
        buffer.consume(1);
        assert_eq!(buffer.fill(&mut &b"ef"[..], 4).unwrap(), 1);
        assert_eq!(buffer.data(), b"bcde");
    }
}
