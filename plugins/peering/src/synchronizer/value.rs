//! What a value of a directory is taken for: a key, a text, an extension. Pure.

use data_encoding::HEXLOWER;

/// Longest value that is kept, in bytes; every field has a narrower rule of its own.
pub const LONGEST: usize = 4096;
/// Longest key, in bytes.
const LONGEST_KEY: usize = 256;

/// A key as text. Sixteen octets that are no text are an objectGUID; anything else that is none is shown by its octets
/// as well.
pub fn key(value: &[u8]) -> Result<String, String> {
    let is_plain = |text: &&str| text.chars().all(|c| !c.is_control() && c != '\u{FFFD}');
    let text = std::str::from_utf8(value).ok().filter(is_plain).filter(|_| value.len() != 16);
    let key = text.map_or_else(|| HEXLOWER.encode(value), str::to_owned);
    match key.len() {
        0 => Err("is empty".to_owned()),
        1..=LONGEST_KEY => Ok(key),
        _ => Err(format!("is longer than {LONGEST_KEY} characters")),
    }
}

/// A value as text of XML 1.0 section 2.2, which is what such products take from a directory.
pub fn text(value: &[u8]) -> Result<String, String> {
    if value.len() > LONGEST {
        return Err(format!("has {} bytes; {LONGEST} are taken", value.len()));
    }
    let text = std::str::from_utf8(value)
        .map_err(|e| format!("is no UTF-8: byte {} does not fit", e.valid_up_to() + 1))?;
    let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    if let Some(c) = text.chars().find(|c| !fits(*c)) {
        return Err(format!("holds the character U+{:04X}, which is no text", u32::from(c)));
    }
    Ok(text.trim().to_owned())
}

/// The digits of a number that is an extension; a public number is none.
pub fn extension(number: &str) -> String {
    let plain: String = number.chars().filter(|c| !" .-()/".contains(*c)).collect();
    let is_extension = plain.len() <= 32 && plain.chars().all(|c| c.is_ascii_digit() || "*#".contains(c));
    if is_extension { plain } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_may_hold_what_xml_may() {
        for good in ["a\tb", "\u{20}\u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}", ""] {
            assert!(text(good.as_bytes()).is_ok(), "{good:?}");
        }
        for bad in ["\0", "\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
            assert!(text(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn keys_are_octets_or_text() {
        assert_eq!(
            key(b"0d2a7d6e-8b1c-103c-9d5f-77b0f2a5c001").unwrap(),
            "0d2a7d6e-8b1c-103c-9d5f-77b0f2a5c001"
        );
        assert_eq!(key(b"sixteen-letters!").unwrap().len(), 32);
        assert_eq!(key(b"\xff\xfe").unwrap(), "fffe");
        assert!(key(b"").is_err() && key(&[b'x'; 257]).is_err());
    }

    #[test]
    fn a_number_is_an_extension_or_none() {
        for (number, expected) in
            [("4001", "4001"), ("40 01", "4001"), ("*40#", "*40#"), ("+33 1 23", ""), ("x12", ""), ("", "")]
        {
            assert_eq!(extension(number), expected, "{number}");
        }
    }
}
