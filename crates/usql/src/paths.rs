//! From the paths of a script to files: stores, and file sets with their virtual columns.
//!
//! A pattern is matched one folder after the other, so that only folders that can match are read.
//! Nothing outside of the roots that were given can be named by a relative or absolute path; a
//! `file://` address names a file of this machine as it is.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use regex::Regex;

/// Where paths lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// The default store: what `/a` and `a` are below.
    pub root: PathBuf,
    /// Other stores by the beginning of their addresses, such as
    /// `adl://name.azuredatalakestore.net`.
    pub stores: BTreeMap<String, PathBuf>,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathError {
    Empty,
    Invalid(String),
    /// The pattern uses a form that was removed.
    Removed(String),
}

/// The schemes of the service's stores.
const SCHEMES: [&str; 7] = ["adl", "wasb", "wasbs", "abfs", "abfss", "swebhdfs", "hdfs"];

impl Paths {
    /// The file of a path.
    pub(crate) fn resolve(&self, path: &str) -> Result<PathBuf, PathError> {
        if path.trim().is_empty() {
            return Err(PathError::Empty);
        }
        if let Some(local) = path.strip_prefix("file://") {
            return Ok(PathBuf::from(unescaped(local)));
        }
        let (base, rest) = match path.split_once("://") {
            None => (&self.root, path),
            Some((scheme, _)) => {
                let store = self
                    .stores
                    .iter()
                    .filter(|(prefix, _)| path.starts_with(prefix.as_str()));
                let store = store.max_by_key(|(prefix, _)| prefix.len());
                match store {
                    Some((prefix, folder)) => (folder, &path[prefix.len()..]),
                    None => return Err(unknown_store(scheme, path, &self.stores)),
                }
            }
        };
        let rest = if path.contains("://") {
            unescaped(rest)
        } else {
            rest.to_owned()
        };
        let mut file = base.clone();
        for component in Path::new(rest.trim_start_matches('/')).components() {
            match component {
                Component::Normal(part) => file.push(part),
                Component::CurDir => {}
                _ => {
                    return Err(PathError::Invalid(format!(
                        "`{path}` leads out of its store"
                    )));
                }
            }
        }
        Ok(file)
    }
}

fn unknown_store(scheme: &str, path: &str, stores: &BTreeMap<String, PathBuf>) -> PathError {
    if !SCHEMES.contains(&scheme) {
        return PathError::Invalid(format!("`{scheme}://` is not the scheme of a store"));
    }
    let known: Vec<&str> = stores.keys().map(String::as_str).collect();
    let known = if known.is_empty() {
        "none is".to_owned()
    } else {
        format!("known are {}", known.join(", "))
    };
    PathError::Invalid(format!(
        "no folder is given for the store of `{path}`; {known}"
    ))
}

/// `%20` and its kin.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex
            .filter(|_| *first == b'%')
            .and_then(|two| u8::from_str_radix(two, 16).ok())
        {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A part of a path that became a value: the column, its format, the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capture {
    pub(crate) column: String,
    pub(crate) format: Option<String>,
    pub(crate) text: String,
}

/// A file of a file set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) captures: Vec<Capture>,
    /// In bytes.
    pub(crate) length: u64,
    /// Microseconds since 1970.
    pub(crate) modified: i64,
    pub(crate) created: i64,
}

/// Whether a path is a pattern.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains('{')
}

/// The columns that a pattern names.
pub(crate) fn pattern_columns(pattern: &str) -> Result<Vec<String>, PathError> {
    let mut columns = Vec::new();
    for segment in pattern.split('/') {
        for piece in pieces(segment)? {
            if let Piece::Capture(column, _) = piece {
                columns.push(column);
            }
        }
    }
    Ok(columns)
}

impl Paths {
    /// The files of a path or a pattern, in the order of their names; none is no error.
    pub(crate) fn find(&self, pattern: &str) -> Result<Vec<Found>, PathError> {
        let start = pattern.find('{').unwrap_or(pattern.len());
        let fixed = pattern[..start].rfind('/').map_or(0, |at| at + 1);
        let (folder, rest) = pattern.split_at(if is_pattern(pattern) { fixed } else { 0 });
        if !is_pattern(pattern) {
            let path = self.resolve(pattern)?;
            return Ok(found(path, Vec::new()).into_iter().collect());
        }
        let base = if folder.is_empty() {
            self.root.clone()
        } else {
            self.resolve(folder)?
        };
        let mut matches = vec![(base, Vec::new())];
        let segments: Vec<&str> = rest
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        for segment in &segments {
            let matcher = Matcher::new(segment)?;
            let mut next = Vec::new();
            for (folder, captures) in matches {
                matcher.entries(&folder, &captures, &mut next);
            }
            matches = next;
        }
        let mut files: Vec<Found> = matches
            .into_iter()
            .filter_map(|(path, captures)| found(path, captures))
            .collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }
}

