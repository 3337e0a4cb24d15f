//! The user's program: how it is started, waited for and stopped.
//!
//! It leads a process group of its own and writes both its streams straight to the log, so that
//! nothing it printed is lost or reordered, whoever dies. It does not outlive its supervisor.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use nix::sys::wait::{Id, WaitPidFlag};
use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use crate::log_times::LogTimes;
use crate::reap::Reaper;
use crate::signals::{Signals, Wake};
use crate::spec::Spec;
use crate::view::{self, Room, View};
use crate::warm::{self, Loan};

/// Why the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// On its own account, as far as the supervisor knows.
    Itself,
    /// It was asked to stop.
    Stopped,
    /// It ran for too long.
    TimedOut,
}

/// Starts the program, in its room if it has one, and with what it is lent; its process group has the
/// number of its process.
pub(crate) fn start(
    spec: &Spec,
    log: File,
    room: Option<&mut Room>,
    loan: Option<&Loan>,
) -> io::Result<Pid> {
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(&spec.variables)
        .env(crate::MARKER, spec.attempt.to_string())
        .current_dir(&spec.work_dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    if let Some(room) = &room {
        for name in View::VARIABLES {
            if !spec.variables.contains_key(name) {
                command.env(name, room.folder());
            }
        }
    }
    if let Some(loan) = loan {
        command.env(warm::WORKERS, loan.text());
    }
    let inherited = loan.map(Loan::descriptors);
    let mut rules = room.and_then(Room::rules);
    let supervisor = rustix::process::getpid();
    #[expect(
        unsafe_code,
        reason = "a child can only be tied to its parent after the fork"
    )]
    // SAFETY: between fork and exec the closure only makes system calls; it allocates nothing, and
    // of the rules it closes a descriptor.
    unsafe {
        command.pre_exec(move || {
            tie_to(supervisor)?;
            inherited.into_iter().flatten().try_for_each(inherit)?;
            rules.take().map_or(Ok(()), view::enter)
        });
    }
    let child = command.spawn()?;
    Ok(Pid::from_child(&child))
}

/// In the new process: keep a descriptor for the program.
fn inherit(descriptor: RawFd) -> io::Result<()> {
    #[expect(unsafe_code, reason = "its owner is the process before the fork")]
    // SAFETY: the loan that owns it lives until the program is started.
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    Ok(rustix::io::fcntl_setfd(descriptor, FdFlags::empty())?)
}

/// In the new process: die with the supervisor, and take signals as a fresh program does.
pub(crate) fn tie_to(supervisor: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before it was listened to. An error would find nobody to take it, and be
    // written to the user's log instead.
    if rustix::process::getppid() != Some(supervisor) {
        rustix::process::kill_process(rustix::process::getpid(), Signal::KILL)?;
    }
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Waits until the main process has ended, and says why. It is left unreaped: as long as it is,
/// the number of its process group cannot come to mean another one.
pub(crate) fn wait(
    main: Pid,
    spec: &Spec,
    signals: &Signals,
    reaper: &mut Reaper,
    times: &mut LogTimes,
) -> io::Result<Cause> {
    let grace = Duration::from_millis(spec.grace_ms);
    let timeout = spec.timeout_s.map(Duration::from_secs);
    let mut cause = Cause::Itself;
    let mut deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    while !has_ended(main)? {
        let look = times.next();
        let until = deadline.map_or(look, |deadline| deadline.min(look));
        let (asked, wake) = match signals.wait(Some(until))? {
            Wake::Child => {
                reap_orphans(main, reaper);
                continue;
            }
            Wake::Deadline if deadline.is_none_or(|deadline| Instant::now() < deadline) => {
                times.look();
                continue;
            }
            Wake::Stop => (Cause::Stopped, Wake::Stop),
            Wake::Deadline => (Cause::TimedOut, Wake::Deadline),
        };
        if has_ended(main)? {
            break;
        }
        if cause == Cause::Itself {
            cause = asked;
            signal_group(main, Signal::TERM);
            deadline = Instant::now().checked_add(grace);
        } else if wake == Wake::Deadline {
            signal_group(main, Signal::KILL);
            deadline = None;
        }
    }
    Ok(cause)
}

/// Signals the whole group. A group without members has nobody to tell.
pub(crate) fn signal_group(main: Pid, signal: Signal) {
    let _ = rustix::process::kill_process_group(main, signal);
}

fn has_ended(main: Pid) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    Ok(rustix::process::waitid(WaitId::Pid(main), options)?.is_some())
}

/// Reaps what the program left to the supervisor while it runs, so that a long step does not fill
/// the process table. Whatever this misses is reaped at the end.
fn reap_orphans(main: Pid, reaper: &mut Reaper) {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    while let Ok(status) = nix::sys::wait::waitid(Id::All, look) {
        let orphan = status.pid().and_then(|pid| Pid::from_raw(pid.as_raw()));
        match orphan {
            Some(orphan) if orphan != main => {
                reaper.reap_if_ended(orphan);
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_program_whose_supervisor_died_at_its_birth_dies_without_a_word() {
        let somebody_else = Pid::INIT;
        let mut command = Command::new("true");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        #[expect(unsafe_code, reason = "what runs after the fork is what is tested")]
        // SAFETY: as in `start`.
        unsafe {
            command.pre_exec(move || tie_to(somebody_else));
        }
        let output = command.output().expect("a child");
        assert_eq!(output.status.signal(), Some(9));
        assert_eq!((output.stdout, output.stderr), (Vec::new(), Vec::new()));
    }
}
