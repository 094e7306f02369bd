//! The tel: URI (RFC 3966): number, `;ext=` and `;phone-context=`. Leaves out the parameters that do not
//! concern dialing (`isub`, carrier codes) and the URI's strict grammar: directories are lenient.

use super::countries;
use super::text;

/// A tel: URI taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tel {
    /// The number: global with `+`, otherwise as the URI has it.
    pub(super) number: String,
    /// The extension of `;ext=`, where there is one.
    pub(super) extension: Option<String>,
}

/// Reads a tel: URI; `None` when the text is none.
pub(super) fn parse(uri: &str) -> Option<Tel> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("tel") {
        return None;
    }
    let mut parts = rest.split(';');
    let number = unescape(parts.next().unwrap_or_default());
    let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
    let extension = value(&parameters, "ext").filter(|extension| text::has_keys(extension));
    let number = match value(&parameters, "phone-context") {
        Some(context) => in_context(&number, &context).unwrap_or(number),
        None => number,
    };
    Some(Tel { number, extension })
}

fn value(parameters: &[(&str, &str)], name: &str) -> Option<String> {
    parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| unescape(value))
}

/// A local number made global by a context that is exactly a calling code.
///
/// Longer contexts say where a number is valid, not what to put in front of it (RFC 3966 section 5.1.5), and
/// an extension stays an extension in any context.
fn in_context(number: &str, context: &str) -> Option<String> {
    let keys = text::number_keys(number).keys;
    let code = context.strip_prefix('+').filter(|code| countries::is_calling_code(code))?;
    if number.starts_with('+') || keys.len() <= super::site::EXTENSION_DIGITS {
        return None;
    }
    let national = keys.strip_prefix(countries::trunk_of(code)).unwrap_or(&keys);
    Some(format!("+{code}{national}"))
}

/// Percent-decodes printable ASCII (`%23` is `#`); anything else stays as it is.
fn unescape(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match printable(piece) {
            Some(mark) => plain.extend([mark].into_iter().chain(piece.chars().skip(2))),
            None => plain.extend(['%'].into_iter().chain(piece.chars())),
        }
    }
    plain
}

fn printable(piece: &str) -> Option<char> {
    let hex = piece.get(..2).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u8::from_str_radix(hex, 16).ok().map(char::from).filter(|mark| matches!(mark, ' '..='~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_gives_number_and_extension() {
        for (uri, number, extension) in [
            ("tel:+16135922122;ext=4001", "+16135922122", Some("4001")),
            ("TEL:+1-613-592-2122;isub=1;EXT=40-01", "+1-613-592-2122", Some("40-01")),
            ("tel:4001;phone-context=example.com", "4001", None),
            ("tel:4001;phone-context=+33", "4001", None),
            ("tel:0142764978;phone-context=+33", "+33142764978", None),
            ("tel:863-1234;phone-context=+1-914-555", "863-1234", None),
            ("tel:%2372;ext=", "#72", None),
            ("tel:", "", None),
        ] {
            let expected = Tel { number: number.into(), extension: extension.map(Into::into) };
            assert_eq!(parse(uri), Some(expected), "{uri}");
        }
        assert_eq!((parse("4001"), parse("sip:4001@pbx")), (None, None));
    }

    #[test]
    fn a_broken_escape_is_kept_as_it_is() {
        for (text, plain) in [("%", "%"), ("%2", "%2"), ("%zz1", "%zz1"), ("%00", "%00"), ("a%20b", "a b")] {
            assert_eq!(unescape(text), plain);
        }
    }
}
