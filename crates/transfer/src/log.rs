//! What a copy has finished, in a file, so that a copy that was killed goes on.
//!
//! One JSON object a line, written when something is finished: the request, an upload that begins,
//! a part, a file. [`State`] is the fold of the lines; it is pure. A line that was cut off by the
//! kill counts for nothing. A log of another request or of another format is ignored and replaced.
//!
//! Parts on this machine are read again before they count: the log may be on disk when they are not.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The file in the folder of a copy's state.
const FILE: &str = "transfer.jsonl";

const FORMAT: u32 = 1;

/// A line of the log. Stored: it only grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Request {
        /// Of this format.
        format: u32,
        /// What tells the request from all others.
        request: String,
    },
    /// The parts of a file are about to be written.
    Begun {
        /// The file's name at the destination.
        target: String,
        /// The source's content.
        etag: String,
        /// The size of each part but the last.
        part_bytes: u64,
        /// What the destination knows the upload by.
        upload: String,
    },
    /// A part is at the destination.
    Part {
        /// The file's name at the destination.
        target: String,
        /// Which part, from 0.
        index: usize,
        /// What the destination knows the part by.
        id: String,
        /// The BLAKE3 digest of its bytes, in hexadecimal.
        digest: String,
    },
    /// A file is at the destination under its name.
    Finished {
        /// The file's name at the destination.
        target: String,
        /// The source's content.
        etag: String,
    },
}

/// A file of which some parts are at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The source's content.
    pub etag: String,
    /// The size of each part but the last.
    pub part_bytes: u64,
    /// What the destination knows the upload by.
    pub upload: String,
    /// The parts that are there: what the destination knows each by, and its digest.
    pub parts: BTreeMap<usize, (String, String)>,
}

/// What a log adds up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Files that are complete: the content of their source, by their name at the destination.
    pub finished: HashMap<String, String>,
    /// Files that have begun.
    pub unfinished: HashMap<String, Unfinished>,
}

impl State {
    /// What is known after one more line.
    pub fn apply(&mut self, line: Line) {
        match line {
            Line::Request { .. } => {}
            Line::Begun {
                target,
                etag,
                part_bytes,
                upload,
            } => {
                let begun = Unfinished {
                    etag,
                    part_bytes,
                    upload,
                    parts: BTreeMap::new(),
                };
                self.unfinished.insert(target, begun);
            }
            Line::Part {
                target,
                index,
                id,
                digest,
            } => {
                if let Some(file) = self.unfinished.get_mut(&target) {
                    file.parts.insert(index, (id, digest));
                }
            }
            Line::Finished { target, etag } => {
                self.unfinished.remove(&target);
                self.finished.insert(target, etag);
            }
        }
    }
}

/// The log of a copy at work; one that nobody keeps remembers nothing.
#[derive(Debug, Default)]
pub struct Log {
    file: Option<(Utf8PathBuf, Mutex<File>)>,
}

impl Log {
    /// Opens the log of a request in a folder, which is made when it is not there, and gives what
    /// it adds up to.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn open(folder: &Utf8Path, request: &str) -> Result<(Self, State)> {
        let path = folder.join(FILE);
        let failed = |error: std::io::Error| Error::file("write", &path, &error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = File::options()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        lock(&file, &path)?;
        let known = read(&path, request);
        let state = match known {
            // A line that was cut off must not run into the next.
            Some(state) => {
                file.write_all(b"\n").map_err(failed)?;
                state
            }
            None => {
                file.set_len(0).map_err(failed)?;
                State::default()
            }
        };
        let log = Self {
            file: Some((path, Mutex::new(file))),
        };
        log.write(&Line::Request {
            format: FORMAT,
            request: request.to_owned(),
        })?;
        Ok((log, state))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, line: &Line) -> Result<()> {
        let Some((path, file)) = &self.file else {
            return Ok(());
        };
        let failed = |error: std::io::Error| Error::file("write", path, &error);
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).map_err(failed)
    }

    /// Removes the log: the copy is complete, or is not to be continued.
    pub fn remove(&self) {
        if let Some((path, _)) = &self.file {
            // What is left of it is ignored by any other request.
            drop(std::fs::remove_file(path));
        }
    }
}

