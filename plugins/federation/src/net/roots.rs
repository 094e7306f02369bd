//! Authorities that are trusted: the system's, and the site's own. They are read when a certificate is judged for the first
//! time, because the system's list takes much memory, and an appliance that talks to nobody needs none of it.

use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Authorities that the system trusts.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// All of them; clones share what was read.
#[derive(Clone)]
pub struct Roots(Arc<Unread>);

struct Unread {
    own: String,
    all: OnceLock<RootCertStore>,
}

impl Roots {
    /// The system's, and those of a PEM text.
    pub fn new(own: &str) -> Self {
        Self(Arc::new(Unread { own: own.to_owned(), all: OnceLock::new() }))
    }

    /// All of them, without those that cannot be read.
    pub fn get(&self) -> &RootCertStore {
        self.0.all.get_or_init(|| {
            // Without the system's list only the site's own authorities are trusted.
            let system = std::fs::read(SYSTEM).unwrap_or_default();
            let certificates = CertificateDer::pem_slice_iter(&system)
                .chain(CertificateDer::pem_slice_iter(self.0.own.as_bytes()));
            let mut all = RootCertStore::empty();
            all.add_parsable_certificates(certificates.flatten());
            all
        })
    }
}
