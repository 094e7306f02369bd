//! Few, pure functions for numbers and addresses; each is described once in [`super::reference`].

use std::net::IpAddr;

use mlua::{Error, Lua, Table, Value};

use super::context::thrown;
use super::register::text_of;

/// Longest text that a helper takes, in bytes; numbers and addresses are far shorter.
const MOST_BYTES: usize = 4096;

/// Adds them to what scripts see.
pub fn add(lua: &Lua, base: &Table) -> Result<(), Error> {
    base.raw_set(
        "digits",
        lua.create_function(|lua, text: Value| Ok(digits(&taken(lua, "digits", &text)?)))?,
    )?;
    let starts = |lua: &Lua, (text, beginning): (Value, Value)| {
        Ok(taken(lua, "starts", &text)?.starts_with(&taken(lua, "starts", &beginning)?))
    };
    base.raw_set("starts", lua.create_function(starts)?)?;
    let strip = |lua: &Lua, (text, beginning): (Value, Value)| {
        let text = taken(lua, "strip", &text)?;
        let rest = text.strip_prefix(&taken(lua, "strip", &beginning)?).map(str::to_owned);
        Ok(rest.unwrap_or(text))
    };
    base.raw_set("strip", lua.create_function(strip)?)?;
    let in_range = |lua: &Lua, (number, first, last): (Value, Value, Value)| {
        let name = "in_range";
        in_range(&taken(lua, name, &number)?, &taken(lua, name, &first)?, &taken(lua, name, &last)?)
            .map_err(|cause| thrown(lua, &cause))
    };
    base.raw_set("in_range", lua.create_function(in_range)?)?;
    let cidr = |lua: &Lua, (address, network): (Value, Value)| {
        cidr(&taken(lua, "cidr", &address)?, &taken(lua, "cidr", &network)?)
            .map_err(|cause| thrown(lua, &cause))
    };
    base.raw_set("cidr", lua.create_function(cidr)?)?;
    let e164 = |lua: &Lua, (number, country): (Value, Value)| {
        e164(&taken(lua, "e164", &number)?, &taken(lua, "e164", &country)?)
            .map_err(|cause| thrown(lua, &cause))
    };
    base.raw_set("e164", lua.create_function(e164)?)
}

fn taken(lua: &Lua, name: &str, value: &Value) -> Result<String, Error> {
    let wrong = |is: &str| thrown(lua, &format!("{name} takes texts; this is {is}"));
    match value {
        Value::String(text) if text.as_bytes().len() > MOST_BYTES => Err(wrong("one of over 4096 bytes")),
        Value::String(_) => text_of(value).ok_or_else(|| wrong("one that is not UTF-8")),
        other => Err(wrong(&format!("a {}", super::values::kind(other)))),
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Extensions are texts of equal length, so that 0100 is no 100 and the order of texts is that of numbers.
fn in_range(number: &str, first: &str, last: &str) -> Result<bool, String> {
    if !(is_digits(first) && is_digits(last) && first.len() == last.len() && first <= last) {
        return Err(format!(
            "in_range: {first:?} to {last:?} is no range; write two numbers of equal length, the lower first"
        ));
    }
    Ok(is_digits(number) && number.len() == first.len() && (first..=last).contains(&number))
}

fn cidr(address: &str, network: &str) -> Result<bool, String> {
    let wrong = || format!("cidr: {network:?} is no network; write one such as \"10.0.0.0/8\"");
    let (base, bits) = network.split_once('/').ok_or_else(wrong)?;
    let base: IpAddr = base.parse().map_err(|_| wrong())?;
    let bits: u32 = bits.parse().map_err(|_| wrong())?;
    let (base, width) = as_bits(base);
    if bits > width {
        return Err(wrong());
    }
    let Ok(address) = address.parse::<IpAddr>() else { return Ok(false) };
    let (address, own_width) = as_bits(address);
    let differing = if bits == 0 { 0 } else { (address ^ base) >> (width - bits) };
    Ok(own_width == width && differing == 0)
}

fn as_bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// ITU-T E.164: at most 15 digits behind the plus.
fn e164(number: &str, country: &str) -> Result<Option<String>, String> {
    let country = country.strip_prefix('+').unwrap_or(country);
    if !is_digits(country) || country.len() > 3 || country.starts_with('0') {
        return Err(format!("e164: {country:?} is no calling code of a country; write one such as \"31\""));
    }
    let is_punctuation = |c: char| " -./()".contains(c);
    let plain: String = number.chars().filter(|c| !is_punctuation(*c)).collect();
    let whole = match (plain.strip_prefix('+'), plain.strip_prefix("00"), plain.strip_prefix('0')) {
        (Some(rest), _, _) | (_, Some(rest), _) => rest.to_owned(),
        (_, _, Some(rest)) => format!("{country}{rest}"),
        _ => return Ok(None),
    };
    let fits = is_digits(&whole) && (4..=15).contains(&whole.len()) && !whole.starts_with('0');
    Ok(fits.then(|| format!("+{whole}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_of_texts_of_equal_length() {
        let rows = [
            ("4123", true),
            ("4000", true),
            ("4999", true),
            ("5000", false),
            ("412", false),
            ("41a3", false),
        ];
        for (number, expected) in rows {
            assert_eq!(in_range(number, "4000", "4999"), Ok(expected), "{number}");
        }
        for (first, last) in [("400", "4999"), ("4999", "4000"), ("", ""), ("4x", "50")] {
            assert!(in_range("1", first, last).is_err(), "{first} {last}");
        }
    }

    #[test]
    fn addresses_are_in_networks_of_their_own_family() {
        let rows = [
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.1.2.3/32", true),
            ("2001:db8::1", "2001:db8::/32", true),
            ("2001:db8::1", "0.0.0.0/0", false),
            ("::a01:203", "10.0.0.0/8", false),
            ("pbx.example", "10.0.0.0/8", false),
        ];
        for (address, network, expected) in rows {
            assert_eq!(cidr(address, network), Ok(expected), "{address} {network}");
        }
        for network in ["10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0.0/-1", "::/129"] {
            assert!(cidr("10.0.0.1", network).is_err(), "{network}");
        }
    }

    #[test]
    fn public_numbers_get_their_plus() {
        let rows = [
            ("0201234567", Some("+31201234567")),
            ("0031 20-123 4567", Some("+31201234567")),
            ("+49 (30) 901820", Some("+4930901820")),
            ("4123", None),
            ("+", None),
            ("+12345678901234567", None),
            ("00", None),
            ("020 12x", None),
        ];
        for (number, expected) in rows {
            assert_eq!(e164(number, "31"), Ok(expected.map(str::to_owned)), "{number}");
        }
        assert!(e164("0201234567", "NL").is_err() && e164("1", "0").is_err());
    }
}
