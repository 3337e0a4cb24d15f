//! The removal of what was decided on.
//!
//! A folder is first renamed into the trash, so that nobody sees it half removed, and the trash is
//! emptied afterwards, for a limited time: a call that ends before that reports it, and the next one
//! continues. Snapshots go before the files they list, as an incomplete snapshot is worse than a
//! file that nobody lists.
//!
//! Invariant: nothing outside the data folder is touched, and no link is followed.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::Result;
use stepwell_data::cas::{Cas, Removal};
use stepwell_data::folder::DataFolder;
use uuid::Uuid;

use super::inventory::{Entry, GcKind, What};

/// How long one call may take to empty the trash.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was removed.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) removed: Vec<(GcKind, u64)>,
    /// Whether nothing is left to remove.
    pub(super) complete: bool,
}

/// Removes them.
pub(super) fn remove(folder: &DataFolder, cas: &Cas, going: &[Entry]) -> Result<Done> {
    let begin = Instant::now();
    cas.recover()?;
    let mut done = Done::default();
    for entry in going {
        let path = match &entry.what {
            What::Run(run) => folder.run(*run),
            What::Path(path) => path.clone(),
            What::Object(_) => continue,
        };
        if discard(folder, &path)? {
            done.removed.push((entry.kind, entry.bytes));
        }
    }
    let object = |entry: &Entry| match &entry.what {
        What::Object(digest) => Some((*digest, entry.bytes)),
        _ => None,
    };
    let mut objects: Vec<_> = going.iter().filter_map(object).collect();
    // A snapshot's manifest is read to the end of its first line at most.
    objects.sort_by_key(|(digest, _)| !stepwell_data::snapshot::is_one(cas, digest));
    for (digest, _) in objects {
        if let Removal::Removed(bytes) = cas.remove(&digest)? {
            done.removed.push((GcKind::Objects, bytes));
        }
    }
    match cas.remove_leftovers()? {
        0 => {}
        bytes => done.removed.push((GcKind::Leftovers, bytes)),
    }
    done.complete = empty(&folder.trash(), begin + PATIENCE)?;
    Ok(done)
}

/// Takes a file or folder out of sight; gives whether it was there.
fn discard(folder: &DataFolder, path: &Utf8Path) -> io::Result<bool> {
    if !path.starts_with(folder.root()) || path == folder.root() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            format!("`{path}` is not in the data folder and is not removed"),
        ));
    }
    let trash = folder.trash();
    fs_err::create_dir_all(&trash)?;
    match std::fs::rename(path, trash.join(Uuid::new_v4().to_string())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // A part of the data folder may be a link to another disk.
        Err(error) if error.kind() == ErrorKind::CrossesDevices => delete(path).map(|()| true),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("failed to remove `{path}`: {error}"),
        )),
    }
}

/// Empties the trash until a moment; gives whether it is empty.
fn empty(trash: &Utf8Path, until: Instant) -> io::Result<bool> {
    let entries = match trash.read_dir_utf8() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        entries => entries?,
    };
    let paths: io::Result<Vec<Utf8PathBuf>> = entries.map(|entry| Ok(entry?.into_path())).collect();
    for path in paths? {
        if Instant::now() >= until {
            return Ok(false);
        }
        delete(&path)?;
    }
    Ok(true)
}

fn delete(path: &Utf8Path) -> io::Result<()> {
    let removed = match fs_err::symlink_metadata(path)?.is_dir() {
        true => fs_err::remove_dir_all(path),
        false => fs_err::remove_file(path),
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
