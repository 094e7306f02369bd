//! What a program with all its processes has used: processor time and memory, from /proc.

use std::fs;
use std::time::Duration;

/// A process and everything that it started.
fn family(pid: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it may hold anything.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all = fs::read_dir("/proc").expect("/proc is there").flatten();
    let all: Vec<u32> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(one) = family.get(at).copied() {
        family.extend(all.iter().filter(|other| parent(**other) == Some(one)));
        at += 1;
    }
    family
}

/// The kernel counts processor time for programs in hundredths of a second (proc(5), `utime`).
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a program since it began, threads that have ended included.
pub fn cpu(pid: u32) -> Duration {
    let of_process = |pid: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
        Some(fields.filter_map(|ticks| ticks.parse::<u32>().ok()).sum())
    };
    TICK * family(pid).into_iter().filter_map(of_process).sum::<u32>()
}

/// Its memory, shared pages by their proportion, in KiB.
pub fn share(pid: u32) -> u64 {
    family(pid).into_iter().map(of_process).sum()
}

/// The same of one process.
pub fn of_process(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
