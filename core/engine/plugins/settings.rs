//! Settings that plugins bring: declared in their manifests, kept and shown like the catalogue's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jackfield_abi::ops;
use serde_json::{Map, Value, json};

use crate::catalog::events::SETTINGS_CHANGED;
use crate::catalog::rules::Rule;
use crate::catalog::settings::{self, Default, Setting};
use crate::catalog::shape::Kind;
use crate::engine::Engine;
use crate::engine::doctor::{Finding, PLUGIN_FINDINGS, State};
use crate::engine::events::Fired;
use crate::engine::settings as own;
use crate::host::Host;
use crate::host::manifest::{self, Manifest};

/// Longest text and list of a setting that sets no bound itself.
const LONGEST: i64 = 1000;
/// Time for a plugin to take new values.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most different sets of settings in one process; each version of a plugin brings its own.
const MOST_SETS: usize = 1024;

/// Puts the settings of a manifest into the catalogue. Each different text is made into settings once.
pub fn bring(manifest: &Manifest) -> Result<(), String> {
    static KNOWN: Mutex<BTreeMap<String, Vec<&'static Setting>>> = Mutex::new(BTreeMap::new());
    let text = format!("{} {}", manifest.id, json!(manifest.settings));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.contains_key(&text) {
        if known.len() >= MOST_SETS {
            return Err(format!(
                "{MOST_SETS} versions of plugins brought settings already; restart the appliance."
            ));
        }
        let made = manifest.settings.iter().map(as_own).collect::<Result<Vec<_>, _>>()?;
        let made = made.into_iter().map(|setting| -> &'static Setting { Box::leak(Box::new(setting)) });
        known.insert(text.clone(), made.collect());
    }
    known.get(&text).into_iter().flatten().for_each(|setting| settings::bring(setting));
    Ok(())
}

/// A setting that became a secret with this version is one from now on: its value is sealed, and what stood in
/// clear for it, also in revisions, is taken out.
pub fn hide_former_values(engine: &Arc<Engine>, manifest: &Manifest) -> Result<(), String> {
    let names: Vec<_> = manifest.settings.iter().filter(|s| s.is_secret()).map(|s| s.name.clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let writer = Arc::clone(engine);
    let hidden = engine
        .db
        .write(move |tx| names.iter().try_for_each(|name| own::hide(tx, &writer.keyring, name)).map(drop));
    hidden.and_then(|()| engine.settings.reload(&engine.db)).map_err(|problem| problem.detail)
}

fn as_own(declared: &manifest::Setting) -> Result<Setting, String> {
    let (min, max) = (declared.min.unwrap_or(0), declared.max.unwrap_or(LONGEST));
    let size = |bound: i64| usize::try_from(bound).unwrap_or(0);
    let rule = declared.pattern.as_ref().map(|pattern| -> &'static Rule {
        Box::leak(Box::new(Rule::brought(
            declared.says.as_deref().unwrap_or("of the form that its plugin asks for"),
            pattern,
        )))
    });
    let kind = match declared.kind.as_str() {
        "text" => Kind::Text { min: size(min), max: size(max), rule },
        "integer" => {
            Kind::Integer { min: declared.min.unwrap_or(i64::MIN), max: declared.max.unwrap_or(i64::MAX) }
        }
        "boolean" => Kind::Boolean,
        "choice" => Kind::Choice(words(&declared.choices)),
        "list" => Kind::List {
            of: Box::leak(Box::new(Kind::Text { min: 1, max: size(LONGEST), rule })),
            max: size(max),
        },
        // An empty one would read as none.
        "secret" => Kind::Text { min: size(min).max(1), max: size(max), rule: None },
        other => return Err(format!("The setting {} has the unknown kind {other:?}.", declared.name)),
    };
    let default = match declared.is_secret() {
        true => Default::Secret,
        false => Default::Brought(declared.default.clone().unwrap_or(Value::Null)),
    };
    let (name, help) = (String::leak(declared.name.clone()), String::leak(declared.help.clone()));
    Ok(Setting { name, kind, default, help })
}

fn words(choices: &[String]) -> &'static [&'static str] {
    let words: Vec<&'static str> =
        choices.iter().map(|word| -> &'static str { String::leak(word.clone()) }).collect();
    Vec::leak(words)
}

/// The current values of a manifest's settings, by name; secrets in clear, null where none is set.
pub fn values(engine: &Engine, manifest: &Manifest) -> Map<String, Value> {
    let value = |setting: &manifest::Setting| match setting.is_secret() {
        true => revealed(engine, &setting.name),
        false => engine.settings.value(&setting.name),
    };
    manifest.settings.iter().map(|setting| (setting.name.clone(), value(setting))).collect()
}

/// The plugin starts without a secret that cannot be opened, and says so itself.
fn revealed(engine: &Engine, name: &str) -> Value {
    let opened = engine.db.read(|read| own::secret(read, &engine.keyring, name));
    let opened = opened.inspect_err(|problem| log::error!("the setting {name}: {}", problem.detail));
    opened.ok().flatten().map_or(Value::Null, |secret| secret.reveal().into())
}

/// A plugin that starts takes all values, so what was said of an earlier one is over.
pub fn taken_at_start(engine: &Engine, manifest: &Manifest) {
    let name = format!("{PLUGIN_FINDINGS}{}.settings", manifest.id);
    if engine.board.below(&name).iter().any(|(known, _)| *known == name) {
        engine.board.report(&name, finding(Ok(())));
    }
}

/// Gives a plugin its new values when one of its settings was changed.
pub fn follow(engine: &Engine, host: &Host, fired: &Fired) {
    if fired.event != SETTINGS_CHANGED.name {
        return;
    }
    let area = fired.object.split('.').next().unwrap_or_default();
    let Some(manifest) = host.manifests().into_iter().find(|manifest| manifest.id == area) else { return };
    let Some(changed) = manifest.settings.iter().find(|setting| setting.name == fired.object) else { return };
    let taken = match changed.restart {
        true => host.restart(area),
        false => tell(engine, host, &manifest),
    };
    engine.board.report(&format!("{PLUGIN_FINDINGS}{area}.settings"), finding(taken));
}

fn tell(engine: &Engine, host: &Host, manifest: &Manifest) -> Result<(), String> {
    let args = json!({"settings": values(engine, manifest)});
    host.request(&manifest.id, ops::SETTINGS_CHANGED, &args, PATIENCE)
        .map(drop)
        .map_err(|failure| failure.msg)
}

fn finding(taken: Result<(), String>) -> Finding {
    match taken {
        Ok(()) => Finding::ok("the plugin works with the current settings"),
        Err(cause) => Finding::bad(
            State::Warning,
            format!("the plugin did not take the new settings and keeps the old ones: {cause}"),
            "Correct the setting; or restart the plugin, which then takes all of them.",
        ),
    }
}
