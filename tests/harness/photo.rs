//! Pictures: small ones, and those of any size.

use data_encoding::BASE64;

/// A PNG of one pixel that a browser can show.
pub fn png() -> Vec<u8> {
    let text =
        b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    BASE64.decode(text).expect("it is base64")
}

/// A JPEG (ITU-T T.81) of 96 by 64 pixels and so many bytes, at least 100; another one for every `fill`.
pub fn jpeg(size: usize, fill: u8) -> Vec<u8> {
    let mut bytes =
        b"\xff\xd8\xff\xc0\0\x0b\x08\0\x40\0\x60\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0".to_vec();
    bytes.resize(size - 2, fill & 0x7f);
    bytes.extend(b"\xff\xd9");
    bytes
}

/// What nobody may take for a photo, each with words of why.
pub fn not_photos() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let wrong = "are those of neither";
    vec![
        ("nothing", Vec::new(), wrong),
        ("svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec(), wrong),
        ("html", b"<!DOCTYPE html><script>alert(1)</script>".to_vec(), wrong),
        ("gif", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), wrong),
        ("cut", jpeg(5000, 1)[..4000].to_vec(), "cut short"),
        ("cut png", png()[..60].to_vec(), "cut short"),
        ("large", jpeg(102_401, 1), "at most 102400"),
    ]
}

/// Its name in XMPP and in the API.
pub fn sha1(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    data_encoding::HEXLOWER.encode(digest.as_ref())
}
