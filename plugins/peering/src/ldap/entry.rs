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

    /// The next attribute. An Active Directory gives many values in ranges (`member;range=0-1499`); they stand under
    /// the attribute's own name here, as do values with other options.
    pub fn attribute(&mut self) -> Result<Option<Attribute<'b>>, Broken> {
        let Some((tag, content)) = self.attributes.next()? else { return Ok(None) };
        if tag != SEQUENCE {
            return Err(Broken);
        }
        let mut reader = Reader::new(content);
        let described = reader.take(OCTETS)?;
        let kind = described.split(|byte| *byte == b';').next().unwrap_or(described);
        Ok(Some(Attribute { kind, values: Values(reader.inside(SET)?) }))
    }
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
