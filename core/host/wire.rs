//! What the appliance and the process of a plugin tell each other besides the treaty's messages: the order to
//! load something, the report of what was loaded and how it is confined, the pulse and the order to stop.
//! None of it is ever seen by a plugin.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use jackfield_abi::Kind;
use jackfield_abi::frame::Frame;
use jackfield_abi::ops::{Code, Failure, HostHello};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::manifest::Net;

/// Event that orders the process to stop; its object is the deadline in milliseconds. It has no dot, so no
/// event of the appliance can have the name.
pub const STOP: &str = "stop";
/// Event with which the conformance check has the process hand its plugin a message of a kind that a later treaty may
/// have.
pub const UNKNOWN: &str = "unknown";

/// What the process is to load, and under which bounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Id that the library must say; none: any.
    pub id: Option<String>,
    /// Bound of memory, in MiB.
    pub memory_mib: u32,
    /// What it may do with sockets.
    pub net: Vec<Net>,
    /// What the plugin's `start` is given.
    pub hello: HostHello,
}

/// What was loaded, and what holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Id that the library says.
    pub id: String,
    /// Major and minor version that it was built with.
    pub abi: u32,
    /// Each means of confinement.
    pub confinement: Vec<Measure>,
}

/// One means of confinement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// What it is, such as `files`.
    pub name: String,
    /// Whether it is in force.
    pub is_enforced: bool,
    /// In words.
    pub detail: String,
}

/// Content of PONG.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Messages of the plugin that its own process turned away so far.
    pub malformed: u64,
    /// Longest `recv` since the last pulse, in milliseconds.
    pub slowest_recv_ms: u64,
}

/// Sends the library and the order; the first thing on a socket.
pub fn hand_over(stream: &UnixStream, code: &OwnedFd, order: &Order) -> io::Result<()> {
    let descriptors = [code.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("the space for one descriptor is too small"));
    }
    sendmsg(stream, &[IoSlice::new(b"L")], &mut control, SendFlags::NOSIGNAL)?;
    Frame::new(Kind::Hello, 0, serde_json::to_vec(order)?).write(&mut &*stream)
}

/// Receives the library and the order.
pub fn take_over(stream: &UnixStream) -> io::Result<(OwnedFd, Order)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let code = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let code = code.ok_or_else(|| io::Error::other("the library did not come with the first byte"))?;
    let frame = Frame::read(&mut &*stream).map_err(|e| io::Error::other(format!("no order came: {e}")))?;
    Ok((code, content(&frame)?))
}

/// The content of a frame as a value.
pub fn content<T: DeserializeOwned>(frame: &Frame) -> io::Result<T> {
    Ok(serde_json::from_slice(&frame.bytes)?)
}

/// The arguments of an operation.
pub fn arguments<T: DeserializeOwned>(text: &RawValue) -> Result<T, Failure> {
    serde_json::from_str(text.get())
        .map_err(|e| Failure::new(Code::BadRequest, format!("the arguments do not fit: {e}")))
}

/// A value as the text of an answer.
pub fn written(value: &impl Serialize) -> Result<Box<RawValue>, Failure> {
    to_raw_value(value)
        .map_err(|e| Failure::new(Code::Internal, format!("an answer cannot be written as JSON: {e}")))
}

/// A frame with a value as its content. A value that cannot be written as JSON does not occur here; were
/// there one, the other side would refuse the empty content.
pub fn frame(kind: Kind, id: u64, value: &impl Serialize) -> Frame {
    Frame::new(kind, id, serde_json::to_vec(value).unwrap_or_default())
}

/// A duration as messages carry it.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jackfield_abi::ops::Limits;
    use std::fs::File;
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_library_and_its_order_arrive_together() {
        let (here, there) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"code").unwrap();
        file.rewind().unwrap();
        let hello = HostHello {
            version: "1".into(),
            services: vec![],
            settings: Default::default(),
            limits: Limits::default(),
        };
        let order = Order { id: Some("echo".into()), memory_mib: 64, net: vec![Net::Listen(5269)], hello };
        hand_over(&here, &OwnedFd::from(file), &order).unwrap();
        let (code, got) = take_over(&there).unwrap();
        assert_eq!((got.id.as_deref(), got.net), (Some("echo"), vec![Net::Listen(5269)]));
        let mut text = String::new();
        File::from(code).read_to_string(&mut text).unwrap();
        assert_eq!(text, "code");
    }

    #[test]
    fn a_socket_without_a_library_is_refused() {
        let (mut here, there) = UnixStream::pair().unwrap();
        here.write_all(b"L").unwrap();
        assert!(take_over(&there).unwrap_err().to_string().contains("library"));
    }
}
