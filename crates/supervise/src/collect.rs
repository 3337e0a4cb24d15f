//! What a step leaves: its `outputs/` and `logs/` folders, and the outputs it declared as uploads.
//!
//! Files are renamed where the file system allows, which costs the same for a byte and a terabyte,
//! and copied where it does not. What a script uploaded by name while it ran wins over a file of
//! the same name in `outputs/` or `logs/`: it was named on purpose, and others may have read it.
//! For a declared output it is the reverse: the newer attempt's data replace the older's.

use std::fs::FileType;
use std::io;
use std::path::Path;

use camino::Utf8Path;
use fs_err as fs;
use stepwell_model::{Failure, FailureKind};

use crate::folder::Spec;
use crate::storage_failure;

/// The folders that a program finds in its working folder, and that are kept.
pub(crate) const KEPT: [&str; 2] = ["outputs", "logs"];

/// Which of two files of the same name is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wins {
    Present,
    New,
}

/// Keeps what the step left. Uploads count only if it succeeded.
pub(crate) fn collect(spec: &Spec, succeeded: bool) -> Result<(), Failure> {
    for name in KEPT {
        let kept = keep_folder(&spec.work_dir.join(name), &spec.files_dir.join(name));
        let what = format!("the step's `{name}` folder could not be kept");
        kept.map_err(|error| storage_failure(&what, &error))?;
    }
    if succeeded {
        upload(spec)?;
    }
    Ok(())
}

fn upload(spec: &Spec) -> Result<(), Failure> {
    for output in &spec.outputs {
        let Some(source) = &output.upload_from else {
            continue;
        };
        // The kept folders have been moved already.
        let moved = KEPT
            .iter()
            .any(|kept| Utf8Path::new(source).starts_with(kept));
        let base = if moved {
            &spec.files_dir
        } else {
            &spec.work_dir
        };
        let from = base.join(source);
        let to = &output.path;
        if !from.exists() {
            return Err(Failure::new(
                FailureKind::Storage,
                format!(
                    "the script wrote nothing to `{source}`, which is to be uploaded to `{to}`"
                ),
            )
            .with_hint("write the output there, or take it out of the step's outputs"));
        }
        let result = if moved {
            copy(from.as_std_path(), to.as_std_path(), Wins::New)
        } else {
            relocate(from.as_std_path(), to.as_std_path(), Wins::New)
        };
        let what = format!("the output `{source}` could not be moved to `{to}`");
        result.map_err(|error| storage_failure(&what, &error))?;
    }
    Ok(())
}

/// An empty folder is not kept; one that the script removed is no error.
fn keep_folder(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    match std::fs::read_dir(from).map(|mut entries| entries.next()) {
        Ok(None) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => relocate(from.as_std_path(), to.as_std_path(), Wins::Present),
    }
}

/// Moves a file or a folder; folders on both sides are merged.
fn relocate(from: &Path, to: &Path, wins: Wins) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    match fs::symlink_metadata(to).map(|there| there.file_type()) {
        Err(_) => move_whole(from, to, wins),
        Ok(there) if kind.is_dir() && there.is_dir() => {
            for entry in fs::read_dir(from)? {
                let name = entry?.file_name();
                relocate(&from.join(&name), &to.join(&name), wins)?;
            }
            Ok(())
        }
        Ok(_) if wins == Wins::Present => Ok(()),
        Ok(there) => {
            remove(to, there)?;
            move_whole(from, to, wins)
        }
    }
}

/// Moves to a place where there is nothing.
fn move_whole(from: &Path, to: &Path, wins: Wins) -> io::Result<()> {
    let first = std::fs::rename(from, to);
    match first.map_err(|error| error.kind()) {
        Ok(()) => Ok(()),
        Err(io::ErrorKind::CrossesDevices) => copy(from, to, wins),
        Err(_) => {
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            match fs::rename(from, to) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(from, to, wins),
                renamed => renamed,
            }
        }
    }
}

/// Copies a file, a link or a folder with all it holds.
fn copy(from: &Path, to: &Path, wins: Wins) -> io::Result<()> {
    let kind = fs::symlink_metadata(from)?.file_type();
    let there = fs::symlink_metadata(to).map(|there| there.file_type()).ok();
    if kind.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name), wins)?;
        }
        return Ok(());
    }
    match there {
        Some(_) if wins == Wins::Present => return Ok(()),
        Some(there) => remove(to, there)?,
        None => {}
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if kind.is_file() {
        fs::copy(from, to)?;
    }
    Ok(())
}

fn remove(path: &Path, kind: FileType) -> io::Result<()> {
    if kind.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
    }

    fn read(root: &Path, path: &str) -> String {
        fs::read_to_string(root.join(path)).expect("a file")
    }

    #[test]
    fn folders_are_merged_and_the_uploaded_file_wins() {
        let root = tempfile::tempdir().expect("a folder");
        let (work, files) = (root.path().join("work"), root.path().join("files"));
        tree(&work, &[("a/model", "late"), ("a/plot", "new"), ("b", "b")]);
        tree(&files, &[("a/model", "uploaded")]);
        relocate(&work, &files, Wins::Present).expect("merge");
        assert_eq!(read(&files, "a/model"), "uploaded");
        assert_eq!(read(&files, "a/plot"), "new");
        assert_eq!(read(&files, "b"), "b");
    }

    #[test]
    fn a_declared_output_replaces_what_an_earlier_attempt_left() {
        let root = tempfile::tempdir().expect("a folder");
        let (work, place) = (root.path().join("work"), root.path().join("place"));
        for put in [relocate, copy] {
            tree(&work, &[("data/part", "second")]);
            tree(&place, &[("data/part", "first"), ("data/other", "kept")]);
            put(&work, &place, Wins::New).expect("move");
            assert_eq!(read(&place, "data/part"), "second");
            assert_eq!(read(&place, "data/other"), "kept");
        }
    }

    #[test]
    fn an_empty_folder_is_not_kept() {
        let root = tempfile::tempdir().expect("a folder");
        let root = Utf8Path::from_path(root.path()).expect("utf-8");
        fs::create_dir(root.join("outputs")).expect("a folder");
        keep_folder(&root.join("outputs"), &root.join("files/outputs")).expect("keep");
        keep_folder(&root.join("removed"), &root.join("files/removed")).expect("keep");
        assert!(!root.join("files").exists());
    }
}
