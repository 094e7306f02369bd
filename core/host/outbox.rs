//! Sends frames without ever making the sender wait: straight to the socket while it takes them, otherwise
//! into a bounded queue that one thread empties. Both sides of a plugin's socket send through it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jackfield_abi::{Sent, frame::Frame};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};

/// Most frames that wait.
const MOST_FRAMES: usize = 256;
/// Most bytes that wait; a frame is taken while there is less.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How long one wait for the socket lasts before looking around.
const POLL: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The sending half of a socket.
pub struct Outbox {
    stream: UnixStream,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Vec<u8>>,
    /// Bytes of the first frame that are gone already.
    gone: usize,
    bytes: usize,
    is_closed: bool,
}

impl Outbox {
    /// The sending half of that socket; [`Outbox::run`] must run on a thread of its own.
    pub fn new(stream: UnixStream) -> Self {
        Self { stream, queue: Mutex::default(), changed: Condvar::new() }
    }

    /// Sends a frame or queues it; never waits.
    pub fn push(&self, frame: &Frame) -> Sent {
        let has_room = |queue: &Queue| queue.frames.len() < MOST_FRAMES && queue.bytes < MOST_BYTES;
        self.push_if(frame, has_room)
    }

    /// Sends or queues a frame that somebody waits for, also when the queue is full. Who calls bounds their
    /// number: one answer for each of a bounded number of questions.
    pub fn push_due(&self, frame: &Frame) -> Sent {
        self.push_if(frame, |_| true)
    }

    fn push_if(&self, frame: &Frame, has_room: impl FnOnce(&Queue) -> bool) -> Sent {
        let mut whole = Vec::new();
        if frame.write(&mut whole).is_err() {
            return Sent::TooBig;
        }
        let mut queue = self.lock();
        if queue.is_closed {
            return Sent::Closed;
        }
        if !has_room(&queue) {
            return Sent::Busy;
        }
        queue.bytes += whole.len();
        queue.frames.push_back(whole);
        if queue.frames.len() == 1 && self.advance(&mut queue).is_err() {
            self.shut(&mut queue);
            return Sent::Closed;
        }
        if !queue.frames.is_empty() {
            self.changed.notify_all();
        }
        Sent::Ok
    }

    /// Empties the queue until the outbox is closed and empty, or the other side is gone.
    pub fn run(&self) {
        loop {
            let idle = |queue: &mut Queue| queue.frames.is_empty() && !queue.is_closed;
            let queue = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            if queue.frames.is_empty() {
                return;
            }
            drop(queue);
            self.wait_for_room();
            let mut queue = self.lock();
            if self.advance(&mut queue).is_err() {
                self.shut(&mut queue);
            }
            if queue.frames.is_empty() {
                self.changed.notify_all();
            }
        }
    }

    /// Takes no more frames; those that wait are still sent.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits until everything is sent, at most so long; whether it was.
    pub fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut queue = self.lock();
        while !queue.frames.is_empty() {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return false;
            };
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody reads any more: what waits is dropped.
    fn shut(&self, queue: &mut Queue) {
        *queue = Queue { is_closed: true, ..Queue::default() };
        self.changed.notify_all();
    }

    /// Sends what the socket takes now.
    fn advance(&self, queue: &mut Queue) -> io::Result<()> {
        while let Some(first) = queue.frames.front() {
            let rest = &first[queue.gone..];
            let sent = match send(&self.stream, rest, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => sent,
                Err(cause) => match io::Error::from(cause) {
                    e if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                    e if e.kind() == ErrorKind::Interrupted => continue,
                    e => return Err(e),
                },
            };
            queue.gone += sent;
            if queue.gone == first.len() {
                queue.bytes -= first.len();
                queue.frames.pop_front();
                queue.gone = 0;
            }
        }
        Ok(())
    }

    fn wait_for_room(&self) {
        let mut waits = [PollFd::new(&self.stream, PollFlags::OUT)];
        // A wait that fails or runs out is followed by an attempt, which says what is wrong.
        let _ = poll(&mut waits, Some(&POLL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_abi::Kind;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn nothing_waits_and_nothing_is_lost_when_the_other_side_is_slow() {
        let (here, mut there) = UnixStream::pair().unwrap();
        let outbox = Arc::new(Outbox::new(here));
        let frame = Frame::new(Kind::Data, 0, vec![7; 64 * 1024]);
        let mut taken = 0;
        while outbox.push(&frame) == Sent::Ok {
            taken += 1;
        }
        assert!(taken > 60, "the queue holds 4 MiB, {taken} frames were taken");
        assert_eq!((outbox.push(&frame), outbox.push_due(&frame)), (Sent::Busy, Sent::Ok));
        taken += 1;
        let writer = Arc::clone(&outbox);
        let writer = thread::spawn(move || writer.run());
        for _ in 0..taken {
            assert_eq!(Frame::read(&mut there).unwrap(), frame);
        }
        assert!(outbox.flush(Duration::from_secs(5)));
        outbox.close();
        writer.join().unwrap();
        assert_eq!(outbox.push(&frame), Sent::Closed);
    }

    #[test]
    fn a_reader_that_is_gone_closes_the_outbox() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        let outbox = Outbox::new(here);
        assert_eq!(outbox.push(&Frame::new(Kind::Data, 0, "x")), Sent::Closed);
    }
}
