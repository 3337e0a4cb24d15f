//! What a file was when it was looked at, so that a later look can say whether it has changed.
//!
//! A file up to [`DIGEST_MAX`] is known by its content: touching it, or copying it back, changes
//! nothing. A larger one is known by its size and its time of modification, so that looking at it
//! costs no reading.
//!
//! Invariant: a file whose content has changed is never taken for unchanged, unless it is larger
//! than the limit and someone has set its time back.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::{Digest, Timestamp};

use crate::{Result, hash, parallel};

/// Up to this size a file's content is hashed.
pub const DIGEST_MAX: u64 = 256 << 20;

/// A file that was modified this shortly before it was looked at may have been modified again
/// within the same tick of the file system's clock.
const RACY_MS: i64 = 2_000;

/// What a file was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last modified, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// The digest of its content, if it was small enough.
    pub digest: Option<Digest>,
}

/// How a file differs from its stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Its content is another.
    Changed,
    /// There is no such file any more.
    Gone,
}

impl Change {
    /// Its word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

/// The digest of some bytes, as equal content has it everywhere.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> Digest {
    hash::of_bytes(bytes)
}

/// Looks at files, many at once; the stamps are in the order of the files.
///
/// # Errors
///
/// When one is no file or cannot be read.
pub fn take(files: &[Utf8PathBuf]) -> Result<Vec<Stamp>> {
    // How much there is to read is not known yet; many files are taken for much.
    parallel::map(files, 0, |path| take_one(path))
}

fn take_one(path: &Utf8Path) -> Result<Stamp> {
    let about = fs_err::metadata(path)?;
    if !about.is_file() {
        let what = format!("`{path}` is no file");
        return Err(std::io::Error::new(ErrorKind::InvalidInput, what).into());
    }
    let digest = match about.len() <= DIGEST_MAX {
        true => Some(hash::of_reader(fs_err::File::open(path)?)?.0),
        false => None,
    };
    Ok(Stamp {
        size: about.len(),
        modified_ns: modified_ns(&about),
        digest,
    })
}

/// How each file differs from what it was at `seen`, in the order of the files.
///
/// # Errors
///
/// When a file cannot be read for another reason than having gone.
pub fn compare(files: &[(Utf8PathBuf, Stamp)], seen: Timestamp) -> Result<Vec<Option<Change>>> {
    parallel::map(files, 0, |(path, stamp)| compare_one(path, stamp, seen))
}

fn compare_one(path: &Utf8Path, stamp: &Stamp, seen: Timestamp) -> Result<Option<Change>> {
    let about = match fs_err::metadata(path) {
        Ok(about) if about.is_file() => about,
        Ok(_) => return Ok(Some(Change::Gone)),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(Change::Gone)),
        Err(error) => return Err(error.into()),
    };
    let same_time = modified_ns(&about) == stamp.modified_ns;
    if about.len() != stamp.size {
        return Ok(Some(Change::Changed));
    }
    let Some(digest) = stamp.digest else {
        return Ok((!same_time).then_some(Change::Changed));
    };
    if same_time && stamp.modified_ns / 1_000_000 < seen.as_millis() - RACY_MS {
        return Ok(None);
    }
    let now = hash::of_reader(fs_err::File::open(path)?)?.0;
    Ok((now != digest).then_some(Change::Changed))
}

pub(crate) fn modified_ns(about: &std::fs::Metadata) -> i64 {
    about
        .mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(about.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_AFTER: Timestamp = Timestamp::from_millis(i64::MAX);

    fn with_file(check: impl FnOnce(&Utf8Path)) {
        let temp = camino_tempfile::tempdir().expect("a folder");
        let path = temp.path().join("f");
        fs_err::write(&path, "one").expect("written");
        check(&path);
    }

    fn look(path: &Utf8Path) -> Stamp {
        take(&[path.to_owned()]).expect("taken").remove(0)
    }

    fn change(path: &Utf8Path, stamp: &Stamp, seen: Timestamp) -> Option<Change> {
        compare(&[(path.to_owned(), stamp.clone())], seen).expect("compared")[0]
    }

    fn set_time(path: &Utf8Path, seconds: u64) {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let file = fs_err::OpenOptions::new().write(true).open(path);
        let file = file.expect("opened").into_parts().0;
        file.set_modified(time).expect("set");
    }

    #[test]
    fn a_file_is_known_by_its_content_and_not_by_its_time() {
        with_file(|path| {
            let stamp = look(path);
            set_time(path, 1);
            assert_eq!(change(path, &stamp, LONG_AFTER), None);
            fs_err::write(path, "two").expect("written");
            assert_eq!(change(path, &stamp, LONG_AFTER), Some(Change::Changed));
            fs_err::remove_file(path).expect("removed");
            assert_eq!(change(path, &stamp, LONG_AFTER), Some(Change::Gone));
        });
    }

    #[test]
    fn a_file_modified_in_the_moment_it_was_seen_is_read_again() {
        with_file(|path| {
            set_time(path, 1_000);
            let stamp = look(path);
            fs_err::write(path, "two").expect("written");
            set_time(path, 1_000);
            let seen = Timestamp::from_millis(1_000_500);
            assert_eq!(change(path, &stamp, seen), Some(Change::Changed));
        });
    }

    #[test]
    fn a_large_file_is_known_by_size_and_time() {
        with_file(|path| {
            let stamp = Stamp {
                digest: None,
                ..look(path)
            };
            assert_eq!(change(path, &stamp, LONG_AFTER), None);
            set_time(path, 1);
            assert_eq!(change(path, &stamp, LONG_AFTER), Some(Change::Changed));
        });
    }
}
