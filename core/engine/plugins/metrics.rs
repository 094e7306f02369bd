//! Figures that plugins tell of themselves, asked for when somebody looks at `/metrics`. What does not fit is left out and
//! counted, so that a page with one wrong figure can still be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jackfield_abi::ops::{self, Metric};
use serde::Deserialize;
use serde_json::json;

use crate::engine::Engine;
use crate::host::{Host, State};

/// Time for a plugin to tell its figures.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most figures of one plugin.
const MOST: usize = 256;
const MOST_LABELS: usize = 4;
/// Longest name of a figure or a label, and longest value of a label, in characters.
const NAME_LENGTH: usize = 64;
const HELP_LENGTH: usize = 200;

/// Figures of one name.
#[derive(Debug, PartialEq)]
pub struct Family {
    /// Its whole name.
    pub name: String,
    /// `gauge` or `counter`.
    pub kind: String,
    /// What it says.
    pub help: String,
    /// Labels as the page has them, and values.
    pub samples: Vec<(String, f64)>,
}

/// What one plugin told.
#[derive(Debug, Default)]
pub struct Told {
    /// Its id.
    pub plugin: String,
    /// By name.
    pub families: Vec<Family>,
    /// Figures that were left out.
    pub refused: usize,
}

#[derive(Deserialize)]
struct Answer {
    metrics: Vec<Metric>,
}

/// The figures of all plugins that serve and have some. One that does not answer in time is left out.
pub fn told(engine: &Engine) -> Vec<Told> {
    let Some(host) = engine.plugins.get() else { return Vec::new() };
    let able =
        host.manifests().into_iter().filter(|manifest| manifest.ops.iter().any(|op| op == ops::METRICS));
    let serving: Vec<_> =
        host.list().into_iter().filter(|s| matches!(s.state, State::Up | State::Degraded)).collect();
    let able: Vec<_> =
        able.filter(|manifest| serving.iter().any(|status| status.id == manifest.id)).collect();
    // All at once: those that hang are waited for together.
    std::thread::scope(|scope| {
        let asked: Vec<_> = able.iter().map(|manifest| scope.spawn(|| ask(host, &manifest.id))).collect();
        asked.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    })
}

fn ask(host: &Host, plugin: &str) -> Option<Told> {
    let answer = host.request(plugin, ops::METRICS, &json!({}), PATIENCE).map_err(|failure| failure.msg);
    match answer.and_then(|value| serde_json::from_value::<Answer>(value).map_err(|e| e.to_string())) {
        Ok(answer) => Some(sorted(plugin, answer.metrics)),
        Err(cause) => {
            log::debug!("no figures of the plugin {plugin}: {cause}");
            None
        }
    }
}

/// By name, without those that break a rule.
fn sorted(plugin: &str, metrics: Vec<Metric>) -> Told {
    let (mut families, mut refused) = (BTreeMap::<String, Family>::new(), 0);
    for (n, metric) in metrics.into_iter().enumerate() {
        let taken = if n < MOST { take(plugin, &mut families, &metric) } else { Err("is one too many") };
        if let Err(cause) = taken {
            log::debug!("the figure {:?} of the plugin {plugin} is left out: it {cause}", metric.name);
            refused += 1;
        }
    }
    Told { plugin: plugin.to_owned(), families: families.into_values().collect(), refused }
}

fn take(plugin: &str, families: &mut BTreeMap<String, Family>, metric: &Metric) -> Result<(), &'static str> {
    let Metric { name, kind, help, labels, value } = metric;
    if !is_name(name) || !labels.keys().all(|label| is_name(label)) {
        return Err("or a label has a name that is none");
    }
    let fits_kind = match kind.as_str() {
        "gauge" => !name.ends_with("_total"),
        "counter" => name.ends_with("_total") && *value >= 0.0,
        _ => false,
    };
    if !fits_kind || !value.is_finite() {
        return Err("is neither a gauge nor a counter");
    }
    let is_line =
        |text: &str, most: usize| text.chars().count() <= most && !text.chars().any(char::is_control);
    if labels.len() > MOST_LABELS || !labels.values().all(|label| is_line(label, NAME_LENGTH)) {
        return Err("has labels that do not fit");
    }
    if help.is_empty() || help.contains('\\') || !is_line(help, HELP_LENGTH) {
        return Err("is not described in one line");
    }
    let written = written(labels);
    let whole = format!("jackfield_{plugin}_{name}");
    let new = || Family { name: whole.clone(), kind: kind.clone(), help: help.clone(), samples: Vec::new() };
    let family = families.entry(name.clone()).or_insert_with(new);
    if family.kind != *kind || family.samples.iter().any(|(labels, _)| *labels == written) {
        return Err("is there already");
    }
    family.samples.push((written, *value));
    Ok(())
}

/// A name of Prometheus without the letters that have a meaning of their own there.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= NAME_LENGTH && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits)
}

fn written(labels: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{name}=\"{value}\"");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_told_by_name_and_the_rest_is_counted() {
        let gauge = |name: &str| Metric::gauge(name, "Some.", 1.5);
        let told = sorted(
            "echo",
            vec![
                gauge("links").label("state", "up"),
                gauge("links").label("state", "a \"quoted\" \\ one"),
                Metric::counter("answers_total", "Answers.", 3.0),
            ],
        );
        assert_eq!(told.refused, 0);
        let lines: Vec<_> =
            told.families.iter().map(|f| (f.name.as_str(), f.kind.as_str(), &f.samples)).collect();
        let links =
            [(r#"state="up""#.to_owned(), 1.5), (r#"state="a \"quoted\" \\ one""#.to_owned(), 1.5)].to_vec();
        let answers = [(String::new(), 3.0)].to_vec();
        assert_eq!(
            lines,
            [
                ("jackfield_echo_answers_total", "counter", &answers),
                ("jackfield_echo_links", "gauge", &links)
            ]
        );
    }

    #[test]
    fn each_mistake_costs_only_the_figure_that_has_it() {
        let good = || Metric::gauge("links", "Some.", 1.0);
        let long = "x".repeat(NAME_LENGTH + 1);
        let many = (0..=MOST_LABELS).fold(good(), |metric, n| metric.label(&format!("l{n}"), "x"));
        let mistakes = [
            Metric { name: String::new(), ..good() },
            Metric { name: "Links".into(), ..good() },
            Metric { name: "links{x}".into(), ..good() },
            Metric { name: long.clone(), ..good() },
            Metric { kind: "histogram".into(), ..good() },
            Metric { name: "links_total".into(), ..good() },
            Metric { kind: "counter".into(), ..good() },
            Metric::counter("x_total", "Some.", -1.0),
            Metric { value: f64::NAN, ..good() },
            Metric { help: String::new(), ..good() },
            Metric { help: "two\nlines".into(), ..good() },
            Metric { help: "y".repeat(HELP_LENGTH + 1), ..good() },
            good().label("a b", "x"),
            good().label("state", "two\nlines"),
            good().label("state", &long),
            many,
            good(),
        ];
        for mistake in mistakes {
            let told = sorted("echo", vec![good(), mistake.clone()]);
            assert_eq!((told.refused, told.families.len()), (1, 1), "{mistake:?}");
        }
        let flood = (0..1000).map(|n| Metric::gauge(&format!("g{n}"), "Some.", 0.0)).collect();
        let told = sorted("echo", flood);
        assert_eq!((told.families.len(), told.refused), (MOST, 1000 - MOST));
    }
}
