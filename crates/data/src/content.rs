//! The content of files and folders as digests, and whether it is still what it was.
//!
//! Digests of files are remembered by what the system says of them (size, times, inode), in a file
//! that outlives the process, so that unchanged files are read once. A file that was changed
//! moments before it was read is not remembered: its next change might leave no trace in its times.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::Digest;

use crate::digests::{Digests, Key};
use crate::stamp::{self, Stamp};
use crate::{Result, hash, parallel};

/// How old a change must be before a digest is remembered by its time.
const SETTLED: Duration = Duration::from_secs(2);

/// A file of a folder: its path within, and the digest of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path below the folder; empty when the content is one file.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// Digests of contents, remembered while files do not change.
#[derive(Debug, Default)]
pub struct Contents {
    known: Digests,
}

impl Contents {
    /// Remembers digests in a file, which other processes may use as well. Without it
    /// ([`Contents::default`]) every file is read every time.
    #[must_use]
    pub fn open(cache: &Utf8Path) -> Self {
        Self {
            known: Digests::open(cache),
        }
    }

    /// The files below a path, sorted, with their digests; one file for a file, none for nothing.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn files(&self, path: &Utf8Path) -> Result<Vec<File>> {
        let found = walk(path)?;
        let bytes = found.iter().map(|(.., about)| about.len()).sum();
        let digests = parallel::map(&found, bytes, |(_, place, about)| self.digest(place, about))?;
        let files = found.into_iter().zip(digests);
        Ok(files
            .map(|((path, ..), digest)| File { path, digest })
            .collect())
    }

    /// The files below a path, sorted by name, each with what it is now.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn stamps(&self, path: &Utf8Path) -> Result<Vec<(String, Stamp)>> {
        let found = walk(path)?;
        let bytes = found.iter().map(|(.., about)| about.len()).sum();
        parallel::map(&found, bytes, |(name, place, about)| {
            let small = about.len() <= stamp::DIGEST_MAX;
            let stamp = Stamp {
                size: about.len(),
                modified_ns: stamp::modified_ns(about),
                digest: match small {
                    true => Some(self.digest(place, about)?),
                    false => None,
                },
            };
            Ok((name.clone(), stamp))
        })
    }

    fn digest(&self, path: &Utf8Path, about: &Metadata) -> Result<Digest> {
        let key = key(path, about);
        if let Some(digest) = self.known.find(&key) {
            return Ok(digest);
        }
        let (digest, _) = hash::of_reader(fs_err::File::open(path)?)?;
        let now = SystemTime::now();
        if is_settled(about, now) {
            let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            let hour = u32::try_from(since.as_secs() / 3_600).unwrap_or(u32::MAX);
            self.known.put(&key, &digest, hour);
        }
        Ok(digest)
    }
}

/// A digest of a path and of what the system says of its file.
fn key(path: &Utf8Path, about: &Metadata) -> Key {
    let mut hasher = blake3::Hasher::new();
    for number in [
        about.size(),
        about.mtime().cast_unsigned(),
        about.mtime_nsec().cast_unsigned(),
        about.ctime().cast_unsigned(),
        about.ctime_nsec().cast_unsigned(),
        about.ino(),
        about.dev(),
    ] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(path.as_str().as_bytes());
    let mut key = Key::default();
    hasher.finalize_xof().fill(&mut key);
    key
}

/// Whether the last change is long enough ago that another one would show in the times. A program
/// can set the time of modification back, but not the time of change.
fn is_settled(about: &Metadata, now: SystemTime) -> bool {
    let (seconds, nanos) = (about.ctime(), about.ctime_nsec());
    let changed = u64::try_from(seconds).ok().zip(u32::try_from(nanos).ok());
    let changed = changed.and_then(|(s, n)| UNIX_EPOCH.checked_add(Duration::new(s, n)));
    let modified = about.modified().ok();
    let quiet = |at: Option<SystemTime>| {
        at.and_then(|at| now.duration_since(at).ok())
            .is_some_and(|age| age > SETTLED)
    };
    quiet(changed) && quiet(modified)
}

