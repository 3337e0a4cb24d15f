//! Files and folders brought to their places, each of which appears there complete.
//!
//! A rename where the file system allows it, which costs the same for a byte and a terabyte. Where
//! it does not, or where the source is to stay, a copy is made beside the place under a name of its
//! own, and that is renamed.
//!
//! Invariants: a file never replaces a folder, nor a folder a file, and a link to a folder counts as
//! one; no path at a place ever holds a part of a file; of a folder that is new there, no part.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

/// Which of two files of the same name is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wins {
    Present,
    New,
}

/// How something is brought to a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner<'a> {
    pub(crate) wins: Wins,
    /// Whether the source stays where it is.
    pub(crate) stays: bool,
    /// The name that copies have until they are complete; see `stepwell_data::folder::INCOMING_PREFIX`.
    pub(crate) aside: &'a str,
}

/// Brings a file or a folder to a place; folders on both sides are merged.
///
/// # Errors
/// Those of the file system, and when a file and a folder meet.
pub(crate) fn bring(from: &Path, to: &Path, manner: Manner<'_>) -> io::Result<()> {
    let Some(there) = present(to)? else {
        return transfer(from, to, manner);
    };
    let new = fs::symlink_metadata(from)?;
    if new.is_dir() && there.is_dir() {
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            bring(&from.join(&name), &to.join(&name), manner)?;
        }
        return Ok(());
    }
    if excludes(&new, &there, to) {
        let text = format!("`{}` is {}", to.display(), kind_at(to));
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    match manner.wins {
        Wins::Present => Ok(()),
        Wins::New => transfer(from, to, manner),
    }
}

/// The first path below `to` where a file and a folder would meet if `from` were brought there.
///
/// # Errors
/// Those of the file system.
pub(crate) fn collision(from: &Path, to: &Path) -> io::Result<Option<PathBuf>> {
    let Some(there) = present(to)? else {
        return Ok(None);
    };
    let new = fs::symlink_metadata(from)?;
    if new.is_dir() && there.is_dir() {
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            if let Some(found) = collision(&from.join(&name), &to.join(&name))? {
                return Ok(Some(found));
            }
        }
        return Ok(None);
    }
    Ok(excludes(&new, &there, to).then(|| to.to_owned()))
}

/// What is at a path, in words.
pub(crate) fn kind_at(path: &Path) -> &'static str {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => "a folder",
        Ok(there) if there.is_symlink() => "a link",
        _ => "a file",
    }
}

/// Removes copies that were not completed because their maker was killed: beside the place, and
/// beside each folder above it that may not have existed then.
pub(crate) fn discard_aside(place: &Path, aside: &str) {
    for folder in place.ancestors() {
        // Nobody knows the name but the attempt; what cannot be removed is only in the way.
        drop(remove(&folder.join(aside)));
    }
}

fn present(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether something may not replace what is there. Not both of them are folders.
fn excludes(new: &Metadata, there: &Metadata, to: &Path) -> bool {
    let leads_to_folder = there.is_symlink() && to.is_dir();
    new.is_dir() || there.is_dir() || leads_to_folder
}

/// To a place where there is nothing, or a file that is replaced.
fn transfer(from: &Path, to: &Path, manner: Manner<'_>) -> io::Result<()> {
    if !manner.stays {
        match rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
            renamed => return renamed,
        }
    }
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent)?;
    let aside = parent.join(manner.aside);
    remove(&aside)?;
    let brought = copy(from, &aside).and_then(|copied| match copied {
        true => fs::rename(&aside, to),
        false => Ok(()),
    });
    if brought.is_err() {
        drop(remove(&aside));
    }
    brought
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::rename(from, to)
        }
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => Err(error),
        Err(_) => fs::rename(from, to),
        Ok(()) => Ok(()),
    }
}

