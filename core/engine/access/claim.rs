//! The first administrator: whoever has the claim code, which only the terminal and the journal of the
//! machine show, makes it. The code is gone afterwards.

use jackfield_db::{Read, Value as Cell, params};
use serde_json::json;

use crate::catalog::problems::{CLAIM_CODE, CLAIMED, Problem};
use crate::catalog::rights::Role;
use crate::catalog::shape::Object;
use crate::engine::Engine;
use crate::engine::change::Change;
use crate::engine::objects::{ADMINS, Hidden};
use crate::engine::secrets::{Secret, random, store};

const SECRET: &str = "claim.code";
/// Crockford's alphabet: no letter that looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Whether nobody can administer the appliance yet.
pub fn is_open(read: &Read<'_>) -> Result<bool, Problem> {
    let admins: i64 = read.one("SELECT count(*) FROM admin", params![], |row| row.get(0))?.unwrap_or(0);
    Ok(admins == 0)
}

/// The claim code, made at the first call and the same until it is used; `None` once there is an administrator.
pub fn code(engine: &Engine) -> Result<Option<Secret>, Problem> {
    let (open, known) =
        engine.db.read(|read| Ok::<_, Problem>((is_open(read)?, engine.keyring.load(read, SECRET)?)))?;
    if !open || known.is_some() {
        return Ok(known.filter(|_| open));
    }
    let code = Secret::new(fresh()?);
    let sealed = engine.keyring.seal_named(SECRET, &code)?;
    engine.db.write(move |tx| store(tx, SECRET, &sealed))?;
    Ok(Some(code))
}

/// Twelve characters, 60 bits, in groups of four.
fn fresh() -> Result<String, Problem> {
    let letters: Vec<u8> = random::<12>()?.iter().map(|byte| ALPHABET[usize::from(byte % 32)]).collect();
    let groups: Vec<_> = letters.chunks(4).map(String::from_utf8_lossy).collect();
    Ok(groups.join("-"))
}

/// As typed by a person: case, spaces, dashes and look-alikes do not matter.
fn normalised(code: &str) -> String {
    let same = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    code.chars().filter(char::is_ascii_alphanumeric).map(same).collect()
}

/// Refuses unless the claim is open and the code is right.
pub fn check(engine: &Engine, given: &str) -> Result<(), Problem> {
    let Some(code) = code(engine)? else { return Err(done()) };
    if super::digest(&normalised(code.reveal())) == super::digest(&normalised(given)) {
        return Ok(());
    }
    let detail = "This is not the claim code. The right one is printed at the terminal and in the journal of the machine; \
                  `jackfield claim-code` shows it again.";
    Err(Problem::new(CLAIM_CODE, detail))
}

fn done() -> Problem {
    let detail =
        "Somebody has claimed this appliance. Sign in, or run `jackfield admin create` on the machine.";
    Problem::new(CLAIMED, detail)
}

/// Makes the first administrator; of two who have the code, the second is refused here.
pub fn claim(change: &Change<'_>, name: &str, hash: String) -> Result<Object, Problem> {
    if !is_open(change.tx)? {
        return Err(done());
    }
    let input = json!({"name": name, "role": Role::Admin.name()});
    let hidden = Hidden { columns: vec![("password", Cell::Text(hash))], once: None };
    ADMINS.create(change, input.as_object().cloned().unwrap_or_default(), &hidden)
}

/// Drops the code: there is an administrator now, however made.
pub fn forget(change: &Change<'_>) -> Result<(), Problem> {
    change.tx.execute("DELETE FROM secret WHERE name = ?1", params![SECRET])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_groups_of_four() {
        let code = fresh().unwrap();
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4]);
        assert_eq!(normalised(&code).len(), 12);
    }

    #[test]
    fn how_a_person_types_the_code_does_not_matter() {
        assert_eq!(normalised("o1il-abcd 7XYZ"), normalised("0111-ABCD-7XYZ"));
    }
}
