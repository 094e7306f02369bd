//! What an object was like when it was made among many: such a part of a revision does not repeat it, because the object
//! itself has it, or the `before` of whatever changed it next.

use jackfield_db::{Read, params};
use serde_json::Value;

use super::parsed;
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::objects;

/// The object that the part `id` of revision `n` made, as it was then.
pub fn as_made(read: &Read<'_>, n: i64, id: i64, kind: &str, object: &str) -> Result<Value, Problem> {
    // A part that was noted when `position` was the newest revision came after that one.
    let sql = "SELECT before FROM (
            SELECT before, position, 1 AS is_part, id FROM revision_part
                WHERE object = ?1 AND kind = ?2 AND id > ?3
            UNION ALL SELECT before, n, 0, 0 FROM revision WHERE object = ?1 AND kind = ?2
                AND n > (SELECT position FROM revision_part WHERE id = ?3)
        ) ORDER BY position, is_part, id LIMIT 1";
    let next = read.one(sql, params![object, kind, id], |row| row.get::<_, Option<String>>(0))?;
    let found = match (next, objects::find(kind)) {
        (Some(before), _) => parsed(before).and_then(|before| before.as_object().cloned()),
        (None, Some(resource)) => resource.find(read, object)?,
        (None, None) => None,
    };
    Ok(found.map_or(Value::Null, |found| when_new(n, found).into()))
}

/// Without what is noted on an object although the object itself was not changed.
fn when_new(n: i64, mut object: Object) -> Object {
    object.insert("revision".to_owned(), n.into());
    object.insert("changed_at".to_owned(), object.get("created_at").cloned().unwrap_or_default());
    objects::forget_password(&mut object);
    object
}
