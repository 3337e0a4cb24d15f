//! The signals of a supervisor, read as events in one place instead of interrupting it anywhere.
//!
//! `SIGTERM` is a request to stop. `SIGHUP` and `SIGINT` are for the terminal's programs and are
//! never looked at. All are blocked rather than handled, so that nothing is lost before the
//! supervisor looks, and the user's program only has to empty its signal mask.

use std::io;
use std::time::Instant;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// A child has ended.
    Child,
    /// Somebody asks the step to stop.
    Stop,
    /// The time is up.
    Deadline,
}

/// The blocked signals.
pub(crate) struct Signals(SignalFd);

/// Has this process asked to stop when the process that has started it, which has this number, is
/// gone. The signals are to be blocked already.
pub(crate) fn stop_without(parent: &str) -> io::Result<()> {
    use rustix::process;
    let stop = process::Signal::TERM;
    process::set_parent_process_death_signal(Some(stop))?;
    let now = process::getppid().map(|now| now.as_raw_nonzero().to_string());
    if now.as_deref() != Some(parent) {
        process::kill_process(process::getpid(), stop)?;
    }
    Ok(())
}

impl Signals {
    /// Blocks the signals from now on.
    pub(crate) fn block() -> io::Result<Self> {
        let mut awaited = SigSet::empty();
        awaited.add(Signal::SIGTERM);
        awaited.add(Signal::SIGCHLD);
        let mut blocked = awaited;
        blocked.add(Signal::SIGHUP);
        blocked.add(Signal::SIGINT);
        blocked.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&awaited, flags)?))
    }

    /// Waits for the next signal, or until the deadline.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> io::Result<Wake> {
        loop {
            if let Some(wake) = self.pending()? {
                return Ok(wake);
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Wake::Deadline);
            }
            // A limit too long for the kernel is no limit.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
            match poll(&mut fds, left.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether a request to stop is waiting; takes it.
    pub(crate) fn stop_asked(&self) -> io::Result<bool> {
        while let Some(wake) = self.pending()? {
            if wake == Wake::Stop {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn pending(&self) -> io::Result<Option<Wake>> {
        let signal = self.0.read_signal()?;
        Ok(signal.map(|signal| {
            if signal.ssi_signo == Signal::SIGTERM as u32 {
                Wake::Stop
            } else {
                Wake::Child
            }
        }))
    }
}
