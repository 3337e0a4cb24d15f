//! The end of everything a program has started.
//!
//! The supervisor is the subreaper of its descendants: whatever loses its parent becomes its own
//! child, however often it forked or changed its session. So killing all children until there are
//! none ends them all.

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
    while any_child_left()? {
        for child in children() {
            let _ = rustix::process::kill_process(child, Signal::KILL);
        }
        if signals.wait(Some(deadline))? == Wake::Deadline {
            return Ok(status);
        }
    }
    Ok(status)
}

/// Reaps the children that have ended, and says whether others live.
fn any_child_left() -> io::Result<bool> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return Ok(true),
            Err(rustix::io::Errno::CHILD) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A child cannot be mistaken for another process: until it is reaped, it keeps its number.
fn children() -> Vec<Pid> {
    let this = rustix::process::getpid().as_raw_nonzero().get();
    process::all()
        .into_iter()
        .filter(|&pid| Stat::read(pid).is_some_and(|stat| stat.parent == this))
        .filter_map(Pid::from_raw)
        .collect()
}
