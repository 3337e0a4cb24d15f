//! Files and folders of this machine that requirements name: `-r`, `-c`, `-e`, wheels, `--find-links`.
//!
//! Their content is part of what is asked for: a changed constraint or a rebuilt wheel of the same
//! name is another environment. Requirements files are read in their place; of everything else the
//! content is hashed, and of a folder of links, which may hold many large wheels, the names, sizes
//! and times of its files.
//!
//! Invariant: what cannot be read is refused by name; it is never taken for nothing.

use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use stepwell_model::PythonSpec;

use super::error::Error;

/// Folders of a project that say nothing about what is installed.
const NOT_CONTENT: &[&str] = &[".git", "__pycache__", ".stepwell", ".venv", "build", "dist"];
const DEPTH_MAX: usize = 20;

/// `spec` with the lines of the requirements files that it names in their places.
pub(super) fn with_files_read(spec: &PythonSpec) -> Result<PythonSpec, Error> {
    let mut pip = Vec::new();
    for entry in &spec.pip {
        for line in entry.lines() {
            read_line(line, Utf8Path::new(""), 0, &mut pip)?;
        }
    }
    let mut read = PythonSpec {
        pip,
        ..spec.clone()
    };
    // `-r FILE` may also stand among the options, in one word or in two.
    let mut options = Vec::new();
    let mut words = spec.pip_options.iter();
    while let Some(word) = words.next() {
        match option(word) {
            Some(("-r" | "--requirement", "")) => {
                let file = words.next().map_or("", String::as_str);
                read_line(&format!("-r {file}"), Utf8Path::new(""), 0, &mut read.pip)?;
            }
            Some(("-r" | "--requirement", file)) => {
                read_line(&format!("-r {file}"), Utf8Path::new(""), 0, &mut read.pip)?;
            }
            _ => options.push(word.clone()),
        }
    }
    read.pip_options = options;
    Ok(read)
}

fn read_line(
    line: &str,
    folder: &Utf8Path,
    depth: usize,
    into: &mut Vec<String>,
) -> Result<(), Error> {
    let line = line.trim();
    match option(line) {
        Some(("-r" | "--requirement", file)) if !file.contains("://") => {
            let path = folder.join(file);
            if depth > DEPTH_MAX {
                let err = io::Error::other("it names itself");
                return Err(unreadable(&path, err));
            }
            let text = fs::read_to_string(&path).map_err(|err| unreadable(&path, err))?;
            let inner = path.parent().unwrap_or(folder);
            for line in text.replace("\\\n", " ").lines() {
                read_line(line, inner, depth + 1, into)?;
            }
        }
        Some((
            flag @ ("-c" | "--constraint" | "-e" | "--editable" | "-f" | "--find-links"),
            place,
        )) if !place.contains("://") => {
            into.push(format!("{flag} {}", folder.join(place)));
        }
        None if line.starts_with("./") || line.starts_with("../") => {
            into.push(folder.join(line).into_string());
        }
        _ => into.push(line.to_owned()),
    }
    Ok(())
}

/// An option and its value: `-r x`, `-rx`, `--requirement=x`.
fn option(line: &str) -> Option<(&str, &str)> {
    let line = line.split(" #").next().unwrap_or(line).trim();
    if let Some(rest) = line.strip_prefix("--") {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (flag, value) = line.split_at(end + 2);
        return Some((flag, value.trim_start_matches([' ', '=']).trim()));
    }
    let is_short = line.starts_with('-') && line.len() > 1;
    let (flag, value) = is_short.then(|| line.split_at_checked(2)).flatten()?;
    Some((flag, value.trim_start_matches([' ', '=']).trim()))
}

/// The local files and folders that requirements and options name.
pub(super) fn named<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<Utf8PathBuf> {
    let mut found: Vec<Utf8PathBuf> = lines.filter_map(|line| path_of(line)).collect();
    found.sort();
    found.dedup();
    found
}

fn path_of(line: &str) -> Option<Utf8PathBuf> {
    let place = match option(line) {
        Some(("-c" | "--constraint" | "-e" | "--editable" | "-f" | "--find-links", place)) => place,
        Some(_) => return None,
        None => line.split_once(" @ ").map_or(line, |(_, place)| place),
    };
    // Extras and markers follow a path.
    let place = place.split([';', '#']).next().unwrap_or(place).trim();
    let place = place.strip_prefix("file://").unwrap_or(place);
    let place = place.split('[').next().unwrap_or(place);
    place.starts_with('/').then(|| place.into())
}

/// Whether any of these is a folder to be built.
pub(super) fn any_project(paths: &[Utf8PathBuf]) -> bool {
    let is_project =
        |path: &Utf8PathBuf| path.join("pyproject.toml").exists() || path.join("setup.py").exists();
    paths.iter().any(is_project)
}

