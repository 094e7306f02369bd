//! Messages on the socket between the appliance and a plugin's process: a header of 16 bytes, little-endian
//! `length u32, kind u32, id u64`, then that many bytes.

use std::io::{self, Read, Write};

use crate::{Kind, MESSAGE_BYTES};

/// Bytes before the content.
pub const HEADER_BYTES: usize = 16;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: Kind,
    /// Which request it belongs to; 0 for none.
    pub id: u64,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// Why a stream cannot be read any further.
#[derive(Debug)]
pub enum Broken {
    /// The other side closed between two frames.
    Ended,
    /// The other side closed within a frame, or the system refused.
    Io(io::Error),
    /// The header announces more than [`MESSAGE_BYTES`].
    TooBig(u32),
    /// The header has a kind that does not exist.
    UnknownKind(u32),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended => f.write_str("the other side closed"),
            Self::Io(cause) => write!(f, "{cause}"),
            Self::TooBig(length) => write!(f, "a frame of {length} bytes; {MESSAGE_BYTES} are allowed"),
            Self::UnknownKind(kind) => write!(f, "a frame of the unknown kind {kind}"),
        }
    }
}

impl Frame {
    /// A frame of these parts.
    pub fn new(kind: Kind, id: u64, bytes: impl Into<Vec<u8>>) -> Self {
        Self { kind, id, bytes: bytes.into() }
    }

    /// Writes it whole; the bytes must not be more than [`MESSAGE_BYTES`].
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.bytes.len()).ok().filter(|_| self.bytes.len() <= MESSAGE_BYTES);
        let length =
            length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too big"))?;
        let mut whole = Vec::with_capacity(HEADER_BYTES + self.bytes.len());
        whole.extend_from_slice(&length.to_le_bytes());
        whole.extend_from_slice(&(self.kind as u32).to_le_bytes());
        whole.extend_from_slice(&self.id.to_le_bytes());
        whole.extend_from_slice(&self.bytes);
        // One write, so that a frame is one wake-up of the other side.
        stream.write_all(&whole)
    }

    /// Reads the next one; the size is checked before anything is allocated for it.
    pub fn read(stream: &mut impl Read) -> Result<Self, Broken> {
        let mut header = [0; HEADER_BYTES];
        read_header(stream, &mut header)?;
        let [l0, l1, l2, l3, k0, k1, k2, k3, id @ ..] = header;
        let (length, number) = (u32::from_le_bytes([l0, l1, l2, l3]), u32::from_le_bytes([k0, k1, k2, k3]));
        if length as usize > MESSAGE_BYTES {
            return Err(Broken::TooBig(length));
        }
        let kind = Kind::from_number(number).ok_or(Broken::UnknownKind(number))?;
        let mut bytes = vec![0; length as usize];
        stream.read_exact(&mut bytes).map_err(Broken::Io)?;
        Ok(Self { kind, id: u64::from_le_bytes(id), bytes })
    }
}

/// Tells an end between two frames from an end within one.
fn read_header(stream: &mut impl Read, header: &mut [u8; HEADER_BYTES]) -> Result<(), Broken> {
    let first = loop {
        match stream.read(header) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => break other.map_err(Broken::Io)?,
        }
    };
    match first {
        0 => Err(Broken::Ended),
        read => stream.read_exact(&mut header[read..]).map_err(Broken::Io),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let sent = Frame::new(Kind::Request, 7, "{}");
        let mut wire = Vec::new();
        sent.write(&mut wire).unwrap();
        assert_eq!(wire.len(), HEADER_BYTES + 2);
        let mut wire = wire.as_slice();
        assert_eq!(Frame::read(&mut wire).unwrap(), sent);
        assert!(matches!(Frame::read(&mut wire), Err(Broken::Ended)));
    }

    #[test]
    fn a_broken_stream_is_told_apart() {
        let header =
            |length: u32, kind: u32| [&length.to_le_bytes()[..], &kind.to_le_bytes(), &[0; 8]].concat();
        assert!(matches!(Frame::read(&mut header(1 << 30, 2).as_slice()), Err(Broken::TooBig(_))));
        assert!(matches!(Frame::read(&mut header(0, 99).as_slice()), Err(Broken::UnknownKind(99))));
        assert!(matches!(Frame::read(&mut header(4, 2).as_slice()), Err(Broken::Io(_))));
        assert!(matches!(Frame::read(&mut [1, 2].as_slice()), Err(Broken::Io(_))));
        assert!(Frame::new(Kind::Data, 0, vec![0; MESSAGE_BYTES + 1]).write(&mut Vec::new()).is_err());
    }
}