/// One digest for a list of files.
#[must_use]
pub fn digest(files: &[File]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(format!("{} {}\n", file.path.len(), file.path).as_bytes());
        hasher.update(file.digest.as_bytes());
    }
    Digest::new(*hasher.finalize().as_bytes())
}

/// What the system says of everything below a path, as one digest: cheap, and different after
/// most changes. It reads no file.
///
/// # Errors
/// When a folder cannot be read.
pub fn stamp(path: &Utf8Path) -> Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    for (name, _, about) in walk(path)? {
        let (size, modified) = (about.len(), (about.mtime(), about.mtime_nsec()));
        hasher.update(format!("{} {name} {size} {modified:?}\n", name.len()).as_bytes());
    }
    Ok(Digest::new(*hasher.finalize().as_bytes()))
}

/// The regular files below a path, sorted by name; links are followed.
fn walk(path: &Utf8Path) -> Result<Vec<(String, Utf8PathBuf, Metadata)>> {
    let mut found = Vec::new();
    let about = match fs_err::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        about => about?,
    };
    if about.is_file() {
        return Ok(vec![(String::new(), path.to_owned(), about)]);
    }
    let mut folders = vec![(String::new(), path.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        for entry in folder.read_dir_utf8()? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name());
            let mut about = entry.metadata()?;
            if about.is_symlink() {
                about = fs_err::metadata(entry.path())?;
            }
            if about.is_dir() {
                folders.push((format!("{name}/"), entry.into_path()));
            } else if about.is_file() {
                found.push((name, entry.into_path(), about));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder as Tree;

    #[test]
    fn a_changed_byte_changes_the_digest_and_writing_the_same_does_not() {
        let tree = Tree::with(&[("a/x", "one")]);
        let contents = Contents::default();
        let now = || digest(&contents.files(tree.path()).expect("read"));
        let before = now();
        tree.write("a/x", "one");
        assert_eq!(now(), before);
        tree.write("a/x", "two");
        assert_ne!(now(), before);
    }

    #[test]
    fn an_unchanged_file_is_read_once_by_all_processes_together() {
        let tree = Tree::with(&[("a", "one")]);
        let beside = Tree::with(&[]);
        let cache = beside.path().join("digests");
        let path = tree.path().join("a");
        let about = fs_err::metadata(&path).expect("there");
        // What a file holds now cannot tell what was remembered: the test remembers a lie.
        let lie = Digest::new([7; 32]);
        Contents::open(&cache)
            .known
            .put(&key(&path, &about), &lie, 1);
        let contents = Contents::open(&cache);
        assert_eq!(contents.files(&path).expect("read")[0].digest, lie);
        tree.write("a", "changed");
        assert_ne!(contents.files(&path).expect("read")[0].digest, lie);
    }

    #[test]
    fn a_file_changed_a_moment_ago_is_not_remembered() {
        let tree = Tree::with(&[("a", "one")]);
        let about = fs_err::metadata(tree.path().join("a")).expect("there");
        let at = |seconds: i64| {
            let seconds = u64::try_from(about.ctime() + seconds).expect("after 1970");
            UNIX_EPOCH + Duration::from_secs(seconds)
        };
        assert!(!is_settled(&about, at(1)));
        assert!(is_settled(&about, at(4)));
        assert!(!is_settled(&about, at(-60)), "a clock that was set back");
    }

    #[test]
    fn nothing_there_is_a_content_too() {
        let tree = Tree::with(&[]);
        let absent = tree.path().join("absent");
        assert!(
            Contents::default()
                .files(&absent)
                .expect("no error")
                .is_empty()
        );
        assert_eq!(
            stamp(&absent).expect("no error"),
            stamp(tree.path()).expect("empty")
        );
    }
}
