//! The first line of a list: which column holds which field of an account, and what separates columns.

use crate::catalog::nearest;
use crate::catalog::problems::{FieldError, Problem};
use crate::catalog::shape::{Access, Field};
use crate::engine::objects::ACCOUNTS;

/// What can separate columns; spreadsheets write the second where the comma is in numbers.
const SEPARATORS: &[u8] = b",;\t";

/// The columns of a list.
#[derive(Clone)]
pub struct Header {
    /// The fields in the order of the columns.
    pub fields: Vec<&'static Field>,
    names: Vec<String>,
}

impl Header {
    /// The fields that a list can have, in the order that an export writes them.
    pub fn all_fields() -> impl Iterator<Item = &'static Field> {
        ACCOUNTS.shape.fields.iter().filter(|field| matches!(field.access, Access::Writable | Access::Fixed))
    }

    /// The separator that a first line uses most.
    pub fn separator(line: &[u8]) -> u8 {
        let count = |separator: &u8| line.iter().filter(|byte| *byte == separator).count();
        SEPARATORS.iter().copied().rev().max_by_key(count).unwrap_or(b',')
    }

    /// Reads the first line. `has_enterprise` says whether the request names the enterprise.
    pub fn read(names: Vec<String>, has_enterprise: bool) -> Result<Self, Problem> {
        let (mut fields, mut errors) = (Vec::new(), Vec::new());
        for (index, name) in names.iter().enumerate() {
            match Self::all_fields().find(|field| field.name == name) {
                Some(_) if names[..index].contains(name) => errors.push(error(name, "is there twice")),
                Some(field) => fields.push(field),
                None => errors.push(error(name, &stranger(name))),
            }
        }
        let is_missing = |name: &str| !names.iter().any(|given| given == name);
        if is_missing("login_id") {
            errors.push(error("login_id", "is missing: it says which account a line is about"));
        }
        if is_missing("enterprise") && !has_enterprise {
            errors
                .push(error("enterprise", "is missing: give the column, or ?enterprise= for the whole list"));
        }
        if errors.is_empty() { Ok(Self { fields, names }) } else { Err(Problem::invalid(errors)) }
    }

    /// Whether a line repeats the first one, as lists do that were joined.
    pub fn is_repeated(&self, cells: &[String]) -> bool {
        self.names == cells
    }
}

fn error(column: &str, detail: &str) -> FieldError {
    FieldError { pointer: format!("line 1, column {column:?}"), detail: detail.to_owned() }
}

fn stranger(name: &str) -> String {
    if name == "password" {
        let why = "is not a column of accounts: a list lies on the disk until its job is done, and thousands of passwords \
                   take minutes to hash; set them by PUT accounts/{id}/password, or let a directory check them";
        return why.to_owned();
    }
    let known: Vec<_> = Header::all_fields().map(|field| field.name).collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("is not a column of accounts; did you mean {meant:?}?"),
        None => format!("is not a column of accounts; the columns are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str) -> Vec<String> {
        line.split(',').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn the_separator_is_what_the_first_line_uses() {
        assert_eq!(Header::separator(b"enterprise,login_id"), b',');
        assert_eq!(Header::separator(b"enterprise;login_id;last_name"), b';');
        assert_eq!(Header::separator(b"enterprise\tlogin_id"), b'\t');
        assert_eq!(Header::separator(b"login_id"), b',');
    }

    #[test]
    fn columns_are_known_unique_and_enough() {
        let problem = Header::read(names("login_id,login_id,lastname"), false).err().unwrap();
        let told: Vec<_> = problem.errors.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect();
        assert!(told[0].contains("is there twice"), "{told:?}");
        assert!(told[1].contains("did you mean \"last_name\"?"), "{told:?}");
        assert!(told[2].contains("or ?enterprise="), "{told:?}");
        assert!(Header::read(names("login_id"), true).is_ok());
        let problem = Header::read(names("login_id,password"), true).err().unwrap();
        assert!(problem.detail.contains("PUT accounts/{id}/password"), "{}", problem.detail);
        assert!(Header::read(names("last_name"), true).is_err());
    }
}
