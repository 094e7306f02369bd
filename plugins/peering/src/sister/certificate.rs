//! Certificates of sister appliances: what is shown of one, what is trusted of one (its key, not its signature or dates:
//! clocks may differ, and no authority is asked), and the appliance's own.

use data_encoding::HEXLOWER;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Most names that are looked at and shown.
const MOST_NAMES: usize = 50;

/// What is known of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// SHA-256 of the whole, 64 hexadecimal digits.
    pub fingerprint: String,
    /// SHA-256 of its public key: that is what is trusted.
    pub key: String,
    /// Its DNS names, in small letters.
    pub names: Vec<String>,
}

impl Seen {
    /// Reads a certificate (DER); none: it is none.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        Some(Self {
            fingerprint: HEXLOWER.encode(&Sha256::digest(certificate)),
            key: HEXLOWER.encode(&Sha256::digest(parsed.public_key().raw)),
            names: names.take(MOST_NAMES).collect(),
        })
    }

    /// Whether it is for that host (RFC 6125 section 6.4, without wildcards: a sister has a name of its own).
    pub fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Its names in one line.
    pub fn all_names(&self) -> String {
        if self.names.is_empty() { "no DNS name at all".to_owned() } else { self.names.join(", ") }
    }
}

/// A certificate of our own with its key.
pub struct Own {
    /// PEM.
    pub certificate: String,
    /// PEM.
    pub key: String,
}

/// A certificate for these names, signed by itself, with that key (PEM) or a new one. The error ends a sentence.
pub fn make(names: &[String], key: Option<&str>) -> Result<Own, String> {
    let failed = |e: rcgen::Error| format!("no certificate could be made: {e}");
    let key = match key {
        Some(pem) => KeyPair::from_pem(pem).map_err(failed)?,
        None => KeyPair::generate().map_err(failed)?,
    };
    let names: Vec<String> = names.iter().take(MOST_NAMES).cloned().collect();
    let mut wanted = CertificateParams::new(names).map_err(failed)?;
    wanted.distinguished_name.push(DnType::CommonName, "Jackfield peering");
    let certificate = wanted.self_signed(&key).map_err(failed)?.pem();
    Ok(Own { certificate, key: key.serialize_pem() })
}

/// Names that can stand for an appliance among others, best first: fully qualified DNS names.
pub fn qualified(names: &[String]) -> Vec<String> {
    let fits = |name: &&String| {
        let last = name.rsplit('.').next().unwrap_or_default();
        name.contains('.') && !name.contains(['*', ':']) && last.contains(|c: char| c.is_ascii_alphabetic())
    };
    names.iter().filter(fits).map(|name| name.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn seen(own: &Own) -> Seen {
        Seen::of(&CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_new_certificate_of_the_same_key_is_the_same_appliance() {
        let first = make(&["a.example".to_owned()], None).unwrap();
        let second = make(&["B.example".to_owned(), "c.example".to_owned()], Some(&first.key)).unwrap();
        let (first, second) = (seen(&first), seen(&second));
        assert_eq!(first.key, second.key);
        assert_ne!(first.fingerprint, second.fingerprint);
        assert_eq!(second.names, ["b.example", "c.example"]);
        assert!(second.is_for("B.EXAMPLE") && !second.is_for("a.example"));
        assert!(make(&[], Some("no key")).is_err());
    }

    #[test]
    fn garbage_is_no_certificate() {
        assert_eq!(Seen::of(b""), None);
        assert_eq!(Seen::of(&[0x30; 400]), None);
    }

    #[test]
    fn only_whole_names_stand_for_an_appliance() {
        let names = ["box", "localhost", "127.0.0.1", "::1", "*.example", "UC.example"].map(String::from);
        assert_eq!(qualified(&names), ["uc.example"]);
    }
}
