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
