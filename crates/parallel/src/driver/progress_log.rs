//! What is finished, on disk: the rows of all mini-batches, and a line for each that says where
//! its rows end. Killed at any moment, the next attempt goes on from here.
//!
//! | file of the state folder | holds |
//! |---|---|
//! | `rows` | the rows as `run` returned them; the output's file is a second name of it |
//! | `journal` | one JSON line for each mini-batch that is done or given up |
//! | `planned/` | rows that the planner had to read to cut them |
//!
//! Both are written by a thread of its own, a group at a time: rows, then a sync, then the lines.
//! So a line never stands for rows that are not there, whatever is killed or loses power; and rows
//! without a line are cut off when the log is opened again.
//!
//! Invariant: the rows of a mini-batch are in the file once, if its line is there, or not at all.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err::File;
use serde::{Deserialize, Serialize};

use crate::core::Tally;

/// How long a group may wait for more.
const GROUP_WITHIN: Duration = Duration::from_millis(200);
/// How many bytes of rows a group has at most, about.
const GROUP_BYTES: usize = 8 << 20;
/// How many records may wait for the thread.
const WAITING: usize = 4096;

/// One line. Only grows, with defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    /// The mini-batch.
    b: u64,
    /// Its digest.
    h: u64,
    /// Its items.
    n: u64,
    /// How many results; absent if it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<u64>,
    /// Where the rows of all that is finished end.
    e: u64,
    /// What the others add up to; absent in lines of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<u32>,
}

impl Line {
    /// The first bytes of a digest of all but the sum itself.
    fn sum(&self) -> u32 {
        let numbers = [self.b, self.h, self.n, self.r.unwrap_or_default(), self.e];
        let mut hasher = blake3::Hasher::new();
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(&[u8::from(self.r.is_some())]);
        let mut sum = [0; 4];
        hasher.finalize_xof().fill(&mut sum);
        u32::from_le_bytes(sum)
    }

    /// Whether it says what was written.
    fn is_sound(&self) -> bool {
        self.c.is_none_or(|sum| sum == self.sum())
    }
}

/// What is finished about a mini-batch.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) batch: u64,
    pub(crate) digest: u64,
    pub(crate) items: u64,
    /// The number of results and their text; `None` if it was given up.
    pub(crate) rows: Option<(u64, Vec<u8>)>,
}

/// What an earlier attempt has finished.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) tally: Tally,
    /// Mini-batches with their digests, by number.
    pub(crate) batches: Vec<(u64, u64)>,
}

/// The writing end.
pub(crate) struct ProgressLog {
    records: SyncSender<Record>,
    thread: JoinHandle<io::Result<()>>,
}

/// Where the rows are.
pub(crate) fn rows_file(state: &Utf8Path) -> Utf8PathBuf {
    state.join("rows")
}

/// Where the planner sets down rows that it had to read.
pub(crate) fn planned(state: &Utf8Path) -> Utf8PathBuf {
    state.join("planned")
}

