//! What a picture is, read from its bytes alone: JPEG (ITU-T T.81) or PNG (RFC 2083), its size, and whether it is all
//! there. It is walked through and never decoded, so that it costs little whatever it claims to be.

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    /// [`JPEG_TYPE`] or [`PNG_TYPE`].
    pub media_type: &'static str,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Media type of a JPEG.
pub const JPEG_TYPE: &str = "image/jpeg";
/// Media type of a PNG.
pub const PNG_TYPE: &str = "image/png";
/// Media types of what is taken.
pub const MEDIA_TYPES: [&str; 2] = [JPEG_TYPE, PNG_TYPE];
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The picture that these bytes are, or what is wrong with them, as the end of a sentence.
pub fn read(bytes: &[u8]) -> Result<Image, String> {
    if bytes.starts_with(JPEG) {
        jpeg(bytes).unwrap_or_else(|| Err("is a JPEG that is cut short".to_owned()))
    } else if bytes.starts_with(PNG) {
        png(bytes).unwrap_or_else(|| Err("is a PNG that is cut short".to_owned()))
    } else {
        let first = data_encoding::HEXLOWER.encode(&bytes[..bytes.len().min(8)]);
        Err(format!("must be a JPEG or a PNG; its first bytes, {first:?}, are those of neither"))
    }
}

/// Bytes that are taken one part after another; `None` where they end too early.
struct Walk<'b>(&'b [u8]);

impl<'b> Walk<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (part, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(part)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|part| part[0])
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn long(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The next marker of a JPEG; before it may stand fill bytes (T.81 section B.1.1.2).
    fn marker(&mut self) -> Option<Option<u8>> {
        if self.byte()? != 0xff {
            return Some(None);
        }
        loop {
            match self.byte()? {
                0xff => {}
                marker => return Some(Some(marker)),
            }
        }
    }

    /// To the marker after compressed data. In it, a byte 255 is followed by 0, and restarts are part of it.
    fn skip_scan(&mut self) -> Option<()> {
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff | 0xd0..=0xd7);
        let next = self.0.windows(2).position(is_marker)?;
        self.take(next).map(drop)
    }
}

/// Segment by segment to the end of the image (T.81 section B.1.1).
fn jpeg(bytes: &[u8]) -> Option<Result<Image, String>> {
    let broken = |what: &str| Some(Err(format!("is a broken JPEG: {what}")));
    let mut walk = Walk(&bytes[2..]);
    let (mut image, mut has_scan) = (None, false);
    loop {
        match walk.marker()? {
            None | Some(0) => return broken("a segment does not begin where the one before it ends"),
            Some(0xd9) => break,
            Some(0x01 | 0xd0..=0xd8) => {}
            Some(marker) => {
                let length = usize::from(walk.short()?);
                let Some(length) = length.checked_sub(2) else { return broken("a segment has no length") };
                let segment = walk.take(length)?;
                match marker {
                    0xc4 | 0xc8 | 0xcc => {}
                    0xc0..=0xcf => image = image.or(frame(segment)),
                    0xda => {
                        has_scan = true;
                        walk.skip_scan()?;
                    }
                    _ => {}
                }
            }
        }
    }
    match image {
        Some(image) if has_scan => Some(Ok(image)),
        _ => broken("it has no picture in it"),
    }
}

/// The size in a frame's header (T.81 section B.2.2).
fn frame(segment: &[u8]) -> Option<Image> {
    let mut walk = Walk(segment.get(1..)?);
    let (height, width) = (walk.short()?, walk.short()?);
    Some(Image { media_type: JPEG_TYPE, width: width.into(), height: height.into() })
}

