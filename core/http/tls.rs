//! What the door shows to TLS clients: the certificate, changeable while running, and the protocol settings.
//! Leaves out where certificate and key are kept.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateError {
    /// The certificate text holds no PEM certificate; carries the cause.
    NoCertificate(String),
    /// The key text holds no PEM private key; carries the cause.
    NoKey(String),
    /// The key is of a kind TLS cannot use here; carries the cause.
    UnusableKey(String),
    /// Key and certificate do not belong together.
    KeyDoesNotFit,
    /// The certificate's contents are not X.509; carries the cause.
    Unreadable(String),
    /// A self-signed certificate could not be made; carries the cause.
    NotMade(String),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate(cause) => write!(
                f,
                "the certificate was not accepted: no PEM block BEGIN CERTIFICATE was found ({cause}); \
                 give the server's certificate first, then any intermediate certificates"
            ),
            Self::NoKey(cause) => write!(
                f,
                "the private key was not accepted: no unencrypted PEM private key was found ({cause}); \
                 remove its passphrase first, for instance with `openssl pkey`"
            ),
            Self::UnusableKey(cause) => write!(
                f,
                "the private key was not accepted: {cause}; use ECDSA P-256 or P-384, Ed25519, \
                 or RSA of 2048 bits or more"
            ),
            Self::KeyDoesNotFit => write!(
                f,
                "the private key does not belong to the certificate; \
                 give the key from which this certificate was requested, and the server's certificate first"
            ),
            Self::Unreadable(cause) => {
                write!(f, "the certificate could not be read ({cause}); export it again as X.509 in PEM")
            }
            Self::NotMade(cause) => write!(
                f,
                "a self-signed certificate could not be made ({cause}); \
                 check that this machine's host name is a plain DNS name"
            ),
        }
    }
}

impl std::error::Error for CertificateError {}

/// The certificate in use; [`CertStore::replace`] changes it for every connection that comes after.
pub struct CertStore {
    current: RwLock<Arc<Entry>>,
}

struct Entry {
    key: Arc<CertifiedKey>,
    fingerprint: String,
    not_after: i64,
    names: Vec<String>,
}

impl fmt::Debug for CertStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertStore").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl CertStore {
    /// A store that shows this certificate chain (PEM, the server's own first) with this key (PEM).
    pub fn new(cert_pem: &str, key_pem: &str) -> Result<Self, CertificateError> {
        Ok(Self { current: RwLock::new(Arc::new(Entry::parse(cert_pem, key_pem)?)) })
    }

    /// Shows another certificate from now on; on error the current one stays.
    pub fn replace(&self, cert_pem: &str, key_pem: &str) -> Result<(), CertificateError> {
        let entry = Arc::new(Entry::parse(cert_pem, key_pem)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = entry;
        Ok(())
    }

    /// SHA-256 of the server's certificate, upper-case hex with colons, as browsers show it.
    pub fn fingerprint(&self) -> String {
        self.entry().fingerprint.clone()
    }

    /// Last moment of validity, in seconds since 1970 UTC.
    pub fn not_after(&self) -> i64 {
        self.entry().not_after
    }

    /// Host names and IP addresses the certificate is for (subjectAltName).
    pub fn names(&self) -> Vec<String> {
        self.entry().names.clone()
    }

    fn entry(&self) -> Arc<Entry> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for CertStore {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.entry().key.clone())
    }
}

impl Entry {
    fn parse(cert_pem: &str, key_pem: &str) -> Result<Self, CertificateError> {
        let chain = parse_chain(cert_pem)?;
        let Some(leaf) = chain.first() else {
            return Err(CertificateError::NoCertificate("the text has none".into()));
        };
        let (fingerprint, (not_after, names)) = (fingerprint(leaf), describe(leaf)?);
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
            .map_err(|cause| CertificateError::NoKey(cause.to_string()))?;
        let key = ring::sign::any_supported_type(&key)
            .map_err(|cause| CertificateError::UnusableKey(cause.to_string()))?;
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(|_| CertificateError::KeyDoesNotFit)?;
        Ok(Self { key: Arc::new(key), fingerprint, not_after, names })
    }
}

fn parse_chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|cause| CertificateError::NoCertificate(cause.to_string()))
}

fn fingerprint(der: &CertificateDer<'_>) -> String {
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn describe(der: &CertificateDer<'_>) -> Result<(i64, Vec<String>), CertificateError> {
    let unreadable = |cause: &dyn fmt::Display| CertificateError::Unreadable(cause.to_string());
    let (_, certificate) = X509Certificate::from_der(der).map_err(|e| unreadable(&e))?;
    let not_after = certificate.validity().not_after.timestamp();
    let names = match certificate.subject_alternative_name().map_err(|e| unreadable(&e))? {
        Some(extension) => extension.value.general_names.iter().filter_map(name_text).collect(),
        None => Vec::new(),
    };
    Ok((not_after, names))
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(dns) => Some((*dns).to_owned()),
        GeneralName::IPAddress(bytes) => address_text(bytes),
        _ => None,
    }
}

fn address_text(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
}

/// Protocol settings of the door: TLS 1.2 and 1.3, HTTP/1.1, no session resumption. A full handshake costs
/// far less than a request, and a resumed one would keep an old certificate in use after a change.
pub fn server_config(certificates: Arc<CertStore>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::certificate::self_signed;

    #[test]
    fn a_self_signed_certificate_names_this_machine_and_what_was_asked() {
        let (cert, key) = self_signed(&["box.example".into(), "192.0.2.7".into()]).unwrap();
        let store = CertStore::new(&cert, &key).unwrap();
        let names = store.names();
        for expected in ["localhost", "127.0.0.1", "::1", "box.example", "192.0.2.7"] {
            assert!(names.iter().any(|n| n == expected), "{expected} is missing in {names:?}");
        }
        let years = (store.not_after() - now()) / (365 * 24 * 60 * 60);
        assert!((9..=10).contains(&years), "{years}");
        assert_eq!(store.fingerprint().len(), 32 * 3 - 1);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_and_the_old_pair_stays() {
        let (cert, key) = self_signed(&[]).unwrap();
        let (other, _) = self_signed(&[]).unwrap();
        let store = CertStore::new(&cert, &key).unwrap();
        let before = store.fingerprint();
        assert_eq!(store.replace(&other, &key), Err(CertificateError::KeyDoesNotFit));
        assert_eq!(store.fingerprint(), before);
    }

    #[test]
    fn text_without_a_certificate_says_what_is_missing() {
        let (_, key) = self_signed(&[]).unwrap();
        let refused = CertStore::new("hello", &key).unwrap_err();
        assert!(refused.to_string().contains("BEGIN CERTIFICATE"));
        let (cert, _) = self_signed(&[]).unwrap();
        assert!(matches!(CertStore::new(&cert, "hello"), Err(CertificateError::NoKey(_))));
    }

    fn now() -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        since.as_secs() as i64
    }
}
