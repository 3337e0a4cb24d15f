//! Errors of the file system as failures of a step.

use std::error::Error;
use std::io;

use camino::Utf8Path;
use rustix::fs::statvfs;
use stepwell_model::{Failure, FailureKind, Outcome, in_words};

/// A disk with less than this left is full to a program.
const FULL_DISK_BYTES: u64 = 1 << 20;

/// A failure to store or to find something; `what` is the sentence before the cause.
#[must_use]
pub fn storage_failure(what: &str, error: &(dyn Error + 'static)) -> Failure {
    let failure = Failure::new(FailureKind::Storage, format!("{what}: {}", in_words(error)));
    match hint(error) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Adds to a script's failure that the disk of its working folder is full: what it said of that
/// may be missing from the log, which is on the same disk.
pub(crate) fn told_of_full_disk(work: &Utf8Path, outcome: Outcome) -> Outcome {
    let free = statvfs(work.as_std_path()).map(|disk| disk.f_bavail * disk.f_frsize);
    match outcome {
        Outcome::Failed(failure, usage) if free.is_ok_and(|free| free < FULL_DISK_BYTES) => {
            let hint = format!("the disk of `{work}` is full: free some space, then run it again");
            Outcome::Failed(failure.with_hint(hint), usage)
        }
        outcome => outcome,
    }
}

fn hint(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                return Some("free some space on this disk, then run it again");
            }
            Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                return Some("check who may write there: the server runs as another user?");
            }
            _ => next = error.source(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_write_names_the_path_and_says_what_to_do() {
        let error = fs_err::write("/proc/version", "x").expect_err("read only");
        let failure = storage_failure("the log could not be opened", &error);
        assert_eq!(failure.kind, FailureKind::Storage);
        assert!(failure.summary.contains("`/proc/version`"), "{failure:?}");
        assert_eq!(failure.summary.matches("os error").count(), 1);
    }
}
