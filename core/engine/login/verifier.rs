//! The keys of SCRAM: what a server keeps of a password, and how it recognises it (RFC 5802 section 3, RFC 7677).

use std::num::NonZeroU32;

use data_encoding::BASE64;
use jackfield_abi::ops::{Mechanism, SCRAM_ITERATIONS, SCRAM_SALT_BYTES};
use ring::{digest, hmac, pbkdf2};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Longest hash in use, in bytes.
const LONGEST_HASH: usize = 32;

/// What is kept of one password. Both mechanisms have the same salt: what one of them is from tells nothing of the other.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Verifier {
    /// Base64.
    pub salt: String,
    /// How often the password was hashed.
    pub iterations: u32,
    sha1: Keys,
    sha256: Keys,
}

/// The keys of one mechanism.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Keys {
    /// StoredKey, base64: recognises who knows the password.
    pub stored: String,
    /// ServerKey, base64: proves the server to the client.
    pub server: String,
}

/// The functions of one mechanism.
struct Functions {
    pbkdf2: pbkdf2::Algorithm,
    hmac: hmac::Algorithm,
    digest: &'static digest::Algorithm,
}

static SHA1: Functions = Functions {
    pbkdf2: pbkdf2::PBKDF2_HMAC_SHA1,
    hmac: hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    digest: &digest::SHA1_FOR_LEGACY_USE_ONLY,
};
static SHA256: Functions =
    Functions { pbkdf2: pbkdf2::PBKDF2_HMAC_SHA256, hmac: hmac::HMAC_SHA256, digest: &digest::SHA256 };

impl Verifier {
    /// The one of a prepared password. Takes some milliseconds.
    pub fn of(password: &str, salt: &[u8; SCRAM_SALT_BYTES]) -> Self {
        Self::with(password, salt, SCRAM_ITERATIONS)
    }

    fn with(password: &str, salt: &[u8], iterations: u32) -> Self {
        let keys = |functions: &Functions| Keys::of(functions, password, salt, iterations);
        Self { salt: BASE64.encode(salt), iterations, sha1: keys(&SHA1), sha256: keys(&SHA256) }
    }

    /// The keys of a mechanism.
    pub fn keys(&self, mechanism: Mechanism) -> &Keys {
        match mechanism {
            Mechanism::Sha1 => &self.sha1,
            Mechanism::Sha256 => &self.sha256,
        }
    }

    /// Whether it is the one of that prepared password; where the two differ does not show in the time it takes.
    pub fn fits(&self, password: &str) -> bool {
        let decoded = |text: &str| BASE64.decode(text.as_bytes()).map(Zeroizing::new).unwrap_or_default();
        let key = salted(&SHA256, password, &decoded(&self.salt), self.iterations);
        hmac::verify(&key, b"Server Key", &decoded(&self.sha256.server)).is_ok()
    }
}

impl Keys {
    fn of(functions: &Functions, password: &str, salt: &[u8], iterations: u32) -> Self {
        let key = salted(functions, password, salt, iterations);
        let client = hmac::sign(&key, b"Client Key");
        let stored = digest::digest(functions.digest, client.as_ref());
        let server = hmac::sign(&key, b"Server Key");
        Self { stored: BASE64.encode(stored.as_ref()), server: BASE64.encode(server.as_ref()) }
    }
}

/// SaltedPassword, as the key that the others are made with.
fn salted(functions: &Functions, password: &str, salt: &[u8], iterations: u32) -> hmac::Key {
    let mut hash = Zeroizing::new([0; LONGEST_HASH]);
    let hash = &mut hash[..functions.digest.output_len()];
    let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(functions.pbkdf2, iterations, salt, password.as_bytes(), hash);
    hmac::Key::new(functions.hmac, hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One exchange as a standard shows it: salt, what both sides sign, the client's proof and the server's signature.
    struct Example {
        mechanism: Mechanism,
        functions: &'static Functions,
        salt: &'static str,
        signed: &'static str,
        proof: &'static str,
        signature: &'static str,
    }

    const EXAMPLES: [Example; 2] = [
        Example {
            // RFC 5802 section 5.
            mechanism: Mechanism::Sha1,
            functions: &SHA1,
            salt: "QSXCR+Q6sek8bf92",
            signed: "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,\
                     s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
            proof: "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            signature: "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        },
        Example {
            // RFC 7677 section 3.
            mechanism: Mechanism::Sha256,
            functions: &SHA256,
            salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
            signed: "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                     s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,\
                     r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            proof: "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            signature: "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        },
    ];

    #[test]
    fn the_examples_of_the_standards_are_recognised() {
        for example in EXAMPLES {
            let decoded = |text: &str| BASE64.decode(text.as_bytes()).unwrap();
            let verifier = Verifier::with("pencil", &decoded(example.salt), 4096);
            let keys = verifier.keys(example.mechanism);
            let key = |text: &str| hmac::Key::new(example.functions.hmac, &decoded(text));
            let signed = hmac::sign(&key(&keys.stored), example.signed.as_bytes());
            let client: Vec<u8> =
                decoded(example.proof).iter().zip(signed.as_ref()).map(|(proof, own)| proof ^ own).collect();
            let recognised = digest::digest(example.functions.digest, &client);
            assert_eq!(BASE64.encode(recognised.as_ref()), keys.stored);
            let signature = hmac::sign(&key(&keys.server), example.signed.as_bytes());
            assert_eq!(BASE64.encode(signature.as_ref()), example.signature);
        }
    }

    #[test]
    fn only_the_right_password_fits() {
        let verifier = Verifier::of("correct horse", &[7; SCRAM_SALT_BYTES]);
        assert!(verifier.fits("correct horse"));
        assert!(!verifier.fits("correct horsf") && !verifier.fits(""));
        let again = Verifier::of("correct horse", &[8; SCRAM_SALT_BYTES]);
        assert_ne!(again.sha256.stored, verifier.sha256.stored, "another salt, other keys");
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        let verifier = Verifier::of("correct horse", &[7; SCRAM_SALT_BYTES]);
        let written = serde_json::to_vec(&verifier).unwrap();
        let read: Verifier = serde_json::from_slice(&written).unwrap();
        assert!(read.fits("correct horse") && read.iterations == SCRAM_ITERATIONS);
    }
}
