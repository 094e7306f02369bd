//! One entry of a source as the fields of an account, by the rules that accounts have.

use data_encoding::BASE64;
use jackfield_abi::ops::{DirectoryEntry, DirectoryRefused};
use jackfield_db::Read;
use serde_json::{Value, json};

use super::order::Order;
use crate::catalog::problems::{FieldError, Problem};
use crate::catalog::shape::Object;
use crate::engine::import::resolve_names;
use crate::engine::messages::address::Address;
use crate::engine::objects::{ACCOUNTS, text};
use crate::engine::photos::Photo;

/// Most characters of a source's key.
const KEY: usize = 256;
/// Most characters of a source's version.
const HASH: usize = 128;
/// Most characters of a text that is told to people.
const TOLD: usize = 500;

/// The fields that an entry gives, checked; or what is wrong with them.
pub fn fields(read: &Read<'_>, order: &Order, entry: &DirectoryEntry) -> Result<Object, Problem> {
    let mut fields = given(order, entry);
    ACCOUNTS.shape.check_given(&fields).map_err(Problem::invalid)?;
    // Names of nodes are those of the enterprise.
    fields.insert("enterprise".to_owned(), order.enterprise.as_str().into());
    resolve_names(read, &mut fields)?;
    fields.remove("enterprise");
    if let Some(address) = &entry.address {
        fields.insert("address".to_owned(), self::address(order, address)?);
    }
    Ok(fields)
}

fn given(order: &Order, entry: &DirectoryEntry) -> Object {
    let mut fields = Object::new();
    let mut put = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.as_str().into());
        }
    };
    put("login_id", &Some(entry.login_id.clone()));
    put("last_name", &Some(entry.last_name.clone()));
    put("first_name", &entry.first_name);
    put("email", &entry.email);
    put("extension", &entry.extension);
    put("folder", &entry.folder);
    // A contact is called on the peer's telephone system.
    if let (Some(node), None) = (&entry.pbx_node, &order.peer) {
        fields.insert("pbx_node".to_owned(), if node.is_empty() { Value::Null } else { json!(node) });
    }
    fields
}

fn address(order: &Order, address: &str) -> Result<Value, Problem> {
    if order.peer.is_none() || address.is_empty() {
        return Ok(Value::Null);
    }
    let read = Address::parse(address).map_err(|wrong| Problem::field("address", wrong))?;
    Ok(read.to_string().into())
}

/// The photo that an entry gives; `Some(None)`: that there is none.
pub fn photo(entry: &DirectoryEntry) -> Result<Option<Option<Photo>>, Problem> {
    let wrong = |what: String| Problem::field("photo", what);
    match entry.photo.as_deref() {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => {
            let bytes =
                BASE64.decode(text.as_bytes()).map_err(|cause| wrong(format!("is no base64: {cause}")))?;
            Photo::accept(bytes).map(|photo| Some(Some(photo))).map_err(wrong)
        }
    }
}

/// What is wrong with the key and the version of an entry.
pub fn unfit(entry: &DirectoryEntry) -> Option<Problem> {
    [("key", &entry.key, KEY), ("hash", &entry.hash, HASH)].into_iter().find_map(|(field, text, most)| {
        let count = text.chars().count();
        let is_fit = (1..=most).contains(&count) && !text.chars().any(char::is_control);
        let detail = || format!("must be 1 to {most} characters without control characters; it has {count}");
        (!is_fit).then(|| Problem::field(field, detail()))
    })
}

/// A refusal as the plugin gets it: one for each field that is wrong.
pub fn refusals(key: &str, problem: &Problem) -> Vec<DirectoryRefused> {
    let refused = |field: &str, detail: &str| DirectoryRefused {
        key: key.chars().take(KEY).collect(),
        field: field.to_owned(),
        detail: detail.chars().take(TOLD).collect(),
    };
    let of_field = |error: &FieldError| refused(error.pointer.trim_start_matches('/'), &error.detail);
    match problem.errors.as_slice() {
        [] => vec![refused("", &problem.detail)],
        errors => errors.iter().map(of_field).collect(),
    }
}

/// First and last name.
pub fn name_of(fields: &Object) -> String {
    format!("{} {}", text(fields, "first_name"), text(fields, "last_name")).trim().to_owned()
}
