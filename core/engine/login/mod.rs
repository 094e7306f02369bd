//! Passwords of accounts, with which users sign in to chat. Kept is only what proves them (RFC 5802), sealed; the rules
//! of a password, the keys made from it, their place in the database and the count of failures have one file each.
//! Leaves out administrators, whose passwords are `access`'s, and directories, which plugins ask.

mod failures;
mod prepare;
mod store;
mod verifier;

use std::sync::LazyLock;

use super::gate::Gate;
use super::secrets::{Secret, random};
use crate::catalog::problems::Problem;
use crate::catalog::shape::Kind;

pub use failures::{Failures, Person};
pub use prepare::prepared;
pub use store::{KIND, Known, Way, known, put_back, remove, seal, set};
pub use verifier::Verifier;

/// How long a password may be, in characters: long enough that guessing takes time, short enough that hashing it does
/// not. No rule asks for digits or signs (NIST SP 800-63B section 5.1.1.2).
pub const PASSWORD: Kind = Kind::Text { min: prepare::SHORTEST, max: prepare::LONGEST, rule: None };

/// A few milliseconds each: enough for a whole office that comes to work, and never all processors.
static GATE: Gate = Gate::new(2);

/// Verified against when there is nothing to verify against, so that the answer takes as long as for a wrong password.
static NOBODY: LazyLock<Verifier> = LazyLock::new(|| Verifier::of("nobody's password", &[0; 16]));

/// What proves a new password. Takes a while: not for a transaction.
pub fn verifier(password: &Secret) -> Result<Verifier, Problem> {
    let prepared = prepared(password)?;
    let salt = random()?;
    GATE.pass(|| Verifier::of(prepared.reveal(), &salt))
}

/// Whether a password is the one that the verifier was made from; without one the answer is no, and comes no sooner.
pub fn fits(password: &Secret, verifier: Option<&Verifier>) -> Result<bool, Problem> {
    // What could never have been set is compared as it is.
    let prepared = prepared(password).unwrap_or_else(|_| password.clone());
    let against = verifier.unwrap_or(&NOBODY);
    let fits = GATE.pass(|| against.fits(prepared.reveal()))?;
    Ok(fits && verifier.is_some())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// The shortest of some, because what else runs only ever makes one longer.
    fn shortest(verifier: Option<&Verifier>) -> Duration {
        let one = |_| {
            let began = Instant::now();
            assert!(!fits(&Secret::new("a wrong password"), verifier).unwrap());
            began.elapsed()
        };
        (0..5).map(one).min().unwrap()
    }

    #[test]
    fn nobodys_password_takes_as_long_as_a_wrong_one() {
        let verifier = verifier(&Secret::new("the right password")).unwrap();
        let (wrong, unknown) = (shortest(Some(&verifier)), shortest(None));
        assert!(unknown > wrong / 2 && unknown < wrong * 2, "wrong: {wrong:?}, unknown: {unknown:?}");
    }

    #[test]
    fn each_password_has_a_salt_of_its_own_and_fits_however_it_is_typed() {
        let made = || verifier(&Secret::new("caf\u{e9} creme")).unwrap();
        let (one, other) = (made(), made());
        assert_ne!(one.salt, other.salt);
        assert!(fits(&Secret::new("cafe\u{301}\u{a0}creme"), Some(&one)).unwrap());
        assert!(!fits(&Secret::new("cafe creme"), Some(&other)).unwrap());
    }
}
