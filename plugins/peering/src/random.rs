//! Random text for codes and names.

use data_encoding::BASE32_NOPAD;
use jackfield_sdk::{Code, Failure};

/// 160 bits from the kernel as 32 small letters and digits.
pub fn text() -> Result<String, Failure> {
    let mut bytes = [0; 20];
    let unable = |e| Failure::new(Code::Internal, format!("the kernel gives no random numbers: {e}"));
    getrandom::fill(&mut bytes).map_err(unable)?;
    Ok(BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}

/// A number from 0 to 1, to spread what many would do at once; 0 where the kernel gives none.
pub fn fraction() -> f64 {
    let mut byte = [0];
    let given = getrandom::fill(&mut byte);
    given.map_or(0.0, |()| f64::from(byte[0]) / 255.0)
}
