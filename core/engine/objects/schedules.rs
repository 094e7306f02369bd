//! Schedules: which job is due every so many days at a time of day in the site's time zone. Leaves out looking whether
//! one is due, which `engine::schedule` does.

use jackfield_db::{Read, params};
use jiff::Timestamp;
use serde_json::Value;

use super::{CHANGED_AT, CREATED_AT, ID, Id, REVISION, Resource, hide_nothing, nothing_follows, text};
use crate::catalog::problems::Problem;
use crate::catalog::shape::{Absent, Field, Kind, Object, Shape};
use crate::catalog::{events, rights, rules};
use crate::engine::jobs::{OWN, find_own};
use crate::engine::{fault, schedule};

const NAME: Kind = Kind::Text { min: 1, max: 64, rule: Some(&rules::PLAIN) };
const DAY: Kind = Kind::Text { min: 10, max: 10, rule: None };

static SHAPE: Shape = Shape {
    name: "Schedule",
    help: "A job that is due every so many days.",
    fields: &[
        ID,
        Field::required("name", NAME, "What people call it; unique without regard to case."),
        Field::required("plugin", NAME, "Plugin that does the job; core: the appliance itself."),
        Field::required("job", NAME, "Which of its jobs."),
        Field::optional("input", Kind::Any, Absent::Null, "What the job takes: an object; null: nothing."),
        Field::optional("enabled", Kind::Boolean, Absent::Boolean(true), "Whether it is heeded."),
        Field::required("every_days", Kind::Integer { min: 1, max: 365 }, "Days from one run to the next."),
        Field::required(
            "hour",
            Kind::Integer { min: 1, max: 12 },
            "Hour of the half of the day; 12 AM is midnight.",
        ),
        Field::required("minute", Kind::Integer { min: 0, max: 59 }, "Minute."),
        Field::required("half", Kind::Choice(&["AM", "PM"]), "Half of the day."),
        Field::read_only("next_on", DAY, "Day of the next run in the site's time zone (site.time_zone)."),
        Field::read_only("next_at", Kind::Time, "Instant of the next run; null: it is not enabled."),
        Field::read_only("last_at", Kind::Time, "When it was last due; null: never yet."),
        Field::read_only(
            "last_job",
            Kind::Text { min: 0, max: 64, rule: None },
            "The job of that time; null: none yet.",
        ),
        REVISION,
        CREATED_AT,
        CHANGED_AT,
    ],
};

/// Schedules.
pub static SCHEDULES: Resource = Resource {
    name: "schedules",
    one: "schedule",
    table: "schedule",
    shape: &SHAPE,
    id: Id::Made("sched"),
    read: rights::SCHEDULES_READ,
    write: rights::SCHEDULES_WRITE,
    event: events::SCHEDULE_CHANGED,
    filters: &["plugin"],
    no_undo: None,
    changeable: true,
    hide: hide_nothing,
    settle,
    follow: nothing_follows,
};

fn settle(read: &Read<'_>, object: &mut Object) -> Result<(), Problem> {
    check_job(object)?;
    if !object.get("input").is_none_or(|input| input.is_null() || input.is_object()) {
        return Err(Problem::field("input", "must be an object or null"));
    }
    let cannot = || fault("work out when the schedule is due", &Value::Object(object.clone()).to_string());
    let (plan, zone) = (schedule::plan_of(object).ok_or_else(cannot)?, schedule::zone(read)?);
    let day = match noted(read, object)? {
        Some(day) => day,
        None => plan.first(Timestamp::now(), &zone).ok_or_else(cannot)?.to_string(),
    };
    let is_enabled = object.get("enabled") == Some(&Value::Bool(true));
    let at = day.parse().ok().and_then(|day| plan.instant(day, &zone)).filter(|_| is_enabled);
    object.insert("next_on".to_owned(), day.into());
    object.insert("next_at".to_owned(), at.map(|at| format!("{at:.3}")).into());
    Ok(())
}

/// Jobs of plugins are checked when they are due: a plugin may be away for a while.
fn check_job(object: &Object) -> Result<(), Problem> {
    let (plugin, job) = (text(object, "plugin"), text(object, "job"));
    if plugin != OWN || find_own(job).is_some_and(|own| own.by_hand.is_some()) {
        return Ok(());
    }
    Err(Problem::field("job", format!("names no job of the appliance itself that can be asked for: {job:?}")))
}

/// The day that is noted already, while it was and stays enabled at the same times.
fn noted(read: &Read<'_>, object: &Object) -> Result<Option<String>, Problem> {
    let sql = "SELECT next_on FROM schedule
               WHERE id = ?1 AND every_days = ?2 AND hour = ?3 AND minute = ?4 AND half = ?5 AND enabled = 1";
    let number = |field: &str| object.get(field).and_then(Value::as_i64);
    let bound = params![
        text(object, "id"),
        number("every_days"),
        number("hour"),
        number("minute"),
        text(object, "half")
    ];
    Ok(read.one(sql, bound, |row| row.get(0))?)
}
