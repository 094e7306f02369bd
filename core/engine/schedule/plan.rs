//! When something is due that is due every so many days at a time of day. Pure functions of a day, an instant and a
//! zone, so that daylight-saving time and clocks that jump can be tried by table.
//!
//! What is remembered is the day, not the instant: each day is done at most once, whatever the clock does, and the
//! instant follows the zone. A time that a day does not have (the clock is put forward over it) is taken as much later;
//! one that it has twice is the first of both (RFC 5545 section 3.3.5 decides alike).

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Every so many days at a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Days from one to the next, 1 to 365.
    pub every_days: i32,
    /// Time of day.
    pub time: Time,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing until that instant.
    Wait(Timestamp),
    /// It is due; the day that comes next.
    Due(Date),
    /// The day that was noted is farther away than any can be, because the clock was wrong; the day that is right.
    Mend(Date),
}

impl Plan {
    /// A plan by the twelve hours of a half of the day: 12 AM is midnight, 12 PM is noon.
    pub fn new(every_days: i64, hour: i64, minute: i64, is_afternoon: bool) -> Option<Self> {
        let hour = hour % 12 + if is_afternoon { 12 } else { 0 };
        let time = Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()?;
        Some(Self { every_days: i32::try_from(every_days).ok().filter(|days| *days > 0)?, time })
    }

    /// The instant on a day.
    pub fn instant(&self, day: Date, zone: &TimeZone) -> Option<Timestamp> {
        day.to_datetime(self.time).to_zoned(zone.clone()).ok().map(|at| at.timestamp())
    }

    /// The first day whose instant is yet to come.
    pub fn first(&self, now: Timestamp, zone: &TimeZone) -> Option<Date> {
        let today = now.to_zoned(zone.clone()).date();
        self.after(today.yesterday().ok()?, now, zone, 1)
    }

    /// What is to be done about the day that was noted.
    pub fn look(&self, noted: Date, now: Timestamp, zone: &TimeZone) -> Option<Verdict> {
        let due = self.instant(noted, zone)?;
        if now >= due {
            return self.after(noted, now, zone, self.every_days).map(Verdict::Due);
        }
        // A day of grace, because days are not all of the same length.
        let farthest = SignedDuration::from_hours(24 * (i64::from(self.every_days) + 1));
        match due.duration_since(now) > farthest {
            true => self.first(now, zone).map(Verdict::Mend),
            false => Some(Verdict::Wait(due)),
        }
    }

    /// The first day after `day`, in steps, whose instant is yet to come: what was missed is not made up for.
    fn after(&self, day: Date, now: Timestamp, zone: &TimeZone, step: i32) -> Option<Date> {
        let today = now.to_zoned(zone.clone()).date();
        let gone = day.until(today).ok()?.get_days().max(step);
        let mut next = day.checked_add((gone - gone % step).days()).ok()?;
        while self.instant(next, zone)? <= now {
            next = next.checked_add(step.days()).ok()?;
        }
        Some(next)
    }
}
