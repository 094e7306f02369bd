//! Which attribute of an entry fills which field, with the usual ones of Active Directory.

use jackfield_sdk::form::{Form, Rule};
use jackfield_sdk::{Value, json};
use serde_json::Map;

use crate::ldap::is_attribute;

/// Fields with their usual attributes. The last ones are filled only where somebody says from what.
const USUAL: &[(&str, Option<&str>)] = &[
    ("user_id", Some("objectGUID")),
    ("login", Some("sAMAccountName")),
    ("distinguished_name", Some("distinguishedName")),
    ("first_name", Some("givenName")),
    ("last_name", Some("sn")),
    ("email", Some("mail")),
    ("primary_phone", Some("telephoneNumber")),
    ("secondary_phone", Some("otherTelephone")),
    ("home_element", Some("ipPhone")),
    ("mobile", Some("mobile")),
    ("fax", Some("facsimileTelephoneNumber")),
    ("department", Some("department")),
    ("company", Some("company")),
    ("location", Some("physicalDeliveryOfficeName")),
    ("city", Some("l")),
    ("street", Some("streetAddress")),
    ("postal_code", Some("postalCode")),
    ("country", Some("co")),
    ("title", Some("title")),
    ("role", Some("employeeType")),
    ("photo", Some("jpegPhoto")),
    ("language", Some("preferredLanguage")),
    ("object_class", Some("objectClass")),
    ("did", None),
    ("position", None),
    ("info", None),
    ("info_2", None),
    ("address", None),
];

/// Fields that no contact can do without.
const NEEDED: &[&str] = &["user_id", "distinguished_name", "first_name", "last_name"];

static ATTRIBUTE: Rule = Rule {
    says: "the name of an attribute such as givenName, or null for none",
    holds: |text| text.len() <= 128 && is_attribute(text),
    caseless: false,
};

/// The usual mapping.
pub fn usual() -> Map<String, Value> {
    USUAL.iter().map(|(field, attribute)| ((*field).to_owned(), json!(attribute))).collect()
}

/// Reads a mapping. A field that is left out has its usual attribute; one that is null has none. `given` is the same
/// object as it came, because a form does not tell the two apart.
pub fn read(form: &mut Form<'_>, given: &Value) -> Option<Map<String, Value>> {
    let mut mapping = Some(Map::new());
    for (field, attribute) in USUAL {
        let value = form.field(field).matching(&ATTRIBUTE).optional();
        let is_emptied = given.get(field).is_some_and(|value| value.is_null() || value == "");
        let is_needed = NEEDED.contains(field);
        let sentence = || {
            format!("{field} must be the name of an attribute, as no contact can do without it; null is not")
        };
        form.check(!(is_emptied && is_needed), field, sentence());
        let filled = value.map(|value| match value {
            None if is_emptied => Value::Null,
            None => json!(attribute),
            Some(named) => json!(named),
        });
        match (filled, mapping.as_mut()) {
            (Some(filled), Some(mapping)) => drop(mapping.insert((*field).to_owned(), filled)),
            _ => mapping = None,
        }
    }
    mapping
}
