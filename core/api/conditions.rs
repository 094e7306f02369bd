//! Conditional requests (RFC 9110 section 13): which version a caller means to change, and which they have.

use crate::catalog::problems::{HEADER, IF_MATCH_MISSING, Problem};
use crate::catalog::rules::ENTITY_TAG_LIST;
use crate::engine::change::Precondition;

/// What `If-Match` and `If-None-Match` may hold, as a pattern for the API description.
pub const ENTITY_TAGS: &str = crate::catalog::rules::ENTITY_TAG_PATTERN;
const MOST_BYTES: usize = 128;

/// The versions that `If-Match` allows. Tags that are weak or were never given here match nothing.
pub fn precondition(if_match: Option<&str>) -> Result<Precondition, Problem> {
    let Some(given) = if_match else {
        let detail =
            "Send If-Match with the ETag of the version that you change; reading the object gives it.";
        return Err(Problem::new(IF_MATCH_MISSING, detail));
    };
    if given.len() > MOST_BYTES || !ENTITY_TAG_LIST.allows(given) {
        let detail = "If-Match must hold an ETag in quotes as reading the object gives it, or *.";
        return Err(Problem::new(HEADER, detail));
    }
    if given.trim() == "*" {
        return Ok(Precondition::Exists);
    }
    Ok(Precondition::OneOf(tags(given).filter_map(revision).collect()))
}

/// The revision that a strong tag of ours holds: digits in quotes.
fn revision(tag: &str) -> Option<i64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Whether the caller has that version already; weak tags count (RFC 9110 section 13.1.2).
pub fn is_known(if_none_match: Option<&str>, etag: &str) -> bool {
    let Some(given) = if_none_match else { return false };
    given.trim() == "*" || tags(given).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Revisions are digits, so no tag of ours holds a comma.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strong_tags_of_ours_name_a_version() {
        assert_eq!(precondition(Some("\"5\"")).unwrap(), Precondition::OneOf(vec![5]));
        assert_eq!(precondition(Some("\"5\", \"7\"")).unwrap(), Precondition::OneOf(vec![5, 7]));
        assert_eq!(precondition(Some("W/\"5\"")).unwrap(), Precondition::OneOf(Vec::new()));
        assert_eq!(precondition(Some("\"nonsense\"")).unwrap(), Precondition::OneOf(Vec::new()));
        assert_eq!(precondition(Some("\"-1\"")).unwrap(), Precondition::OneOf(Vec::new()));
        assert_eq!(precondition(Some("*")).unwrap(), Precondition::Exists);
        assert_eq!(precondition(Some("5")).unwrap_err().kind, HEADER);
        assert_eq!(precondition(None).unwrap_err().kind, IF_MATCH_MISSING);
    }

    #[test]
    fn a_version_is_known_by_any_tag_of_a_list() {
        for given in ["\"5\"", "W/\"5\"", "\"x\", \"5\"", "*"] {
            assert!(is_known(Some(given), "\"5\""), "{given}");
        }
        assert!(!is_known(Some("\"4\""), "\"5\"") && !is_known(None, "\"5\""));
    }
}
