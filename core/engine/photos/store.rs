//! Where photos are kept: each once, under its digest.

use jackfield_db::{Read, Row, RowResult, Tx, params};

use super::Photo;
use super::image::{Image, JPEG_TYPE, PNG_TYPE};
use crate::catalog::problems::{NOT_UNDOABLE, Problem};
use crate::catalog::shape::Object;
use crate::engine::clock;
use crate::engine::objects::text;

/// Keeps a photo; one that is there already is as good as new.
pub fn keep(tx: &Tx<'_>, photo: &Photo) -> Result<(), Problem> {
    let Photo { hash, image: Image { media_type, width, height }, bytes } = photo;
    let sql = "INSERT INTO photo (hash, media_type, width, height, size, added_at, bytes)
               VALUES (?1, ?2, ?3, ?4, length(?6), ?5, ?6) ON CONFLICT (hash) DO UPDATE SET added_at = ?5";
    tx.execute(sql, params![hash, media_type, width, height, clock::now(), bytes])?;
    Ok(())
}

/// The photo of that digest.
pub fn find(read: &Read<'_>, hash: &str) -> Result<Option<Photo>, Problem> {
    let sql = "SELECT hash, media_type, width, height, bytes FROM photo WHERE hash = ?1";
    Ok(read.one(sql, params![hash], photo)?)
}

fn photo(row: &Row<'_>) -> RowResult<Photo> {
    let is_png = row.get::<_, String>(1)? == PNG_TYPE;
    let media_type = if is_png { PNG_TYPE } else { JPEG_TYPE };
    let image = Image { media_type, width: row.get(2)?, height: row.get(3)? };
    Ok(Photo { hash: row.get(0)?, image, bytes: row.get(4)? })
}

/// Refuses to put back an account's state whose photo is not kept any more.
pub fn refuse_forgotten(read: &Read<'_>, account: &Object) -> Result<(), Problem> {
    let hash = text(account, "photo");
    let sql = "SELECT 1 FROM photo WHERE hash = ?1";
    if hash.is_empty() || read.one(sql, params![hash], |row| row.get::<_, i64>(0))?.is_some() {
        return Ok(());
    }
    let login = text(account, "login_id");
    let detail = format!(
        "The photo that {login:?} had is not kept any more. Change the account itself, and give it the photo anew."
    );
    Err(Problem::new(NOT_UNDOABLE, detail))
}
