//! The embedded server's log: where it writes while nobody watches, and its last words.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};

use camino::Utf8Path;
use fs_err::{File, OpenOptions};
use stepwell_data::folder::DataFolder;

use super::Error;

/// The size at which the server's log is put aside before a start.
const LOG_MAX: u64 = 10 << 20;

/// The server's log, and where this start's part of it begins.
pub(super) struct ServerLog {
    file: File,
    start: u64,
}

impl ServerLog {
    /// The log of a folder, ready for a start; a large one is put aside.
    pub(super) fn open(data_folder: &Utf8Path) -> Result<Self, Error> {
        let failed = |source| Error::Folder {
            folder: data_folder.to_owned(),
            source,
        };
        let path = DataFolder::new(data_folder.to_owned()).server_log();
        if let Some(logs) = path.parent() {
            fs_err::create_dir_all(logs).map_err(failed)?;
        }
        if fs_err::metadata(&path).is_ok_and(|log| log.len() > LOG_MAX) {
            let aside = path.with_extension("log.1");
            fs_err::rename(&path, aside).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .read(true)
            .open(&path)
            .map_err(failed)?;
        let start = file.metadata().map_err(failed)?.len();
        Ok(Self { file, start })
    }

    /// Another handle on the file, for a server to write to.
    pub(super) fn handle(&self) -> std::io::Result<Stdio> {
        self.file.file().try_clone().map(Stdio::from)
    }

    /// The error for a server that ended with `status`, from what it wrote last.
    pub(super) fn death(&mut self, folder: &Utf8Path, status: ExitStatus) -> Error {
        let mut bytes = Vec::new();
        let read = self
            .file
            .seek(SeekFrom::Start(self.start))
            .and_then(|_| self.file.read_to_end(&mut bytes));
        let text = match read {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => error.to_string(),
        };
        let ending = match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended with code {code}"),
            (None, signal) => format!("it was ended by signal {}", signal.unwrap_or_default()),
        };
        let (last_words, hint) = last_words(&text, &ending);
        Error::Died {
            folder: folder.to_owned(),
            last_words,
            hint,
        }
    }
}

/// The server's own error and hint if its log ends with them, else its last lines.
fn last_words(log: &str, ending: &str) -> (String, String) {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let after = |prefix: &str| {
        lines
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix(prefix))
    };
    // A full disk takes no log either.
    let hint = after("hint: ").unwrap_or("`stepwell doctor` checks the folder and the disk");
    let hint = hint.to_owned();
    if let Some(error) = after("error: ") {
        return (error.to_owned(), hint);
    }
    let tail = &lines[lines.len().saturating_sub(5)..];
    match tail {
        [] => (ending.to_owned(), hint),
        _ => (
            format!("{ending}; its last lines:\n{}", tail.join("\n")),
            hint,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_error_is_passed_on() {
        let log =
            "INFO starting\nerror: failed to open `/d/db`: disk full\n\nhint: free some space\n";
        assert_eq!(
            last_words(log, "it ended with code 5"),
            (
                "failed to open `/d/db`: disk full".to_owned(),
                "free some space".to_owned()
            )
        );
    }

    #[test]
    fn a_server_that_died_without_an_error_shows_its_last_lines() {
        let (words, hint) = last_words("thread panicked\nat x\n", "it ended with code 101");
        assert_eq!(
            words,
            "it ended with code 101; its last lines:\nthread panicked\nat x"
        );
        assert_eq!(hint, "`stepwell doctor` checks the folder and the disk");
        assert_eq!(
            last_words("", "it was ended by signal 9").0,
            "it was ended by signal 9"
        );
    }
}
