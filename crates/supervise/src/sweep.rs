//! The end of what a dead supervisor has left behind.
//!
//! The main process dies with its supervisor; what it started may live on. Such a process is
//! known by the attempt's marker among its variables, or by its process group, if that group is
//! proven to be the attempt's: a group keeps its number as long as it has members.
//!
//! A process that has both left the group and dropped its variables is not found.

use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use stepwell_model::{AttemptId, in_words};

use crate::folder::{Attempt, Liveness, Started, State};
use crate::process::{self, Stat};

const PATIENCE: Duration = Duration::from_secs(5);

/// Kills every process of the attempt that can be found and waits, within reason, until they are
/// gone; returns how many there were. It blocks: not for an async thread.
pub fn sweep(attempt: AttemptId, started: Option<&Started>) -> usize {
    let marker = format!("{}={attempt}", crate::MARKER);
    let deadline = Instant::now() + PATIENCE;
    let mut killed = 0;
    loop {
        let found = find(&marker, started);
        if found.is_empty() {
            return killed;
        }
        killed += found.len();
        for pidfd in &found {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
        // What they started between the look and the kill is found by the next look.
        if !await_end(&found, deadline) {
            return killed;
        }
    }
}

/// Kills what is left of the attempt in a folder, whose supervisor was killed, for whoever has started
/// that one.
pub(crate) fn main(folder: &str) -> ExitCode {
    let attempt = Attempt::open(folder);
    let state = attempt.state(|_| Liveness::Gone);
    match (attempt.spec(), state) {
        (Ok(spec), Ok(State::Dead { started })) => {
            let killed = sweep(spec.attempt, started.as_ref());
            if killed > 0 {
                attempt.note(&format!("processes killed that it had left: {killed}"));
            }
            ExitCode::SUCCESS
        }
        // It has ended well, or never began.
        (Ok(_), Ok(_)) => ExitCode::SUCCESS,
        (Err(error), _) | (_, Err(error)) => {
            attempt.note(&in_words(&error));
            ExitCode::FAILURE
        }
    }
}

struct Candidate {
    pidfd: OwnedFd,
    stat: Stat,
    pid: i32,
    marked: bool,
}

/// The descriptors are opened before the processes are looked at, so that what is signalled is
/// what was looked at.
fn find(marker: &str, started: Option<&Started>) -> Vec<OwnedFd> {
    let candidates: Vec<Candidate> = process::all()
        .into_iter()
        .filter_map(|pid| Candidate::look(pid, marker))
        .collect();
    let group = started
        .filter(|started| started.child.is_of_this_boot())
        .filter(|started| candidates.iter().any(|member| member.proves(started)))
        .map(|started| started.child.pid);
    candidates
        .into_iter()
        .filter(|candidate| candidate.marked || Some(candidate.stat.group) == group)
        .map(|candidate| candidate.pidfd)
        .collect()
}

impl Candidate {
    fn look(pid: i32, marker: &str) -> Option<Self> {
        let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        let stat = Stat::read(pid).filter(|stat| !stat.ended)?;
        let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let marked = variables
            .split(|&byte| byte == 0)
            .any(|variable| variable == marker.as_bytes());
        Some(Self {
            pidfd,
            stat,
            pid,
            marked,
        })
    }

    fn proves(&self, started: &Started) -> bool {
        let leads =
            self.pid == started.child.pid && self.stat.start_ticks == started.child.start_ticks;
        self.stat.group == started.child.pid && (leads || self.marked)
    }
}

/// Whether all of them ended before the deadline.
fn await_end(processes: &[OwnedFd], deadline: Instant) -> bool {
    processes.iter().all(|process| {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).ok();
            let mut fds = [PollFd::new(process, PollFlags::IN)];
            match poll(&mut fds, left.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(ready) => return ready > 0,
                Err(_) => return false,
            }
        }
    })
}
