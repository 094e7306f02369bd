//! The server's side of SCRAM (RFC 5802, RFC 7677): what a client says is taken apart and proved right or wrong. Names as
//! in RFC 5802 section 7.

use data_encoding::BASE64;
use jackfield_sdk::abi::ops::{SCRAM_ITERATIONS, SCRAM_SALT_BYTES};
use ring::{digest, hmac};

/// Longest message of a client that is looked at.
const LONGEST: usize = 2048;

/// The hash of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SCRAM-SHA-1.
    Sha1,
    /// SCRAM-SHA-256.
    Sha256,
}

impl Hash {
    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        }
    }

    fn digest(self, bytes: &[u8]) -> digest::Digest {
        match self {
            Self::Sha1 => digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes),
            Self::Sha256 => digest::digest(&digest::SHA256, bytes),
        }
    }

    fn signed(self, key: &[u8], text: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac(), key), text)
    }
}

/// What binds an exchange to the TLS connection that it runs on (RFC 5056).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// `tls-exporter` (RFC 9266) or `tls-server-end-point` (RFC 5929 section 4).
    pub kind: &'static str,
    /// Its data.
    pub data: Vec<u8>,
}

/// What proves a password without it.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Salt.
    pub salt: Vec<u8>,
    /// Iterations.
    pub iterations: u32,
    /// StoredKey.
    pub stored: Vec<u8>,
    /// ServerKey.
    pub server: Vec<u8>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// Makes up salts for logins that nobody has: always the same for the same login, so that nobody learns which there are.
pub struct MadeUp(hmac::Key);

impl MadeUp {
    /// From a secret of the installation.
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, format!("scram {secret}").as_bytes()))
    }

    /// Keys that no password fits.
    pub fn keys(&self, hash: Hash, login: &str, domain: &str) -> Keys {
        let login = login.to_lowercase();
        let made = |what: &str| {
            hmac::sign(&self.0, format!("{what} {hash:?} {domain} {login}").as_bytes()).as_ref().to_vec()
        };
        let mut salt = made("salt");
        salt.truncate(SCRAM_SALT_BYTES);
        Keys { salt, iterations: SCRAM_ITERATIONS, stored: made("stored"), server: made("server") }
    }
}

/// What a client says of channel binding (RFC 5802 section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flag {
    /// It does not support it.
    No,
    /// It does, and believes that we do not.
    Unaware,
    /// It binds to that kind.
    Bound(String),
}

/// Why an exchange fails: a condition of RFC 6120 section 6.5.
pub type Wrong = &'static str;

/// client-first-message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    gs2: String,
    bare: String,
    nonce: String,
    /// What it says of channel binding.
    pub flag: Flag,
    /// Whom it wants to act as; mostly nobody else.
    pub authzid: Option<String>,
    /// Who it is.
    pub username: String,
}

impl First {
    /// Takes it apart.
    pub fn read(text: &str) -> Result<Self, Wrong> {
        const MALFORMED: Wrong = "malformed-request";
        if text.len() > LONGEST {
            return Err(MALFORMED);
        }
        let mut parts = text.splitn(3, ',');
        let (flag, authzid, bare) = (parts.next(), parts.next(), parts.next());
        let (Some(flag), Some(authzid), Some(bare)) = (flag, authzid, bare) else { return Err(MALFORMED) };
        let gs2 = format!("{flag},{authzid},");
        let flag = match (flag, flag.strip_prefix("p=")) {
            ("n", _) => Flag::No,
            ("y", _) => Flag::Unaware,
            (_, Some(kind)) if !kind.is_empty() => Flag::Bound(kind.to_owned()),
            _ => return Err(MALFORMED),
        };
        let authzid = match (authzid, authzid.strip_prefix("a=")) {
            ("", _) => None,
            (_, Some(name)) => Some(name_of(name).ok_or(MALFORMED)?),
            _ => return Err(MALFORMED),
        };
        let mut fields = bare.split(',');
        // An extension that must be understood would stand first (RFC 5802 section 5.1, "m").
        let username = fields.next().and_then(|field| field.strip_prefix("n=")).and_then(name_of);
        let nonce = fields.next().and_then(|field| field.strip_prefix("r="));
        match (username, nonce) {
            (Some(username), Some(nonce)) if !username.is_empty() && !nonce.is_empty() => {
                Ok(Self { gs2, bare: bare.to_owned(), nonce: nonce.to_owned(), flag, authzid, username })
            }
            _ => Err(MALFORMED),
        }
    }
}

