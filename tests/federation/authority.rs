//! An authority of the site's own, and certificates from it, good and bad.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, PEM.
pub struct Leaf {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

impl Leaf {
    /// The certificate as it is shown.
    pub fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.cert.as_bytes()).expect("PEM").to_vec()
    }
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "Site authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for servers until that year's first day.
    pub fn leaf(&self, name: &str, until: i32) -> Leaf {
        self.leaf_of(&[name], until)
    }

    /// The same for several names.
    pub fn leaf_of(&self, names: &[&str], until: i32) -> Leaf {
        self.leaf_but(names, |params| params.not_after = date_time_ymd(until, 1, 1))
    }

    /// The same with something else about it than is usual; it is good until 2090.
    pub fn leaf_but(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let owned = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(owned).expect("DNS names");
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2090, 1, 1));
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        Leaf { cert: params.signed_by(&key, &self.0).expect("a certificate").pem(), key: key.serialize_pem() }
    }
}
