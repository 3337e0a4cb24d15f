//! The zygote: a loaded interpreter as a process, and the fork of it that becomes a step.
//!
//! It leads a session of its own, in which its forks are until they have a step: so a child that is
//! in it belongs to no step, and no process of a step can get into it. It lives no longer than its
//! supervisor.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::{io, thread, time::Duration};

use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, getpid, kill_process};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::budget;
use super::channel::Channel;
use super::key::{Key, is_of_one_step};
use crate::process::{Stat, children};
use crate::program::tie_to;
use crate::reap::Reaper;
use crate::spec::Spec;

/// The first argument of an interpreter that is to be loaded, with the room for a script's path.
const PLACEHOLDER: &str = "stepwell-zygote";
const PATH_MAX: usize = 4096;
/// How long a step waits for an interpreter that loads what its script imports.
const LOAD_WITHIN: Duration = Duration::from_secs(3);
/// The room for the mark of an attempt among the variables.
const MARK_MAX: usize = 64;

/// A loaded interpreter, or one that is loading.
pub(super) struct Zygote {
    key: Key,
    pid: Pid,
    channel: Channel,
    loaded: bool,
}

/// Why a step is no fork of it.
pub(super) enum Refusal {
    /// It is still loading.
    NotLoaded,
    /// The step does not fit; another may.
    Step(String),
    /// It fits no step any more; another interpreter may be loaded.
    Stale(String),
    /// No interpreter of this key can be loaded.
    Zygote(String),
}

#[derive(Serialize)]
struct Load<'a> {
    supervisor: i32,
    imports: &'a [String],
}

/// What a fork is to be.
#[derive(Serialize)]
pub(super) struct Order<'a> {
    pub(super) argv: &'a [String],
    pub(super) work_dir: &'a str,
    pub(super) log: &'a str,
    /// Where standard error goes, if not into the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) errors: Option<&'a str>,
    /// The scripts beside which no file may hide a loaded module, if not the one that is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) beside: Option<[&'a str; 2]>,
    pub(super) variables: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// The interpreter is loaded, with these of the modules that were asked for.
    Loaded(IgnoredAny),
    /// The fork with this number is ready to begin.
    Pid(i32),
    /// It cannot be done, with the reason.
    Refused(String),
    /// What the interpreter was loaded from is no longer there.
    Changed(String),
}

impl Zygote {
    /// Starts an interpreter and has it load; that takes a while.
    pub(super) fn start(key: &Key) -> io::Result<Self> {
        let (mut channel, other) = Channel::pair()?;
        channel.send(&Load {
            supervisor: getpid().as_raw_nonzero().get(),
            imports: &key.imports,
        })?;
        let room = PATH_MAX - PLACEHOLDER.len();
        let zygote = format!("{}:{}", other.as_raw_fd(), "-".repeat(MARK_MAX));
        let mut command = Command::new(&key.python);
        command
            .arg(format!("{PLACEHOLDER}{}", ".".repeat(room)))
            .envs(&key.variables)
            .env("STEPWELL_ZYGOTE", zygote)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let supervisor = getpid();
        #[expect(unsafe_code, reason = "a child can only be prepared after the fork")]
        // SAFETY: between fork and exec the closure only makes system calls; it allocates nothing.
        unsafe {
            command.pre_exec(move || {
                rustix::process::setsid()?;
                rustix::io::fcntl_setfd(&other, FdFlags::empty())?;
                tie_to(supervisor)
            });
        }
        let child = command.spawn()?;
        Ok(Self {
            key: key.clone(),
            pid: Pid::from_child(&child),
            channel,
            loaded: false,
        })
    }

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// The memory that it and its fork in hand hold, in bytes: a fork brings what it will write to.
    pub(super) fn memory(&self) -> u64 {
        let forks = forks(self.session()).into_iter();
        let all = forks.chain([self.pid]).map(Pid::as_raw_pid);
        all.map(budget::proportional).sum()
    }

