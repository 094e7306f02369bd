//! When an enterprise's directory is read, in the words of a peer's schedule (seed 001).

use jackfield_sdk::form::Form;
use serde::{Deserialize, Serialize};

/// Every so many days at an hour and a minute of one half of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Days from one time to the next; 0: only when somebody asks.
    pub sync_every_days: i64,
    /// Hour, 1 to 12.
    pub sync_hour: i64,
    /// Minute.
    pub sync_minute: i64,
    /// `AM` or `PM`; 12 AM is midnight.
    pub sync_half: String,
}

/// Reads the schedule's fields.
pub fn read(form: &mut Form<'_>) -> Option<Schedule> {
    let days = form.field("sync_every_days").whole(0..=365).or(0);
    let hour = form.field("sync_hour").whole(1..=12).or(2);
    let minute = form.field("sync_minute").whole(0..=59).or(0);
    let half = form.field("sync_half").choice(&["AM", "PM"]).or("AM");
    Some(Schedule {
        sync_every_days: days?,
        sync_hour: hour?,
        sync_minute: minute?,
        sync_half: half?.to_owned(),
    })
}
