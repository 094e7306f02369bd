//! The code of an invitation, as one administrator sends it to another: where the inviting appliance is, what it must
//! prove, and the secret that proves the invited one. One line of letters, digits, `-` and `_`.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How a code begins; the number is that of its form.
const BEGIN: &str = "jackfield1-";
/// Characters of the sum at its end.
const SUM: usize = 8;
/// Longest code.
pub const LONGEST: usize = 2048;

/// What a code holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Id of the invitation.
    #[serde(rename = "i")]
    pub invitation: String,
    /// Name of the inviting appliance, as in its certificate.
    #[serde(rename = "h")]
    pub hostname: String,
    /// Where it is reached, HOST:PORT.
    #[serde(rename = "a")]
    pub address: String,
    /// SHA-256 of its certificate, 64 hexadecimal digits.
    #[serde(rename = "f")]
    pub fingerprint: String,
    /// The secret.
    #[serde(rename = "s")]
    pub secret: String,
}

impl std::fmt::Debug for Code {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({} of {})", self.invitation, self.hostname)
    }
}

impl Code {
    /// As text.
    pub fn written(&self) -> String {
        let inside = serde_json::to_vec(self).unwrap_or_default();
        let body = BASE64URL_NOPAD.encode(&inside);
        format!("{BEGIN}{body}-{}", sum(&body))
    }

    /// Reads one, also with the spaces and line ends that mail puts in; the error ends the sentence "the code ...".
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let rest = plain
            .strip_prefix(BEGIN)
            .ok_or("does not begin with jackfield1-, as those of this version do")?;
        let cut = rest.len().checked_sub(SUM + 1).filter(|cut| rest.is_char_boundary(*cut));
        let (body, end) = rest.split_at(cut.ok_or("is too short; copy it whole")?);
        if end.strip_prefix('-') != Some(sum(body).as_str()) {
            return Err("was not copied whole, or a character of it is another one: its sum is wrong");
        }
        let inside = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| "cannot be read")?;
        serde_json::from_slice(&inside).map_err(|_| "is one of another version of the product")
    }
}

/// What is kept of a secret: it is random enough that a plain hash cannot be undone.
pub fn hash(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret))
}

fn sum(body: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(body))[..SUM].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Code {
        Code {
            invitation: "inv-1".into(),
            hostname: "uc.lyon.example".into(),
            address: "uc.lyon.example:8444".into(),
            fingerprint: "ab".repeat(32),
            secret: "hush".into(),
        }
    }

    #[test]
    fn a_code_is_read_however_mail_broke_it() {
        let text = code().written();
        assert_eq!(Code::read(&text), Ok(code()));
        let broken = format!(" {}\r\n {} ", &text[..40], &text[40..]);
        assert_eq!(Code::read(&broken), Ok(code()));
        assert!(!format!("{:?}", code()).contains("hush"));
    }

    #[test]
    fn what_is_wrong_with_a_code_is_said() {
        let text = code().written();
        let mut other = text.clone().into_bytes();
        other[20] = if other[20] == b'a' { b'b' } else { b'a' };
        for (code, words) in [
            ("", "does not begin"),
            ("abcd-efgh", "does not begin"),
            ("jackfield1-", "too short"),
            (&text[..text.len() - 1], "not copied whole"),
            (std::str::from_utf8(&other).unwrap(), "its sum is wrong"),
            ("jackfield1-\u{1F600}\u{1F600}\u{1F600}", "too short"),
        ] {
            let error = Code::read(code).unwrap_err();
            assert!(error.contains(words), "{code}: {error}");
        }
    }
}
