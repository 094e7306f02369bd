//! Search filters as text (RFC 4515), such as `(&(objectClass=user)(mail=*))`: judged, not kept as a tree. Where a
//! text is none, the cause names the character.

use super::{is_attribute, is_type};

/// Deepest nesting; directories have bounds of their own, and ours keeps the judge from running out of stack.
const DEEPEST: usize = 32;

/// Judges a filter; the error is the cause, as the end of a sentence.
pub fn judge(text: &str) -> Result<(), String> {
    let mut reader = Reader { text, at: 0 };
    let outcome = reader.filter(0).and_then(|()| match reader.rest() {
        "" => Ok(()),
        _ => Err("nothing may follow the last )".to_owned()),
    });
    let character = text[..reader.at].chars().count() + 1;
    outcome.map_err(|cause| format!("at character {character}, {cause}"))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

type Judged = Result<(), String>;

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, token: &str) -> bool {
        let is_there = self.rest().starts_with(token);
        if is_there {
            self.at += token.len();
        }
        is_there
    }

    fn need(&mut self, token: &str) -> Judged {
        if self.take(token) { Ok(()) } else { Err(format!("{token:?} is missing")) }
    }

    fn filter(&mut self, depth: usize) -> Judged {
        if depth > DEEPEST {
            return Err(format!("brackets are nested deeper than {DEEPEST}"));
        }
        self.need("(")?;
        if self.take("&") || self.take("|") {
            self.filter(depth + 1)?;
            while self.rest().starts_with('(') {
                self.filter(depth + 1)?;
            }
        } else if self.take("!") {
            self.filter(depth + 1)?;
        } else {
            self.item()?;
        }
        self.need(")")
    }

    /// One comparison: `cn=Jo*`, `age>=7`, `cn:dn:2.5.13.2:=Jo`.
    fn item(&mut self) -> Judged {
        let rest = self.rest();
        let end = rest.find(['=', '(', ')']).unwrap_or(rest.len());
        if !rest[end..].starts_with('=') {
            return Err("a comparison such as (cn=Jo) is needed".to_owned());
        }
        let left = &rest[..end];
        let simple = left.strip_suffix(['~', '<', '>']);
        let (fits, may_have_stars) = match (simple, left.strip_suffix(':')) {
            (Some(attribute), _) => (is_attribute(attribute), false),
            (None, Some(rule)) => (is_extensible(rule), false),
            (None, None) => (is_attribute(left), true),
        };
        if !fits {
            return Err(format!("{left:?} does not name an attribute"));
        }
        self.at += end + 1;
        self.value(may_have_stars)
    }

    fn value(&mut self, may_have_stars: bool) -> Judged {
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { return Err("\")\" is missing".to_owned()) };
            match c {
                ')' => return Ok(()),
                '\\' => {
                    let pair = rest.get(1..3).is_some_and(|p| p.bytes().all(|b| b.is_ascii_hexdigit()));
                    if !pair {
                        return Err("after \\ two hexadecimal digits are needed".to_owned());
                    }
                    self.at += 3;
                }
                '*' if !may_have_stars => return Err("* must be written as \\2a here".to_owned()),
                '(' | '\0' => return Err("( must be written as \\28, NUL as \\00".to_owned()),
                c => self.at += c.len_utf8(),
            }
        }
    }
}

/// What stands before `:=`: an attribute, `:dn` and a matching rule, of which one of the outer two is needed.
fn is_extensible(text: &str) -> bool {
    let mut parts = text.split(':');
    let attribute = parts.next().unwrap_or_default();
    let mut rules: Vec<&str> = parts.collect();
    if rules.first().is_some_and(|first| first.eq_ignore_ascii_case("dn")) {
        rules.remove(0);
    }
    let is_named = attribute.is_empty() || is_attribute(attribute);
    is_named
        && rules.len() <= 1
        && rules.iter().all(|rule| is_type(rule))
        && !(attribute.is_empty() && rules.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_the_rfc_are_taken() {
        for text in [
            "(cn=Babs Jensen)",
            "(!(cn=Tim Howes))",
            "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
            "(o=univ*of*mich*)",
            "(seeAlso=)",
            "(cn=*)",
            "(cn:caseExactMatch:=Fred Flintstone)",
            "(cn:=Betty Rubble)",
            "(sn:dn:2.4.6.8.10:=Barney Rubble)",
            "(o:dn:=Ace Industry)",
            "(:1.2.3:=Wilma Flintstone)",
            "(:DN:2.4.6.8.10:=Dino)",
            "(o=Parens R Us \\28for all your parenthetical needs\\29)",
            "(cn=*\\2A*)",
            "(sn=Lu\\c4\\8di\\c4\\87)",
            "(1.3.6.1.4.1.1466.0=\\04\\02\\48\\69)",
            "(age>=7)",
            "(age<=7)",
            "(sn~=Smith)",
            "(userAccountControl:1.2.840.113556.1.4.803:=2)",
            "(cn=été)",
        ] {
            assert_eq!(judge(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_the_place() {
        for (text, cause) in [
            ("", "at character 1, \"(\" is missing"),
            ("cn=Jo", "at character 1, \"(\" is missing"),
            ("(cn=Jo", "at character 7, \")\" is missing"),
            ("(cn=Jo))", "at character 8, nothing may follow"),
            ("(cn)", "a comparison such as (cn=Jo) is needed"),
            ("(&)", "at character 3, \"(\" is missing"),
            ("(!(a=b)(c=d))", "at character 8, \")\" is missing"),
            ("(c n=Jo)", "\"c n\" does not name an attribute"),
            ("(=Jo)", "\"\" does not name an attribute"),
            ("(:=Jo)", "does not name an attribute"),
            ("(age>=*)", "* must be written as \\2a"),
            ("(cn=\\zz)", "after \\ two hexadecimal digits"),
            ("(cn=é\\4)", "at character 6, after \\"),
            ("(cn=a(b)", "( must be written as \\28"),
            ("(cn:a:b:c:=x)", "does not name an attribute"),
        ] {
            let said = judge(text).unwrap_err();
            assert!(said.contains(cause), "{text}: {said}");
        }
    }

    #[test]
    fn nesting_has_a_bound() {
        let nested = |depth: usize| format!("{}(a=b){}", "(!".repeat(depth), ")".repeat(depth));
        assert_eq!(judge(&nested(32)), Ok(()));
        assert!(judge(&nested(33)).unwrap_err().contains("nested deeper than 32"));
        assert!(judge(&"(!".repeat(1024)).unwrap_err().contains("nested deeper"));
    }
}
