//! TLS between servers. No handshake fails for a certificate: it is judged afterwards, as a server's in both
//! directions, because public authorities give out no others any more, and because a partner that fails may still
//! prove itself by dialback.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::ring::digest;
use jackfield_sdk::jiff::Timestamp;
use jackfield_sdk::tls::AnyCertificate;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, Error, OtherError, ServerConfig};
use serde::Serialize;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::roots::Roots;

/// What we say that we speak (XEP-0368 section 3).
const ALPN: &[u8] = b"xmpp-server";
/// The same to clients.
const CLIENT_ALPN: &[u8] = b"xmpp-client";

/// Our certificates and whom we trust, ready for sockets. A domain of ours that has none of its own goes by the default.
#[derive(Clone)]
pub struct Tls {
    /// For clients, which show no certificate and name the domain by SNI.
    pub clients: TlsAcceptor,
    default: Identity,
    of_domains: BTreeMap<String, Identity>,
    roots: Roots,
}

/// A certificate of ours with its key, ready for sockets.
#[derive(Clone)]
struct Identity {
    /// What identifies it to those who bind to it (RFC 5929 section 4.1); none: its signature has no one hash.
    end_point: Option<Vec<u8>>,
    /// For streams that come without SNI, as Prosody's do.
    acceptor: TlsAcceptor,
    /// For streams that go.
    connector: TlsConnector,
}

/// A certificate of ours with its key, as PEM.
pub struct Own<'a> {
    /// Certificates that are shown.
    pub chain: &'a str,
    /// Key of the first.
    pub key: &'a str,
}

/// Chooses by SNI, and else the one that is due.
#[derive(Debug)]
struct ByName {
    due: Arc<CertifiedKey>,
    of_domains: Arc<BTreeMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.of_domains.get(&name.to_ascii_lowercase()));
        Some(Arc::clone(named.unwrap_or(&self.due)))
    }
}

/// What is shown of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Whose it is.
    pub subject: String,
    /// Its DNS names.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Last moment of its validity, RFC 3339.
    pub not_after: String,
}

impl Tls {
    /// From PEM texts: the default certificate, those of single domains, and authorities that are trusted besides the
    /// system's. The error is the end of a sentence.
    pub fn new(
        default: &Own<'_>,
        of_domains: &[(String, Own<'_>)],
        authorities: &str,
    ) -> Result<Self, String> {
        let default_key = certified(default)?;
        let keys: Result<BTreeMap<_, _>, String> =
            of_domains.iter().map(|(domain, own)| Ok((domain.clone(), certified(own)?))).collect();
        let keys = Arc::new(keys?);
        let by_name = |due: &Arc<CertifiedKey>| {
            Arc::new(ByName { due: Arc::clone(due), of_domains: Arc::clone(&keys) })
        };
        let identities: Result<BTreeMap<_, _>, String> =
            keys.iter().map(|(domain, key)| Ok((domain.clone(), identity(key, by_name(key))?))).collect();
        let clients = server_config(CLIENT_ALPN, false, by_name(&default_key))?;
        Ok(Self {
            clients: TlsAcceptor::from(Arc::new(clients)),
            default: identity(&default_key, by_name(&default_key))?,
            of_domains: identities?,
            roots: Roots::new(authorities),
        })
    }

    fn identity(&self, domain: Option<&str>) -> &Identity {
        domain.and_then(|domain| self.of_domains.get(domain)).unwrap_or(&self.default)
    }

    /// For a stream that comes to that domain of ours; none: it has not said to which.
    pub fn acceptor(&self, domain: Option<&str>) -> &TlsAcceptor {
        &self.identity(domain).acceptor
    }

    /// For a stream that goes from that domain of ours.
    pub fn connector(&self, domain: &str) -> &TlsConnector {
        &self.identity(Some(domain)).connector
    }

    /// What identifies the certificate that a client which asked for that name was shown (RFC 5929 section 4.1).
    pub fn end_point(&self, name: Option<&str>) -> Option<Vec<u8>> {
        let name = name.map(str::to_ascii_lowercase);
        self.identity(name.as_deref()).end_point.clone()
    }

    /// What is wrong with a chain for one of these names; empty chain: there was no certificate.
    pub fn judge(&self, chain: &[CertificateDer<'_>], names: &[&str]) -> Result<(), String> {
        let [leaf, between @ ..] = chain else { return Err("it shows no certificate".to_owned()) };
        let parsed =
            ParsedCertificate::try_from(leaf).map_err(|e| format!("its certificate cannot be read: {e}"))?;
        let algorithms = ring::default_provider().signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            self.roots.get(),
            between,
            UnixTime::now(),
            algorithms,
        )
        .map_err(|error| fault(&error, leaf))?;
        let fits = |name: &&str| {
            ServerName::try_from(*name).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok())
        };
        if names.iter().any(fits) {
            return Ok(());
        }
        let has = seen(leaf).map(|seen| seen.names.join(", ")).filter(|names| !names.is_empty());
        let has = has.unwrap_or_else(|| "no DNS name at all".to_owned());
        Err(format!(
            "its certificate has the wrong name: it is for {has}, and {} is expected",
            names.join(" or ")
        ))
    }
}

fn certified(own: &Own<'_>) -> Result<Arc<CertifiedKey>, String> {
    let (chain, key) = pair(own.chain, own.key)?;
    let signing = rustls::crypto::ring::sign::any_supported_type(&key).map_err(broken)?;
    Ok(Arc::new(CertifiedKey::new(chain, signing)))
}

fn broken(error: impl std::fmt::Display) -> String {
    format!("the certificate cannot be used: {error}")
}

fn identity(key: &Arc<CertifiedKey>, by_name: Arc<ByName>) -> Result<Identity, String> {
    let provider = Arc::new(ring::default_provider());
    let any = AnyCertificate::optional(&provider);
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .dangerous()
        .with_custom_certificate_verifier(any)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(key))));
    client.alpn_protocols = vec![ALPN.to_vec()];
    // Without protocols of its own it takes a peer whatever that one says it speaks.
    let server = server_config(&[], true, by_name)?;
    Ok(Identity {
        end_point: key.cert.first().and_then(|leaf| end_point(leaf)),
        acceptor: TlsAcceptor::from(Arc::new(server)),
        connector: TlsConnector::from(Arc::new(client)),
    })
}

