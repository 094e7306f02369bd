//! Presence as JSON, for the API, plugins and event streams alike.

use std::time::Instant;

use serde_json::{Value, json};

use super::state::{Input, Shown, Source};
use super::table::Person;
use crate::engine::clock;

/// What is shown of an account, as events carry it: without ages, which change by themselves.
pub fn brief(account: &str, shown: &Shown) -> Value {
    json!({
        "account": account,
        "state": shown.state.name(),
        "note": &*shown.note,
        "source": shown.source.map(Source::name),
        "since": shown.since.map(clock::written),
        "reason": shown.rule.words(),
    })
}

/// The same with its age, now; or as it is told to a world whose own input is left out.
pub fn of_person(account: &str, person: &Person, without: Option<Source>) -> Value {
    let merged = person.merged(without);
    let mut shown = brief(account, &merged);
    let winner = merged.source.and_then(|source| person.inputs[source as usize].as_deref());
    shown["age_seconds"] = winner.map(|input| input.told.elapsed().as_secs()).into();
    shown
}

/// The same with what each source says. Privacy hides that as well.
pub fn whole(account: &str, person: &Person, without: Option<Source>) -> Value {
    let mut shown = of_person(account, person, without);
    shown["teams"] = person.teams.is_some().into();
    let inputs = Source::ALL.into_iter().filter(|_| person.known.is_shown);
    let inputs = inputs.filter_map(|source| Some((source, person.inputs[source as usize].as_deref()?)));
    shown["inputs"] = inputs.map(|(source, input)| of_source(source, input)).collect();
    shown
}

fn of_source(source: Source, input: &Input) -> Value {
    let left = input.expires.map(|at| at.saturating_duration_since(Instant::now()).as_secs());
    json!({
        "source": source.name(),
        "state": input.state.name(),
        "note": &*input.note,
        "since": clock::written(input.since),
        "age_seconds": input.told.elapsed().as_secs(),
        "expires_in": left,
    })
}
