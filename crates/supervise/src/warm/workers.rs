//! The workers of a parallel step as forks of a loaded interpreter, which their driver asks for.
//!
//! A supervisor lends the driver that it starts an end of the interpreter's channel. The forks become the
//! supervisor's children, not the driver's, so it tells the driver how each has ended, over a second
//! pair of sockets; the other way comes why no worker could start warm. When the driver is gone the
//! supervisor ends what is left, as of every step.
//!
//! Invariant: neither descriptor reaches a worker, so no program of a user's can ask for a fork.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::io::FdFlags;
use rustix::process::Pid;

use super::channel::Channel;
use super::key::is_of_one_step;
use super::zygote::{Order, Refusal, fork};

/// The variable by which a driver knows what it is lent: two descriptors and the workers' program.
pub(crate) const VARIABLE: &str = "STEPWELL_WARM_WORKERS";

/// The length of what tells of one end: the number of a process and its wait status.
const END_BYTES: usize = 8;

/// Why no worker starts warm is no longer.
const REASON_MAX: usize = 1 << 10;

/// What a driver inherits.
pub(crate) struct Loan {
    channel: OwnedFd,
    ends: OwnedFd,
    program: String,
}

impl Loan {
    /// A loan of this end of an interpreter's channel, and what the supervisor keeps of it.
    pub(super) fn of(channel: OwnedFd, program: String) -> io::Result<(Self, Lent)> {
        let (own, theirs) = UnixStream::pair()?;
        // A driver that hangs must not keep its supervisor from its work.
        own.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        let loan = Self {
            channel,
            ends: theirs.into(),
            program,
        };
        Ok((loan, Lent(own)))
    }

    /// The value of the variable.
    pub(crate) fn text(&self) -> String {
        let [channel, ends] = self.descriptors();
        format!("{channel}:{ends}:{}", self.program)
    }

    pub(crate) fn descriptors(&self) -> [RawFd; 2] {
        [self.channel.as_raw_fd(), self.ends.as_raw_fd()]
    }
}

/// What a supervisor keeps of a loan.
#[derive(Debug)]
pub(crate) struct Lent(UnixStream);

impl Lent {
    /// Tells the driver that a child has ended. It knows which are its workers.
    pub(crate) fn report(&mut self, child: i32, status: ExitStatus) {
        let end = [child.to_ne_bytes(), status.into_raw().to_ne_bytes()].concat();
        // It may be gone.
        let _ = self.0.write_all(&end);
    }

    /// Why the workers have started cold, after all; `None` if one has started warm.
    pub(crate) fn reason(&mut self) -> Option<String> {
        let mut text = [0; REASON_MAX];
        let length = self.0.read(&mut text).ok().filter(|&length| length > 0)?;
        Some(String::from_utf8_lossy(&text[..length]).into_owned())
    }
}

/// One worker that is to be.
#[derive(Debug)]
pub struct WarmWorker<'a> {
    /// Its interpreter.
    pub python: &'a str,
    /// Its working folder.
    pub work_dir: &'a str,
    /// The script that it imports, relative to its working folder.
    pub script: &'a str,
    /// The file for its standard output, which is there.
    pub log: &'a str,
    /// The file for its standard error, which is there.
    pub errors: &'a str,
    /// The variables that belong to it alone, on top of those of this process.
    pub variables: &'a BTreeMap<String, String>,
}

/// A loaded interpreter that this process, the driver of a parallel step, was lent.
pub struct WarmWorkers {
    channel: Channel,
    supervisor: Pid,
    ends: UnixStream,
    program: String,
    /// Whether the supervisor knows how the workers have started.
    is_known: bool,
    is_over: bool,
}

impl WarmWorkers {
    /// The variable by which it was lent. It is of no use to others.
    pub const VARIABLE: &str = VARIABLE;

