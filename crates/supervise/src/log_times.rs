//! When a step's log grew, so that its lines can be shown with times and those since a time be found.
//!
//! The program writes straight to its log, so all there is to know is how long the log was each time it
//! was looked at, once a second.
//!
//! Invariant: nothing here can fail a step; what cannot be read or written is left out.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use stepwell_data::folder::LOG_TIMES;

use crate::clock::now;

/// How often the log is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The record of one log.
#[derive(Debug)]
pub(crate) struct LogTimes {
    log: Utf8PathBuf,
    place: Utf8PathBuf,
    record: Option<File>,
    known: u64,
    next: Instant,
}

impl LogTimes {
    /// Of the log of a run that keeps its files in `files`; it has `known` bytes of earlier attempts.
    pub(crate) fn new(log: &Utf8Path, files: &Utf8Path, known: u64) -> Self {
        let run_folder = files.parent().unwrap_or(files);
        Self {
            log: log.to_owned(),
            place: run_folder.join(LOG_TIMES),
            record: None,
            known,
            next: Instant::now() + EVERY,
        }
    }

    /// When the log is to be looked at again.
    pub(crate) const fn next(&self) -> Instant {
        self.next
    }

    /// Looks at the log, and records the time if it has grown.
    pub(crate) fn look(&mut self) {
        self.next = Instant::now() + EVERY;
        let length = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if length <= self.known {
            return;
        }
        self.known = length;
        if self.record.is_none() {
            let mut options = OpenOptions::new();
            self.record = options.append(true).create(true).open(&self.place).ok();
        }
        if let Some(record) = &mut self.record {
            // One write, so that a reader sees whole lines.
            let _ = record.write_all(format!("{length} {}\n", now().as_millis()).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_growth_is_recorded_once() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let (log, files) = (root.join("log"), root.join("files"));
        std::fs::write(&log, "first").expect("written");
        let mut times = LogTimes::new(&log, &files, 5);
        times.look();
        assert!(!root.join(LOG_TIMES).exists(), "nothing is new");
        std::fs::write(&log, "first second").expect("written");
        times.look();
        times.look();
        let text = std::fs::read_to_string(root.join(LOG_TIMES)).expect("a record");
        let [line] = text.lines().collect::<Vec<_>>()[..] else {
            panic!("{text}");
        };
        assert!(line.starts_with("12 "), "{line}");
    }

    #[test]
    fn a_log_that_cannot_be_read_is_no_failure() {
        let mut times = LogTimes::new("/nowhere/log".into(), "/nowhere/files".into(), 0);
        times.look();
    }
}
