//! A search filter as a directory takes it (RFC 4511 section 4.5.1.7), from its text (RFC 4515). The text was judged
//! before ([`super::filter`]), which also bounds how deep it is nested.

use super::ber::{OCTETS, SEQUENCE, Writer};
use super::filter;

const AND: u8 = 0xa0;
const OR: u8 = 0xa1;
const NOT: u8 = 0xa2;
const EQUAL: u8 = 0xa3;
const SUBSTRINGS: u8 = 0xa4;
const AT_LEAST: u8 = 0xa5;
const AT_MOST: u8 = 0xa6;
const PRESENT: u8 = 0x87;
const ALIKE: u8 = 0xa8;
const EXTENSIBLE: u8 = 0xa9;

/// Writes it; the error is why it is none.
pub fn write(writer: &mut Writer, text: &str) -> Result<(), String> {
    filter::judge(text)?;
    one(writer, text);
    Ok(())
}

/// A filter that holds where an attribute has exactly that value.
pub fn equals(attribute: &str, value: &[u8]) -> String {
    let escaped: String = value.iter().map(|octet| format!("\\{octet:02x}")).collect();
    format!("({attribute}={escaped})")
}

/// The one filter that the text begins with; what is left of the text.
fn one<'t>(writer: &mut Writer, text: &'t str) -> &'t str {
    let inner = text.strip_prefix('(').unwrap_or(text);
    let (tag, list) = match inner.as_bytes().first() {
        Some(b'&') => (AND, &inner[1..]),
        Some(b'|') => (OR, &inner[1..]),
        Some(b'!') => (NOT, &inner[1..]),
        _ => return item(writer, inner),
    };
    let mut rest = list;
    writer.nest(tag, |writer| {
        while rest.starts_with('(') {
            rest = one(writer, rest);
        }
    });
    rest.strip_prefix(')').unwrap_or(rest)
}

fn item<'t>(writer: &mut Writer, text: &'t str) -> &'t str {
    let (left, rest) = text.split_once('=').unwrap_or((text, ""));
    // A bracket of the value is escaped, so the next one ends the item.
    let (value, rest) = rest.split_once(')').unwrap_or((rest, ""));
    match left.as_bytes().last() {
        Some(b'~') => pair(writer, ALIKE, &left[..left.len() - 1], value),
        Some(b'>') => pair(writer, AT_LEAST, &left[..left.len() - 1], value),
        Some(b'<') => pair(writer, AT_MOST, &left[..left.len() - 1], value),
        Some(b':') => extensible(writer, &left[..left.len() - 1], value),
        _ if value == "*" => writer.put(PRESENT, left.as_bytes()),
        _ if value.contains('*') => substrings(writer, left, value),
        _ => pair(writer, EQUAL, left, value),
    }
    rest
}

fn pair(writer: &mut Writer, tag: u8, attribute: &str, value: &str) {
    writer.nest(tag, |writer| {
        writer.put(OCTETS, attribute.as_bytes());
        writer.put(OCTETS, &octets(value));
    });
}

fn substrings(writer: &mut Writer, attribute: &str, value: &str) {
    let parts: Vec<&str> = value.split('*').collect();
    let last = parts.len() - 1;
    writer.nest(SUBSTRINGS, |writer| {
        writer.put(OCTETS, attribute.as_bytes());
        writer.nest(SEQUENCE, |writer| {
            for (index, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
                let tag = if index == 0 {
                    0x80
                } else if index == last {
                    0x82
                } else {
                    0x81
                };
                writer.put(tag, &octets(part));
            }
        });
    });
}

fn extensible(writer: &mut Writer, left: &str, value: &str) {
    let mut parts = left.split(':');
    let attribute = parts.next().unwrap_or_default();
    let mut rule = parts.next();
    let of_name = rule.is_some_and(|rule| rule.eq_ignore_ascii_case("dn"));
    if of_name {
        rule = parts.next();
    }
    writer.nest(EXTENSIBLE, |writer| {
        if let Some(rule) = rule {
            writer.put(0x81, rule.as_bytes());
        }
        if !attribute.is_empty() {
            writer.put(0x82, attribute.as_bytes());
        }
        writer.put(0x83, &octets(value));
        if of_name {
            writer.flag(0x84, true);
        }
    });
}

/// A value with its escapes resolved.
fn octets(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'\\');
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(octet) => {
                found.push(octet);
                at += 3;
            }
            None => {
                found.push(bytes[at]);
                at += 1;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> String {
        let mut writer = Writer::default();
        write(&mut writer, text).unwrap();
        writer.bytes().iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// Octets worked out by hand from the grammar of RFC 4511.
    #[test]
    fn filters_are_written_as_others_write_them() {
        for (text, expected) in [
            ("(cn=*)", "8702636e"),
            ("(cn=Jo)", "a3080402636e04024a6f"),
            ("(cn=\\4a\\6F)", "a3080402636e04024a6f"),
            ("(a>=7)", "a50604016104 0137"),
            ("(a<=7)", "a60604016104 0137"),
            ("(a~=7)", "a80604016104 0137"),
            ("(!(a=b))", "a208a306040161040162"),
            ("(&(a=b)(|(c=d)(e=*)))", "a015a306040161040162a10ba306040163040164870165"),
            ("(a=b*c*d)", "a40e0401613009800162810163820164"),
            ("(a=*c*)", "a40804016130038101 63"),
            ("(a=b*)", "a40804016130038001 62"),
            ("(a:1.2:=7)", "a90b8103312e32820161830137"),
            ("(a:dn:=7)", "a909820161830137840 1ff"),
            ("(:dn:1.2:=7)", "a90b8103312e328301378401ff"),
            ("(a=)", "a305040161 0400"),
        ] {
            assert_eq!(hex(text), expected.replace(' ', ""), "{text}");
        }
    }

    #[test]
    fn any_value_can_be_compared_with() {
        assert_eq!(equals("cn", b"a)(\0"), "(cn=\\61\\29\\28\\00)");
        assert_eq!(hex(&equals("cn", b"Jo")), hex("(cn=Jo)"));
        assert!(write(&mut Writer::default(), "(cn=Jo").is_err());
    }
}
