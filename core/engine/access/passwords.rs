//! Passwords: Argon2id with the parameters OWASP recommends (19 MiB, two passes). Hashing is bounded to a
//! few at a time, so that guessing cannot take the machine's memory and processors away from everybody.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::catalog::problems::Problem;
use crate::engine::fault;
use crate::engine::gate::Gate;
use crate::engine::secrets::Secret;

static GATE: Gate = Gate::new(2);

/// Verified against when there is no such name, so that the answer takes as long as for a wrong password.
static NOBODY: LazyLock<Option<String>> =
    LazyLock::new(|| Argon2::default().hash_password(b"nobody's password").ok().map(|hash| hash.to_string()));

/// Hashes a new password.
pub fn hash(password: &Secret) -> Result<String, Problem> {
    let hashed = GATE.pass(|| Argon2::default().hash_password(password.reveal().as_bytes()))?;
    hashed.map(|hash| hash.to_string()).map_err(|e| fault("hash a password", &e.to_string()))
}

/// Whether a password is the one that was hashed; `None` when there is nobody of that name.
pub fn verify(password: &Secret, hashed: Option<&str>) -> Result<bool, Problem> {
    let Some(against) = hashed.or(NOBODY.as_deref()) else { return Ok(false) };
    let parsed = PasswordHash::new(against).map_err(|e| fault("read a stored password", &e.to_string()))?;
    let fits =
        GATE.pass(|| Argon2::default().verify_password(password.reveal().as_bytes(), &parsed).is_ok())?;
    Ok(fits && hashed.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits() {
        let hashed = hash(&Secret::new("correct horse battery")).unwrap();
        assert!(verify(&Secret::new("correct horse battery"), Some(&hashed)).unwrap());
        assert!(!verify(&Secret::new("correct horse batterx"), Some(&hashed)).unwrap());
        assert!(!verify(&Secret::new("nobody's password"), None).unwrap());
    }
}