/// The digest of the content of these files and folders; empty for none.
pub(super) fn digest(paths: &[Utf8PathBuf]) -> Result<String, Error> {
    if paths.is_empty() {
        return Ok(String::new());
    }
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        hasher.update(path.as_str().as_bytes());
        add(path, &mut hasher).map_err(|err| unreadable(path, err))?;
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

fn add(path: &Utf8Path, hasher: &mut blake3::Hasher) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() {
        hasher.update_reader(fs::File::open(path)?)?;
        return Ok(());
    }
    let is_project = any_project(&[path.to_owned()]);
    add_folder(path, is_project, hasher)
}

/// A project is hashed with all it holds; of other folders, wheels by name, size and time.
fn add_folder(folder: &Utf8Path, is_project: bool, hasher: &mut blake3::Hasher) -> io::Result<()> {
    let mut entries = folder.read_dir_utf8()?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by(|a, b| a.file_name().cmp(b.file_name()));
    for entry in entries {
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if is_project && !NOT_CONTENT.contains(&name) && !name.ends_with(".egg-info") {
                hasher.update(name.as_bytes());
                add_folder(entry.path(), is_project, hasher)?;
            }
            continue;
        }
        let Ok(metadata) = fs::metadata(entry.path()) else {
            continue;
        };
        if !metadata.is_file() {
            continue;
        }
        hasher.update(name.as_bytes());
        if is_project {
            hasher.update_reader(fs::File::open(entry.path())?)?;
        } else {
            let facts = format!(
                "{} {} {}",
                metadata.len(),
                metadata.mtime(),
                metadata.mtime_nsec()
            );
            hasher.update(facts.as_bytes());
        }
    }
    Ok(())
}

fn unreadable(path: &Utf8Path, err: io::Error) -> Error {
    Error::Named {
        path: path.to_owned(),
        err,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (camino_tempfile::Utf8TempDir, Utf8PathBuf) {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        (folder, path)
    }

    #[test]
    fn requirements_files_are_read_in_their_place_and_paths_hold_from_them() {
        let (_keep, root) = folder();
        fs::create_dir(root.join("inner")).expect("made");
        fs::write(
            root.join("a.txt"),
            "six\n-r inner/b.txt # more\n-c limits.txt\n",
        )
        .expect("w");
        fs::write(root.join("inner/b.txt"), "attrs \\\n ==1.0\n./own.whl\n").expect("written");
        let spec = PythonSpec {
            pip: vec!["numpy".to_owned(), format!("-r {root}/a.txt")],
            ..PythonSpec::default()
        };
        let read = with_files_read(&spec).expect("read").pip.join("\n");
        insta::assert_snapshot!(read.replace(root.as_str(), "ROOT"), @r"
        numpy
        six
        attrs   ==1.0
        ROOT/inner/./own.whl
        -c ROOT/limits.txt
        ");
        let missing = PythonSpec {
            pip_options: vec!["-r".to_owned(), format!("{root}/none.txt")],
            ..PythonSpec::default()
        };
        let error = with_files_read(&missing).expect_err("there is none");
        assert!(error.to_string().contains("none.txt"), "{error}");
    }

    #[test]
    fn the_digest_follows_the_content_of_what_is_named() {
        let (_keep, root) = folder();
        fs::create_dir_all(root.join("project/pkg")).expect("made");
        for (path, text) in [
            ("limits.txt", "numpy<2"),
            ("own-1.0-py3-none-any.whl", "one"),
            ("project/setup.py", ""),
            ("project/pkg/__init__.py", "x = 1"),
        ] {
            fs::write(root.join(path), text).expect("written");
        }
        let lines = [
            format!("-c {root}/limits.txt"),
            format!("own @ file://{root}/own-1.0-py3-none-any.whl"),
            format!("-e {root}/project[extra]"),
            "six==1.16".to_owned(),
        ];
        let paths = named(lines.iter());
        assert_eq!(paths.len(), 3);
        let before = digest(&paths).expect("read");
        assert_eq!(digest(&paths).expect("read"), before);
        for path in [
            "limits.txt",
            "own-1.0-py3-none-any.whl",
            "project/pkg/__init__.py",
        ] {
            let now = digest(&paths).expect("read");
            fs::write(root.join(path), "changed").expect("written");
            assert_ne!(digest(&paths).expect("read"), now, "{path}");
        }
        fs::remove_file(root.join("limits.txt")).expect("removed");
        assert!(digest(&paths).is_err());
        assert_eq!(digest(&[]).expect("nothing"), "");
    }
}
