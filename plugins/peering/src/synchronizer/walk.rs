//! `synchronizer:test`: goes the way to a directory's people and tells of each step what was seen, or what was wrong and
//! what to do. Stores nothing.

use std::time::{Duration, Instant};

use jackfield_sdk::{Call, Outcome, Reply, Value, json};
use serde::Serialize;

use super::person::{Flaw, Mapper, Person};
use super::source::Source;
use super::table::Row;
use crate::Peering;
use crate::ldap::client::{Client, Item, NO_ATTRIBUTE, Page, Search, must_be_whole};
use crate::ldap::connect::Course;
use crate::ldap::trouble::{Step, Trouble};
use crate::owner::{Of, Owner};

/// Entries that are shown.
const SAMPLE: i64 = 5;
/// Longest time for all of it; the request is answered within thirty seconds.
const LONGEST: Duration = Duration::from_secs(25);

/// One step as it is told.
#[derive(Debug, Serialize)]
struct Told {
    step: Step,
    /// `ok`, `failed` or `skipped`.
    outcome: &'static str,
    detail: String,
    advice: &'static str,
}

/// What the sample showed.
#[derive(Default)]
struct Sample {
    people: Vec<Seen>,
    flaws: Vec<Flaw>,
}

/// Somebody of the sample; of their photo only that there is one.
struct Seen {
    person: Person,
    has_photo: bool,
}

impl Sample {
    fn add(&mut self, mut person: Person) {
        let has_photo = person.entry.photo.take().is_some_and(|photo| !photo.is_empty());
        self.people.push(Seen { person, has_photo });
    }

    /// What is wrong with photos of people who are understood.
    fn photo_flaws(&self) -> impl Iterator<Item = &Flaw> {
        self.people.iter().filter_map(|seen| seen.person.photo_flaw.as_ref())
    }
}

impl Peering {
    pub(crate) fn test_of_peer(&self, call: &Call<'_>) -> Outcome {
        self.test_synchronizer(call, Of::Peer)
    }

    pub(crate) fn test_of_enterprise(&self, call: &Call<'_>) -> Outcome {
        self.test_synchronizer(call, Of::Enterprise)
    }

    fn test_synchronizer(&self, call: &Call<'_>, of: Of) -> Outcome {
        let owner = Owner::named(&self.host, of, call)?;
        let row = self.stored(of, &owner)?;
        let source = Source::open(&self.host, &row)?;
        let (mut course, mut sample) = (Course::default(), Sample::default());
        let outcome = walk(&source, of, &mut course, &mut sample);
        Reply::ok(&answer(&row, &course, outcome.err(), &sample))
    }
}

fn walk(source: &Source<'_>, of: Of, course: &mut Course, sample: &mut Sample) -> Result<(), Trouble> {
    let until = Instant::now() + LONGEST;
    let stop = move || Instant::now() >= until;
    let mut client = source.enter(&stop, course)?;
    let base = source.search_base();
    look_at_base(&mut client, &base)?;
    course.done.push((Step::Base, format!("{base} is there")));
    let settings = &source.settings;
    let mut mapper = Mapper::new(&settings.mapping, &settings.base_dn, of == Of::Peer);
    let attributes = mapper.attributes();
    let search = Search {
        base: &base,
        scope: &settings.scope,
        filter: &settings.filter,
        attributes: &attributes,
        page: settings.page_size.min(SAMPLE),
    };
    let page = client.page(&search, &[], |item| {
        match item {
            Item::Entry(entry) => match mapper.person(entry) {
                Ok(person) => sample.add(person),
                Err(flaw) => sample.flaws.push(flaw),
            },
            Item::TooBig(name, bytes) => {
                let detail = format!("has {bytes} bytes, which is too much to read");
                sample.flaws.push(Flaw { name, key: None, attribute: String::new(), detail });
            }
        }
        // A directory that gives more than was asked for must not fill our memory.
        if sample.people.len() + sample.flaws.len() > 1000 {
            let detail = "it gives more entries than were asked for";
            return Err(Trouble::new(
                Step::Filter,
                detail,
                "Lower its limits, or ask the vendor for RFC 2696",
            ));
        }
        Ok(())
    })?;
    must_be_whole(&page.outcome)?;
    judge_filter(&page, sample, course)?;
    client.unbind();
    judge_sample(sample, course)
}

