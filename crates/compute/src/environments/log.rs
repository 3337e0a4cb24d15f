//! The log of one build: what was done and why, and uv's own words.
//!
//! uv writes into the file itself, so that the log is complete and live whatever becomes of us.
//! Invariant: one build, one log; a new attempt of the same request starts it anew.

use std::io::{self, Write};
use std::process::Stdio;

use camino::Utf8PathBuf;
use fs_err as fs;

use super::folder::write_private;

/// As much of a log as a failure carries.
const TAIL_LINES: usize = 30;
const TAIL_BYTES: usize = 4096;

/// The log of one build, open for appending.
#[derive(Debug)]
pub(super) struct BuildLog {
    path: Utf8PathBuf,
    file: fs::File,
}

impl BuildLog {
    /// A new log at `path` in place of an older one.
    pub(super) fn create(path: Utf8PathBuf) -> io::Result<Self> {
        write_private(&path, b"")?;
        // Opened for appending, since uv appends to it as well.
        let file = fs::OpenOptions::new().append(true).open(&path)?;
        Ok(Self { path, file })
    }

    /// Adds a line of Stepwell's own.
    pub(super) fn note(&self, text: impl AsRef<str>) -> io::Result<()> {
        // One write for each line keeps lines whole.
        self.file()
            .write_all(format!("stepwell: {}\n", text.as_ref()).as_bytes())
    }

    /// The log as the output of a program.
    pub(super) fn stdio(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.file().try_clone()?))
    }

    /// Where the log ends now.
    pub(super) fn mark(&self) -> io::Result<usize> {
        let len = self.file.metadata()?.len();
        Ok(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// The last lines since `mark`.
    pub(super) fn tail_since(&self, mark: usize) -> io::Result<String> {
        let bytes = fs::read(&self.path)?;
        let text = String::from_utf8_lossy(bytes.get(mark..).unwrap_or_default());
        Ok(tail(&text))
    }

    fn file(&self) -> &std::fs::File {
        self.file.file()
    }
}

/// The last lines of `text`, bounded.
pub(super) fn tail(text: &str) -> String {
    let text = text.trim_end();
    let start = text
        .rmatch_indices('\n')
        .nth(TAIL_LINES - 1)
        .map_or(0, |(at, _)| at + 1);
    let start = text.ceil_char_boundary(start.max(text.len().saturating_sub(TAIL_BYTES)));
    text[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_bounded_in_lines_and_bytes() {
        assert_eq!(tail("one\ntwo\n\n"), "one\ntwo");
        let long = "line\n".repeat(TAIL_LINES + 5);
        assert_eq!(tail(&long).lines().count(), TAIL_LINES);
        let wide = "é".repeat(TAIL_BYTES) + "x";
        assert!(tail(&wide).len() <= TAIL_BYTES);
        assert!(tail(&wide).ends_with("éx"));
    }
}
