//! Certificates of a site's own, as files that the configuration names.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

/// A certificate with its key.
pub struct Pair {
    /// The certificate, PEM.
    pub cert: String,
    /// The private key, PEM.
    pub key: String,
    /// SHA-256 of the certificate, as `serve --json` prints it.
    pub fingerprint: String,
}

impl Pair {
    /// A good pair.
    pub fn new() -> Self {
        Self::until(2090)
    }

    /// A pair whose certificate ends with that year's first day.
    pub fn until(year: i32) -> Self {
        let mut params = CertificateParams::new(vec!["box.example.com".to_owned()]).expect("a DNS name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate");
        let digest = ring::digest::digest(&ring::digest::SHA256, cert.der());
        let fingerprint = data_encoding::HEXUPPER.encode(digest.as_ref());
        Self { cert: cert.pem(), key: key.serialize_pem(), fingerprint }
    }

    /// Puts the pair where [`with_certificate`] says that it is.
    pub fn write(&self, folder: &Path) {
        fs::write(folder.join("key.pem"), &self.key).expect("the key can be written");
        fs::write(folder.join("cert.pem"), &self.cert).expect("the certificate can be written");
    }
}

/// A configuration file that names the pair.
pub fn with_certificate(config: &str) -> String {
    config.replace("[http]\n", "[http]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n")
}