    /// What this process was lent, if it was. To be called once.
    #[must_use]
    pub fn taken() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        let mut parts = text.splitn(3, ':');
        let [channel, ends] = [take(parts.next()?)?, take(parts.next()?)?];
        Some(Self {
            channel: Channel::of(channel),
            ends: ends.into(),
            supervisor: rustix::process::getppid()?,
            program: parts.next()?.to_owned(),
            is_known: false,
            is_over: false,
        })
    }

    /// A stream of the ends of the supervisor's children, for [`end_of`].
    ///
    /// # Errors
    /// The system lacks descriptors.
    pub fn ends(&self) -> io::Result<UnixStream> {
        self.ends.try_clone()
    }

    /// Starts a worker as a fork, which leads its own session and group; its end is told by
    /// [`Self::ends`]. It sees those of this process's variables that belong to one step, but for
    /// `hidden`.
    ///
    /// # Errors
    /// Why it must start cold.
    pub fn start(&mut self, worker: &WarmWorker<'_>, hidden: &[&str]) -> Result<Pid, String> {
        if self.is_over {
            return Err("its interpreter was gone".to_owned());
        }
        let inherited = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let is_hidden = |name: &str| name == VARIABLE || hidden.contains(&name);
        let inherited: Vec<_> = inherited
            .filter(|(name, _)| is_of_one_step(name) && !is_hidden(name))
            .collect();
        let all = inherited.iter().map(|(name, value)| (name, value));
        let all = all.chain(worker.variables);
        // The folder itself, and that of the script, come first on the path.
        let here = format!("{}/-", worker.work_dir);
        let order = Order {
            argv: &[worker.python.to_owned(), self.program.clone()],
            work_dir: worker.work_dir,
            log: worker.log,
            errors: Some(worker.errors),
            beside: Some([&here, worker.script]),
            variables: all.map(|(name, value)| (&**name, &**value)).collect(),
        };
        let started = fork(&mut self.channel, &order, self.supervisor);
        if started.is_ok() {
            self.is_known = true;
        }
        started.map_err(|refusal| match refusal {
            Refusal::Step(reason) => reason,
            Refusal::NotLoaded => "its interpreter was still loading".to_owned(),
            Refusal::Stale(reason) | Refusal::Zygote(reason) => {
                // What it answers late must not be taken for the answer to another order.
                self.channel.end();
                self.is_over = true;
                reason
            }
        })
    }

    /// Tells the supervisor why a worker has started cold; it counts if none has started before.
    pub fn complain(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.is_known, true) {
            let reason = &reason.as_bytes()[..reason.len().min(REASON_MAX)];
            let _ = self.ends.write_all(reason);
        }
    }
}

/// The length of an end in [`WarmWorkers::ends`], and what it says: which child, and how it ended.
#[must_use]
pub fn end_of(bytes: [u8; END_BYTES]) -> (i32, ExitStatus) {
    let [a, b, c, d, rest @ ..] = bytes;
    let status = ExitStatus::from_raw(i32::from_ne_bytes(rest));
    (i32::from_ne_bytes([a, b, c, d]), status)
}

/// Takes a descriptor that this process has inherited, and keeps it from its children.
fn take(number: &str) -> Option<OwnedFd> {
    let number: RawFd = number.parse().ok().filter(|&number| number > 2)?;
    #[expect(unsafe_code, reason = "an inherited descriptor is known by its number")]
    // SAFETY: the supervisor has left it open for this process, and nothing else here uses it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::fcntl_setfd(&descriptor, FdFlags::CLOEXEC).ok()?;
    Some(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_a_reason_pass_between_supervisor_and_driver() {
        let (own, other) = Channel::pair().expect("a pair");
        let lent = Loan::of(other.into(), "/start/worker.py".to_owned());
        let (loan, mut lent) = lent.expect("a loan");
        assert!(loan.text().ends_with(":/start/worker.py"));
        assert_eq!(lent.reason(), None);
        let mut ends = UnixStream::from(loan.ends);
        lent.report(7, ExitStatus::from_raw(3 << 8));
        let mut bytes = [0; END_BYTES];
        ends.read_exact(&mut bytes).expect("an end");
        assert_eq!(end_of(bytes), (7, ExitStatus::from_raw(3 << 8)));
        ends.write_all(b"why").expect("written");
        assert_eq!(lent.reason().as_deref(), Some("why"));
        drop((own, ends));
        lent.report(8, ExitStatus::from_raw(0));
        assert_eq!(lent.reason(), None);
    }
}
