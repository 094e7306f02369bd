//! Durations as scripts write them: a whole number and its unit, such as `5m`.

use std::time::Duration;

const UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The duration; the error ends a sentence that begins with what it is of.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("must be a whole number with its unit such as \"5m\" or \"500ms\"; {text:?} is not");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    number.checked_mul(*factor).map(Duration::from_millis).ok_or_else(wrong)
}

/// The same within bounds.
pub fn within(text: &str, least: &str, most: &str) -> Result<Duration, String> {
    let duration = parse(text)?;
    if duration < parse(least)? || duration > parse(most)? {
        return Err(format!("must be from {least} to {most}; it is {text}"));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit_and_nothing_else() {
        let rows = [("500ms", 500), ("1s", 1000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)];
        for (text, ms) in rows {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in
            ["", "5", "m", "5 m", "-5m", "5x", "1.5s", "99999999999999999999s", "18446744073709551615d"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(within("1s", "10s", "1d").unwrap_err(), "must be from 10s to 1d; it is 1s");
    }
}
