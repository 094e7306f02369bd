//! Passwords: Argon2id with the parameters OWASP recommends (19 MiB, two passes). Hashing is bounded to a
//! few at a time, so that guessing cannot take the machine's memory and processors away from everybody.

use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::catalog::problems::{OVERLOADED, Problem};
use crate::engine::fault;
use crate::engine::secrets::Secret;

const AT_A_TIME: usize = 2;
const WAIT: Duration = Duration::from_secs(5);

struct Gate {
    free: Mutex<usize>,
    released: Condvar,
}

static GATE: Gate = Gate { free: Mutex::new(AT_A_TIME), released: Condvar::new() };

/// Verified against when there is no such name, so that the answer takes as long as for a wrong password.
static NOBODY: LazyLock<Option<String>> =
    LazyLock::new(|| Argon2::default().hash_password(b"nobody's password").ok().map(|hash| hash.to_string()));

impl Gate {
    fn pass<T>(&self, work: impl FnOnce() -> T) -> Result<T, Problem> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.released.wait_timeout_while(free, WAIT, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            return Err(Problem::new(
                OVERLOADED,
                "Too many people sign in at this moment. Try again in a few seconds.",
            ));
        }
        *free -= 1;
        drop(free);
        let done = work();
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.released.notify_one();
        Ok(done)
    }
}

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
