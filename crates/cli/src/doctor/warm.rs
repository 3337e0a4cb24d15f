//! The interpreters that supervisors keep loaded for steps to come (`docs/warm.md`).

use std::fs;

use camino::Utf8Path;

use super::Finding;
use crate::render::size;

/// The first argument of such an interpreter, as `zygote.py` shows it.
const TITLE: &[u8] = b"stepwell-zygote";

/// How many there are, with their forks that have no step, and what they hold.
pub(super) fn loaded(folder: &Utf8Path) -> Finding {
    let switch = std::env::var("STEPWELL_WARM").is_ok_and(|switch| switch == "off");
    let sizes: Vec<u64> = processes().filter_map(|pid| size_of(pid, folder)).collect();
    let what = match sizes.len() {
        0 if switch => "off, by `STEPWELL_WARM`".to_owned(),
        0 => "no interpreter is loaded; one is after the first step of a script".to_owned(),
        count => {
            let held = size::bytes(sizes.iter().sum());
            format!("loaded interpreters and their forks in hand: {count} processes, {held} in all")
        }
    };
    Finding::fine("warm starts", what)
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The proportional share of the memory, if the process is one of the folder's.
fn size_of(pid: u32, folder: &Utf8Path) -> Option<u64> {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).ok();
    let line = read("cmdline")?;
    if line.split(|byte| *byte == 0).nth(1) != Some(TITLE) {
        return None;
    }
    // It is started with the folder's own `sitecustomize` first on its path.
    let variables = read("environ")?;
    let start = format!("PYTHONPATH={}", folder.join("sdk/start"));
    let is_ours = |variable: &[u8]| variable.starts_with(start.as_bytes());
    if !variables.split(|byte| *byte == 0).any(is_ours) {
        return None;
    }
    let rollup = String::from_utf8(read("smaps_rollup")?).ok()?;
    let share = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = share.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}