    pub(super) fn session(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// A fork that runs the step: the leader of its own session and group, with its streams on the
    /// log. When this fails, nothing of the step has run, and nothing of it will.
    pub(super) fn fork(&mut self, spec: &Spec) -> Result<Pid, Refusal> {
        self.await_loaded()?;
        let variables = spec.variables.iter();
        let own = variables.filter(|(name, _)| is_of_one_step(name));
        let mut variables: BTreeMap<&str, &str> = own
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mark = spec.attempt.to_string();
        variables.insert(crate::MARKER, &mark);
        let order = Order {
            argv: &spec.argv,
            work_dir: spec.work_dir.as_str(),
            log: spec.log.as_str(),
            errors: None,
            beside: None,
            variables,
        };
        fork(&mut self.channel, &order, getpid())
    }

    /// Another end of its channel, for a program that asks it for forks in this process's stead. They
    /// become children of this process.
    pub(super) fn lend(&mut self) -> Result<OwnedFd, Refusal> {
        if !self.is_there() {
            return Err(Refusal::Stale("its interpreter was gone".to_owned()));
        }
        self.await_loaded()?;
        let other = self.channel.another_end();
        other.map_err(|error| Refusal::Step(format!("its interpreter cannot be lent: {error}")))
    }

    /// Whether its process runs.
    pub(super) fn is_there(&self) -> bool {
        let stat = Stat::read(self.session());
        stat.is_some_and(|stat| stat.session == self.session()) && is_child(self.pid, getpid())
    }

    fn await_loaded(&mut self) -> Result<(), Refusal> {
        if !self.loaded {
            self.loaded = self.hear_of_loading()?;
        }
        Ok(())
    }

    fn hear_of_loading(&mut self) -> Result<bool, Refusal> {
        // A script that imports much would do for itself what is nearly done.
        let is_worth_it = !self.key.imports.is_empty();
        let patience = if is_worth_it {
            LOAD_WITHIN
        } else {
            Duration::ZERO
        };
        match self.channel.receive_within(patience) {
            Ok(Some(Answer::Loaded(_))) => Ok(true),
            Ok(None) => Err(Refusal::NotLoaded),
            Ok(Some(Answer::Refused(reason))) => Err(Refusal::Zygote(reason)),
            _ => Err(Refusal::Zygote(
                "its interpreter could not be loaded".to_owned(),
            )),
        }
    }

    /// Ends it and its forks that have no step.
    pub(super) fn end(self) {
        let session = self.session();
        // Nothing is left to fork, then what it has forked comes to this process.
        let _ = kill_process(self.pid, Signal::KILL);
        let _ = Reaper::default().reap(self.pid);
        let patience = 200;
        for _ in 0..patience {
            let left = forks(session);
            if left.is_empty() {
                return;
            }
            for fork in left {
                let _ = kill_process(fork, Signal::KILL);
                let _ = Reaper::default().reap(fork);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Has a loaded interpreter fork a child of the `supervisor`, and releases it.
pub(super) fn fork(
    channel: &mut Channel,
    order: &Order<'_>,
    supervisor: Pid,
) -> Result<Pid, Refusal> {
    let broken =
        |error: io::Error| Refusal::Stale(format!("its interpreter was gone: {}", error.kind()));
    channel.send(order).map_err(broken)?;
    let pid = match channel.receive().map_err(broken)? {
        Answer::Pid(pid) => Pid::from_raw(pid),
        Answer::Refused(reason) => return Err(Refusal::Step(reason)),
        Answer::Changed(reason) => return Err(Refusal::Stale(reason)),
        Answer::Loaded(_) => None,
    };
    let Some(pid) = pid.filter(|&pid| is_child(pid, supervisor)) else {
        return Err(Refusal::Stale(
            "its interpreter answered nonsense".to_owned(),
        ));
    };
    if let Err(error) = channel.release() {
        // It reads the same channel, and will not begin.
        let _ = kill_process(pid, Signal::KILL);
        if supervisor == getpid() {
            let _ = Reaper::default().reap(pid);
        }
        return Err(broken(error));
    }
    Ok(pid)
}

fn forks(session: i32) -> Vec<Pid> {
    let of_session = |pid: &i32| Stat::read(*pid).is_some_and(|stat| stat.session == session);
    children()
        .into_iter()
        .filter(of_session)
        .filter_map(Pid::from_raw)
        .collect()
}

fn is_child(pid: Pid, of: Pid) -> bool {
    let parent = of.as_raw_nonzero().get();
    Stat::read(pid.as_raw_nonzero().get()).is_some_and(|stat| stat.parent == parent && !stat.ended)
}
