//! Finding people field by field, as chat clients ask for them. The index of trigrams says who may be meant, the fields
//! themselves who is. A text of less than three characters, and a folder, are looked for row by row.

use jackfield_abi::ops::{PeopleFind, Person, PersonField, PersonWith};
use jackfield_db::{Read, Row, RowResult, Value as Cell, params_from_iter};

use super::FOLDER;
use crate::catalog::problems::Problem;
use crate::engine::objects::indexed;

/// Stands for anything in a text.
const ANYTHING: char = '*';

/// Those who have all that is asked for, in the order they were made.
pub fn find(read: &Read<'_>, asked: &PeopleFind) -> Result<Vec<Person>, Problem> {
    let candidates = indexed(asked.all.iter().filter(|with| is_indexed(with.field)).flat_map(pieces));
    let mut bound = candidates.bound;
    bound.push(Cell::Text(asked.enterprise.clone()));
    let fields: String = asked.all.iter().map(|with| condition(with, &mut bound)).collect();
    bound.push(Cell::Integer(i64::try_from(asked.limit).unwrap_or(i64::MAX)));
    let sql = format!(
        "SELECT login_id, (SELECT address FROM core_contacts WHERE core_contacts.id = account.id) AS contact,
            first_name, last_name, email, extension, {FOLDER}
        FROM {} LEFT JOIN peer ON peer.id = account.peer
        WHERE 1{} AND account.enterprise = ? AND +in_directory = 1
            AND ((account.peer IS NULL AND deployed = 1) OR contact <> ''){fields}
        ORDER BY account.seq LIMIT ?",
        candidates.from, candidates.conditions
    );
    Ok(read.all(&sql, params_from_iter(bound), person)?)
}

fn person(row: &Row<'_>) -> RowResult<Person> {
    Ok(Person {
        login_id: row.get(0)?,
        address: row.get(1)?,
        first_name: row.get(2)?,
        last_name: row.get(3)?,
        email: row.get(4)?,
        extension: row.get(5)?,
        folder: row.get(6)?,
    })
}

fn is_indexed(field: PersonField) -> bool {
    field != PersonField::Folder
}

/// What of a text stands together in the value.
fn pieces(with: &PersonWith) -> impl Iterator<Item = &str> {
    with.text.split(|c: char| c == ANYTHING || c.is_control())
}

fn column(field: PersonField) -> &'static str {
    match field {
        PersonField::FirstName => "first_name",
        PersonField::LastName => "last_name",
        PersonField::LoginId => "login_id",
        PersonField::Email => "email",
        PersonField::Extension => "extension",
        PersonField::Folder => FOLDER,
    }
}

fn condition(with: &PersonWith, bound: &mut Vec<Cell>) -> String {
    let column = column(with.field);
    let patterns = patterns(&with.text);
    let any = vec![format!("({column}) LIKE ? ESCAPE '\\'"); patterns.len()];
    bound.extend(patterns.into_iter().map(Cell::Text));
    format!(" AND ({})", any.join(" OR "))
}

/// What the text looks like anywhere in a value. SQLite knows capitals of ASCII alone, so others are tried both ways.
fn patterns(text: &str) -> Vec<String> {
    let mut written = vec![text.to_owned()];
    if !text.is_ascii() {
        let lower = text.to_lowercase();
        let mut letters = lower.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        written.extend([first + letters.as_str(), lower, text.to_uppercase()]);
    }
    let pattern = |text: String| {
        let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").replace(ANYTHING, "%");
        format!("%{text}%")
    };
    let mut patterns: Vec<_> = written.into_iter().map(pattern).collect();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_was_typed_and_a_star_anything() {
        assert_eq!(patterns("an*n"), ["%an%n%"]);
        assert_eq!(patterns("50%_\\"), ["%50\\%\\_\\\\%"]);
        assert_eq!(patterns("\u{f6}z"), ["%\u{d6}Z%", "%\u{d6}z%", "%\u{f6}z%"]);
    }
}