/// Forgets what is finished.
pub(crate) fn clear(state: &Utf8Path) -> io::Result<()> {
    match fs_err::remove_dir_all(planned(state)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for name in ["journal", "rows"] {
        match fs_err::remove_file(state.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl ProgressLog {
    /// Opens the log of a state folder, and reads what is finished.
    pub(crate) fn open(state: &Utf8Path) -> io::Result<(Self, Finished)> {
        fs_err::create_dir_all(state)?;
        let mut options = fs_err::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut lines = options.open(state.join("journal"))?;
        let mut rows = options.open(rows_file(state))?;
        let (finished, end) = fold(&mut lines, rows.metadata()?.len())?;
        rows.set_len(end)?;
        rows.seek(SeekFrom::Start(end))?;
        let (records, incoming) = sync_channel(WAITING);
        let writer = Writer { lines, rows, end };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&incoming))?;
        Ok((Self { records, thread }, finished))
    }

    /// Hands a record over. `false` when the thread has ended because it cannot write: then
    /// [`Self::close`] says why.
    pub(crate) fn add(&self, record: Record) -> bool {
        self.records.send(record).is_ok()
    }

    /// Waits until everything is written.
    pub(crate) fn close(self) -> io::Result<()> {
        drop(self.records);
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => Err(io::Error::other("the progress log's thread has panicked")),
        }
    }
}

/// Reads the lines up to one that was not written to its end or is damaged, or whose rows are not there,
/// and cuts off what follows.
fn fold(lines: &mut File, rows_length: u64) -> io::Result<(Finished, u64)> {
    let mut text = Vec::new();
    lines.read_to_end(&mut text)?;
    let mut finished = Finished::default();
    let (mut good, mut end) = (0, 0);
    for piece in text.split_inclusive(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(piece) else {
            break;
        };
        let is_there = (end..=rows_length).contains(&line.e);
        if !is_there || !line.is_sound() || piece.last() != Some(&b'\n') {
            break;
        }
        match line.r {
            Some(rows) => finished.tally.count_done(line.n, rows),
            None => finished.tally.count_failed(line.n),
        }
        finished.batches.push((line.b, line.h));
        good += piece.len() as u64;
        end = line.e;
    }
    lines.set_len(good)?;
    lines.seek(SeekFrom::Start(good))?;
    finished.batches.sort_unstable();
    finished.tally.planned = finished.batches.len() as u64;
    Ok((finished, end))
}

struct Writer {
    lines: File,
    rows: File,
    end: u64,
}

impl Writer {
    fn run(mut self, incoming: &Receiver<Record>) -> io::Result<()> {
        while let Ok(first) = incoming.recv() {
            let mut rows = Vec::new();
            let mut lines = Vec::new();
            self.take(first, &mut rows, &mut lines)?;
            let until = Instant::now() + GROUP_WITHIN;
            while rows.len() < GROUP_BYTES {
                let patience = until.saturating_duration_since(Instant::now());
                match incoming.recv_timeout(patience) {
                    Ok(record) => self.take(record, &mut rows, &mut lines)?,
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                }
            }
            if !rows.is_empty() {
                self.rows.write_all(&rows)?;
                self.rows.sync_data()?;
            }
            self.lines.write_all(&lines)?;
        }
        self.lines.sync_data()
    }

    fn take(&mut self, record: Record, rows: &mut Vec<u8>, lines: &mut Vec<u8>) -> io::Result<()> {
        let Record {
            batch,
            digest,
            items,
            rows: made,
        } = record;
        if let Some((_, text)) = &made {
            self.end += text.len() as u64;
            rows.extend_from_slice(text);
        }
        let mut line = Line {
            b: batch,
            h: digest,
            n: items,
            r: made.map(|(count, _)| count),
            e: self.end,
            c: None,
        };
        line.c = Some(line.sum());
        serde_json::to_writer(&mut *lines, &line)?;
        lines.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(batch: u64, text: &str) -> Record {
        Record {
            batch,
            digest: batch * 10,
            items: 2,
            rows: Some((2, text.as_bytes().to_vec())),
        }
    }

    fn folder() -> (camino_tempfile::Utf8TempDir, Utf8PathBuf) {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        (folder, path)
    }

    #[test]
    fn what_was_not_finished_is_cut_off() {
        let (_folder, state) = folder();
        let (log, finished) = ProgressLog::open(&state).expect("a log");
        assert_eq!(finished, Finished::default());
        assert!(log.add(record(1, "one\n")) && log.add(record(0, "zero\n")));
        let given_up = Record {
            rows: None,
            ..record(2, "")
        };
        assert!(log.add(given_up));
        log.close().expect("written");

        // The driver was killed in the middle of the next group.
        let append = |name: &str, text: &str| {
            let mut options = fs_err::OpenOptions::new();
            let mut file = options.append(true).open(state.join(name)).expect("a file");
            file.write_all(text.as_bytes()).expect("written");
        };
        append("rows", "three\nfou");
        append("journal", "{\"b\":3,\"h\":30,\"n\":2,\"r\":2,\"e\":1");
        let (log, finished) = ProgressLog::open(&state).expect("a log");
        assert_eq!(finished.batches, [(0, 0), (1, 10), (2, 20)]);
        let Tally {
            planned,
            done,
            failed,
            rows,
            failed_items,
            ..
        } = finished.tally;
        assert_eq!((planned, done, failed, rows, failed_items), (3, 2, 1, 4, 2));
        assert!(log.add(record(3, "three\n")));
        log.close().expect("written");
        let rows = fs_err::read_to_string(rows_file(&state)).expect("rows");
        assert_eq!(rows, "one\nzero\nthree\n");
    }

    #[test]
    fn a_line_whose_rows_are_not_there_does_not_count() {
        let (_folder, state) = folder();
        let (log, _) = ProgressLog::open(&state).expect("a log");
        assert!(log.add(record(0, "zero\n")) && log.add(record(1, "one\n")));
        log.close().expect("written");
        let mut options = fs_err::OpenOptions::new();
        let rows = options.write(true).open(rows_file(&state)).expect("rows");
        rows.set_len(6).expect("cut");
        let (log, finished) = ProgressLog::open(&state).expect("a log");
        assert_eq!(finished.batches, [(0, 0)]);
        log.close().expect("written");
        let rows = fs_err::read_to_string(rows_file(&state)).expect("rows");
        assert_eq!(rows, "zero\n");
    }

    #[test]
    fn a_line_that_says_something_else_than_was_written_does_not_count() {
        let sound = r#"{"b":1,"h":10,"n":2,"r":2,"e":8,"#;
        let damages = [
            (r#""e":8,"#, r#""e":2,"#),
            (r#""e":8,"#, r#""e":9,"#),
            (r#""h":10,"#, r#""h":11,"#),
            (r#""r":2,"#, r#""q":2,"#),
        ];
        for (was, is) in damages {
            let (_folder, state) = folder();
            let (log, _) = ProgressLog::open(&state).expect("a log");
            for batch in 0..4 {
                assert!(log.add(record(batch, "row\n")));
            }
            log.close().expect("written");
            let path = state.join("journal");
            let text = fs_err::read_to_string(&path).expect("read");
            assert!(text.contains(sound), "{text}");
            let damaged = text.replace(sound, &sound.replace(was, is));
            fs_err::write(&path, damaged).expect("written");
            let (log, finished) = ProgressLog::open(&state).expect("a log");
            assert_eq!(finished.batches, [(0, 0)], "{is}");
            log.close().expect("closed");
        }
    }

    #[test]
    fn lines_of_older_versions_count() {
        let (_folder, state) = folder();
        let lines =
            "{\"b\":0,\"h\":0,\"n\":2,\"r\":2,\"e\":4}\n{\"b\":1,\"h\":10,\"n\":2,\"e\":4}\n";
        fs_err::write(state.join("journal"), lines).expect("written");
        fs_err::write(rows_file(&state), "row\n").expect("written");
        let (log, finished) = ProgressLog::open(&state).expect("a log");
        assert_eq!(finished.batches, [(0, 0), (1, 10)]);
        log.close().expect("closed");
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_journal_is_cut_where_it_is_good_and_goes_on(
            count in 0_u64..6,
            place in 0_usize..400,
            byte in proptest::prelude::any::<u8>(),
            cut in 0_usize..400,
        ) {
            let (_folder, state) = folder();
            let (log, _) = ProgressLog::open(&state).expect("a log");
            for batch in 0..count {
                proptest::prop_assert!(log.add(record(batch, "row\n")));
            }
            log.close().expect("written");
            let path = state.join("journal");
            let mut bytes = fs_err::read(&path).expect("read");
            bytes.truncate(cut);
            if let Some(damaged) = bytes.get_mut(place) {
                *damaged = byte;
            }
            fs_err::write(&path, bytes).expect("written");
            let (log, finished) = ProgressLog::open(&state).expect("it opens");
            let good = finished.batches.len();
            proptest::prop_assert!(log.add(record(99, "more\n")));
            log.close().expect("written");
            let (log, again) = ProgressLog::open(&state).expect("it opens");
            proptest::prop_assert_eq!(again.batches.len(), good + 1, "what was good stays good");
            log.close().expect("closed");
        }
    }
}
