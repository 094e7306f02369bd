//! Certificates that somebody uploads, so that a directory with a company's own authority is trusted.

use jackfield_sdk::json;
use serde::Serialize;
use x509_parser::pem::Pem;

/// Longest text.
pub const LONGEST: usize = 64 * 1024;
/// Most certificates in it.
const MOST: usize = 16;

/// What is shown of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Whose it is.
    pub subject: String,
    /// Last moment of its validity, RFC 3339.
    pub not_after: String,
    /// Whether that is over.
    pub has_expired: bool,
}

/// The certificates in a PEM text, one or more; the error is the cause, as the end of a sentence. Nothing of the text
/// is repeated: people paste the private key by mistake.
pub fn read(text: &str) -> Result<Vec<Seen>, String> {
    let mut seen = Vec::new();
    for block in Pem::iter_from_buffer(text.as_bytes()) {
        let block = block.map_err(|_| "a block of it cannot be read as PEM".to_owned())?;
        if block.label.contains("KEY") {
            return Err(
                "it holds a private key, which must stay with its owner; leave that block out".to_owned()
            );
        }
        if block.label != "CERTIFICATE" {
            return Err("a block of it is no CERTIFICATE".to_owned());
        }
        let certificate =
            block.parse_x509().map_err(|_| "a block of it is no X.509 certificate".to_owned())?;
        seen.push(of(&certificate));
    }
    match seen.len() {
        0 => Err("it has no block BEGIN CERTIFICATE".to_owned()),
        1..=MOST => Ok(seen),
        count => Err(format!("it has {count} certificates, and at most {MOST} are taken")),
    }
}

fn of(certificate: &x509_parser::certificate::X509Certificate<'_>) -> Seen {
    let validity = certificate.validity();
    let end = jackfield_sdk::jiff::Timestamp::from_second(validity.not_after.timestamp());
    let not_after = end.map(|end| json!(end.to_string())).ok();
    Seen {
        subject: certificate.subject().to_string(),
        not_after: not_after.as_ref().and_then(|end| end.as_str()).unwrap_or_default().to_owned(),
        has_expired: x509_parser::time::ASN1Time::now() > validity.not_after,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Home CA");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn certificates_are_seen() {
        let (new, _) = certificate(2090);
        let (old, _) = certificate(2021);
        let seen = read(&format!("a line before\n{new}\n{old}")).unwrap();
        assert_eq!(seen[0].not_after, "2090-01-01T00:00:00Z");
        assert!(
            seen[0].subject.contains("Home CA") && !seen[0].has_expired && seen[1].has_expired,
            "{seen:?}"
        );
    }

    #[test]
    fn what_is_none_is_refused_and_not_repeated() {
        let (good, key) = certificate(2090);
        let broken = good.replacen('M', "?", 3);
        let other = good.replace("CERTIFICATE", "CRL");
        let hollow = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        for (text, cause) in [
            ("", "no block BEGIN CERTIFICATE"),
            ("hush", "no block BEGIN CERTIFICATE"),
            (broken.as_str(), "cannot be read as PEM"),
            (other.as_str(), "is no CERTIFICATE"),
            (hollow, "no X.509 certificate"),
            (&format!("{good}{key}"), "holds a private key"),
            (&good.repeat(17), "17 certificates, and at most 16"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(cause) && !said.contains("hush"), "{said}");
        }
    }
}
