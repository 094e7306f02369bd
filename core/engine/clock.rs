//! The time of day as the appliance writes it down. Durations that matter (deadlines, ages) use
//! `std::time::Instant` instead, which no clock step disturbs.

use jiff::Timestamp;

/// Now, RFC 3339 in UTC with milliseconds.
pub fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Now, in whole seconds since 1970.
pub fn unix() -> i64 {
    Timestamp::now().as_second()
}