/// A saslname: commas and equals signs are written otherwise.
fn name_of(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        name.push_str(&rest[..at]);
        match rest.get(at..at + 3)? {
            "=2C" => name.push(','),
            "=3D" => name.push('='),
            _ => return None,
        }
        rest = &rest[at + 3..];
    }
    name.push_str(rest);
    Some(name)
}

/// An exchange after our first message.
pub struct Exchange {
    hash: Hash,
    first: First,
    keys: Keys,
    nonce: String,
    said: String,
}

impl Exchange {
    /// Answers the client's first message. `nonce` is nobody's to guess.
    pub fn new(hash: Hash, first: First, keys: Keys, nonce: &str) -> Self {
        let nonce = first.nonce.clone() + nonce;
        let said = format!("r={nonce},s={},i={}", BASE64.encode(&keys.salt), keys.iterations);
        Self { hash, first, keys, nonce, said }
    }

    /// server-first-message.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// Judges client-final-message; right: server-final-message. `binding` is the data of what the client bound to.
    pub fn finish(&self, text: &str, binding: &[u8]) -> Result<String, Wrong> {
        if text.len() > LONGEST {
            return Err("malformed-request");
        }
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or("malformed-request")?;
        let mut fields = without_proof.split(',');
        let (bound, nonce) = (fields.next(), fields.next());
        let bound = bound.and_then(|field| field.strip_prefix("c=")).ok_or("malformed-request")?;
        let nonce = nonce.and_then(|field| field.strip_prefix("r=")).ok_or("malformed-request")?;
        let bound = BASE64.decode(bound.as_bytes()).map_err(|_| "malformed-request")?;
        let proof = BASE64.decode(proof.as_bytes()).map_err(|_| "malformed-request")?;
        if nonce != self.nonce || bound != [self.first.gs2.as_bytes(), binding].concat() {
            return Err("not-authorized");
        }
        let message = format!("{},{},{without_proof}", self.first.bare, self.said);
        let signature = self.hash.signed(&self.keys.stored, message.as_bytes());
        if proof.len() != signature.as_ref().len() {
            return Err("not-authorized");
        }
        let key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        if !same(self.hash.digest(&key).as_ref(), &self.keys.stored) {
            return Err("not-authorized");
        }
        let signed = self.hash.signed(&self.keys.server, message.as_bytes());
        Ok(format!("v={}", BASE64.encode(signed.as_ref())))
    }
}