fn look_at_base(client: &mut Client<'_>, base: &str) -> Result<(), Trouble> {
    let none = [NO_ATTRIBUTE.to_owned()];
    let search = Search { base, scope: "base", filter: "(objectClass=*)", attributes: &none, page: 1 };
    let page = client.page(&search, &[], |_| Ok(())).map_err(|trouble| trouble.at(Step::Base))?;
    let detail = || format!("{base} cannot be looked at: {}", page.outcome.words());
    must_be_whole(&page.outcome).map_err(|trouble| match trouble.step {
        Step::Base => trouble,
        _ => Trouble::new(
            Step::Base,
            detail(),
            "Check base DN and search context, and the rights of the account",
        ),
    })
}

fn judge_filter(page: &Page, sample: &Sample, course: &mut Course) -> Result<(), Trouble> {
    let found = sample.people.len() + sample.flaws.len();
    let more = if page.cookie.is_empty() { "" } else { " or more" };
    let elsewhere = match page.references {
        0 => String::new(),
        count => format!("; {count} references to other servers are not followed"),
    };
    if found == 0 {
        let detail = format!("nothing matches the filter{elsewhere}");
        return Err(Trouble::new(
            Step::Filter,
            detail,
            "Check filter, scope and search context, and what the account may see",
        ));
    }
    course.done.push((Step::Filter, format!("{found}{more} entries match{elsewhere}")));
    Ok(())
}

fn judge_sample(sample: &Sample, course: &mut Course) -> Result<(), Trouble> {
    let Some(first) = sample.flaws.first() else {
        let photos = sample.photo_flaws().next().map(|first| {
            format!(
                "; {} photos are not taken; {}: {}",
                sample.photo_flaws().count(),
                first.name,
                first.sentence()
            )
        });
        let understood =
            format!("{} people are understood{}", sample.people.len(), photos.unwrap_or_default());
        course.done.push((Step::Sample, understood));
        return Ok(());
    };
    let detail = format!(
        "{} of {} entries are not understood; {}: {}",
        sample.flaws.len(),
        sample.flaws.len() + sample.people.len(),
        first.name,
        first.sentence()
    );
    if sample.people.is_empty() {
        return Err(Trouble::new(
            Step::Sample,
            detail,
            "Correct the mapping, or leave such entries out by the filter",
        ));
    }
    course.done.push((Step::Sample, detail));
    Ok(())
}

fn answer(row: &Row, course: &Course, trouble: Option<Trouble>, sample: &Sample) -> Value {
    let people: Vec<_> = sample.people.iter().take(SAMPLE as usize).collect();
    let shown: Vec<_> = people
        .iter()
        .map(|Seen { person, has_photo }| {
            let mut shown = json!(person.entry);
            shown["name"] = json!(person.name);
            shown["photo"] = json!(has_photo);
            shown
        })
        .collect();
    json!({
        "ok": trouble.is_none(),
        "steps": steps(course, trouble.as_ref()),
        "certificate": course.seen.certificate,
        "expected_name": row.settings.host,
        "sample": shown,
        "errors": sample.flaws.iter().chain(sample.photo_flaws()).take(SAMPLE as usize).collect::<Vec<_>>(),
    })
}

fn steps(course: &Course, trouble: Option<&Trouble>) -> Vec<Told> {
    let of = |step: Step| {
        if let Some((_, detail)) = course.done.iter().find(|(done, _)| *done == step) {
            return Told { step, outcome: "ok", detail: detail.clone(), advice: "" };
        }
        match trouble.filter(|trouble| trouble.step == step) {
            Some(trouble) if trouble.is_cancelled => Told {
                step,
                outcome: "failed",
                detail: "the test took longer than 25 s".to_owned(),
                advice: "See whether the directory is overloaded",
            },
            Some(Trouble { detail, advice, .. }) => {
                Told { step, outcome: "failed", detail: detail.clone(), advice }
            }
            None => {
                Told { step, outcome: "skipped", detail: "an earlier step failed".to_owned(), advice: "" }
            }
        }
    };
    Step::ALL.into_iter().map(of).collect()
}
