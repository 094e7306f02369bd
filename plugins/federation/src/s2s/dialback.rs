//! Keys of dialback (XEP-0185): nothing is remembered, a key is worked out again when somebody asks for it.

use data_encoding::HEXLOWER;
use ring::{digest, hmac};

/// Longest key that is looked at; ours have 64 characters.
pub const LONGEST_KEY: usize = 256;

/// The installation's secret.
pub struct Secret(hmac::Key);

impl Secret {
    /// From the text that is kept.
    pub fn new(text: &str) -> Self {
        let hashed = digest::digest(&digest::SHA256, text.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, HEXLOWER.encode(hashed.as_ref()).as_bytes()))
    }

    /// The key for a stream of that id from `originating` to `receiving`.
    pub fn key(&self, receiving: &str, originating: &str, id: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.0, text(receiving, originating, id).as_bytes()).as_ref())
    }

    /// Whether that is the key; takes as long for a wrong one as for the right one.
    pub fn made(&self, key: &str, receiving: &str, originating: &str, id: &str) -> bool {
        let Ok(tag) = HEXLOWER.decode(key.trim().as_bytes()) else { return false };
        hmac::verify(&self.0, text(receiving, originating, id).as_bytes(), &tag).is_ok()
    }
}

fn text(receiving: &str, originating: &str, id: &str) -> String {
    format!("{receiving} {originating} {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of XEP-0185 section 3.
    #[test]
    fn the_key_is_the_specification_s() {
        let secret = Secret::new("s3cr3tf0rd14lb4ck");
        let (receiving, originating, id) = ("montague.example", "capulet.example", "D60000229F");
        let key = "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3";
        assert_eq!(secret.key(receiving, originating, id), key);
        assert!(secret.made(&format!("\n {key} "), receiving, originating, id));
        for (key, receiving, originating, id) in [
            ("", receiving, originating, id),
            (&key[1..], receiving, originating, id),
            ("no hex", receiving, originating, id),
            (key, originating, receiving, id),
            (key, receiving, originating, "D60000229E"),
        ] {
            assert!(!secret.made(key, receiving, originating, id), "{key} {receiving} {originating} {id}");
        }
        assert!(!Secret::new("other").made(key, receiving, originating, id));
    }
}
