//! The end of everything a program has started.
//!
//! The supervisor is the subreaper of its descendants: whatever loses its parent becomes its own
//! child, however often it forked or changed its session. So killing all children until there are
//! none ends them all.
//!
//! Two descendants are not the step's. A server that the step's program has started because it found
//! none serves the whole folder, and what it starts has supervisors of its own. The keeper of a Spark
//! that later steps use as well ends by itself, and stops what its step has running there.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::process;
use crate::program::signal_group;
use crate::reap::{Left, Reaper};
use crate::signals::{Signals, Wake};

/// The module that keeps a Spark between steps.
const KEEPER: &[u8] = b"stepwell._spark._warm._keeper";

/// How long killed processes may take to vanish: only one stuck in the kernel needs any time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kills whatever is left of the group of the ended main process and all other descendants, and
/// reaps them; the status is the main one's. Also whether this process has any child left.
pub(crate) fn end_all(
    main: Pid,
    signals: &Signals,
    reaper: &mut Reaper,
) -> io::Result<(ExitStatus, Left)> {
    // Still pinned by the unreaped main process, the number names no other group.
    signal_group(main, Signal::KILL);
    let status = reaper.reap(main)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if reaper.reap_all_ended()? == Left::Nobody {
            return Ok((status, Left::Nobody));
        }
        let left = children(reaper);
        let (others, left): (Vec<i32>, Vec<i32>) =
            left.into_iter().partition(|&pid| is_for_others(pid));
        if left.is_empty() {
            // One that ended during the look may have hidden another, and is reaped now.
            if reaper.has_ended_child()? {
                continue;
            }
            let kept = if others.is_empty() {
                Left::Nobody
            } else {
                Left::Somebody
            };
            return Ok((status, kept));
        }
        for child in left.into_iter().filter_map(Pid::from_raw) {
            let _ = rustix::process::kill_process(child, Signal::KILL);
        }
        if signals.wait(Some(deadline))? == Wake::Deadline {
            return Ok((status, Left::Somebody));
        }
    }
}

/// The children but those that are kept for steps to come. A child cannot be mistaken for another
/// process: until it is reaped, it keeps its number.
fn children(reaper: &Reaper) -> Vec<i32> {
    let mut children = process::children();
    children.retain(|&child| !reaper.is_other(child));
    children
}

/// Whether the process is an embedded server, as `stepwell connect` starts it, or a keeper, as
/// `stepwell/_spark/_warm/_lease.py` does.
fn is_for_others(pid: i32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).skip(1);
    matches!(
        (words.next(), words.next()),
        (Some(b"serve"), Some(b"--detached")) | (Some(b"-m"), Some(KEEPER))
    )
}
