//! The regular files of a run's folder, and where a named one is.
//!
//! Invariant: no name leads outside the folder, whatever links a step has left in it.

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_data::folder::{DataFolder, LOG_NAME};
use stepwell_model::RunId;

use crate::names::is_relative;
use crate::{Error, Result};

/// How the name of a file begins that is being received.
pub const PART: &str = ".stepwell-part-";

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its path below the folder, with `/` between the parts.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The regular files below a folder, their names behind a prefix; links are not followed.
///
/// # Errors
/// When a folder cannot be read; one that is not there has no files.
pub fn walk(folder: &Utf8Path, prefix: &str) -> std::io::Result<Vec<FoundFile>> {
    let mut files = Vec::new();
    add(folder, prefix, &mut files)?;
    Ok(files)
}

fn add(folder: &Utf8Path, prefix: &str, files: &mut Vec<FoundFile>) -> std::io::Result<()> {
    let entries = match folder.read_dir_utf8() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name());
        let about = entry.metadata()?;
        if about.is_dir() {
            add(entry.path(), &format!("{name}/"), files)?;
        } else if about.is_file() && !entry.file_name().starts_with(PART) {
            files.push(FoundFile {
                name,
                size: about.len(),
            });
        }
    }
    Ok(())
}

/// The files of a run: what it keeps, and its log.
///
/// # Errors
/// When a folder cannot be read.
pub fn of_run(folder: &DataFolder, run: RunId) -> std::io::Result<Vec<FoundFile>> {
    let (root, log) = (folder.run_files(run), folder.run_log(run));
    let mut files = walk(&root, "")?;
    let beside = (!log.starts_with(&root)).then(|| log.symlink_metadata().ok());
    if let Some(about) = beside.flatten().filter(std::fs::Metadata::is_file) {
        files.push(FoundFile {
            name: LOG_NAME.to_owned(),
            size: about.len(),
        });
    }
    Ok(files)
}

/// Where a file of a run is, or would be, if the name stays inside the run's folder.
///
/// # Errors
/// When it does not.
pub fn place_of(folder: &DataFolder, run: RunId, name: &str) -> Result<Utf8PathBuf> {
    match name {
        LOG_NAME => Ok(folder.run_log(run)),
        _ => locate(&folder.run_files(run), name),
    }
}

/// Where a file is, if the name stays inside the folder.
///
/// # Errors
/// When it does not.
fn locate(root: &Utf8Path, name: &str) -> Result<Utf8PathBuf> {
    let refused = |hint| {
        let message = format!("`{name}` cannot name a file of a run");
        Err(Error::invalid(message).hint(hint))
    };
    if !is_relative(name) {
        return refused("use a relative path without `..`");
    }
    let path = root.join(name);
    let mut folders = path.ancestors().skip(1).take_while(|at| *at != root);
    // A step may leave links to wherever it likes.
    match folders.any(Utf8Path::is_symlink) {
        true => refused("a folder on the way to it is a link; name the file where it is"),
        false => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_found_by_its_name_wherever_the_version_that_wrote_it_has_put_it() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let folder = DataFolder::new(guard.path());
        for is_older in [false, true] {
            let run = RunId::new(uuid::Uuid::now_v7());
            let kept = folder.run_files(run).join("outputs/model");
            let log = match is_older {
                true => folder.run_files(run).join(LOG_NAME),
                false => folder.run_log(run),
            };
            for path in [&kept, &log] {
                fs_err::create_dir_all(path.parent().expect("a folder")).expect("made");
                fs_err::write(path, "12").expect("written");
            }
            let mut names: Vec<String> = of_run(&folder, run)
                .expect("readable")
                .into_iter()
                .map(|file| format!("{} {}", file.name, file.size))
                .collect();
            names.sort();
            assert_eq!(
                names,
                ["outputs/model 2".to_owned(), format!("{LOG_NAME} 2")]
            );
            assert_eq!(place_of(&folder, run, LOG_NAME).expect("a place"), log);
            assert_eq!(
                place_of(&folder, run, "outputs/model").expect("a place"),
                kept
            );
        }
    }

    #[test]
    fn a_name_stays_in_the_folder_whatever_links_it_meets() {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let root = guard.path();
        std::os::unix::fs::symlink("/", root.join("link")).expect("a link");
        for name in ["outputs/model", "new/folder/file"] {
            assert_eq!(locate(root, name).expect("inside"), root.join(name));
        }
        for name in ["/a", "../a", "a/../../b", "link/a", "link/a/b", ""] {
            assert!(locate(root, name).is_err(), "{name}");
        }
    }
}