/// Copies a file, a link or a folder with all it holds to where nothing is; false for what is none
/// of these, such as a socket.
fn copy(from: &Path, to: &Path) -> io::Result<bool> {
    let kind = fs::symlink_metadata(from)?.file_type();
    if kind.is_dir() {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy(&from.join(&name), &to.join(&name))?;
        }
    } else if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else if kind.is_file() {
        fs::copy(from, to)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Removes a file or a folder with all it holds; what is not there is no error.
///
/// # Errors
/// Those of the file system.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match present(path)? {
        None => Ok(()),
        Some(there) if there.is_dir() => fs::remove_dir_all(path),
        Some(_) => fs::remove_file(path),
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

    fn manner(wins: Wins, stays: bool) -> Manner<'static> {
        let aside = ".stepwell-incoming-test";
        Manner { wins, stays, aside }
    }

    const ALL: [(Wins, bool); 4] = [
        (Wins::Present, false),
        (Wins::Present, true),
        (Wins::New, false),
        (Wins::New, true),
    ];

    #[test]
    fn folders_are_merged_and_the_present_file_wins() {
        let root = tempfile::tempdir().expect("a folder");
        let (work, files) = (root.path().join("work"), root.path().join("files"));
        tree(&work, &[("a/model", "late"), ("a/plot", "new"), ("b", "b")]);
        tree(&files, &[("a/model", "uploaded")]);
        bring(&work, &files, manner(Wins::Present, false)).expect("merge");
        assert_eq!(read(&files, "a/model"), "uploaded");
        assert_eq!(read(&files, "a/plot"), "new");
        assert_eq!(read(&files, "b"), "b");
    }

    #[test]
    fn a_new_file_replaces_one_of_its_name_and_leaves_the_others() {
        let root = tempfile::tempdir().expect("a folder");
        let (work, place) = (root.path().join("work"), root.path().join("place"));
        for stays in [false, true] {
            tree(&work, &[("data/part", "second")]);
            tree(&place, &[("data/part", "first"), ("data/other", "kept")]);
            bring(&work, &place, manner(Wins::New, stays)).expect("move");
            assert_eq!(read(&place, "data/part"), "second");
            assert_eq!(read(&place, "data/other"), "kept");
            assert_eq!(work.join("data/part").exists(), stays);
            let left = fs::read_dir(place.join("data")).expect("listed").count();
            assert_eq!(left, 2, "no copy is left beside them");
        }
    }

    #[test]
    fn a_file_never_replaces_a_folder_nor_a_folder_a_file() {
        let root = tempfile::tempdir().expect("a folder");
        let place = root.path().join("place");
        let links = root.path().join("links");
        tree(&place, &[("folder/precious", "1"), ("file", "2")]);
        fs::create_dir(&links).expect("a folder");
        std::os::unix::fs::symlink(place.join("folder"), links.join("alias")).expect("a link");
        for (wins, stays) in ALL {
            let work = root.path().join("work");
            tree(&work, &[("file", "new"), ("folder/x", "new")]);
            let (file, folder) = (work.join("file"), work.join("folder"));
            for (from, to) in [
                (&file, place.join("folder")),
                (&folder, place.join("file")),
                (&file, links.join("alias")),
                (&folder, links.join("alias")),
            ] {
                assert_eq!(collision(from, &to).expect("seen"), Some(to.clone()));
                bring(from, &to, manner(wins, stays)).expect_err("refused");
            }
            assert_eq!(read(&place, "folder/precious"), "1");
            assert_eq!(read(&place, "file"), "2");
            assert!(file.exists() && folder.join("x").exists(), "nothing moved");
            assert!(links.join("alias").is_symlink());
        }
    }

    #[test]
    fn what_a_killed_copy_left_is_removed_wherever_the_place_began() {
        let root = tempfile::tempdir().expect("a folder");
        let aside = ".stepwell-incoming-test";
        tree(root.path(), &[("a/.stepwell-incoming-test/half", "x")]);
        discard_aside(&root.path().join("a/b/c"), aside);
        assert!(!root.path().join("a").join(aside).exists());
        assert!(root.path().join("a").exists());
    }
}