/// Two copies with one log would write one part file.
fn lock(file: &File, path: &Utf8Path) -> Result<()> {
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::Busy),
        Err(error) => Err(Error::file("lock", path, &error.into())),
    }
}

fn read(path: &Utf8Path, request: &str) -> Option<State> {
    let file = BufReader::new(File::open(path).ok()?);
    let mut state = State::default();
    let mut is_ours = false;
    for line in file.lines() {
        let Ok(line) = serde_json::from_str::<Line>(&line.ok()?) else {
            continue;
        };
        if let Line::Request {
            format,
            request: of,
        } = &line
        {
            is_ours = *format == FORMAT && of == request;
            if !is_ours {
                return None;
            }
        }
        state.apply(line);
    }
    is_ours.then_some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (camino_tempfile::Utf8TempDir, Utf8PathBuf) {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        (folder, path)
    }

    fn begun(target: &str) -> Line {
        Line::Begun {
            target: target.to_owned(),
            etag: "e".to_owned(),
            part_bytes: 8,
            upload: "u".to_owned(),
        }
    }

    fn part(target: &str, index: usize) -> Line {
        Line::Part {
            target: target.to_owned(),
            index,
            id: format!("id{index}"),
            digest: String::new(),
        }
    }

    #[test]
    fn a_log_gives_back_what_was_finished() {
        let (_kept, folder) = folder();
        let (log, state) = Log::open(&folder, "r").expect("a log");
        assert_eq!(state, State::default());
        for line in [begun("a"), part("a", 1), begun("b"), part("b", 0)] {
            log.write(&line).expect("written");
        }
        let finished = Line::Finished {
            target: "b".to_owned(),
            etag: "e".to_owned(),
        };
        log.write(&finished).expect("written");
        drop(log);
        let (_, state) = Log::open(&folder, "r").expect("a log");
        assert_eq!(
            state.finished,
            HashMap::from([("b".to_owned(), "e".to_owned())])
        );
        assert_eq!(state.unfinished.len(), 1);
        assert!(state.unfinished["a"].parts.contains_key(&1));
    }

    #[test]
    fn a_line_that_was_cut_off_counts_for_nothing() {
        let (_kept, folder) = folder();
        let (log, _) = Log::open(&folder, "r").expect("a log");
        log.write(&begun("a")).expect("written");
        let path = folder.join(FILE);
        let mut file = File::options().append(true).open(&path).expect("open");
        file.write_all(br#"{"event":"part","target":"a","ind"#)
            .expect("written");
        drop(log);
        let (log, state) = Log::open(&folder, "r").expect("a log");
        assert!(state.unfinished["a"].parts.is_empty());
        log.write(&part("a", 0)).expect("written");
        drop(log);
        let (_, state) = Log::open(&folder, "r").expect("a log");
        assert!(state.unfinished["a"].parts.contains_key(&0));
    }

    #[test]
    fn a_log_has_one_writer() {
        let (_kept, folder) = folder();
        let _log = Log::open(&folder, "r").expect("a log");
        assert!(matches!(Log::open(&folder, "r"), Err(Error::Busy)));
    }

    #[test]
    fn the_log_of_another_request_is_replaced() {
        let (_kept, folder) = folder();
        let (log, _) = Log::open(&folder, "r").expect("a log");
        log.write(&begun("a")).expect("written");
        drop(log);
        let (_, state) = Log::open(&folder, "another").expect("a log");
        assert_eq!(state, State::default());
        let (_, state) = Log::open(&folder, "r").expect("a log");
        assert_eq!(state, State::default());
    }
}
