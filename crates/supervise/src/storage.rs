//! Errors of the file system as failures of a step.

use std::error::Error;
use std::io;
use std::iter::successors;

use rustix::fs::statvfs;
use rustix::io::Errno;
use stepwell_model::{Failure, FailureKind, Outcome, in_words};

use crate::spec::Spec;

/// A disk with less than this left is full to a program.
const FULL_DISK_BYTES: u64 = 1 << 20;

/// Whether the system lacked file descriptors or memory for the moment: the same call may succeed
/// later.
#[must_use]
pub fn is_passing(error: &(dyn Error + 'static)) -> bool {
    let passing = [Errno::MFILE, Errno::NFILE, Errno::NOMEM].map(Errno::raw_os_error);
    causes(error)
        .filter_map(os_code)
        .any(|code| passing.contains(&code))
}

/// A failure to store or to find something; `what` is the sentence before the cause.
#[must_use]
pub fn storage_failure(what: &str, error: &(dyn Error + 'static)) -> Failure {
    let failure = Failure::new(FailureKind::Storage, format!("{what}: {}", in_words(error)));
    match hint(error) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Adds to a script's failure that the disk of its working folder, or of its temporary files, is full:
/// what it said of that may be missing from the log.
pub(crate) fn explain_full_disk(spec: &Spec, outcome: Outcome) -> Outcome {
    let Outcome::Failed(failure, usage) = outcome else {
        return outcome;
    };
    let temporary = spec.variables.get("TMPDIR").map_or("/tmp", String::as_str);
    let places = [spec.work_dir.as_str(), temporary];
    let failure = match places.into_iter().find(|place| is_full(place)) {
        Some(place) => failure.with_hint(format!(
            "the disk of `{place}` is full: free some space, then run it again"
        )),
        None => failure,
    };
    Outcome::Failed(failure, usage)
}

fn is_full(place: &str) -> bool {
    let free = statvfs(place).map(|disk| disk.f_bavail * disk.f_frsize);
    free.is_ok_and(|free| free < FULL_DISK_BYTES)
}

fn hint(error: &(dyn Error + 'static)) -> Option<&'static str> {
    causes(error).find_map(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("free some space on this disk, then run it again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("check who may write there: the server runs as another user?")
        }
        _ => None,
    })
}

/// The errors of the system among an error and its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a io::Error> {
    successors(Some(error), |&error| error.source()).filter_map(|error| error.downcast_ref())
}

/// The system's number of an error. `fs-err` keeps the error that it names to itself, but ends its
/// text with the one of the standard library, which is `... (os error N)`.
fn os_code(error: &io::Error) -> Option<i32> {
    error.raw_os_error().or_else(|| {
        let text = error.to_string();
        let (_, code) = text.rsplit_once("(os error ")?;
        code.strip_suffix(')')?.parse().ok()
    })
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

    #[test]
    fn what_was_lacking_for_the_moment_is_found_under_the_errors_that_wrap_it() {
        let of = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        let named = fs_err::read("/proc/self/none").expect_err("not there");
        assert!(is_passing(&of(Errno::NFILE)));
        assert!(crate::Error::from(of(Errno::MFILE)).is_passing());
        assert_eq!(os_code(&named), Some(Errno::NOENT.raw_os_error()));
        assert!(!is_passing(&named));
        assert!(!is_passing(&of(Errno::NOENT)));
        assert!(!is_passing(&io::Error::other("another reason")));
    }
}
