//! How much memory loaded interpreters may take: an eighth of the machine's for all supervisors that
//! a server keeps, and none while little is left.

use std::num::NonZero;
use std::thread::available_parallelism;

/// The part of the machine's memory for all interpreters.
const PART: u64 = 8;
/// No more are loaded while less than this part of the memory is left.
const LEFT: u64 = 5;

/// What one supervisor's may take, in bytes. A server keeps two idle ones for each core, and one
/// more; those that run steps beyond that are not counted.
pub(super) fn share() -> u64 {
    let cores = available_parallelism().map_or(1, NonZero::get) as u64;
    let total = meminfo("MemTotal:").unwrap_or(u64::MAX);
    total / PART / (2 * cores + 1)
}

/// Whether the machine has memory left for another one.
pub(super) fn allows_more() -> bool {
    match (meminfo("MemAvailable:"), meminfo("MemTotal:")) {
        (Some(left), Some(total)) => left > total / LEFT,
        _ => true,
    }
}

/// The proportional share of a process, in bytes: pages that several hold are divided among them.
pub(super) fn proportional(pid: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
    text.ok()
        .and_then(|text| bytes(&text, "Pss:"))
        .unwrap_or_default()
}

fn meminfo(field: &str) -> Option<u64> {
    bytes(&std::fs::read_to_string("/proc/meminfo").ok()?, field)
}

/// The value of a line such as `Pss:   12 kB`.
fn bytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_the_kernels_lists() {
        let text = "Rss:   20 kB\nPss:\t  12 kB\nPss_Dirty: 7 kB\n";
        assert_eq!(bytes(text, "Pss:"), Some(12 * 1024));
        assert_eq!(bytes(text, "Swap:"), None);
        let this = rustix::process::getpid().as_raw_nonzero().get();
        assert!(proportional(this) > 100_000);
        assert!(share() > 0 && share() < meminfo("MemTotal:").unwrap_or_default());
    }
}
