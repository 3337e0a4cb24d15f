//! The reaping of children, and what they used.
//!
//! A supervisor has many steps, one after the other, so the kernel's sum over all its children
//! would mix them: each child is counted as it is reaped. What a child reports includes what the
//! children it has reaped itself have used.
//!
//! It does not choose whom to reap: the main process stays unreaped until its caller says so.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::libc;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use rustix::process::Pid;
use stepwell_model::Usage;

use crate::process::Stat;
use crate::warm::Lent;

/// Reaps the children of one step.
#[derive(Debug, Default)]
pub(crate) struct Reaper {
    /// The sessions of children that are not the step's, and not counted.
    others: Vec<i32>,
    /// Who gets each end, if the step's program is lent an interpreter.
    lent: Option<Lent>,
    /// In kilobytes, as the kernel counts it.
    peak_memory_kb: i64,
    user_us: i64,
    system_us: i64,
}

/// What a look for ended children has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// There is no child at all.
    Nobody,
    /// There are children, and they run.
    Somebody,
}

impl Reaper {
    /// One that does not count the children of sessions that are no step's.
    pub(crate) fn beside(others: Vec<i32>) -> Self {
        Self {
            others,
            ..Self::default()
        }
    }

    /// The same, that also tells whoever was lent an interpreter.
    pub(crate) fn reporting_to(self, lent: Option<Lent>) -> Self {
        Self { lent, ..self }
    }

    /// Why nothing has become of what was lent, after all.
    pub(crate) fn reason_of_cold(&mut self) -> Option<String> {
        self.lent.as_mut()?.reason()
    }

    /// Whether a child, ended or not, is not the step's.
    pub(crate) fn is_other(&self, child: i32) -> bool {
        !self.others.is_empty()
            && Stat::read(child).is_some_and(|stat| self.others.contains(&stat.session))
    }

    /// Waits for a child's end, and reaps it.
    pub(crate) fn reap(&mut self, child: Pid) -> io::Result<ExitStatus> {
        loop {
            match self.wait(child.as_raw_nonzero().get(), 0) {
                Ok(Some((_, status))) => return Ok(status),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reaps a child if it has ended; one that is no child of this process is left alone.
    pub(crate) fn reap_if_ended(&mut self, child: Pid) {
        let _ = self.wait(child.as_raw_nonzero().get(), libc::WNOHANG);
    }

    /// Reaps every child that has ended.
    pub(crate) fn reap_all_ended(&mut self) -> io::Result<Left> {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        loop {
            match waitid(Id::All, look) {
                Ok(ended) => match ended.pid().and_then(|pid| Pid::from_raw(pid.as_raw())) {
                    Some(ended) => self.reap_if_ended(ended),
                    None => return Ok(Left::Somebody),
                },
                Err(Errno::ECHILD) => return Ok(Left::Nobody),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether a child has ended and is not reaped.
    pub(crate) fn has_ended_child(&self) -> io::Result<bool> {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        match waitid(Id::All, look) {
            Ok(ended) => Ok(ended.pid().is_some()),
            Err(Errno::ECHILD) => Ok(false),
            Err(Errno::EINTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds what the reaped children have used.
    pub(crate) fn count(&self, usage: &mut Usage) {
        let positive = |number: i64| u64::try_from(number).unwrap_or_default();
        usage.peak_memory_bytes = positive(self.peak_memory_kb) * 1024;
        usage.user_ms = positive(self.user_us / 1_000);
        usage.system_ms = positive(self.system_us / 1_000);
    }

    #[expect(
        unsafe_code,
        reason = "no safe form of a wait tells what the child has used"
    )]
    fn wait(&mut self, pid: i32, options: i32) -> io::Result<Option<(i32, ExitStatus)>> {
        let is_other = self.is_other(pid);
        let mut status = 0;
        // SAFETY: the structure is plain numbers, for which zeros are good values.
        let mut used: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: both pointers are to live places of the right type.
        let reaped = unsafe { libc::wait4(pid, &raw mut status, options, &raw mut used) };
        match reaped {
            -1 => Err(io::Error::last_os_error()),
            0 => Ok(None),
            pid => {
                let status = ExitStatus::from_raw(status);
                if !is_other {
                    self.add(&used);
                    if let Some(lent) = &mut self.lent {
                        lent.report(pid, status);
                    }
                }
                Ok(Some((pid, status)))
            }
        }
    }

    fn add(&mut self, used: &libc::rusage) {
        let micros = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
        self.peak_memory_kb = self.peak_memory_kb.max(used.ru_maxrss);
        self.user_us += micros(used.ru_utime);
        self.system_us += micros(used.ru_stime);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    #[expect(clippy::zombie_processes, reason = "the reaper waits for it")]
    fn a_child_is_counted_once_and_by_itself() {
        let child = Command::new("sh")
            .args([
                "-c",
                "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 3",
            ])
            .spawn()
            .expect("a shell");
        let mut reaper = Reaper::default();
        let status = reaper.reap(Pid::from_child(&child)).expect("its end");
        assert_eq!(status.code(), Some(3));
        let mut usage = Usage::default();
        reaper.count(&mut usage);
        assert!(usage.peak_memory_bytes > 100_000, "{usage:?}");
        assert!(usage.user_ms + usage.system_ms > 0, "{usage:?}");
        assert!(reaper.reap(Pid::from_child(&child)).is_err());

        let mut next = Usage::default();
        Reaper::default().count(&mut next);
        assert_eq!(next, Usage::default());
    }
}
