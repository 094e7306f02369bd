//! TLS between sister appliances: 1.3, both show a certificate, and no handshake fails for one. What TLS proves is that a
//! side has its certificate's key; whose key that is, is judged afterwards by what is trusted of a peer.

use std::sync::Arc;

use jackfield_sdk::tls::AnyCertificate;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, Error, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What both sides say that they speak; nothing else is answered on the port.
const ALPN: &[u8] = b"jackfield-peering";

/// The appliance's certificate, ready for sockets.
#[derive(Clone)]
pub struct Tls {
    /// For connections that come.
    pub acceptor: TlsAcceptor,
    /// For connections that go.
    pub connector: TlsConnector,
}

impl Tls {
    /// From PEM texts; the error is the end of a sentence.
    pub fn new(certificate: &str, key: &str) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| "its certificate cannot be read as PEM".to_owned())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| "its key cannot be read as PEM".to_owned())?;
        let any = AnyCertificate::required(&provider);
        let broken = |e: Error| format!("its certificate cannot be used: {e}");
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .map_err(broken)?
            .with_client_cert_verifier(Arc::clone(&any) as _)
            .with_single_cert(vec![chain.clone()], key.clone_key())
            .map_err(broken)?;
        server.alpn_protocols = vec![ALPN.to_vec()];
        // Each connection shows its certificate anew; nothing is remembered of an earlier one.
        server.send_tls13_tickets = 0;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(broken)?
            .dangerous()
            .with_custom_certificate_verifier(any)
            .with_client_auth_cert(vec![chain], key)
            .map_err(broken)?;
        client.alpn_protocols = vec![ALPN.to_vec()];
        client.resumption = rustls::client::Resumption::disabled();
        let (acceptor, connector) =
            (TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client)));
        Ok(Self { acceptor, connector })
    }
}
