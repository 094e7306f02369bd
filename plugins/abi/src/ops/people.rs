//! Finding people in the corporate directory: `people.find`.

use serde::{Deserialize, Serialize};

/// Whom to find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleFind {
    /// Id of the enterprise whose directory is searched.
    pub enterprise: String,
    /// What everybody who is found has; at least one.
    pub all: Vec<PersonWith>,
    /// Most people, 1 to 500.
    pub limit: usize,
}

/// Somebody with this text in that field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonWith {
    /// Where it must be.
    pub field: PersonField,
    /// Part of the value, in whatever case; `*` stands for anything.
    pub text: String,
}

/// What is known of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonField {
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// Login id.
    LoginId,
    /// E-mail address.
    Email,
    /// Extension.
    Extension,
    /// Folder; those of a peer's contacts are below its description.
    Folder,
}

/// Who was found, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleFound {
    /// At most as many as were asked for.
    pub people: Vec<Person>,
}

/// Somebody whom the directory shows: a deployed account, or a contact of a peer whose address is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Login id.
    pub login_id: String,
    /// Address of a contact; null: an account, whose login id is at the enterprise's domain.
    pub address: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Extension.
    pub extension: String,
    /// Folder.
    pub folder: String,
}
