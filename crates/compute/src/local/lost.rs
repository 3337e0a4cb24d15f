//! Attempts of a folder that was copied: their processes are not this folder's.

use std::fs::DirEntry;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::{Failure, FailureKind, Outcome, Usage};
use stepwell_supervise::Attempt;

/// Records of every attempt that was begun and not ended that it is lost. Its process, if there is
/// one, belongs to the folder that this one was copied from, and is left alone. Gives how many.
///
/// # Errors
/// Those of the file system.
pub fn lose_begun(runs: &Utf8Path) -> std::io::Result<usize> {
    let mut lost = 0;
    for run in entries(runs)? {
        // The first attempt is in the run's folder itself.
        for attempt in entries(&run)?.into_iter().chain([run]) {
            let attempt = Attempt::open(attempt);
            if attempt.is_begun() && !attempt.has_ended() {
                let failure = Failure::new(
                    FailureKind::Lost,
                    "the step ran in another folder, of which this one is a copy",
                );
                let outcome = Outcome::Failed(failure, Usage::default());
                attempt.conclude(&outcome).map_err(std::io::Error::other)?;
                lost += 1;
            }
        }
    }
    Ok(lost)
}

fn entries(folder: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
    let path = |entry: std::io::Result<DirEntry>| {
        let path = entry.map(|entry| entry.path());
        path.map(|path| Utf8PathBuf::from_path_buf(path).unwrap_or_default())
    };
    match std::fs::read_dir(folder) {
        Ok(found) => found.map(path).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