/// Chunk by chunk to the last one (RFC 2083 section 3.2).
fn png(bytes: &[u8]) -> Option<Result<Image, String>> {
    let mut walk = Walk(&bytes[PNG.len()..]);
    let (mut image, mut has_data) = (None, false);
    loop {
        let length = usize::try_from(walk.long()?).ok()?;
        let kind = walk.take(4)?;
        let data = walk.take(length)?;
        walk.take(4)?;
        match (kind, image) {
            (b"IHDR", None) => image = header(data),
            (_, None) => return Some(Err("is a broken PNG: it does not begin with its size".to_owned())),
            (b"IDAT", _) => has_data = true,
            (b"IEND", Some(image)) if has_data => return Some(Ok(image)),
            (b"IEND", _) => return Some(Err("is a broken PNG: it has no picture in it".to_owned())),
            _ => {}
        }
    }
}

fn header(data: &[u8]) -> Option<Image> {
    let mut walk = Walk(data);
    Some(Image { media_type: PNG_TYPE, width: walk.long()?, height: walk.long()? })
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A JPEG of that size: a header, a frame, a scan of few bytes, and its end.
    pub fn a_jpeg(width: u16, height: u16) -> Vec<u8> {
        let [w, h] = [width, height].map(u16::to_be_bytes);
        let mut bytes = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
        bytes.extend([0xff, 0xc0, 0, 11, 8, h[0], h[1], w[0], w[1], 1, 1, 0x11, 0]);
        bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        bytes.extend([0x12, 0xff, 0, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xd9]);
        bytes
    }

    /// A PNG of that size, with a checksum that nobody looks at.
    pub fn a_png(width: u32, height: u32) -> Vec<u8> {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let chunks: [(&[u8], &[u8]); 3] =
            [(b"IHDR", &[size.as_slice(), &[8, 2, 0, 0, 0]].concat()), (b"IDAT", b"data"), (b"IEND", b"")];
        let mut bytes = PNG.to_vec();
        for (kind, data) in chunks {
            bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend([kind, data, &[0; 4]].concat());
        }
        bytes
    }

    #[test]
    fn what_a_picture_is_shows_in_its_bytes() {
        for (bytes, media_type, width, height) in
            [(a_jpeg(96, 128), "image/jpeg", 96, 128), (a_png(64, 48), "image/png", 64, 48)]
        {
            assert_eq!(read(&bytes), Ok(Image { media_type, width, height }));
            let more = [bytes.as_slice(), b"what a camera adds"].concat();
            assert_eq!(
                read(&more),
                Ok(Image { media_type, width, height }),
                "what comes after the end is let be"
            );
        }
    }

    #[test]
    fn a_picture_that_is_cut_anywhere_is_none() {
        for whole in [a_jpeg(96, 96), a_png(96, 96)] {
            for end in 0..whole.len() {
                let said = read(&whole[..end]).unwrap_err();
                let expected =
                    if end < 3 || whole[0] != 0xff && end < 8 { "those of neither" } else { "cut short" };
                assert!(said.contains(expected), "{end}: {said}");
            }
        }
    }

    #[test]
    fn what_is_no_picture_is_refused_with_a_reason() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>".as_slice();
        let no_scan = [&a_jpeg(1, 1)[..33], &[0xff, 0xd9]].concat();
        let odd = [&a_jpeg(1, 1)[..20], b"odd"].concat();
        let no_size = [PNG, b"\0\0\0\0IDAT\0\0\0\0"].concat();
        for (bytes, expected) in [
            (svg, "3c7376672078"),
            (b"<html>".as_slice(), "are those of neither"),
            (b"GIF89a".as_slice(), "are those of neither"),
            (b"".as_slice(), "are those of neither"),
            (no_scan.as_slice(), "no picture in it"),
            (odd.as_slice(), "does not begin where"),
            (&[0xff, 0xd8, 0xff, 0xe0, 0, 1, 0], "a segment has no length"),
            (no_size.as_slice(), "does not begin with its size"),
        ] {
            let said = read(bytes).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_to_an_end(at in 0_usize..60, flipped: u8, tail: Vec<u8>) {
            for mut bytes in [a_jpeg(8, 8), a_png(8, 8)] {
                let at = at % bytes.len();
                bytes[at] ^= flipped;
                bytes.extend(&tail);
                let _ = read(&bytes);
            }
        }
    }
}
