//! The content of files and folders as digests, and whether it is still what it was.
//!
//! Digests of files are remembered by what the system says of them (size, times, inode), so that
//! unchanged files are read once. A file that was changed moments before it was read is not
//! remembered: its next change might leave no trace in its times.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::Digest;

use crate::{Result, hash};

/// How old a change must be before a digest is remembered by its time.
const SETTLED: Duration = Duration::from_secs(2);

/// How many digests are remembered; beyond that all are forgotten.
const REMEMBERED_MAX: usize = 1_000_000;

/// What the system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

impl Stat {
    fn of(about: &std::fs::Metadata) -> Self {
        Self {
            size: about.len(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
            inode: about.ino(),
        }
    }
}

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
    known: Mutex<HashMap<Utf8PathBuf, (Stat, Digest)>>,
}

impl Contents {
    /// The files below a path, sorted, with their digests; one file for a file, none for nothing.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn files(&self, path: &Utf8Path) -> Result<Vec<File>> {
        let mut files = Vec::new();
        for (name, place, about) in walk(path)? {
            files.push(File {
                path: name,
                digest: self.digest(&place, &about)?,
            });
        }
        Ok(files)
    }

    fn digest(&self, path: &Utf8Path, about: &std::fs::Metadata) -> Result<Digest> {
        let stat = Stat::of(about);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, digest)) = known().get(path)
            && *seen == stat
        {
            return Ok(*digest);
        }
        let (digest, _) = hash::of_reader(fs_err::File::open(path)?)?;
        let age = about
            .modified()
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > SETTLED) {
            let mut known = known();
            if known.len() >= REMEMBERED_MAX {
                known.clear();
            }
            known.insert(path.to_owned(), (stat, digest));
        }
        Ok(digest)
    }
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
        let Stat { size, modified, .. } = Stat::of(&about);
        hasher.update(format!("{} {name} {size} {modified:?}\n", name.len()).as_bytes());
    }
    Ok(Digest::new(*hasher.finalize().as_bytes()))
}

/// The regular files below a path, sorted by name; links are followed.
fn walk(path: &Utf8Path) -> Result<Vec<(String, Utf8PathBuf, std::fs::Metadata)>> {
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
            let about = fs_err::metadata(entry.path())?;
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
