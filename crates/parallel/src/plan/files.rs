//! Mini-batches of files: the files below a folder, so many at a time.
//!
//! Folders are gone through depth first. Of a folder with very many entries some ten thousand are
//! in memory at a time and sorted among themselves, so that ten million files in one folder take
//! no more memory than a hundred thousand, and the first mini-batch is there at once.

use std::ffi::OsString;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Cut;
use crate::JobInput;

/// How many entries of a folder are sorted at a time.
const CHUNK: usize = 32_768;

/// How many files a mini-batch has unless it is said, as in v1.
const FILES: u64 = 10;

/// The folder of links that represents a dataset on a datastore; it is no data of the user's.
const VIEWS: &str = ".views";

#[derive(Serialize)]
struct Files<'a> {
    input: &'a str,
    files: &'a [String],
}

/// Cuts inputs of files, one after the other; `take` says whether to go on.
///
/// # Errors
/// When a file or folder cannot be read, or a name is not UTF-8.
pub fn cut(
    inputs: &[JobInput],
    size: Option<u64>,
    take: &mut dyn FnMut(Cut) -> ControlFlow<()>,
) -> io::Result<()> {
    let size = usize::try_from(size.unwrap_or(FILES)).unwrap_or(usize::MAX);
    for input in inputs {
        let Some(place) = &input.place else {
            continue;
        };
        let mut files: Vec<String> = Vec::new();
        let mut send = |files: &mut Vec<String>| {
            let body = Files {
                input: &input.name,
                files,
            };
            let body = serde_json::to_vec(&body).unwrap_or_default();
            let items = Some(files.len() as u64);
            files.clear();
            take(Cut { body, items })
        };
        let mut each = |path: PathBuf| {
            files.push(text(path.into_os_string())?);
            if files.len() < size {
                return Ok(ControlFlow::Continue(()));
            }
            Ok(send(&mut files))
        };
        if walk(Path::new(place), &mut each)?.is_break() {
            return Ok(());
        }
        if !files.is_empty() && send(&mut files).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn text(name: OsString) -> io::Result<String> {
    name.into_string().map_err(|name| {
        let what = format!("the file name {name:?} is not UTF-8");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

type Each<'a> = &'a mut dyn FnMut(PathBuf) -> io::Result<ControlFlow<()>>;

fn walk(place: &Path, each: Each<'_>) -> io::Result<ControlFlow<()>> {
    if fs_err::metadata(place)?.is_file() {
        return each(place.to_owned());
    }
    let mut entries = fs_err::read_dir(place)?;
    loop {
        let mut chunk: Vec<(OsString, Kind)> = Vec::new();
        for entry in entries.by_ref().take(CHUNK) {
            let entry = entry?;
            let kind = Kind::of(&entry)?;
            if kind != Kind::Other && !is_skipped(&entry.file_name()) {
                chunk.push((entry.file_name(), kind));
            }
        }
        let last = chunk.is_empty();
        chunk.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, kind) in chunk {
            let path = place.join(name);
            let next = match kind {
                Kind::Folder => walk(&path, each)?,
                _ => each(path)?,
            };
            if next.is_break() {
                return Ok(next);
            }
        }
        if last {
            return Ok(ControlFlow::Continue(()));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Other,
}

impl Kind {
    /// A link is the file it leads to; one to a folder, which may lead in a circle, is passed over
    /// like one that leads nowhere. So does the SDK when it looks for the files of a dataset.
    fn of(entry: &fs_err::DirEntry) -> io::Result<Self> {
        let kind = entry.file_type()?;
        let kind = match kind.is_symlink() {
            true => match std::fs::metadata(entry.path()) {
                Ok(there) if there.is_dir() => return Ok(Self::Other),
                Ok(there) => there.file_type(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Other),
                Err(error) => return Err(error),
            },
            false => kind,
        };
        Ok(match (kind.is_file(), kind.is_dir()) {
            (true, _) => Self::File,
            (_, true) => Self::Folder,
            _ => Self::Other,
        })
    }
}

/// Links of datasets, and copies that are not finished.
fn is_skipped(name: &OsString) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let unfinished = || {
        let number = name.strip_suffix(".part")?.rsplit_once('.')?.1;
        Some(!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name == VIEWS || unfinished() == Some(true)
}

#[cfg(test)]
mod tests {
    use stepwell_model::InputForm;

    use super::*;

    fn planned(places: &[&Path], size: u64, most: usize) -> Vec<Vec<String>> {
        let input = |place: &&Path| JobInput {
            name: "raw".to_owned(),
            form: InputForm::Files,
            place: Some(place.to_str().expect("UTF-8").to_owned()),
            dataset: None,
        };
        let inputs: Vec<JobInput> = places.iter().map(input).collect();
        let mut made = Vec::new();
        let mut take = |cut: Cut| {
            let body: serde_json::Value = serde_json::from_slice(&cut.body).expect("JSON");
            let files = body["files"].as_array().expect("a list");
            assert_eq!(cut.items, Some(files.len() as u64));
            let name = |file: &serde_json::Value| {
                let path = Path::new(file.as_str().expect("text"));
                let place = places
                    .iter()
                    .find_map(|place| path.strip_prefix(place).ok());
                place.expect("below").to_str().expect("UTF-8").to_owned()
            };
            made.push(files.iter().map(name).collect());
            match made.len() < most {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        cut(&inputs, Some(size), &mut take).expect("a plan");
        made
    }

    #[test]
    fn files_come_by_name_through_all_folders_and_links() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = tempfile::tempdir().expect("a folder");
        for name in [
            "b.csv",
            "a/2.csv",
            "a/1.csv",
            "c.csv.7.part",
            ".views/x/old.csv",
        ] {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs_err::write(path, "x").expect("written");
        }
        fs_err::write(other.path().join("z.csv"), "x").expect("written");
        let link = |from: &Path, name: &str| {
            std::os::unix::fs::symlink(from, folder.path().join(name)).expect("a link");
        };
        link(&other.path().join("z.csv"), "d.csv");
        link(Path::new("nowhere"), "e.csv");
        let made = planned(&[folder.path(), other.path()], 3, usize::MAX);
        assert_eq!(
            made,
            [
                vec!["a/1.csv", "a/2.csv", "b.csv"],
                vec!["d.csv"],
                vec!["z.csv"]
            ]
        );
    }

    #[test]
    fn a_large_folder_is_read_piece_by_piece_and_only_as_far_as_it_must() {
        let folder = tempfile::tempdir().expect("a folder");
        let count = CHUNK * 2 + 5;
        for number in 0..count {
            fs_err::write(folder.path().join(number.to_string()), "").expect("written");
        }
        assert_eq!(planned(&[folder.path()], 10, 2).len(), 2);
        let mut all = planned(&[folder.path()], 1000, usize::MAX).concat();
        assert_eq!(all.len(), count);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_single_file_is_a_mini_batch() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("one");
        fs_err::write(&path, "").expect("written");
        assert_eq!(planned(&[&path], 10, 9), [[""]]);
    }
}
