//! When things are due, by table: daylight-saving time, clocks that jump, days that were missed.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::plan::{Plan, Verdict};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn twelve_hours_and_a_half_of_the_day_are_a_time() {
    for (hour, minute, is_afternoon, time) in [
        (12, 0, false, "00:00:00"),
        (12, 30, true, "12:30:00"),
        (1, 5, false, "01:05:00"),
        (11, 59, true, "23:59:00"),
    ] {
        assert_eq!(Plan::new(1, hour, minute, is_afternoon).unwrap().time.to_string(), time);
    }
    assert_eq!(Plan::new(0, 1, 0, false), None);
    assert_eq!(Plan::new(1, 1, 60, false), None);
}

/// Zone, time of day, day, and the instant that it is due.
#[test]
fn a_time_that_is_missing_or_there_twice_is_one_instant() {
    for (name, hour, minute, on, due) in [
        ("Europe/Paris", 2, 30, "2026-03-28", "2026-03-28T01:30:00Z"),
        // 2:00 becomes 3:00: half past two is taken as half past three.
        ("Europe/Paris", 2, 30, "2026-03-29", "2026-03-29T01:30:00Z"),
        ("Europe/Paris", 2, 30, "2026-03-30", "2026-03-30T00:30:00Z"),
        // 3:00 becomes 2:00: the first of both.
        ("Europe/Paris", 2, 30, "2026-10-25", "2026-10-25T00:30:00Z"),
        ("Europe/Paris", 2, 30, "2026-10-26", "2026-10-26T01:30:00Z"),
        ("America/New_York", 1, 30, "2026-11-01", "2026-11-01T05:30:00Z"),
        // Half an hour, and a whole day that Samoa left out.
        ("Australia/Lord_Howe", 2, 15, "2026-10-04", "2026-10-03T15:45:00Z"),
        ("Pacific/Apia", 10, 0, "2011-12-30", "2011-12-30T20:00:00Z"),
        ("UTC", 0, 0, "2026-01-01", "2026-01-01T00:00:00Z"),
    ] {
        let plan = Plan::new(1, hour, minute, false).unwrap();
        assert_eq!(plan.instant(day(on), &zone(name)), Some(at(due)), "{name} {on}");
    }
}

/// Over each change of the clock, every day is due once, and the days go on.
#[test]
fn no_day_is_done_twice_or_never_over_a_change_of_the_clock() {
    for (name, from) in [
        ("Europe/Paris", "2026-03-27T12:00:00Z"),
        ("Europe/Paris", "2026-10-23T12:00:00Z"),
        ("America/New_York", "2026-10-30T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-03T00:00:00Z"),
        ("America/Sao_Paulo", "2018-11-02T00:00:00Z"),
    ] {
        for (hour, minute) in [(12, 0), (12, 30), (1, 30), (2, 0), (2, 30), (3, 0)] {
            let (plan, zone) = (Plan::new(1, hour, minute, false).unwrap(), zone(name));
            let mut now = at(from);
            let mut noted = plan.first(now, &zone).unwrap();
            let mut done = Vec::new();
            for _ in 0..(5 * 24 * 12) {
                now += jiff::SignedDuration::from_mins(5);
                if let Some(Verdict::Due(next)) = plan.look(noted, now, &zone) {
                    done.push(noted);
                    noted = next;
                }
            }
            assert_eq!(done.len(), 5, "{name} {hour}:{minute}: {done:?}");
            assert!(done.windows(2).all(|pair| pair[0].tomorrow().unwrap() == pair[1]), "{name}: {done:?}");
        }
    }
}

/// Days apart, the day that was noted, now, and what is to be done.
#[test]
fn clocks_that_jump_and_days_that_were_missed() {
    let wait = |text| Verdict::Wait(at(text));
    let due = |text| Verdict::Due(day(text));
    let mend = |text| Verdict::Mend(day(text));
    for (every, noted, now, verdict) in [
        (1, "2026-05-10", "2026-05-10T02:59:59Z", wait("2026-05-10T03:00:00Z")),
        (1, "2026-05-10", "2026-05-10T03:00:00Z", due("2026-05-11")),
        (3, "2026-05-10", "2026-05-10T03:00:01Z", due("2026-05-13")),
        // Switched off over several days: once, then in step with the days before.
        (1, "2026-05-10", "2026-05-20T12:00:00Z", due("2026-05-21")),
        (1, "2026-05-10", "2026-05-20T01:00:00Z", due("2026-05-20")),
        (3, "2026-05-10", "2026-05-20T12:00:00Z", due("2026-05-22")),
        (3, "2026-05-10", "2026-05-13T02:00:00Z", due("2026-05-13")),
        (365, "2026-05-10", "2030-01-01T00:00:00Z", due("2030-05-09")),
        // The clock is put back after the day was done: it is not done again.
        (1, "2026-05-11", "2026-05-10T02:00:00Z", wait("2026-05-11T03:00:00Z")),
        (7, "2026-05-17", "2026-05-10T02:00:00Z", wait("2026-05-17T03:00:00Z")),
        // The clock had been years ahead: the noted day would never come.
        (1, "2036-01-01", "2026-05-10T02:00:00Z", mend("2026-05-10")),
        (1, "2036-01-01", "2026-05-10T04:00:00Z", mend("2026-05-11")),
        (7, "2026-05-19", "2026-05-10T02:00:00Z", mend("2026-05-10")),
        // The clock had been years behind, as after a flat battery: once, then from today.
        (1, "1970-01-02", "2026-05-10T12:00:00Z", due("2026-05-11")),
    ] {
        let plan = Plan::new(every, 3, 0, false).unwrap();
        assert_eq!(plan.look(day(noted), at(now), &TimeZone::UTC), Some(verdict), "{every} {noted} {now}");
    }
}

#[test]
fn a_new_plan_begins_at_the_next_time_of_day() {
    let plan = Plan::new(30, 3, 0, false).unwrap();
    assert_eq!(plan.first(at("2026-05-10T02:00:00Z"), &TimeZone::UTC), Some(day("2026-05-10")));
    assert_eq!(plan.first(at("2026-05-10T03:00:00Z"), &TimeZone::UTC), Some(day("2026-05-11")));
    // It is the eleventh already in Tokyo.
    assert_eq!(plan.first(at("2026-05-10T16:00:00Z"), &zone("Asia/Tokyo")), Some(day("2026-05-11")));
}

#[test]
fn another_zone_moves_the_instant_and_not_the_day() {
    let plan = Plan::new(1, 3, 0, false).unwrap();
    let now = at("2026-05-10T02:00:00Z");
    assert_eq!(
        plan.look(day("2026-05-10"), now, &TimeZone::UTC),
        Some(Verdict::Wait(at("2026-05-10T03:00:00Z")))
    );
    assert_eq!(
        plan.look(day("2026-05-10"), now, &zone("Europe/Paris")),
        Some(Verdict::Due(day("2026-05-11")))
    );
}
