//! The end of everything a program has started.
//!
//! The supervisor is the subreaper of its descendants: whatever loses its parent becomes its own
//! child, however often it forked or changed its session. So killing all children until there are
//! none ends them all.
//!
//! One descendant is not the step's: a server that the step's program has started because it found
//! none. It serves the whole folder, and what it starts has supervisors of its own.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::process::{self, Stat};
use crate::program::signal_group;
use crate::reap::{Left, Reaper};
use crate::signals::{Signals, Wake};

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
        // The usual case, and the only one that needs no look at every process of the machine.
        if reaper.reap_all_ended()? == Left::Nobody {
            return Ok((status, Left::Nobody));
        }
        let left = children();
        if left.is_empty() {
            return Ok((status, Left::Somebody));
        }
        for child in left {
            let _ = rustix::process::kill_process(child, Signal::KILL);
        }
        if signals.wait(Some(deadline))? == Wake::Deadline {
            return Ok((status, Left::Somebody));
        }
    }
}

/// The children that are the step's. A child cannot be mistaken for another process: until it is
/// reaped, it keeps its number.
fn children() -> Vec<Pid> {
    let this = rustix::process::getpid().as_raw_nonzero().get();
    process::all()
        .into_iter()
        .filter(|&pid| Stat::read(pid).is_some_and(|stat| stat.parent == this))
        .filter(|&pid| !is_server(pid))
        .filter_map(Pid::from_raw)
        .collect()
}

/// Whether the process is an embedded server, as `stepwell connect` starts it.
fn is_server(pid: i32) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).skip(1);
    words.next() == Some(b"serve") && words.next() == Some(b"--detached")
}
