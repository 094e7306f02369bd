//! `people.find` for plugins that hold `db/1`: no more than its views show, found by the directory's own index.

use jackfield_abi::ops::{Code, Failure, PeopleFind, PeopleFound};
use serde_json::{Value, json};

use super::writing::of_problem;
use crate::engine::{Engine, directory};

/// Most people of one answer.
const MOST: usize = 500;
/// Most texts that are asked for at once, and characters of one.
const MOST_TEXTS: usize = 16;
const TEXT_LENGTH: usize = 200;

/// Finds them.
pub fn find(engine: &Engine, asked: &PeopleFind) -> Result<Value, Failure> {
    let bad = |text: String| Err(Failure::new(Code::BadRequest, text));
    if !(1..=MOST).contains(&asked.limit) {
        return bad(format!("limit must be 1 to {MOST}; {} is not", asked.limit));
    }
    if !(1..=MOST_TEXTS).contains(&asked.all.len()) {
        return bad(format!("all must have 1 to {MOST_TEXTS} entries; it has {}", asked.all.len()));
    }
    if asked.all.iter().any(|with| with.text.chars().count() > TEXT_LENGTH) {
        return bad(format!("a text must have at most {TEXT_LENGTH} characters"));
    }
    let people = engine.db.read(|read| directory::find(read, asked)).map_err(of_problem)?;
    Ok(json!(PeopleFound { people }))
}