/// Takes as long for any two of the same length.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use ring::pbkdf2;

    use super::*;

    /// Keys of the password `pencil`, which both specifications use.
    fn pencil(hash: Hash, salt: &str, iterations: u32) -> Keys {
        let (algorithm, size) = match hash {
            Hash::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            Hash::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        };
        let salt = BASE64.decode(salt.as_bytes()).unwrap();
        let mut salted = vec![0; size];
        pbkdf2::derive(algorithm, NonZeroU32::new(iterations).unwrap(), &salt, b"pencil", &mut salted);
        let stored = hash.digest(hash.signed(&salted, b"Client Key").as_ref()).as_ref().to_vec();
        let server = hash.signed(&salted, b"Server Key").as_ref().to_vec();
        Keys { salt, iterations, stored, server }
    }

    /// The example of RFC 5802 section 5.
    fn sha_1() -> Exchange {
        let first = First::read("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL").unwrap();
        let keys = pencil(Hash::Sha1, "QSXCR+Q6sek8bf92", 4096);
        Exchange::new(Hash::Sha1, first, keys, "3rfcNHYJY1ZVvWVs7j")
    }

    const FINAL: &str = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";

    #[test]
    fn the_exchange_is_rfc_5802_s() {
        let exchange = sha_1();
        assert_eq!(exchange.said(), "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
        assert_eq!(exchange.finish(FINAL, b"").unwrap(), "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    }

    /// The example of RFC 7677 section 3.
    #[test]
    fn the_exchange_is_rfc_7677_s() {
        let first = First::read("n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
        let keys = pencil(Hash::Sha256, "W22ZaJ0SNY7soEsUEjb6gQ==", 4096);
        let exchange = Exchange::new(Hash::Sha256, first, keys, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        assert_eq!(
            exchange.said(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(exchange.finish(last, b"").unwrap(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_proof_that_is_not_exactly_right_is_none() {
        for (text, condition) in [
            (FINAL.replace("v0X8", "v0X9"), "not-authorized"),
            (FINAL.replace("Vs7j", "Vs7k"), "not-authorized"),
            (FINAL.replace("biws", "eSws"), "not-authorized"),
            (FINAL.replace("p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "p=v0X8"), "not-authorized"),
            (FINAL.replace("biws", "b*ws"), "malformed-request"),
            (FINAL.replace(",p=", ",q="), "malformed-request"),
            (FINAL.replace("c=", "d="), "malformed-request"),
            (String::new(), "malformed-request"),
            ("x".repeat(5000), "malformed-request"),
        ] {
            assert_eq!(sha_1().finish(&text, b""), Err(condition), "{text}");
        }
        assert_eq!(sha_1().finish(FINAL, b"another channel"), Err("not-authorized"));
    }

    #[test]
    fn a_bound_exchange_is_good_on_its_own_connection_only() {
        let first = First::read("p=tls-exporter,,n=user,r=abc").unwrap();
        assert_eq!(first.flag, Flag::Bound("tls-exporter".to_owned()));
        let keys = pencil(Hash::Sha256, "W22ZaJ0SNY7soEsUEjb6gQ==", 4096);
        let exchange = Exchange::new(Hash::Sha256, first, keys.clone(), "def");
        let channel = BASE64.encode(b"p=tls-exporter,,data");
        let without = format!("c={channel},r=abcdef");
        let message = format!("n=user,r=abc,{},{without}", exchange.said());
        let mut salted = vec![0; 32];
        let rounds = NonZeroU32::new(4096).unwrap();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &keys.salt, b"pencil", &mut salted);
        let key = Hash::Sha256.signed(&salted, b"Client Key");
        let signature = Hash::Sha256.signed(&keys.stored, message.as_bytes());
        let proof: Vec<u8> = key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let last = format!("{without},p={}", BASE64.encode(&proof));
        assert!(exchange.finish(&last, b"data").is_ok());
        assert_eq!(exchange.finish(&last, b"data of another"), Err("not-authorized"));
    }

    #[test]
    fn first_messages_are_taken_apart_or_refused() {
        let read = First::read("y,a=x=2Cy,n=u=3Dv,r=q,ext=1").unwrap();
        assert_eq!((read.flag, read.username.as_str()), (Flag::Unaware, "u=v"));
        assert_eq!(read.authzid.as_deref(), Some("x,y"));
        for text in [
            "",
            "n",
            "n,,",
            "n,,n=user",
            "n,,r=abc",
            "n,,n=,r=abc",
            "n,,n=user,r=",
            "x,,n=user,r=abc",
            "p=,,n=user,r=abc",
            "n,b=user,n=user,r=abc",
            "n,,m=must,n=user,r=abc",
            "n,,n=us=er,r=abc",
            "n,,n=user=2,r=abc",
            "n,,n=us=3\u{e9}er,r=abc",
        ] {
            assert_eq!(First::read(text), Err("malformed-request"), "{text}");
        }
    }

    #[test]
    fn made_up_keys_are_stable_and_look_like_real_ones() {
        let made_up = MadeUp::new("secret");
        let keys = made_up.keys(Hash::Sha256, "Nobody", "home.example");
        assert_eq!(keys, made_up.keys(Hash::Sha256, "nobody", "home.example"));
        assert_eq!((keys.salt.len(), keys.iterations), (SCRAM_SALT_BYTES, SCRAM_ITERATIONS));
        assert_ne!(keys, made_up.keys(Hash::Sha1, "nobody", "home.example"));
        assert_ne!(keys.salt, made_up.keys(Hash::Sha256, "nobody2", "home.example").salt);
        assert_ne!(keys.salt, MadeUp::new("other").keys(Hash::Sha256, "nobody", "home.example").salt);
    }
}
