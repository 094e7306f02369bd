//! TLS to a directory: the system's authorities and those that were uploaded are trusted, and the certificate must have
//! the name that was configured. Nothing is sent to a server that fails in this; what it showed is kept to be told.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_sdk::jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
};
use serde::Serialize;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::line::Line;

/// Authorities that the system trusts.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Most names of a certificate that are shown.
const MOST_NAMES: usize = 20;

/// What is shown of a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Whose it is.
    pub subject: String,
    /// DNS names and addresses that it is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// Last moment of its validity, RFC 3339.
    pub not_after: String,
}

/// How a handshake went.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The server's certificate, also where it was refused.
    pub certificate: Option<Shown>,
    /// Version and cipher, once they are agreed on.
    pub agreed: String,
}

/// Begins TLS; the error is the end of a sentence.
pub fn begin<'s>(
    line: Line<'s>,
    host: &str,
    authorities: Option<&str>,
    seen: &mut Seen,
) -> Result<StreamOwned<ClientConnection, Line<'s>>, String> {
    let verifier = Arc::new(Recorder::new(authorities)?);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "its host is no name for TLS".to_owned())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS cannot be set up: {e}"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), name);
    let mut stream = StreamOwned::new(connection.map_err(|e| format!("TLS cannot be set up: {e}"))?, line);
    let mut shaken = Ok(());
    while shaken.is_ok() && stream.conn.is_handshaking() {
        shaken = stream.conn.complete_io(&mut stream.sock).map(drop);
    }
    let leaf = verifier.leaf.lock().unwrap_or_else(PoisonError::into_inner).take();
    seen.certificate = leaf.as_deref().and_then(shown);
    shaken.map_err(|error| fault(&error, host, seen.certificate.as_ref()))?;
    let (version, suite) = (stream.conn.protocol_version(), stream.conn.negotiated_cipher_suite());
    let named = |value: Option<&str>| value.unwrap_or("?").replace('_', " ");
    let suite = suite.and_then(|suite| suite.suite().as_str());
    seen.agreed = format!("{}, {}", named(version.and_then(|v| v.as_str())), suite.unwrap_or("?"));
    Ok(stream)
}

/// Judges as rustls does, and keeps what it saw.
#[derive(Debug)]
struct Recorder {
    judge: Arc<WebPkiServerVerifier>,
    leaf: Mutex<Option<Vec<u8>>>,
}

impl Recorder {
    fn new(authorities: Option<&str>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        // Without the system's list only the uploaded authorities are trusted.
        let system = std::fs::read(SYSTEM).unwrap_or_default();
        let uploaded = authorities.unwrap_or_default().as_bytes();
        let all = CertificateDer::pem_slice_iter(&system).chain(CertificateDer::pem_slice_iter(uploaded));
        roots.add_parsable_certificates(all.flatten());
        if roots.is_empty() {
            return Err(format!("no authority is trusted: {SYSTEM} has none, and none was uploaded"));
        }
        let provider = Arc::new(ring::default_provider());
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let judge = judge.map_err(|e| format!("the trusted certificates cannot be used: {e}"))?;
        Ok(Self { judge, leaf: Mutex::default() })
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.leaf.lock().unwrap_or_else(PoisonError::into_inner) = Some(leaf.to_vec());
        self.judge.verify_server_cert(leaf, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

fn shown(leaf: &[u8]) -> Option<Shown> {
    let (_, parsed) = X509Certificate::from_der(leaf).ok()?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => address(octets),
        _ => None,
    });
    let end = Timestamp::from_second(parsed.validity().not_after.timestamp());
    Some(Shown {
        subject: parsed.subject().to_string(),
        names: names.take(MOST_NAMES).collect(),
        issuer: parsed.issuer().to_string(),
        not_after: end.map(|end| end.to_string()).unwrap_or_default(),
    })
}

fn address(octets: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(octets).ok().map(std::net::IpAddr::from);
    let sixteen = || <[u8; 16]>::try_from(octets).ok().map(std::net::IpAddr::from);
    four.or_else(sixteen).map(|address| address.to_string())
}

fn fault(error: &io::Error, host: &str, seen: Option<&Shown>) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    let Some(Error::InvalidCertificate(cause)) = cause else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ended the connection while TLS began".to_owned(),
            io::ErrorKind::TimedOut => "it did not answer in time while TLS began".to_owned(),
            _ => format!("TLS cannot begin: {error}"),
        };
    };
    let of = |what: fn(&Shown) -> String| seen.map(what).unwrap_or_default();
    match cause {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let has = of(|seen| seen.names.join(", "));
            let has = if has.is_empty() { "no name at all (subjectAltName)".to_owned() } else { has };
            format!("its certificate has the wrong name: it is for {has}, and {host} is expected")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("its certificate has expired: it was valid until {}", of(|seen| seen.not_after.clone()))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; compare the clocks".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "its certificate is signed by an authority that is not trusted here: {}",
            of(|seen| seen.issuer.clone())
        ),
        other => format!("its certificate does not do: {other:?}"),
    }
}

/// A connection, in clear or not.
pub enum Stream<'s> {
    /// In clear.
    Clear(Line<'s>),
    /// Through TLS.
    Tls(Box<StreamOwned<ClientConnection, Line<'s>>>),
}

impl<'s> Stream<'s> {
    /// The socket.
    pub fn line(&mut self) -> &mut Line<'s> {
        match self {
            Self::Clear(line) => line,
            Self::Tls(stream) => &mut stream.sock,
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(line) => line.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(line) => line.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(line) => line.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
