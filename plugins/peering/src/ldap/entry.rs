//! An entry as it came (RFC 4511 section 4.5.2), read without copying.

use super::ber::{self, Broken, OCTETS, Reader, SEQUENCE, SET};

/// An entry.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'b> {
    /// Its name, which should be UTF-8.
    pub name: &'b [u8],
    attributes: Reader<'b>,
}

/// One attribute of an entry.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'b> {
    /// Its type without options.
    pub kind: &'b [u8],
    /// The values.
    pub values: Values<'b>,
    /// Number of the first value that is not here, where only a range is.
    pub rest: Option<u32>,
}

/// Values of an attribute.
#[derive(Debug, Clone, Copy)]
pub struct Values<'b>(Reader<'b>);

impl<'b> Entry<'b> {
    /// Reads the content of the message.
    pub fn read(content: &'b [u8]) -> Result<Self, Broken> {
        let mut reader = Reader::new(content);
        Ok(Self { name: reader.take(OCTETS)?, attributes: reader.inside(SEQUENCE)? })
    }

    /// The name at the beginning of a message of which no more is there.
    pub fn name_of_part(content: &[u8]) -> String {
        let Ok(Some(head)) = ber::head(content) else { return "an entry whose name is not known".to_owned() };
        let end = content.len().min(head.size.saturating_add(head.length));
        String::from_utf8_lossy(content.get(head.size..end).unwrap_or_default()).into_owned()
    }

    /// The next attribute. Values with options stand under the attribute's own name.
    pub fn attribute(&mut self) -> Result<Option<Attribute<'b>>, Broken> {
        let Some((tag, content)) = self.attributes.next()? else { return Ok(None) };
        if tag != SEQUENCE {
            return Err(Broken);
        }
        let mut reader = Reader::new(content);
        let described = reader.take(OCTETS)?;
        let mut parts = described.split(|byte| *byte == b';');
        let kind = parts.next().unwrap_or(described);
        let rest = parts.find_map(end_of_range).map(|last| last.saturating_add(1));
        Ok(Some(Attribute { kind, values: Values(reader.inside(SET)?), rest }))
    }
}

/// Number of the last value of a range, as an Active Directory gives many values: `range=0-1499`. The last range ends
/// with `*` and has none.
fn end_of_range(option: &[u8]) -> Option<u32> {
    let (name, range) = std::str::from_utf8(option).ok()?.split_once('=')?;
    let (_, last) = range.split_once('-')?;
    last.parse().ok().filter(|_| name.eq_ignore_ascii_case("range"))
}

impl<'b> Values<'b> {
    /// The next one.
    pub fn value(&mut self) -> Result<Option<&'b [u8]>, Broken> {
        match self.0.next()? {
            Some((OCTETS, value)) => Ok(Some(value)),
            Some(_) => Err(Broken),
            None => Ok(None),
        }
    }

    /// How many there are, counted up to `most` and one more.
    pub fn count(mut self, most: usize) -> Result<usize, Broken> {
        let mut count = 0;
        while count <= most && self.value()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_range_with_an_end_goes_on() {
        for (option, last) in [
            ("range=0-1499", Some(1499)),
            ("Range=1500-2999", Some(2999)),
            ("range=3000-*", None),
            ("range=0-99999999999", None),
            ("range=x", None),
            ("binary", None),
            ("lang-fr", None),
        ] {
            assert_eq!(end_of_range(option.as_bytes()), last, "{option}");
        }
    }
}
