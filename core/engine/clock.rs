//! The time of day as the appliance writes it down. Durations that matter (deadlines, ages) use
//! `std::time::Instant` instead, which no clock step disturbs.

mod leap;

use std::time::Instant;

use jiff::Timestamp;

pub use leap::Leaps;

/// The two clocks at one moment: one that never steps, and Unix time in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For what ends, and for what has passed.
    pub instant: Instant,
    /// For what people read.
    pub unix: i64,
}

impl Now {
    /// Both of them.
    pub fn read() -> Self {
        Self { instant: Instant::now(), unix: millis() }
    }
}

/// Now, RFC 3339 in UTC with milliseconds.
pub fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Now, in whole seconds since 1970.
pub fn unix() -> i64 {
    Timestamp::now().as_second()
}

/// Now, in milliseconds since 1970.
pub fn millis() -> i64 {
    Timestamp::now().as_millisecond()
}

/// An instant in milliseconds since 1970, as [`now`] writes it.
pub fn written(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| now(), |at| format!("{at:.3}"))
}
