//! What dialing needs to know of the caller's PBX node. Leaves out how the node is stored and edited.

use std::fmt;
use std::str::FromStr;

use super::{countries, emergency};

/// Most digits an extension may have here; longer plain digits are taken for a public number.
pub(super) const EXTENSION_DIGITS: usize = 8;

/// The caller's PBX node, as far as dialing is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Digit(s) dialed to leave the PBX; may be empty.
    pub outgoing_digit: String,
    /// ISO 3166-1 alpha-2 code of the country, either case.
    pub country: Option<String>,
    /// International prefix, e.g. `00`; absent or empty: the country's.
    pub international_prefix: Option<String>,
    /// Trunk prefix, e.g. `0`; absent: the country's; `Some("")`: national numbers are dialed without one.
    pub trunk_prefix: Option<String>,
    /// Emergency numbers; empty: the country's, by a table of our own.
    pub emergency_numbers: Vec<String>,
    /// Extensions that live on this node.
    pub extension_ranges: Vec<ExtensionRange>,
    /// The node's network routes peers' extensions itself (transparent extension dialing, seed 001).
    pub transparent: bool,
}

impl Site {
    /// The node's international prefix or else its country's; `None` when neither is known.
    pub fn international_prefix(&self) -> Option<&str> {
        let own = self.international_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        own.or_else(|| self.plan()?.international_prefix)
    }

    /// The node's trunk prefix or else its country's; empty when there is none.
    pub fn trunk_prefix(&self) -> &str {
        self.trunk_prefix.as_deref().or_else(|| Some(self.plan()?.trunk_prefix)).unwrap_or_default()
    }

    /// The numbering plan of the node's country.
    pub(super) fn plan(&self) -> Option<countries::Plan> {
        countries::plan(self.country.as_deref()?)
    }

    /// The emergency numbers in force: the node's own list, or else its country's.
    pub fn emergency(&self) -> Vec<&str> {
        if self.emergency_numbers.is_empty() {
            return emergency::numbers(self.country.as_deref());
        }
        self.emergency_numbers
            .iter()
            .map(|number| number.trim())
            .filter(|number| !number.is_empty())
            .collect()
    }

    /// Whether a dialed string reaches a rescue service, with or without the outgoing digit in front.
    pub fn is_emergency(&self, dialed: &str) -> bool {
        let numbers = self.emergency();
        let behind = dialed.strip_prefix(&self.outgoing_digit).unwrap_or(dialed);
        numbers.contains(&dialed) || numbers.contains(&behind)
    }

    /// Whether these digits are an extension of this node.
    pub fn has_extension(&self, digits: &str) -> bool {
        self.extension_ranges.iter().any(|range| range.contains(digits))
    }
}

/// A run of extensions of equal length, both ends included; leading zeros count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionRange {
    first: String,
    last: String,
}

impl ExtensionRange {
    /// Reads `2000-2999` or a single `2001`; a dash of any kind, spaces around it allowed.
    ///
    /// # Errors
    /// A sentence that names the range and the rule it breaks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut ends = text.splitn(2, ['-', '\u{2013}', '\u{2014}']).map(str::trim);
        let first = ends.next().unwrap_or_default();
        let last = ends.next().unwrap_or(first);
        for end in [first, last] {
            check_end(text, end)?;
        }
        check_order(text, first, last)?;
        Ok(Self { first: first.to_owned(), last: last.to_owned() })
    }

    /// Whether the digits lie in the range; the length must be the range's.
    pub fn contains(&self, digits: &str) -> bool {
        // Strings of equal length order like the numbers they spell, so leading zeros stay meaningful.
        digits.len() == self.first.len() && self.first.as_str() <= digits && digits <= self.last.as_str()
    }

    /// Whether some extension of the range starts with these digits.
    pub(super) fn starts_with(&self, digits: &str) -> bool {
        let (Some(first), Some(last)) = (self.first.get(..digits.len()), self.last.get(..digits.len()))
        else {
            return false;
        };
        !digits.is_empty() && first <= digits && digits <= last
    }
}

impl fmt::Display for ExtensionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return f.write_str(&self.first);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for ExtensionRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

fn check_end(text: &str, end: &str) -> Result<(), String> {
    if !end.is_empty() && end.len() <= EXTENSION_DIGITS && end.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(());
    }
    let text: String = text.chars().take(40).collect();
    Err(format!(
        "\"{text}\" is not an extension range: each end must be 1 to {EXTENSION_DIGITS} digits. \
         Write it like 2000-2999."
    ))
}

fn check_order(text: &str, first: &str, last: &str) -> Result<(), String> {
    if first.len() != last.len() {
        return Err(format!(
            "The extension range \"{text}\" has ends of different length. \
             Write one range for each length, for example 200-999 and 1000-2999."
        ));
    }
    if first > last {
        return Err(format!("The extension range \"{text}\" runs backwards. Write {last}-{first}."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_ends_and_only_its_own_length() {
        let range = ExtensionRange::parse("0100 - 0199").unwrap();
        for (digits, inside) in [("0100", true), ("0199", true), ("0200", false), ("100", false), ("", false)]
        {
            assert_eq!(range.contains(digits), inside, "{digits}");
        }
        assert_eq!(range.to_string(), "0100-0199");
    }

    #[test]
    fn a_single_extension_is_a_range_of_one() {
        let range: ExtensionRange = "2001".parse().unwrap();
        assert!(range.contains("2001") && !range.contains("2002"));
        assert_eq!(range.to_string(), "2001");
    }

    #[test]
    fn a_wrong_range_is_refused_with_its_text_and_the_rule() {
        for (text, words) in [
            ("", "1 to 8 digits"),
            ("2000-", "1 to 8 digits"),
            ("2000-29x9", "1 to 8 digits"),
            ("2000-2999-3000", "1 to 8 digits"),
            ("123456789", "1 to 8 digits"),
            ("200-1999", "different length"),
            ("2999-2000", "Write 2000-2999"),
        ] {
            let error = ExtensionRange::parse(text).unwrap_err();
            assert!(error.contains(words) && error.contains(text), "{text}: {error}");
        }
    }

    #[test]
    fn the_country_fills_in_what_the_node_leaves_empty() {
        let site = Site { country: Some("fr".into()), ..Site::default() };
        assert_eq!((site.international_prefix(), site.trunk_prefix()), (Some("00"), "0"));
        let own = Site {
            international_prefix: Some("900".into()),
            trunk_prefix: Some(String::new()),
            emergency_numbers: vec![" 5555 ".into()],
            ..site
        };
        assert_eq!((own.international_prefix(), own.trunk_prefix()), (Some("900"), ""));
        assert_eq!(own.emergency(), ["5555"]);
        assert_eq!((Site::default().international_prefix(), Site::default().trunk_prefix()), (None, ""));
    }
}
