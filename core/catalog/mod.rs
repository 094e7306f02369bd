//! Every fact with a name, declared once: problems, rights, settings, events and the shapes of what the API
//! takes and gives. Everything else reads these lists; nothing here does any work beyond checking a value
//! against its declaration.

pub mod events;
pub mod hooks;
pub mod problems;
pub mod rights;
pub mod rules;
pub mod segments;
pub mod settings;
pub mod shape;

/// A number with its noun, as people write it.
pub fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The known name that is nearest to a mistyped one, if any is near enough to be meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(wrong, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.75).then_some(best.1)
}
