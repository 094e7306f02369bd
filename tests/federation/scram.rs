//! A client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), played by hand.

use std::num::NonZeroU32;

use data_encoding::BASE64;
use ring::{digest, hmac, pbkdf2};

/// Somebody who proves a password, and the key that a server's salt made of it: it takes a while, and is the same each
/// time.
#[derive(Clone)]
pub struct Prover {
    login: String,
    password: String,
    salted: Option<(String, [u8; 32])>,
}

impl Prover {
    /// Nothing is proved yet.
    pub fn new(login: &str, password: &str) -> Self {
        Self { login: login.to_owned(), password: password.to_owned(), salted: None }
    }

    /// client-first-message; `gs2` says which channel binding (section 7).
    pub fn first(&self, gs2: &str) -> String {
        format!("{gs2}{}", self.bare())
    }

    /// client-final-message after the server's first.
    pub fn last(&mut self, first: &str, gs2: &str, channel: &[u8]) -> String {
        let (_, salt) = first.split_once(',').expect("a nonce and more");
        let salted = self.salted(salt);
        let signed = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
        let client = signed(&salted, b"Client Key");
        let stored = digest::digest(&digest::SHA256, client.as_ref());
        let bound = BASE64.encode(&[gs2.as_bytes(), channel].concat());
        let without = format!("c={bound},r={}", field(first, "r="));
        let signature = signed(stored.as_ref(), format!("{},{first},{without}", self.bare()).as_bytes());
        let proof: Vec<u8> = client.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        format!("{without},p={}", BASE64.encode(&proof))
    }

    fn bare(&self) -> String {
        format!("n={},r=abc", self.login)
    }

    fn salted(&mut self, salt: &str) -> [u8; 32] {
        if let Some((known, salted)) = &self.salted
            && known == salt
        {
            return *salted;
        }
        let bytes = BASE64.decode(field(salt, "s=").as_bytes()).expect("base64");
        let rounds = NonZeroU32::new(field(salt, "i=").parse().expect("a number")).expect("more than none");
        let mut salted = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &bytes, self.password.as_bytes(), &mut salted);
        self.salted = Some((salt.to_owned(), salted));
        salted
    }
}

fn field<'a>(message: &'a str, name: &str) -> &'a str {
    message.split(',').find_map(|field| field.strip_prefix(name)).expect("a field")
}
