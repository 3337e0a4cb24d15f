//! The files of a data folder that a backup holds, copied while a server writes.
//!
//! The database is not among them: whoever copies it does so first and by its own means. All that
//! the database names is then there already, as objects and files appear complete and are removed
//! only when they are collected. What can be made again, or is of the moment, is left out.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;

/// What is left out, by name in the data folder.
const LEFT_OUT: [&str; 12] = [
    "stepwell.db",
    "stepwell.db-wal",
    "stepwell.db-shm",
    "server.json",
    "lock",
    "port",
    "cache",
    "spark",
    "transfer",
    "trash",
    "envs",
    "logs",
];

/// How much was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many files.
    pub files: u64,
    /// How many bytes they hold.
    pub bytes: u64,
}

/// Copies everything but the database into a folder that exists. A file that vanishes meanwhile was
/// collected or of the moment, and is no error.
///
/// # Errors
/// Those of the file system.
pub fn copy(from: &Utf8Path, to: &Utf8Path) -> io::Result<Copied> {
    let mut copied = Copied::default();
    let mut folders = vec![Utf8PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Some(entries) = tolerate(from.join(&folder).read_dir_utf8())? else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if LEFT_OUT.contains(&path.as_str()) || is_working_folder(&path) {
                continue;
            }
            let Some(about) = tolerate(fs::symlink_metadata(from.join(&path)))? else {
                continue;
            };
            let target = to.join(&path);
            if about.is_dir() {
                fs::create_dir(&target)?;
                folders.push(path);
            } else if about.is_symlink() {
                if let Some(leads) = tolerate(fs::read_link(from.join(&path)))? {
                    fs::os::unix::fs::symlink(leads, &target)?;
                }
            } else if about.is_file()
                && let Some(bytes) = tolerate(copy_file(&from.join(&path), &target))?
            {
                copied.files += 1;
                copied.bytes += bytes;
            }
        }
    }
    Ok(copied)
}

/// By copy-on-write where the file system has it.
fn copy_file(from: &Utf8Path, to: &Utf8Path) -> io::Result<u64> {
    match reflink_copy::reflink_or_copy(from, to)? {
        Some(bytes) => Ok(bytes),
        None => Ok(fs::metadata(to)?.len()),
    }
}

/// `runs/<run>/work`, `runs/<run>/attempt-2/work`: what a step has under its hands is of the moment.
fn is_working_folder(path: &Utf8Path) -> bool {
    let parts: Vec<&str> = path.as_str().split('/').collect();
    match parts[..] {
        ["runs", _, "work"] => true,
        ["runs", _, attempt, "work"] => attempt.starts_with("attempt-"),
        _ => false,
    }
}

fn tolerate<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_left_is_copied_and_what_is_of_the_moment_is_not() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let top = guard.path();
        let (from, to) = (top.join("from"), top.join("to"));
        for file in [
            "objects/ab/cd",
            "runs/1/files/outputs/model",
            "runs/1/claim.json",
            "runs/1/work/scratch",
            "runs/1/attempt-2/claim.json",
            "runs/1/attempt-2/work/scratch",
            "token",
            "server.json",
            "envs/a/bin/python",
            "spark/warm-0/log.txt",
            "stepwell.db",
        ] {
            let path = from.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "1234").expect("a file");
        }
        fs::create_dir(&to).expect("a folder");
        let copied = copy(&from, &to).expect("copied");
        assert_eq!((copied.files, copied.bytes), (5, 20));
        assert!(to.join("runs/1/files/outputs/model").exists() && to.join("token").exists());
        for file in [
            "stepwell.db",
            "server.json",
            "envs",
            "spark",
            "runs/1/work",
            "runs/1/attempt-2/work",
        ] {
            assert!(!to.join(file).exists(), "{file}");
        }
    }
}
