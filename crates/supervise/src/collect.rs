//! What a step leaves: its `outputs/` and `logs/` folders, and the outputs it declared as uploads.
//!
//! Files are renamed where the file system allows, which costs the same for a byte and a terabyte,
//! and copied where it does not. What a script uploaded by name while it ran wins over a file of
//! the same name in `outputs/` or `logs/`: it was named on purpose, and others may have read it.
//! For a declared output it is the reverse: the newer attempt's data replace the older's.
//!
//! What a failed step wrote to a place that others know is never seen there: it was written aside.

use std::fs::FileType;
use std::io;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use stepwell_model::{Failure, FailureKind};

use crate::folder::{OutputPlace, Spec};
use crate::storage_failure;

/// The folders that a program finds in its working folder, and that are kept.
pub(crate) const KEPT: [&str; 2] = ["outputs", "logs"];

/// Which of two files of the same name is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wins {
    Present,
    New,
}

/// Keeps what the step left. Uploads, and what was written aside, count only if it succeeded.
pub(crate) fn collect(spec: &Spec, succeeded: bool) -> Result<(), Failure> {
    for name in KEPT {
        let kept = keep_folder(&spec.work_dir.join(name), &spec.files_dir.join(name));
        let what = format!("the step's `{name}` folder could not be kept");
        kept.map_err(|error| storage_failure(&what, &error))?;
    }
    let committed = match succeeded {
        true => commit(spec),
        false => Ok(()),
    };
    for staged in spec.outputs.iter().filter_map(|out| out.staged.as_ref()) {
        // Nobody knows the place but this attempt; what cannot be removed is only in the way.
        let _ = std::fs::remove_dir_all(staged);
    }
    committed
}

/// Brings the outputs to their places. Nothing is moved before all of them have been checked.
fn commit(spec: &Spec) -> Result<(), Failure> {
    let mut moves = Vec::new();
    for output in &spec.outputs {
        moves.extend(Move::of(spec, output)?);
    }
    for each in &moves {
        each.check()?;
    }
    moves.iter().try_for_each(Move::perform)
}

/// An output on its way to its place.
struct Move<'a> {
    output: &'a OutputPlace,
    from: Utf8PathBuf,
    /// Whether the source stays where it is: it is kept as a file of the run, too.
    stays: bool,
}

impl<'a> Move<'a> {
    /// `None` for an output that was written in its place, or aside and not at all.
    fn of(spec: &Spec, output: &'a OutputPlace) -> Result<Option<Self>, Failure> {
        let Some(source) = &output.upload_from else {
            let staged = output.staged.clone().filter(|staged| staged.exists());
            return Ok(staged.map(|from| Self {
                output,
                from,
                stays: false,
            }));
        };
        // The kept folders have been moved already.
        let stays = KEPT
            .iter()
            .any(|kept| Utf8Path::new(source).starts_with(kept));
        let base = if stays {
            &spec.files_dir
        } else {
            &spec.work_dir
        };
        let from = base.join(source);
        if !from.exists() {
            let to = &output.path;
            return Err(Failure::new(
                FailureKind::Storage,
                format!(
                    "the script wrote nothing to `{source}`, which is to be uploaded to `{to}`"
                ),
            )
            .with_hint("write the output there, or take it out of the step's outputs"));
        }
        let found = Self {
            output,
            from,
            stays,
        };
        Ok(Some(found))
    }

    /// Refuses to replace what must not be replaced.
    fn check(&self) -> Result<(), Failure> {
        let to = &self.output.path;
        if !self.output.keep_existing || !to.exists() {
            return Ok(());
        }
        let files = self.chosen().map_err(|error| self.failure(&error))?;
        let place = |file: &Utf8PathBuf| match file.as_str() {
            "" => to.clone(),
            _ => to.join(file),
        };
        match files.iter().map(place).find(|place| place.exists()) {
            None => Ok(()),
            Some(place) => Err(Failure::new(
                FailureKind::Storage,
                format!("`{place}` is there already, and the step's output must not replace it"),
            )
            .with_hint(
                "allow it with as_upload(overwrite=True), or give the output a destination with \
                 {run-id} in it",
            )),
        }
    }

    fn perform(&self) -> Result<(), Failure> {
        let to = self.output.path.as_std_path();
        let put = |from: &Path, to: &Path| match self.stays {
            true => copy(from, to, Wins::New),
            false => relocate(from, to, Wins::New),
        };
        let all = || -> io::Result<()> {
            if self.output.source_globs.is_empty() {
                return put(self.from.as_std_path(), to);
            }
            if self.from.is_dir() {
                fs::create_dir_all(to)?;
            }
            for file in self.chosen()? {
                match file.as_str() {
                    "" => put(self.from.as_std_path(), to)?,
                    _ => put(self.from.join(&file).as_std_path(), &to.join(&file))?,
                }
            }
            Ok(())
        };
        all().map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let (from, to) = (&self.from, &self.output.path);
        let source = self.output.upload_from.as_deref();
        let source = source.unwrap_or(from.as_str());
        storage_failure(
            &format!("the output `{source}` could not be moved to `{to}`"),
            error,
        )
    }

    /// The files that the patterns choose, relative to the source; the empty path for a single one.
    fn chosen(&self) -> io::Result<Vec<Utf8PathBuf>> {
        let globs = &self.output.source_globs;
        let wanted = |path: &str| {
            let matches =
                |glob: &String| fast_glob::glob_match(glob.trim_start_matches("./"), path);
            globs.is_empty() || globs.iter().any(matches)
        };
        if !self.from.is_dir() {
            let name = self.from.file_name().unwrap_or_default();
            return Ok(wanted(name).then(Utf8PathBuf::new).into_iter().collect());
        }
        let mut found = Vec::new();
        let mut folders = vec![Utf8PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in self.from.join(&folder).read_dir_utf8()? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if wanted(path.as_str()) {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }
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
