//! What a step finds in its working folder beside its snapshot: copies of inputs that it may write
//! to, and links to inputs that it wants at a path of its own.
//!
//! Invariant: a copy shares no file with its source. Links in the source are followed, so that a
//! folder of links becomes a folder of files.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fs_err as fs;
use stepwell_model::{Failure, FailureKind};

use crate::spec::{InputPlace, Spec};
use crate::storage_failure;

/// How deep folders may lie in each other; a link that leads upwards makes them endless.
const DEPTH_MAX: usize = 100;

/// Puts every input to its place.
pub(crate) fn fetch(spec: &Spec) -> Result<(), Failure> {
    for input in &spec.inputs {
        let to = spec.work_dir.join(&input.to);
        put(input, to.as_std_path()).map_err(|error| failure(input, &error))?;
    }
    Ok(())
}

fn failure(input: &InputPlace, error: &io::Error) -> Failure {
    let from = &input.from;
    if error.kind() == io::ErrorKind::NotFound && !from.exists() {
        return Failure::new(
            FailureKind::Storage,
            format!("the input `{from}` is to be copied to the step, and is not there"),
        )
        .with_hint("the step that makes it must write it, or its path must be mended");
    }
    let what = format!("the input `{from}` could not be put to `{}`", input.to);
    storage_failure(&what, error)
}

fn put(input: &InputPlace, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    if input.copy {
        return copy(input.from.as_std_path(), to, 0);
    }
    // The data that a program asked for wins over a file of its snapshot.
    match fs::symlink_metadata(to) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(to)?,
        Ok(_) => fs::remove_file(to)?,
        Err(_) => {}
    }
    std::os::unix::fs::symlink(&input.from, to)
}

/// Copies a file or a folder; by copy-on-write where the file system has it.
fn copy(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    if depth > DEPTH_MAX {
        let text = format!(
            "`{}` lies too deep; a link may lead upwards",
            from.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let about = fs::metadata(from)?;
    if about.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name), depth + 1)?;
        }
        return Ok(());
    }
    if !about.is_file() {
        return Ok(());
    }
    // What is there is replaced and not written into: it may be a link.
    if fs::symlink_metadata(to).is_ok() {
        fs::remove_file(to)?;
    }
    fs::copy(from, to)?;
    let mut mode = about.permissions();
    if mode.mode() & 0o200 == 0 {
        mode.set_mode(mode.mode() | 0o200);
        fs::set_permissions(to, mode)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_of_files_that_may_be_written_and_never_the_source() {
        let root = tempfile::tempdir().expect("a folder");
        let (from, view, to) = (
            root.path().join("from"),
            root.path().join("view"),
            root.path().join("to"),
        );
        fs::create_dir_all(from.join("a")).expect("a folder");
        fs::write(from.join("a/x"), "data").expect("a file");
        fs::set_permissions(from.join("a/x"), PermissionsExt::from_mode(0o444)).expect("set");
        fs::create_dir(&view).expect("a folder");
        std::os::unix::fs::symlink(from.join("a"), view.join("linked")).expect("a link");
        copy(&view, &to, 0).expect("copied");
        let copied = to.join("linked/x");
        assert!(!fs::symlink_metadata(&copied).expect("there").is_symlink());
        let mode = fs::metadata(&copied).expect("there").permissions().mode();
        assert_eq!(mode & 0o200, 0o200, "it may be written");
        fs::write(&copied, "scribble").expect("written");
        assert_eq!(fs::read_to_string(from.join("a/x")).expect("there"), "data");
    }

    #[test]
    fn a_link_upwards_ends_the_copy_with_its_reason() {
        let root = tempfile::tempdir().expect("a folder");
        let from = root.path().join("from");
        fs::create_dir(&from).expect("a folder");
        std::os::unix::fs::symlink(&from, from.join("up")).expect("a link");
        let error = copy(&from, &root.path().join("to"), 0).expect_err("endless");
        // The system's own limit of links comes first on some machines.
        assert!(!error.to_string().is_empty());
    }
}
