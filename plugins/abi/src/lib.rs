//! The treaty between the appliance and its plugins, as `jackfield_plugin.h` has it, for Rust on both sides.
//!
//! Four files: the table of functions that a library exports ([`table`]), the frames that carry messages
//! between the appliance and the plugin's process ([`frame`]), what the messages say ([`ops`]), and what both
//! sides know of the site ([`site`]). Nothing here acts. Everything only grows: names and meanings never change.

pub mod frame;
pub mod ops;
pub mod site;
pub mod table;

/// Major version in the upper half, minor in the lower.
pub const ABI: u32 = 0x0001_0000;
/// The exported symbol; its name carries the major version.
pub const SYMBOL: &str = "jackfield_plugin_v1";
/// Largest message, in bytes.
pub const MESSAGE_BYTES: usize = 1024 * 1024;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Kind {
    /// First message each way.
    Hello = 1,
    /// Asks; answered by exactly one reply or error.
    Request = 2,
    /// Answers well.
    Reply = 3,
    /// Answers badly.
    Error = 4,
    /// Tells; not answered.
    Event = 5,
    /// Takes back a request; advice only.
    Cancel = 6,
    /// A line for the log.
    Log = 7,
    /// Raw bytes, where an operation says so.
    Data = 8,
    /// Asks whether the process lives.
    Ping = 9,
    /// Says that it does.
    Pong = 10,
}

impl Kind {
    /// The kind of that number, if there is one.
    pub fn from_number(number: u32) -> Option<Self> {
        const ALL: [Kind; 10] = [
            Kind::Hello,
            Kind::Request,
            Kind::Reply,
            Kind::Error,
            Kind::Event,
            Kind::Cancel,
            Kind::Log,
            Kind::Data,
            Kind::Ping,
            Kind::Pong,
        ];
        ALL.into_iter().find(|kind| *kind as u32 == number)
    }
}

/// What `send` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Sent {
    /// Queued.
    Ok = 0,
    /// The other side is gone.
    Closed = 1,
    /// The queue is full: wait and try again.
    Busy = 2,
    /// Over [`MESSAGE_BYTES`].
    TooBig = 3,
    /// Unknown kind, an id of the wrong side, or not UTF-8; counts as misbehaviour.
    Malformed = 4,
}

impl Sent {
    /// What a number means; numbers of later versions count as closed.
    pub fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Ok,
            2 => Self::Busy,
            3 => Self::TooBig,
            4 => Self::Malformed,
            _ => Self::Closed,
        }
    }
}
