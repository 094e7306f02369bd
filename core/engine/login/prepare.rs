//! What a password may be, and the one form of it that all keyboards and programs lead to. SCRAM's programs prepare it
//! by SASLprep (RFC 5802 section 5.1, RFC 4013), and so does this side, instead of by its successor OpaqueString (RFC
//! 8265): the two differ, as in full-width letters, and then the keys of client and server would as well.

use crate::catalog::problems::Problem;
use crate::engine::secrets::Secret;

/// Fewest characters.
pub const SHORTEST: usize = 8;
/// Most characters.
pub const LONGEST: usize = 256;

/// The password as keys are made from it. Refused, with the field `password`, when it breaks a rule; the refusal never
/// repeats it.
pub fn prepared(password: &Secret) -> Result<Secret, Problem> {
    let given = password.reveal();
    let wrong = |detail: String| Err(Problem::field("password", detail));
    let count = given.chars().count();
    if !(SHORTEST..=LONGEST).contains(&count) {
        return wrong(format!("must be {SHORTEST} to {LONGEST} characters long; this has {count}"));
    }
    let Ok(prepared) = stringprep::saslprep(given) else {
        let why = "must hold no control characters, no characters newer than Unicode 3.2 such as emoji, and not mix \
                   scripts written to the left and to the right: chat programs would not agree on them (RFC 4013)";
        return wrong(why.to_owned());
    };
    let left = prepared.chars().count();
    if left < SHORTEST {
        return wrong(format!(
            "must be at least {SHORTEST} characters long without those that leave no trace, such as soft hyphens (RFC 4013); {left} are left"
        ));
    }
    Ok(Secret::new(prepared))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(password: &str) -> String {
        prepared(&Secret::new(password)).map(|p| p.reveal().to_owned()).unwrap_or_else(|p| p.detail)
    }

    #[test]
    fn one_password_has_one_form_however_it_is_typed() {
        assert_eq!(told("correct horse"), "correct horse");
        assert_eq!(told("correct\u{a0}horse"), "correct horse", "a no-break space");
        assert_eq!(told("I\u{ad}X has a hyphen"), "IX has a hyphen", "RFC 4013 section 3");
        assert_eq!(told("\u{2168} as a numeral"), "IX as a numeral", "RFC 4013 section 3");
        assert_eq!(told("cafe\u{301} noir"), told("caf\u{e9} noir"));
    }

    #[test]
    fn each_rule_is_told_and_the_password_is_not() {
        for (wrong, why) in [
            ("seven77", "8 to 256 characters long; this has 7"),
            ("a\u{7}b has a bell", "control characters"),
            ("horse \u{1f40e} battery", "emoji"),
            ("\u{627}\u{628} with latin", "left and to the right"),
            ("\u{ad}\u{ad}\u{ad}\u{ad}abcdefg", "at least 8 characters long without"),
        ] {
            let said = told(wrong);
            assert!(said.contains(why), "{wrong:?}: {said}");
            assert!(said.starts_with("/password ") && !said.contains(wrong), "{said}");
        }
        assert!(told(&"x".repeat(257)).contains("this has 257"));
        assert_eq!(told(&"x".repeat(256)).len(), 256);
    }
}
