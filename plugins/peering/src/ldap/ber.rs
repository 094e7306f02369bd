//! BER as far as LDAP uses it (RFC 4511 section 5.1): definite lengths, one octet for a tag. Reading copies nothing and
//! never goes deeper than who reads asks, so that a message cannot run us out of memory or stack.

/// Bytes that are no BER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub const OCTETS: u8 = 0x04;
/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// SEQUENCE.
pub const SEQUENCE: u8 = 0x30;
/// SET.
pub const SET: u8 = 0x31;

/// What stands before an element's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its tag.
    pub tag: u8,
    /// Bytes of the head itself.
    pub size: usize,
    /// Bytes of the content.
    pub length: usize,
}

/// The head at the beginning of these bytes; none while there are too few.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, Broken> {
    let [tag, first, rest @ ..] = bytes else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(Broken);
    }
    let more = match first {
        0..=0x7f => return Ok(Some(Head { tag: *tag, size: 2, length: usize::from(*first) })),
        0x81..=0x84 => usize::from(first & 0x7f),
        // Indefinite, or longer than any message can be.
        _ => return Err(Broken),
    };
    let Some(digits) = rest.get(..more) else { return Ok(None) };
    let length = digits.iter().fold(0usize, |length, digit| (length << 8) | usize::from(*digit));
    Ok(Some(Head { tag: *tag, size: 2 + more, length }))
}

/// Elements one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// Over these bytes.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The next element's tag and content; none at the end.
    pub fn next(&mut self) -> Result<Option<(u8, &'b [u8])>, Broken> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let Head { tag, size, length } = head(self.0)?.ok_or(Broken)?;
        let end = size.checked_add(length).ok_or(Broken)?;
        let content = self.0.get(size..end).ok_or(Broken)?;
        self.0 = &self.0[end..];
        Ok(Some((tag, content)))
    }

    /// The content of the next element, which must have that tag.
    pub fn take(&mut self, tag: u8) -> Result<&'b [u8], Broken> {
        match self.next()? {
            Some((found, content)) if found == tag => Ok(content),
            _ => Err(Broken),
        }
    }

    /// The elements in the next one.
    pub fn inside(&mut self, tag: u8) -> Result<Self, Broken> {
        self.take(tag).map(Self)
    }

    /// A whole number of at most four octets.
    pub fn number(&mut self, tag: u8) -> Result<i64, Broken> {
        let content = self.take(tag)?;
        let [first, ..] = content else { return Err(Broken) };
        if content.len() > 4 {
            return Err(Broken);
        }
        let begin = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(content.iter().fold(begin, |number, octet| (number << 8) | i64::from(*octet)))
    }
}

/// Writes elements.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// What was written.
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// An element with that content.
    pub fn put(&mut self, tag: u8, content: &[u8]) {
        self.0.push(tag);
        let digits = content.len().to_be_bytes();
        let digits = &digits[content.len().leading_zeros() as usize / 8..];
        match content.len() {
            short @ 0..0x80 => self.0.push(short as u8),
            _ => {
                self.0.push(0x80 | digits.len() as u8);
                self.0.extend_from_slice(digits);
            }
        }
        self.0.extend_from_slice(content);
    }

    /// An element with the elements that are written in between.
    pub fn nest(&mut self, tag: u8, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.put(tag, &inner.0);
    }

    /// Elements that are written already.
    pub fn append(&mut self, written: &[u8]) {
        self.0.extend_from_slice(written);
    }

    /// A whole number.
    pub fn number(&mut self, tag: u8, number: i32) {
        let octets = number.to_be_bytes();
        let is_needless = |pair: &[u8]| matches!((pair[0], pair[1] & 0x80), (0, 0) | (0xff, 0x80));
        let start = octets.windows(2).take_while(|pair| is_needless(pair)).count();
        self.put(tag, &octets[start..]);
    }

    /// A truth value.
    pub fn flag(&mut self, tag: u8, flag: bool) {
        self.put(tag, &[if flag { 0xff } else { 0 }]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for number in [0, 1, 127, 128, 255, 256, 65_535, i32::MAX, -1, -128, -129, i32::MIN] {
            let mut writer = Writer::default();
            writer.number(INTEGER, number);
            assert_eq!(Reader::new(&writer.bytes()).number(INTEGER), Ok(i64::from(number)));
        }
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let mut writer = Writer::default();
            writer.nest(SEQUENCE, |inner| inner.put(OCTETS, &content));
            let bytes = writer.bytes();
            let mut inside = Reader::new(&bytes).inside(SEQUENCE).unwrap();
            assert_eq!((inside.take(OCTETS), inside.next()), (Ok(content.as_slice()), Ok(None)));
        }
        let mut writer = Writer::default();
        writer.flag(BOOLEAN, true);
        assert_eq!(writer.bytes(), [1, 1, 0xff]);
    }

    #[test]
    fn what_is_none_is_refused_and_what_is_short_is_waited_for() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x82, 1]] {
            assert_eq!(head(bytes), Ok(None), "{bytes:?}");
        }
        // Indefinite length, five octets of length, a tag of several octets.
        for bytes in [&[0x30, 0x80][..], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x1f, 1, 0]] {
            assert_eq!(head(bytes), Err(Broken), "{bytes:?}");
        }
        assert_eq!(Reader::new(&[0x04, 5, 1]).next(), Err(Broken));
        assert_eq!(Reader::new(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]).next(), Err(Broken));
        assert_eq!(Reader::new(&[0x02, 0]).number(INTEGER), Err(Broken));
        assert_eq!(Reader::new(&[0x02, 5, 1, 1, 1, 1, 1]).number(INTEGER), Err(Broken));
    }
}
