//! The certificate the appliance makes for itself at first start, so that it is never reachable without
//! encryption. Leaves out storing it and certificates from elsewhere.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};

use super::tls::CertificateError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const TEN_YEARS: Duration = Duration::from_secs(3653 * 24 * 60 * 60);

/// Makes a self-signed certificate (ECDSA P-256, ten years) for this host's name, the loopback names and
/// `names` (host names or IP addresses). Returns certificate and private key, both PEM.
pub fn self_signed(names: &[String]) -> Result<(String, String), CertificateError> {
    let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let params = parameters(&hostname, names).map_err(not_made)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(not_made)?;
    let certificate = params.self_signed(&key).map_err(not_made)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn parameters(hostname: &str, names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(all_names(hostname, names))?;
    params.distinguished_name.push(DnType::CommonName, hostname);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A day back, so that a browser whose clock is behind ours accepts it.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(DAY);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + now + TEN_YEARS;
    Ok(params)
}

fn all_names(hostname: &str, names: &[String]) -> Vec<String> {
    let own = [hostname, "localhost", "127.0.0.1", "::1"].map(String::from);
    let mut all: Vec<String> = Vec::new();
    for name in own.into_iter().chain(names.iter().cloned()) {
        if !name.is_empty() && !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn not_made(cause: rcgen::Error) -> CertificateError {
    CertificateError::NotMade(cause.to_string())
}