fn found(path: PathBuf, captures: Vec<Capture>) -> Option<Found> {
    let about = std::fs::metadata(&path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    let micros = |time: std::io::Result<std::time::SystemTime>| {
        let since = time
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since
            .and_then(|since| i64::try_from(since.as_micros()).ok())
            .unwrap_or_default()
    };
    let modified = micros(about.modified());
    Some(Found {
        path,
        captures,
        length: about.len(),
        modified,
        created: Some(micros(about.created()))
            .filter(|at| *at > 0)
            .unwrap_or(modified),
    })
}

enum Piece {
    Literal(String),
    /// `{*}`.
    Any,
    /// `{column}` or `{column:format}`.
    Capture(String, Option<String>),
}

/// The parts of one segment of a pattern.
fn pieces(segment: &str) -> Result<Vec<Piece>, PathError> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some(start) = rest.find('{') {
        if start > 0 {
            pieces.push(Piece::Literal(rest[..start].to_owned()));
        }
        let end = rest[start..]
            .find('}')
            .map(|at| start + at)
            .ok_or_else(|| {
                PathError::Invalid(format!("`{segment}` has a `{{` without its `}}`"))
            })?;
        let inner = &rest[start + 1..end];
        rest = &rest[end + 1..];
        pieces.push(match inner.split_once(':') {
            None if inner == "*" => Piece::Any,
            None if inner.is_empty() => {
                return Err(PathError::Invalid(
                    "`{}` names no column; `{*}` is any text".to_owned(),
                ));
            }
            None => Piece::Capture(inner.to_owned(), None),
            Some((column, "*")) => {
                let message =
                    format!("`{{{column}:*}}` was removed from U-SQL; write `{{{column}}}`");
                return Err(PathError::Removed(message));
            }
            Some((_, format @ ("h" | "hh"))) => {
                let message = format!("`{format}` was removed from U-SQL; hours are `H` or `HH`");
                return Err(PathError::Removed(message));
            }
            Some((column, format)) => {
                if digits_of(format).is_none() {
                    let message = format!("`{format}` is not a part of a date in a path");
                    return Err(PathError::Invalid(message));
                }
                Piece::Capture(column.to_owned(), Some(format.to_owned()))
            }
        });
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

/// The digits of a part of a date, as a regular expression.
fn digits_of(format: &str) -> Option<&'static str> {
    Some(match format {
        "yyyy" => r"\d{4}",
        "MM" | "dd" | "HH" | "mm" | "ss" => r"\d{2}",
        "M" | "d" | "H" | "m" | "s" => r"\d{1,2}",
        _ => return None,
    })
}

/// Matches the names of one segment.
struct Matcher {
    literal: Option<String>,
    regex: Option<Regex>,
    columns: Vec<(String, Option<String>)>,
}

impl Matcher {
    fn new(segment: &str) -> Result<Self, PathError> {
        let pieces = pieces(segment)?;
        if let [Piece::Literal(text)] = pieces.as_slice() {
            return Ok(Self {
                literal: Some(text.clone()),
                regex: None,
                columns: Vec::new(),
            });
        }
        let mut expression = "^".to_owned();
        let mut columns = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => expression.push_str(&regex::escape(&text)),
                Piece::Any => expression.push_str(".*?"),
                Piece::Capture(column, format) => {
                    let body = format.as_deref().and_then(digits_of).unwrap_or(".+?");
                    expression.push_str(&format!("({body})"));
                    columns.push((column, format));
                }
            }
        }
        expression.push('$');
        let regex =
            Regex::new(&expression).map_err(|error| PathError::Invalid(error.to_string()))?;
        Ok(Self {
            literal: None,
            regex: Some(regex),
            columns,
        })
    }

    /// Adds the entries of a folder that match. A folder that cannot be read has none, as on the
    /// service.
    fn entries(&self, folder: &Path, before: &[Capture], out: &mut Vec<(PathBuf, Vec<Capture>)>) {
        if let Some(name) = &self.literal {
            out.push((folder.join(name), before.to_vec()));
            return;
        }
        let Some(regex) = &self.regex else { return };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(matched) = name.to_str().and_then(|name| regex.captures(name)) else {
                continue;
            };
            let mut captures = before.to_vec();
            for ((column, format), text) in self.columns.iter().zip(matched.iter().skip(1)) {
                captures.push(Capture {
                    column: column.clone(),
                    format: format.clone(),
                    text: text
                        .map(|text| text.as_str().to_owned())
                        .unwrap_or_default(),
                });
            }
            out.push((entry.path(), captures));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> Paths {
        Paths {
            root: PathBuf::from("/store"),
            stores: BTreeMap::from([(
                "adl://a.azuredatalakestore.net".to_owned(),
                PathBuf::from("/lake"),
            )]),
        }
    }

    #[test]
    fn paths_stay_within_their_store() {
        let paths = paths();
        let at = |path: &str| paths.resolve(path).map(|path| path.display().to_string());
        assert_eq!(at("/a/b.tsv"), Ok("/store/a/b.tsv".to_owned()));
        assert_eq!(at("a b.tsv"), Ok("/store/a b.tsv".to_owned()));
        assert_eq!(
            at("adl://a.azuredatalakestore.net/x%20y"),
            Ok("/lake/x y".to_owned())
        );
        assert_eq!(at("file:///tmp/x"), Ok("/tmp/x".to_owned()));
        assert!(matches!(at("../x"), Err(PathError::Invalid(_))));
        assert!(matches!(at("adl://b/x"), Err(PathError::Invalid(_))));
        assert_eq!(at(" "), Err(PathError::Empty));
    }

    #[test]
    fn a_file_set_gives_the_parts_of_its_names() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in [
            "2012/02/a_x.tsv",
            "2012/03/b_y.tsv",
            "2012/3/c_z.tsv",
            "other/d.tsv",
        ] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, "1").expect("a file");
        }
        let paths = Paths {
            root: folder.path().to_owned(),
            ..Paths::default()
        };
        let files = paths
            .find("/{d:yyyy}/{d:MM}/{*}_{name}.tsv")
            .expect("a pattern");
        let seen: Vec<String> = files
            .iter()
            .map(|file| {
                file.captures
                    .iter()
                    .map(|c| c.text.clone())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(seen, ["2012 02 x", "2012 03 y"]);
        assert_eq!(
            pattern_columns("/{d:yyyy}/{n}.tsv"),
            Ok(vec!["d".to_owned(), "n".to_owned()])
        );
        assert!(matches!(paths.find("/{d:*}"), Err(PathError::Removed(_))));
        assert!(paths.find("/none/{*}").expect("a pattern").is_empty());
    }
}
