//! What can be said of a certificate with its private key before it is used: what it is, and when it ends.
//! Left out: whether key and certificate belong together, and whether Entra ID knows it.

use jackfield_sdk::form::Rule;
use jackfield_sdk::jiff::Timestamp;
use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::jiff::tz::TimeZone;
use x509_parser::pem::Pem;

/// Most characters.
pub const LONGEST: usize = 32 * 1024;

/// The text as a whole; several lines.
pub static TEXT: Rule = Rule {
    says: "printable ASCII in lines",
    holds: |text| text.bytes().all(|b| b.is_ascii_graphic() || b" \r\n".contains(&b)),
    caseless: false,
};

/// What it must be.
pub const SAYS: &str = "certificate must be PEM with the certificate and its unencrypted private key, or base64 of \
                        a PKCS #12 file";

/// Shortest text that can hold a certificate and a key.
const SHORTEST: usize = 200;

/// The last day of a certificate in PEM; `Ok(None)`: it is PKCS #12, which keeps it to itself. The error says
/// what is wrong, and repeats nothing.
pub fn last_day(text: &str) -> Result<Option<Date>, &'static str> {
    if !text.contains("-----BEGIN ") {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"+/=\r\n".contains(&b);
        let is_base64 = text.len() >= SHORTEST && text.bytes().all(fits);
        return if is_base64 { Ok(None) } else { Err("it is neither") };
    }
    let parts: Vec<Pem> = Pem::iter_from_buffer(text.as_bytes()).filter_map(Result::ok).collect();
    let has_key = parts.iter().any(|part| matches!(part.label.as_str(), "PRIVATE KEY" | "RSA PRIVATE KEY"));
    let certificate =
        parts.iter().find(|part| part.label == "CERTIFICATE").ok_or("there is no certificate")?;
    let certificate = certificate.parse_x509().map_err(|_| "the certificate cannot be read")?;
    if !has_key {
        return Err("there is no unencrypted private key");
    }
    let end = Timestamp::from_second(certificate.validity().not_after.timestamp());
    let end = end.map_err(|_| "the certificate's end cannot be read")?;
    Ok(Some(end.to_zoned(TimeZone::UTC).date()))
}
