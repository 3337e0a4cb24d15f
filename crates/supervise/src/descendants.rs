//! The end of everything a program has started.
//!
//! The supervisor is the subreaper of its descendants: whatever loses its parent becomes its own
//! child, however often it forked or changed its session. So killing all children until there are
//! none ends them all.
//!
//! One descendant is not the step's: a server that the step's program has started because it found
//! none. It serves the whole folder, and what it starts has supervisors of its own.

use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use crate::process::{self, Stat};
use crate::program::signal_group;
use crate::signals::{Signals, Wake};

/// How long killed processes may take to vanish: only one stuck in the kernel needs any time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kills whatever is left of the group of the ended main process and all other descendants, and
/// reaps them; the status is the main one's.
pub(crate) fn end_all(main: Pid, signals: &Signals) -> io::Result<WaitStatus> {
    // Still pinned by the unreaped main process, the number names no other group.
    signal_group(main, Signal::KILL);
    let Some((_, status)) = rustix::process::waitpid(Some(main), WaitOptions::empty())? else {
        return Err(io::Error::other("the program's end could not be read"));
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        reap_ended()?;
        let left = children();
        if left.is_empty() {
            return Ok(status);
        }
        for child in left {
            let _ = rustix::process::kill_process(child, Signal::KILL);
        }
        if signals.wait(Some(deadline))? == Wake::Deadline {
            return Ok(status);
        }
    }
}

/// Reaps the children that have ended.
fn reap_ended() -> io::Result<()> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The children that are the step's. A child cannot be mistaken for another process: until it is reaped, it keeps its number.
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
