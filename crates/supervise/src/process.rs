//! Processes by an identity that is never used twice, read from `/proc`.
//!
//! A process id alone is given again to other processes; together with the start time and the boot
//! it names one process for good. Everything that signals a process checks it first.

use std::io::{self, Read};
use std::sync::OnceLock;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

/// One process of one boot of one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its process id.
    pub pid: i32,
    /// When it started, in clock ticks since the boot (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
    /// The id of the boot.
    pub boot: String,
}

impl Process {
    /// The calling process.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn current() -> io::Result<Self> {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self::find(pid)?.ok_or_else(|| io::Error::other("/proc does not show this process"))
    }

    /// The process that has this id now, unless it has ended.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn find(pid: i32) -> io::Result<Option<Self>> {
        let boot = boot()?;
        let stat = Stat::read(pid).filter(|stat| !stat.ended);
        Ok(stat.map(|stat| Self {
            pid,
            start_ticks: stat.start_ticks,
            boot: boot.to_owned(),
        }))
    }

    /// Whether it still runs. A zombie does not: it only waits for its parent.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        boot().is_ok_and(|boot| boot == self.boot)
            && Stat::read(self.pid)
                .is_some_and(|stat| !stat.ended && stat.start_ticks == self.start_ticks)
    }

    /// Whether it belongs to the boot of now; if not, it and all it started are gone.
    #[must_use]
    pub fn is_of_this_boot(&self) -> bool {
        boot().is_ok_and(|boot| boot == self.boot)
    }

    /// Its process id for system calls.
    #[must_use]
    pub fn raw_pid(&self) -> Option<Pid> {
        Pid::from_raw(self.pid)
    }
}

/// What `/proc/PID/stat` tells, as far as it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) ended: bool,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    pub(crate) start_ticks: u64,
}

impl Stat {
    pub(crate) fn read(pid: i32) -> Option<Self> {
        Self::parse(&read_short(&format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name of the program, in parentheses, may itself hold spaces and parentheses: the fields
    /// are counted from the last one.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let start_ticks = fields.nth(15)?.parse().ok()?;
        Some(Self {
            ended: matches!(state, "Z" | "X"),
            parent,
            group,
            session,
            start_ticks,
        })
    }
}

/// The ids of all processes that `/proc` shows at this moment.
pub(crate) fn all() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// The children of this process, which has one thread. One that ends meanwhile may hide another.
pub(crate) fn children() -> Vec<i32> {
    if let Ok(list) = std::fs::read_to_string("/proc/thread-self/children") {
        return list
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .collect();
    }
    // A kernel that does not keep the list.
    let this = rustix::process::getpid().as_raw_nonzero().get();
    let is_child = |pid: &i32| Stat::read(*pid).is_some_and(|stat| stat.parent == this);
    all().into_iter().filter(is_child).collect()
}

fn boot() -> io::Result<&'static str> {
    static BOOT: OnceLock<String> = OnceLock::new();
    if let Some(boot) = BOOT.get() {
        return Ok(boot);
    }
    let text = read_short("/proc/sys/kernel/random/boot_id")?;
    Ok(BOOT.get_or_init(|| text.trim().to_owned()))
}

/// Such a file has no size to go by; its text comes with one read.
fn read_short(path: &str) -> io::Result<String> {
    let mut buffer = [0; 1024];
    let length = std::fs::File::open(path)?.read(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_may_hold_spaces_and_parentheses() {
        let text = "42 (a) (b c) S 7 41 40 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 2 3";
        assert_eq!(
            Stat::parse(text),
            Some(Stat {
                ended: false,
                parent: 7,
                group: 41,
                session: 40,
                start_ticks: 98765,
            })
        );
        assert_eq!(Stat::parse("42 (cut"), None);
    }

    #[test]
    fn a_reused_process_id_is_another_process() {
        let this = Process::current().expect("/proc");
        assert!(this.is_alive());
        let earlier = Process {
            start_ticks: this.start_ticks - 1,
            ..this.clone()
        };
        assert!(!earlier.is_alive());
        let before_the_boot = Process {
            boot: "another".to_owned(),
            ..this
        };
        assert!(!before_the_boot.is_alive() && !before_the_boot.is_of_this_boot());
    }
}
