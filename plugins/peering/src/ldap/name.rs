//! Distinguished names as text (RFC 4514): the leaf first, `OU=Sales,DC=example,DC=com`.

use super::is_type;

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Vec<Rdn>);

/// One step of it: one or more attributes, `CN=Jo+UID=7`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rdn {
    text: String,
    /// Types in capitals.
    types: Vec<String>,
}

impl Name {
    /// Reads it; the empty text is the root. A blank after a comma, which people like to write, is dropped.
    /// The error is the cause, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let name = Self(pieces(text, ',').into_iter().map(rdn).collect::<Result<_, _>>()?);
        name.refuse_root_first()?;
        Ok(name)
    }

    /// The root of every tree.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// As text.
    pub fn text(&self) -> String {
        self.0.iter().map(|rdn| rdn.text.as_str()).collect::<Vec<_>>().join(",")
    }

    /// This name below another one.
    pub fn below(&self, base: &Self) -> Self {
        Self(self.0.iter().chain(&base.0).cloned().collect())
    }

    /// Whether a part of it is a domain's, so that it cannot be relative to one.
    pub fn has_domain(&self) -> bool {
        self.0.iter().any(Rdn::is_domain)
    }

    /// Names of the organizational units of an entry with this name, the topmost first, as far as they are below `base`.
    pub fn units_below(&self, base: &Self) -> Vec<String> {
        let above = self.0.len().saturating_sub(base.0.len());
        let (own, rest) = self.0.split_at(above);
        let is_below = rest.iter().zip(&base.0).all(|(a, b)| a.text.eq_ignore_ascii_case(&b.text));
        let own = if is_below { own } else { &self.0 };
        // The first is the entry itself.
        own.iter().skip(1).rev().filter_map(Rdn::unit).collect()
    }

    /// Help pages of such products write the way from the top down; the RFC wants the leaf first.
    fn refuse_root_first(&self) -> Result<(), String> {
        let mut after_domain = self.0.iter().skip_while(|rdn| !rdn.is_domain());
        match after_domain.find(|rdn| !rdn.is_domain()) {
            Some(rdn) => Err(format!("{:?} must come before the DC parts: the leaf comes first", rdn.text)),
            None => Ok(()),
        }
    }
}

impl Rdn {
    /// The name of an organizational unit, with its escapes resolved.
    fn unit(&self) -> Option<String> {
        let (kind, value) = self.text.split_once('=')?;
        kind.eq_ignore_ascii_case("OU").then(|| unescaped(value))
    }

    fn is_domain(&self) -> bool {
        self.types.iter().any(|kind| kind == "DC")
    }
}

fn rdn(text: &str) -> Result<Rdn, String> {
    let text = text.trim_start_matches(' ');
    let types = pieces(text, '+').into_iter().map(attribute).collect::<Result<_, _>>()?;
    Ok(Rdn { text: text.to_owned(), types })
}

fn attribute(text: &str) -> Result<String, String> {
    let unfit = || format!("{text:?} is not of the form TYPE=VALUE");
    let (kind, value) = text.split_once('=').ok_or_else(unfit)?;
    if !is_type(kind) {
        return Err(unfit());
    }
    judge_value(value)?;
    Ok(kind.to_ascii_uppercase())
}

fn judge_value(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("a part has no value".to_owned());
    }
    if let Some(digits) = value.strip_prefix('#') {
        let is_hex =
            digits.len() >= 2 && digits.len() % 2 == 0 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        return if is_hex { Ok(()) } else { Err("after # hexadecimal digits are needed, or \\#".to_owned()) };
    }
    if value.starts_with(' ') || ends_blank(value) {
        return Err(format!("the blank at an end of {value:?} must be written as \\20"));
    }
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest)?,
            '"' | ';' | '<' | '>' | '\0' => return Err(format!("{c:?} must be written with a \\ before it")),
            _ => {}
        }
    }
    Ok(())
}

/// What may follow a backslash: itself, a character with a meaning, or two hexadecimal digits.
fn escape(rest: &mut std::str::Chars<'_>) -> Result<(), String> {
    let first = rest.next();
    let is_pair = first.is_some_and(|c| c.is_ascii_hexdigit())
        && rest.clone().next().is_some_and(|c| c.is_ascii_hexdigit());
    if is_pair {
        rest.next();
        return Ok(());
    }
    match first {
        Some(c) if "\\\"+,;<> #=".contains(c) => Ok(()),
        _ => Err("after \\ a character with a meaning or two hexadecimal digits are needed".to_owned()),
    }
}

