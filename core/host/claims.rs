//! Whose routes they are, where several plugins have some below the same segment. The plugin that a segment is
//! named after has all of it; of two that declare the same route the first by id has it. The other is refused,
//! whether the first one runs at the moment or not, so that the outcome does not hang on who starts first.

use std::path::Path;

use super::manifest::{self, Manifest, Route};
use super::refusal::{Refusal, Rule};
use super::verify::{Trust, read_manifest};

/// Refuses a plugin that claims what another one in the folder has.
pub fn judge(plugins: &Path, manifest: &Manifest, trust: Trust) -> Result<(), Refusal> {
    if manifest.serves.is_empty() {
        return Ok(());
    }
    for id in neighbours(plugins, &manifest.id) {
        // One that is refused itself has no routes.
        let Ok((other, _)) = read_manifest(plugins, &id, trust) else { continue };
        if let Some(sentence) = clash(manifest, &other) {
            return Err(Refusal::new(Rule::Claim, sentence));
        }
    }
    Ok(())
}

fn neighbours(plugins: &Path, id: &str) -> Vec<String> {
    let entries = std::fs::read_dir(plugins).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().join(manifest::FILE).exists());
    let mut ids: Vec<_> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    ids.retain(|other| other != id);
    ids.sort_unstable();
    ids
}

/// What keeps a plugin from being run beside the other, in words.
fn clash(manifest: &Manifest, other: &Manifest) -> Option<String> {
    let (id, theirs) = (&manifest.id, &other.id);
    if manifest.serves.contains(theirs) {
        return Some(format!(
            "{id} serves {theirs}, which belongs to the plugin of that name; remove one of them"
        ));
    }
    let taken = |route: &&Route| other.routes.iter().any(|route_of_other| overlap(route, route_of_other));
    let taken = manifest.routes.iter().find(taken).filter(|_| theirs < id)?;
    Some(format!(
        "{} {} of {id} is a route of the plugin {theirs} as well, which comes first by its name; remove one of them",
        taken.method, taken.path
    ))
}

/// Whether a request could mean either.
fn overlap(one: &Route, other: &Route) -> bool {
    let segments = |route: &Route| route.path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (these, those) = (segments(one), segments(other));
    one.method == other.method
        && these.len() == those.len()
        && these
            .iter()
            .zip(&those)
            .all(|(this, that)| this == that || may_be(this, that) || may_be(that, this))
}

/// Whether a segment with a parameter may stand for the other one; what follows the parameter, such as `:test`,
/// is the same in both.
fn may_be(template: &str, other: &str) -> bool {
    let Some((_, verb)) = template.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let (plain, other_verb) = match other.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((name, verb)) => (name, verb),
        None => other.split_at(other.find(':').unwrap_or(other.len())),
    };
    !plain.is_empty() && verb == other_verb
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        let (method, path) = text.split_once(' ').unwrap();
        Route {
            method: method.to_owned(),
            path: path.to_owned(),
            right: None,
            summary: String::new(),
            body: false,
            dry_run: false,
            conditional: false,
            public: true,
        }
    }

    #[test]
    fn routes_overlap_when_a_request_could_mean_both() {
        for (one, other, both) in [
            ("GET peers/{id}/x", "GET peers/{peer}/x", true),
            ("GET peers/{id}/x", "PUT peers/{id}/x", false),
            ("GET peers/{id}/x", "GET peers/7/x", true),
            ("GET peers/{id}/x", "GET peers/{id}/y", false),
            ("GET peers/{id}/x", "GET peers/{id}", false),
            ("POST peers/{id}:sync", "POST peers/{id}:test", false),
            ("POST peers/{id}:sync", "POST peers/7:sync", true),
            ("POST peers/{id}:sync", "POST peers/{id}", false),
        ] {
            assert_eq!(overlap(&route(one), &route(other)), both, "{one} | {other}");
            assert_eq!(overlap(&route(other), &route(one)), both, "{other} | {one}");
        }
    }
}