/// For those who connect; servers may show a certificate. An empty protocol: none.
fn server_config(
    protocol: &[u8],
    takes_certificate: bool,
    by_name: Arc<ByName>,
) -> Result<ServerConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let any = AnyCertificate::optional(&provider);
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?;
    let builder = if takes_certificate {
        builder.with_client_cert_verifier(any)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_cert_resolver(by_name);
    config.alpn_protocols = [protocol].iter().filter(|one| !one.is_empty()).map(|one| one.to_vec()).collect();
    Ok(config)
}

/// Chain and key of a certificate that fit together.
pub fn pair(
    chain: &str,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    let chain = chain.map_err(|_| "the certificate cannot be read as PEM".to_owned())?;
    if chain.is_empty() {
        return Err("it has no block BEGIN CERTIFICATE".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| "the key cannot be read as PEM".to_owned())?;
    let signing = rustls::crypto::ring::sign::any_supported_type(&key)
        .map_err(|_| "the key is of no known kind".to_owned())?;
    match CertifiedKey::new(chain.clone(), signing).keys_match() {
        Ok(()) => Ok((chain, key)),
        Err(_) => Err("the key is not the certificate's".to_owned()),
    }
}

/// Whether the first certificate of a PEM text has that name.
pub fn is_for(chain: &str, name: &str) -> bool {
    let leaf = CertificateDer::pem_slice_iter(chain.as_bytes()).next().and_then(Result::ok);
    let parsed = leaf.as_ref().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
    let name = ServerName::try_from(name).ok();
    parsed.zip(name).is_some_and(|(parsed, name)| verify_server_name(&parsed, &name).is_ok())
}

/// A certificate's hash by its signature's hash, and by SHA-256 in place of weak ones (RFC 5929 section 4.1).
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = match parsed.signature_algorithm.algorithm.to_id_string().as_str() {
        // md5, sha1 and sha256 with RSA, sha1 and sha256 with ECDSA
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => &digest::SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &digest::SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

/// What a certificate says.
pub fn seen(certificate: &[u8]) -> Option<Seen> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    let end = Timestamp::from_second(parsed.validity().not_after.timestamp());
    Some(Seen {
        subject: parsed.subject().to_string(),
        names: names.take(20).collect(),
        issuer: parsed.issuer().to_string(),
        not_after: end.map(|end| end.to_string()).unwrap_or_default(),
    })
}

/// All certificates of a PEM text.
pub fn all_seen(pem: &str) -> Result<Vec<Seen>, String> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes());
    all.map(|one| {
        one.ok().and_then(|one| seen(&one)).ok_or_else(|| "a block of it is no certificate".to_owned())
    })
    .collect()
}

const BY_ITSELF: &str = "its certificate is signed by nobody but itself";

fn fault(error: &Error, leaf: &[u8]) -> String {
    let about = seen(leaf);
    let of = |what: fn(&Seen) -> &str| about.as_ref().map(what).unwrap_or_default().to_owned();
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            format!("its certificate has expired: it was valid until {}", of(|seen| &seen.not_after))
        }
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "its certificate is not valid yet; compare the clocks".to_owned(),
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            let (subject, issuer) = (of(|seen| &seen.subject), of(|seen| &seen.issuer));
            if subject == issuer {
                return BY_ITSELF.to_owned();
            }
            format!("its certificate is signed by an authority that is not trusted here: {issuer}")
        }
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            let issuer = of(|seen| &seen.issuer);
            format!(
                "its certificate is signed by an authority that is not trusted here, although one of its name is: {issuer}"
            )
        }
        Error::InvalidCertificate(
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
        ) => "its certificate is not for servers".to_owned(),
        // An authority's certificate shown as a server's: tools make those when they are asked for a self-signed one.
        Error::InvalidCertificate(CertificateError::Other(_))
            if of(|seen| &seen.subject) == of(|seen| &seen.issuer) =>
        {
            BY_ITSELF.to_owned()
        }
        Error::InvalidCertificate(CertificateError::Other(OtherError(cause))) => {
            format!("its certificate does not do: {cause}")
        }
        other => format!("its certificate does not do: {other}"),
    }
}
