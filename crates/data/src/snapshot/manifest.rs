//! The list of a snapshot's files, and the one way to write it as bytes.
//!
//! ```text
//! stepwell-manifest 1
//! <digest> <size> <x or -> <path>
//! ```
//!
//! One line per file, each ended by a line feed, sorted by path, component by component. Folders
//! are not listed: an empty one is not part of a snapshot. A client may send a manifest, so
//! reading is strict: no accepted path leaves the folder it is written to, and for one list of
//! files there is one sequence of bytes, hence one digest.

use std::fmt::Write;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::Digest;

/// The first line; the number goes up when a line's meaning changes.
pub(super) const HEADER: &str = "stepwell-manifest 1";

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the snapshot's folder, with `/` between components.
    pub path: Utf8PathBuf,
    /// The content.
    pub digest: Digest,
    /// The content's length in bytes.
    pub size: u64,
    /// Whether the owner may execute it.
    pub executable: bool,
}

/// The files of a snapshot, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Sorted by path, component by component.
    pub entries: Vec<Entry>,
}

/// Why some bytes are not a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ManifestError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: &'static str,
}

impl Manifest {
    /// The length of all files together.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        // Saturating: the sizes may be a client's claim.
        let sizes = self.entries.iter().map(|entry| entry.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// The bytes of the manifest; their digest is the snapshot's id.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("{HEADER}\n");
        for entry in &self.entries {
            let mode = if entry.executable { 'x' } else { '-' };
            writeln!(
                text,
                "{} {} {mode} {}",
                entry.digest, entry.size, entry.path
            )
            .expect("writing to a string cannot fail");
        }
        text.into_bytes()
    }

    /// Reads what [`Manifest::encode`] wrote, and nothing else.
    ///
    /// # Errors
    ///
    /// Names the first line that is not as it must be.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let fault = |line, fault| ManifestError { line, fault };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            fault(line, "is not UTF-8")
        })?;
        let body = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(fault(1, "is not `stepwell-manifest 1`"))?;
        let mut entries: Vec<Entry> = Vec::new();
        for (index, line) in body.split_inclusive('\n').enumerate() {
            let entry = decode_line(line)
                .and_then(|entry| check_order(entries.last(), entry))
                .map_err(|text| fault(index + 2, text))?;
            entries.push(entry);
        }
        Ok(Self { entries })
    }
}

fn decode_line(line: &str) -> Result<Entry, &'static str> {
    let line = line.strip_suffix('\n').ok_or("does not end")?;
    let mut fields = line.splitn(4, ' ');
    let mut field = || fields.next().ok_or("has too few fields");
    let (digest, digits, mode, path) = (field()?, field()?, field()?, field()?);
    let size: u64 = digits.parse().map_err(|_| "has no size")?;
    if size.to_string() != digits {
        return Err("has a size that is not plain decimal digits");
    }
    if let Some(fault) = path_fault(path) {
        return Err(fault);
    }
    Ok(Entry {
        path: path.into(),
        digest: digest.parse().map_err(|_| "has no digest")?,
        size,
        executable: match mode {
            "x" => true,
            "-" => false,
            _ => return Err("has a mode other than `x` or `-`"),
        },
    })
}

/// In this order a file comes right before what claims to lie inside it.
fn check_order(last: Option<&Entry>, entry: Entry) -> Result<Entry, &'static str> {
    match last {
        Some(last) if last.path >= entry.path => Err("is not after the line before it"),
        Some(last) if entry.path.starts_with(&last.path) => Err("has a path inside a file"),
        _ => Ok(entry),
    }
}

/// What keeps `path` from being a file's path in a manifest.
pub(super) fn path_fault(path: &str) -> Option<&'static str> {
    if path.contains(['\n', '\0']) {
        return Some("has a line break or a NUL in it");
    }
    path.split('/').find_map(|component| match component {
        "" => Some("is absolute or has an empty component"),
        "." | ".." => Some("has a `.` or `..` component"),
        _ => None,
    })
}

