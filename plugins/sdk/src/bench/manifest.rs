//! Compares a plugin with its manifest. Whether the manifest itself is right is the host's to say.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::plugin::Plugin;

#[derive(Deserialize)]
struct Manifest {
    id: String,
    version: String,
    ops: Vec<String>,
    #[serde(default)]
    routes: Vec<Route>,
}

#[derive(Deserialize)]
struct Route {
    method: String,
    path: String,
}

/// What the plugin's code and its `plugin.toml` say differently, one sentence each; none when they agree.
pub fn differences<P: Plugin>(manifest: &str) -> Vec<String> {
    let manifest: Manifest = match toml::from_str(manifest) {
        Ok(manifest) => manifest,
        Err(e) => return vec![format!("plugin.toml cannot be read: {e}")],
    };
    let routes = manifest.routes.into_iter().map(|route| format!("{} {}", route.method, route.path));
    let served = P::routes().names().into_iter().map(|(method, path)| format!("{method} {path}"));
    [
        compared("id", [manifest.id], [P::ID.to_owned()]),
        compared("version", [manifest.version], [P::VERSION.to_owned()]),
        compared("ops", manifest.ops, P::OPS.iter().map(|op| (*op).to_owned())),
        compared("routes", routes, served),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn compared(
    what: &str,
    manifest: impl IntoIterator<Item = String>,
    code: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let (manifest, code): (BTreeSet<_>, BTreeSet<_>) =
        (manifest.into_iter().collect(), code.into_iter().collect());
    let only = |here: &BTreeSet<String>, there: &BTreeSet<String>, place: &str| {
        here.difference(there).map(|one| format!("{what}: `{one}` is in {place} only")).collect::<Vec<_>>()
    };
    [only(&manifest, &code, "plugin.toml"), only(&code, &manifest, "the code")].concat()
}
