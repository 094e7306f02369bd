//! What a child weighs: memory that is its own and not shared with files, as the kernel counts it for anybody.

use std::fs;

use crate::Outcome;

/// Its anonymous memory in KiB.
pub fn private_kib(pid: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("the kernel counts no RssAnon")?;
    Ok(kib.parse()?)
}
