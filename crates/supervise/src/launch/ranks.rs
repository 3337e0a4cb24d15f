//! How the ranks of a step ended: each writes a file of its own into the attempt's folder, which all
//! nodes see, and the launcher reads them. The choice of the one that says why a step failed is pure.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use stepwell_model::{Timestamp, Usage};

use crate::process::Process;

/// How one rank ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) rank: u32,
    /// The name of its machine.
    pub(crate) node: String,
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// Whether it was asked to stop.
    pub(crate) asked: bool,
    pub(crate) at: Timestamp,
    /// How long its log was when it began.
    pub(crate) log_start: u64,
    pub(crate) usage: Usage,
}

impl End {
    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.code, Some(0))
    }
}

/// The files of the ranks of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Ranks {
    folder: Utf8PathBuf,
}

impl Ranks {
    pub(crate) fn of(attempt_folder: &Utf8Path) -> Self {
        Self {
            folder: attempt_folder.join("ranks"),
        }
    }

    pub(crate) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)
    }

    /// Notes down which process a rank is, on this machine.
    pub(crate) fn begin(&self, rank: u32, process: &Process) -> io::Result<()> {
        self.write(&format!("{rank}.process"), process)
    }

    pub(crate) fn end(&self, end: &End) -> io::Result<()> {
        self.write(&format!("{}.json", end.rank), end)
    }

    /// The processes of the ranks that have noted themselves down.
    fn processes(&self) -> Vec<Process> {
        self.read("process")
    }

    /// Asks those of the noted processes to stop that are on this machine; says whether any was noted,
    /// here or elsewhere.
    pub(crate) fn stop_here(&self) -> bool {
        let processes = self.processes();
        for process in processes.iter().filter(|process| process.is_alive()) {
            if let Some(pid) = process.raw_pid() {
                // It may have ended just now.
                let _ = rustix::process::kill_process(pid, Signal::TERM);
            }
        }
        !processes.is_empty()
    }

    /// The ends that are known, by rank.
    pub(crate) fn ends(&self) -> Vec<End> {
        let mut ends: Vec<End> = self.read("json");
        ends.sort_by_key(|end| end.rank);
        ends
    }

    fn read<T: serde::de::DeserializeOwned>(&self, extension: &str) -> Vec<T> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok())
            .collect()
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let aside = self.folder.join(format!("{name}.aside"));
        fs::write(&aside, serde_json::to_vec(value)?)?;
        fs::rename(aside, self.folder.join(name))
    }
}

/// The rank that failed first by itself: all that ended after it may have ended because of it.
pub(crate) fn first_failed(ends: &[End]) -> Option<&End> {
    let failed = ends.iter().filter(|end| !end.is_success() && !end.asked);
    failed.min_by_key(|end| (end.at, end.rank))
}

/// Whether the ranks below `workers` have all ended well.
pub(crate) fn all_succeeded(ends: &[End], workers: u32) -> bool {
    let well = ends
        .iter()
        .filter(|end| end.rank < workers && end.is_success());
    well.count() == workers as usize
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command};

    use super::*;

    fn end(rank: u32, code: Option<i32>, asked: bool, at: i64) -> End {
        End {
            rank,
            node: "n1".to_owned(),
            code,
            signal: code.is_none().then_some(9),
            asked,
            at: Timestamp::from_millis(at),
            log_start: 0,
            usage: Usage::default(),
        }
    }

    #[test]
    fn the_first_that_failed_by_itself_is_the_one() {
        let ends = [
            end(0, Some(1), true, 5),
            end(1, Some(0), false, 1),
            end(2, None, false, 7),
            end(3, Some(3), false, 6),
        ];
        assert_eq!(first_failed(&ends).map(|end| end.rank), Some(3));
        assert_eq!(first_failed(&ends[..2]), None);
        assert!(!all_succeeded(&ends, 2) && !all_succeeded(&ends[1..2], 2));
        let well = [end(0, Some(0), false, 2), end(1, Some(143), true, 3)];
        assert!(all_succeeded(&well, 1) && !all_succeeded(&well, 2));
    }

    #[test]
    fn what_is_written_is_read_by_rank() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let ranks = Ranks::of(path);
        assert_eq!(ranks.ends(), []);
        ranks.make().expect("a folder");
        let ends = [end(0, Some(0), false, 2), end(10, None, false, 1)];
        for end in ends.iter().rev() {
            ranks.end(end).expect("written");
        }
        assert_eq!(ranks.ends(), ends);
        let this = Process::current().expect("/proc");
        ranks.begin(0, &this).expect("written");
        assert_eq!(ranks.processes(), [this]);
    }

    #[test]
    fn a_rank_of_this_boot_is_asked_to_stop() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let ranks = Ranks::of(folder.path());
        ranks.make().expect("a folder");
        assert!(!ranks.stop_here(), "none was noted");
        let mut here = Command::new("sleep").arg("600").spawn().expect("sleep");
        let mut other = Command::new("sleep").arg("600").spawn().expect("sleep");
        let process = |child: &Child| {
            let pid = i32::try_from(child.id()).expect("a process id");
            Process::find(pid).expect("/proc").expect("it runs")
        };
        let elsewhere = Process {
            boot: "another machine's".to_owned(),
            ..process(&other)
        };
        ranks.begin(0, &process(&here)).expect("written");
        ranks.begin(1, &elsewhere).expect("written");
        assert!(ranks.stop_here());
        let status = here.wait().expect("it ends");
        assert_eq!(status.signal(), Some(15));
        assert!(process(&other) != elsewhere && other.try_wait().expect("its state").is_none());
        other.kill().expect("it runs");
        other.wait().expect("it ends");
    }
}
