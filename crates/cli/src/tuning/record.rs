//! The recorded events of a search: one line of JSON each, appended before anything follows from it.
//!
//! Invariant: a line that is not complete is as if it had not been written; it is cut off when the
//! file is opened again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use stepwell_tune::Event;

/// The file's name in the step's folder of state.
const FILE: &str = "search.jsonl";

/// The file, open at its end.
#[derive(Debug)]
pub(super) struct Record {
    file: File,
}

#[derive(Serialize, Deserialize)]
struct Line {
    at_ms: u64,
    #[serde(flatten)]
    event: Event,
}

impl Record {
    /// Opens the file in `folder`; gives what it holds.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Vec<(u64, Event)>)> {
        let path = folder.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut events = Vec::new();
        let mut whole = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let Ok(read) = serde_json::from_slice::<Line>(line) else {
                break;
            };
            if !line.ends_with(b"\n") {
                break;
            }
            whole += line.len();
            events.push((read.at_ms, read.event));
        }
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
        Ok((Self { file }, events))
    }

    /// Appends an event. What a model suggested cannot be had again, so that is synced to the disk.
    pub(super) fn write(&mut self, at_ms: u64, event: &Event) -> io::Result<()> {
        let is_lost_with_power = matches!(event, Event::Suggested { .. });
        let event = event.clone();
        let mut line = serde_json::to_vec(&Line { at_ms, event })?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        if is_lost_with_power {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_half_a_line_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut record, known) = Record::open(folder.path()).expect("opened");
        assert!(known.is_empty());
        let values = vec![0.947_951_441_171_650_1, f64::MIN];
        let logged = Event::Logged { trial: 0, values };
        record.write(5, &Event::Began).expect("written");
        record.write(6, &logged).expect("written");
        drop(record);
        let path = folder.path().join(FILE);
        let mut text = std::fs::read(&path).expect("read");
        text.extend_from_slice(b"{\"at_ms\":7,\"event\":\"expi");
        std::fs::write(&path, text).expect("written");
        let (mut record, known) = Record::open(folder.path()).expect("opened");
        assert_eq!(known, [(5, Event::Began), (6, logged.clone())]);
        record.write(8, &Event::Expired).expect("written");
        let (_, known) = Record::open(folder.path()).expect("opened");
        assert_eq!(known.len(), 3);
    }
}