/// The folder of `path`, unless it lies at the top.
pub(super) fn folder_of(path: &Utf8Path) -> Option<&Utf8Path> {
    path.parent().filter(|folder| !folder.as_str().is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::hash;

    fn manifest_of(files: BTreeMap<Utf8PathBuf, (u64, bool)>) -> Manifest {
        let entry = |(path, (size, executable)): (Utf8PathBuf, _)| Entry {
            digest: hash::of_bytes(path.as_str().as_bytes()),
            path,
            size,
            executable,
        };
        Manifest {
            entries: files.into_iter().map(entry).collect(),
        }
    }

    #[test]
    fn the_bytes_of_a_manifest_are_plain_lines() {
        let manifest = manifest_of(BTreeMap::from([
            ("src/with space.py".into(), (12, false)),
            ("src-2/run.sh".into(), (0, true)),
        ]));
        insta::assert_snapshot!(String::from_utf8_lossy(&manifest.encode()), @r"
        stepwell-manifest 1
        6a930cf3fca575328c34f214d7222a4703d05f0f87d34d49c4b9cac13c67e56a 12 - src/with space.py
        fc3d2361fde0db19aa24531028ce8edd882ae1102364ddf83f6ecf991f6805c0 0 x src-2/run.sh
        ");
    }

    #[test]
    fn what_is_not_canonical_or_leaves_the_folder_is_refused() {
        let digest = hash::of_bytes(b"");
        let refusals: Vec<String> = [
            "1 - /etc/passwd",
            "1 - ../up",
            "1 - a/../../up",
            "1 - a//b",
            "1 - a/./b",
            "1 - a/",
            "1 - ",
            "01 - a",
            "+1 - a",
            "-1 - a",
            "1 w a",
            "1 -",
            "1 - b\nD 1 - a",
            "1 - b\nD 1 - b",
            "1 - b\nD 1 - b/c",
        ]
        .into_iter()
        .map(|rest| {
            let rest = rest.replace('D', &digest.to_string());
            let text = format!("{HEADER}\n{digest} {rest}\n");
            let error = Manifest::decode(text.as_bytes()).expect_err(&text);
            error.to_string()
        })
        .collect();
        insta::assert_snapshot!(refusals.join("\n"), @r"
        line 2: is absolute or has an empty component
        line 2: has a `.` or `..` component
        line 2: has a `.` or `..` component
        line 2: is absolute or has an empty component
        line 2: has a `.` or `..` component
        line 2: is absolute or has an empty component
        line 2: is absolute or has an empty component
        line 2: has a size that is not plain decimal digits
        line 2: has a size that is not plain decimal digits
        line 2: has no size
        line 2: has a mode other than `x` or `-`
        line 2: has too few fields
        line 3: is not after the line before it
        line 3: is not after the line before it
        line 3: has a path inside a file
        ");
        for bytes in [
            &b""[..],
            b"stepwell-manifest 2\n",
            b"stepwell-manifest 1",
            b"\xff",
        ] {
            assert_eq!(Manifest::decode(bytes).expect_err("refused").line, 1);
        }
    }

    proptest! {
        #[test]
        fn a_manifest_reads_as_it_was_written(
            files in prop::collection::btree_map(
                "([a-c.~ -]{0,2}d/){0,3}[a-c.~ -]{0,2}e".prop_map(Utf8PathBuf::from),
                any::<(u64, bool)>(),
                0..20,
            )
        ) {
            let manifest = manifest_of(files);
            prop_assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
        }

        #[test]
        fn no_bytes_panic_and_no_accepted_path_leaves_the_folder(
            lines in prop::collection::vec("[ -~\n\0é]{0,6}|(\\.{0,2}/{0,2}[ab]?){0,4}", 0..4),
            raw in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = Manifest::decode(&raw);
            let digest = hash::of_bytes(b"");
            let mut text = format!("{HEADER}\n");
            for path in &lines {
                text.push_str(&format!("{digest} 1 x {path}\n"));
            }
            if let Ok(manifest) = Manifest::decode(text.as_bytes()) {
                prop_assert_eq!(manifest.encode(), text.into_bytes());
                for entry in manifest.entries {
                    let inside = |part| matches!(part, camino::Utf8Component::Normal(_));
                    prop_assert!(entry.path.components().all(inside), "{}", entry.path);
                }
            }
        }
    }
}
