//! One connection: bytes in, frames out, within sizes and times; and the way for others to send on it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::sister::frame::{self, Frame, LARGEST, LARGEST_FIRST, Reason, Refuse};

/// Time for somebody who is not known to say something.
const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// Time for the rest of a frame that has begun, and for one to leave.
const REST_WITHIN: Duration = Duration::from_secs(30);
/// Longest silence; the desk gives up earlier.
const SILENCE: Duration = Duration::from_secs(60);
/// Most frames and bytes that wait to be sent on one connection.
const QUEUE: usize = 1024;
const QUEUED_BYTES: usize = 32 * 1024 * 1024;

/// The way to send on a connection.
#[derive(Debug, Clone)]
pub struct Out {
    queue: mpsc::Sender<Sending>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Sending {
    bytes: Vec<u8>,
    is_last: bool,
}

#[derive(Debug, Default)]
struct Shared {
    is_known: AtomicBool,
    waiting: AtomicUsize,
    fault: Mutex<Option<String>>,
}

impl Out {
    /// The other side is known: it may say more at once, and be silent for longer.
    pub fn know(&self) {
        self.shared.is_known.store(true, Ordering::Release);
    }

    /// Sends a frame; the error says why it cannot be, and the connection is of no use then.
    pub fn send(&self, frame: &Frame) -> Result<(), String> {
        self.put(frame, false)
    }

    /// Sends a last frame; then the connection ends.
    pub fn end(&self, frame: &Frame) {
        if let Err(why) = self.put(frame, true) {
            jackfield_sdk::log::debug!("the last frame of a connection was not sent: {why}");
        }
    }

    /// Ends the connection when what waits has left.
    pub fn cut(&self) {
        // A queue that is full belongs to somebody who does not read, and ends by its deadline.
        let _ = self.queue.try_send(Sending { bytes: Vec::new(), is_last: true });
    }

    fn put(&self, frame: &Frame, is_last: bool) -> Result<(), String> {
        let bytes = frame::written(frame)?;
        let length = bytes.len();
        if self.shared.waiting.fetch_add(length, Ordering::AcqRel) + length > QUEUED_BYTES {
            self.shared.waiting.fetch_sub(length, Ordering::AcqRel);
            return Err("it reads too slowly: too much waits for it".to_owned());
        }
        self.queue.try_send(Sending { bytes, is_last }).map_err(|_| {
            self.shared.waiting.fetch_sub(length, Ordering::AcqRel);
            "it reads too slowly, or is gone".to_owned()
        })
    }
}

/// A connection's two ends of its queue.
pub struct Line {
    queue: mpsc::Receiver<Sending>,
    shared: Arc<Shared>,
}

/// A way to send, and what runs it.
pub fn line() -> (Out, Line) {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let shared = Arc::new(Shared::default());
    (Out { queue, shared: Arc::clone(&shared) }, Line { queue: waiting, shared })
}

impl Line {
    /// Sends what waits and hands over what comes, until either side ends it; answers why it ended, in words.
    pub async fn run<S, F>(self, socket: S, out: &Out, hand: impl FnMut(Frame) -> F) -> String
    where
        S: AsyncRead + AsyncWrite + Unpin,
        F: Future<Output = bool>,
    {
        let (reader, writer) = tokio::io::split(socket);
        let Self { mut queue, shared } = self;
        tokio::select! {
            why = reading(reader, &shared, out, hand) => why,
            why = writing(writer, &mut queue, &shared) => {
                shared.fault.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(why)
            }
        }
    }
}

async fn writing(
    mut writer: impl AsyncWrite + Unpin,
    queue: &mut mpsc::Receiver<Sending>,
    shared: &Shared,
) -> String {
    while let Some(Sending { bytes, is_last }) = queue.recv().await {
        let sent = timeout(REST_WITHIN, async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        });
        let sent = sent.await;
        shared.waiting.fetch_sub(bytes.len(), Ordering::AcqRel);
        match sent {
            Ok(Ok(())) if is_last => break,
            Ok(Ok(())) => {}
            Ok(Err(e)) => return format!("the connection broke: {e}"),
            Err(_) => return "it has not taken anything for 30 seconds".to_owned(),
        }
    }
    // A farewell; who does not hear it sees the end all the same.
    let _ = timeout(Duration::from_secs(2), writer.shutdown()).await;
    "it was ended here".to_owned()
}

async fn reading<F>(
    mut reader: impl AsyncRead + Unpin,
    shared: &Shared,
    out: &Out,
    mut hand: impl FnMut(Frame) -> F,
) -> String
where
    F: Future<Output = bool>,
{
    loop {
        match next(&mut reader, shared).await {
            Ok(frame) => {
                if !hand(frame).await {
                    return "it was ended here".to_owned();
                }
            }
            Err(Wrong::Gone(why)) => return why,
            Err(Wrong::Frame(why)) => {
                let detail = why.clone();
                let refuse =
                    Refuse { code: Reason::BadFrame, detail, expected: String::new(), found: String::new() };
                let fault = format!("it sent what nobody may send: {why}");
                *shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
                out.end(&Frame::Refuse(refuse));
                // The writer ends the connection as soon as that has left.
                tokio::time::sleep(Duration::from_secs(3)).await;
                return fault;
            }
        }
    }
}

enum Wrong {
    Gone(String),
    Frame(String),
}

async fn next(reader: &mut (impl AsyncRead + Unpin), shared: &Shared) -> Result<Frame, Wrong> {
    let patience = if shared.is_known.load(Ordering::Acquire) { SILENCE } else { FIRST_WITHIN };
    let mut length = [0; 4];
    match timeout(patience, reader.read_exact(&mut length)).await {
        Err(_) => return Err(Wrong::Gone("it said nothing for too long".to_owned())),
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(Wrong::Gone("the other side has ended the connection".to_owned()));
        }
        Ok(Err(e)) => return Err(Wrong::Gone(format!("the connection broke: {e}"))),
        Ok(Ok(_)) => {}
    }
    // Asked again: it may have become known while nothing came.
    let most = if shared.is_known.load(Ordering::Acquire) { LARGEST } else { LARGEST_FIRST };
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        return Err(Wrong::Frame(format!("a frame of {length} bytes; {most} are allowed")));
    }
    let mut bytes = vec![0; length];
    match timeout(REST_WITHIN, reader.read_exact(&mut bytes)).await {
        Err(_) => Err(Wrong::Gone("a frame did not come to its end within 30 seconds".to_owned())),
        Ok(Err(e)) => Err(Wrong::Gone(format!("the connection broke within a frame: {e}"))),
        Ok(Ok(_)) => frame::read(&bytes).map_err(Wrong::Frame),
    }
}
