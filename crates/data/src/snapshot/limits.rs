//! How large a source folder may be, and what is said when it is larger.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::IGNORE_FILE;
use crate::{Error, Result};

/// From here on the original service refused a snapshot; here it is worth a word.
const BYTES_WORTH_A_WARNING: u64 = 300_000_000;

/// How many of the largest places a message names.
const OFFENDERS: usize = 3;

/// The limits of a scan.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// The most files a snapshot may have.
    pub files_max: usize,
    /// The most bytes it may have; `None` for no limit.
    pub bytes_max: Option<u64>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            files_max: 1_000_000,
            bytes_max: None,
        }
    }
}

/// The refusal of a folder with more files than allowed, of which `seen` are some.
pub(super) fn too_many_files<'a>(
    root: &Utf8Path,
    files_max: usize,
    seen: impl Iterator<Item = &'a Utf8PathBuf>,
) -> Error {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for path in seen {
        *counts.entry(top_of(path)).or_default() += 1;
    }
    Error::TooLarge {
        root: root.to_owned(),
        excess: format!("holds more than {files_max} files, the limit"),
        offenders: largest(counts, |count| match count {
            1 => "1 file".to_owned(),
            _ => format!("{count} files"),
        }),
    }
}

/// Refuses more bytes than allowed; a line to warn with when they are many.
pub(super) fn check_bytes<'a>(
    root: &Utf8Path,
    bytes_max: Option<u64>,
    files: impl Iterator<Item = (&'a Utf8PathBuf, u64)>,
) -> Result<Option<String>> {
    let files: HashMap<&str, u64> = files.map(|(path, size)| (path.as_str(), size)).collect();
    let total: u64 = files.values().sum();
    if let Some(limit) = bytes_max.filter(|limit| total > *limit) {
        return Err(Error::TooLarge {
            root: root.to_owned(),
            excess: format!(
                "holds {}, over the limit of {}",
                human_bytes(total),
                human_bytes(limit)
            ),
            offenders: largest(files, human_bytes),
        });
    }
    Ok((total > BYTES_WORTH_A_WARNING).then(|| {
        format!(
            "source directory `{root}` holds {}, most of it in {}; Azure ML refuses more than \
             {}: list what the step does not need in {IGNORE_FILE}",
            human_bytes(total),
            largest(files, human_bytes),
            human_bytes(BYTES_WORTH_A_WARNING),
        )
    }))
}

/// The folder at the root that a path lies in, else the path itself.
fn top_of(path: &Utf8Path) -> &str {
    let path = path.as_str();
    path.split_once('/').map_or(path, |(top, _)| top)
}

/// The heaviest of `weights` in words, heaviest first.
fn largest(weights: HashMap<&str, u64>, words: impl Fn(u64) -> String) -> String {
    let mut weights: Vec<_> = weights.into_iter().collect();
    weights.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let named: Vec<_> = weights
        .into_iter()
        .take(OFFENDERS)
        .map(|(path, weight)| format!("`{path}` ({})", words(weight)))
        .collect();
    named.join(", ")
}

/// A size as people read it: `1.5 GB`.
fn human_bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} bytes"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    match (bytes / unit, bytes % unit * 10 / unit) {
        (whole, 0) => format!("{whole} {name}"),
        (whole, tenths) => format!("{whole}.{tenths} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_folder_is_warned_about_or_refused_with_its_largest_files_named() {
        let files: Vec<(Utf8PathBuf, u64)> = [
            ("train.py", 900),
            ("data/x.csv", 310_000_000),
            ("data/y.csv", 45_600),
            ("model.bin", 2_500_000_000),
        ]
        .map(|(path, size)| (path.into(), size))
        .into();
        let root = Utf8Path::new("src");
        let check = |limit, count| {
            let some = files.iter().take(count).map(|(path, size)| (path, *size));
            check_bytes(root, limit, some)
        };
        assert_eq!(check(None, 1).expect("small"), None);
        insta::assert_snapshot!(check(None, 2).expect("warned").expect("large"), @"source directory `src` holds 310 MB, most of it in `data/x.csv` (310 MB), `train.py` (900 bytes); Azure ML refuses more than 300 MB: list what the step does not need in `.amlignore` (or `.gitignore`, if there is only that)");
        insta::assert_snapshot!(check(Some(1_000_000_000), 4).expect_err("refused"), @"source directory `src` holds 2.8 GB, over the limit of 1 GB; most of it is in `model.bin` (2.5 GB), `data/x.csv` (310 MB), `data/y.csv` (45.6 kB): list what the step does not need in `.amlignore` (or `.gitignore`, if there is only that)");
    }

    #[test]
    fn too_many_files_are_refused_with_the_fullest_folders_named() {
        let seen: Vec<Utf8PathBuf> = ["a/1", "a/2", "a/b/3", "c/1", "x.py"]
            .map(Into::into)
            .into();
        insta::assert_snapshot!(too_many_files("src".into(), 4, seen.iter()), @"source directory `src` holds more than 4 files, the limit; most of it is in `a` (3 files), `c` (1 file), `x.py` (1 file): list what the step does not need in `.amlignore` (or `.gitignore`, if there is only that)");
    }
}