fn unescaped(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let bytes = value.as_bytes();
    let mut found = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = value.get(at + 1..at + 3).filter(|_| bytes[at] == b'\\');
        match (bytes[at], pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'\\', Some(octet)) => {
                found.push(octet);
                at += 3;
            }
            (b'\\', None) => {
                found.extend(bytes.get(at + 1));
                at += 2;
            }
            (octet, _) => {
                found.push(octet);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&found).into_owned()
}

fn ends_blank(value: &str) -> bool {
    let before = value.strip_suffix(' ');
    before.is_some_and(|before| before.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0)
}

/// The text cut at a separator wherever no backslash is before it.
fn pieces(text: &str, separator: char) -> Vec<&str> {
    let (mut found, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == separator && !escaped {
            found.push(&text[start..at]);
            start = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    found.push(&text[start..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_rfc_are_taken() {
        for text in [
            "",
            "UID=jsmith,DC=example,DC=net",
            "OU=Sales+CN=J.  Smith,DC=example,DC=net",
            r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#,
            r"CN=Before\0dAfter,DC=example,DC=net",
            "1.3.6.1.4.1.1466.0=#04024869",
            r"CN=Lu\C4\8Di\C4\87",
            r"OU=a\+b,O=x\ ",
            "CN=a=b,OU=été",
        ] {
            assert_eq!(Name::parse(text).map(|name| name.text()), Ok(text.to_owned()));
        }
        assert_eq!(Name::parse("OU=a, DC=b").map(|name| name.text()), Ok("OU=a,DC=b".to_owned()));
    }

    #[test]
    fn what_is_none_is_refused_with_the_cause() {
        for (text, cause) in [
            ("example.com", "\"example.com\" is not of the form TYPE=VALUE"),
            ("DC=example;DC=com", "';' must be written with a \\"),
            ("OU=a,,DC=b", "\"\" is not of the form"),
            ("OU=a,", "\"\" is not of the form"),
            ("=a", "not of the form"),
            ("O_U=a", "not of the form"),
            ("OU=", "has no value"),
            ("OU=a ,DC=b", "must be written as \\20"),
            ("OU= a", "must be written as \\20"),
            ("OU=<a>", "'<' must be written"),
            ("OU=a\\x", "after \\"),
            ("OU=a\\", "after \\"),
            ("CN=#zz", "after # hexadecimal digits"),
            ("CN=#040", "after # hexadecimal digits"),
            ("DC=example,DC=com,OU=Sales", "\"OU=Sales\" must come before the DC parts"),
        ] {
            let said = Name::parse(text).unwrap_err();
            assert!(said.contains(cause), "{text}: {said}");
        }
    }

    #[test]
    fn units_lead_from_the_base_down_to_the_entry() {
        let units = |name: &str, base: &str| {
            Name::parse(name).unwrap().units_below(&Name::parse(base).unwrap()).join("/")
        };
        for (name, base, expected) in [
            ("CN=Jo,OU=Sales,OU=Paris,DC=a,DC=b", "DC=a,DC=b", "Paris/Sales"),
            ("CN=Jo,ou=Sales,OU=Paris,dc=A,dc=B", "DC=a,DC=b", "Paris/Sales"),
            ("CN=Jo,OU=Sales,OU=Paris,DC=a", "OU=Paris,DC=a", "Sales"),
            ("OU=Jo,DC=a", "DC=a", ""),
            ("CN=Jo,CN=Users,DC=a", "DC=a", ""),
            (r"CN=Jo,OU=R\2c D\, \c3\a9t\C3\A9 \\,DC=a", "DC=a", r"R, D, été \"),
            ("CN=Jo,OU=Far,DC=c", "DC=a,DC=b,DC=x,DC=y", "Far"),
        ] {
            assert_eq!(units(name, base), expected, "{name}");
        }
    }

    #[test]
    fn a_name_below_another() {
        let (leaf, base) = (Name::parse("OU=a,OU=b").unwrap(), Name::parse("DC=c").unwrap());
        assert_eq!(leaf.below(&base).text(), "OU=a,OU=b,DC=c");
        assert_eq!(Name::parse("").unwrap().below(&base), base);
        assert!(base.has_domain() && !leaf.has_domain());
    }
}
