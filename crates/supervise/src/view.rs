//! What a step on an isolated target sees of the file system, and how its program is held to it.
//!
//! The kernel does it (Landlock): whatever is not listed can neither be read, written, listed nor
//! executed, by the program and by all that it starts, root included. Names, sizes and modes stay
//! visible, and sockets can be connected to: it is no container.
//!
//! Invariants: of the hidden folder nothing is seen that is not listed as the step's own. A step that
//! is to be isolated is isolated as asked or does not start.

use std::io;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use serde::{Deserialize, Serialize};

/// What is asked of the kernel at least: before it (Linux 6.2), a file that must not be written
/// could be truncated.
const LEAST: ABI = ABI::V3;

/// What the program of a step sees of the file system. Folders that are not there are not seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The folder of which only what is its own is seen, whatever else is listed.
    pub hidden: Utf8PathBuf,
    /// What it may read and execute.
    pub readable: Vec<Utf8PathBuf>,
    /// What it may also write.
    pub writable: Vec<Utf8PathBuf>,
    /// What of the hidden folder it may read and execute.
    pub own: Vec<Utf8PathBuf>,
    /// What of the hidden folder it may also write; such folders are made.
    pub own_writable: Vec<Utf8PathBuf>,
    /// The files of the hidden folder that it may write; they are made.
    pub own_files: Vec<Utf8PathBuf>,
}

/// Why a step cannot be isolated.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The kernel does not do it.
    #[error("the kernel cannot restrict what programs see of the file system ({0})")]
    Kernel(String),
    /// A part of the view cannot be looked at or made; the message names it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A link in the hidden folder would show more of it.
    #[error("`{0}` is reached by a link")]
    Link(Utf8PathBuf),
}

/// A view that is ready for one program, with a folder of the program's own for what it has in its
/// home and among temporary files. Dropped, that folder is removed.
#[derive(Debug)]
pub(crate) struct Room {
    rules: Option<RulesetCreated>,
    folder: tempfile::TempDir,
}

/// Whether the kernel of this machine can isolate steps.
///
/// # Errors
/// It cannot; the error says why.
pub fn can_isolate() -> Result<(), ViewError> {
    rules().map(drop)
}

fn rules() -> Result<RulesetCreated, ViewError> {
    let made = || -> Result<RulesetCreated, RulesetError> {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))?
            .set_compatibility(CompatLevel::BestEffort)
            .scope(Scope::Signal | Scope::AbstractUnixSocket)?
            .create()
    };
    made().map_err(|error| ViewError::Kernel(error.to_string()))
}

impl View {
    /// The variables that name a folder of the program's own, unless the job has them: it is made
    /// when the program starts.
    pub const VARIABLES: [&str; 2] = ["HOME", "TMPDIR"];

    /// Makes it ready.
    pub(crate) fn open(&self) -> Result<Room, ViewError> {
        let folder = tempfile::Builder::new().prefix("stepwell-").tempdir()?;
        let hidden = fs::canonicalize(&self.hidden)?;
        let mut readable = around(&self.readable, &hidden)?;
        let mut writable = around(&self.writable, &hidden)?;
        for path in &self.own_writable {
            fs::create_dir_all(path)?;
        }
        for path in &self.own_files {
            let mut options = fs::OpenOptions::new();
            options.append(true).create(true).open(path)?;
        }
        readable.extend(within(&self.own, &self.hidden, &hidden)?);
        writable.extend(within(&self.own_writable, &self.hidden, &hidden)?);
        writable.extend(within(&self.own_files, &self.hidden, &hidden)?);
        writable.push(folder.path().to_owned());
        let rules = rules()?
            .add_rules(path_beneath_rules(readable, AccessFs::from_read(LEAST)))
            .and_then(|rules| {
                rules.add_rules(path_beneath_rules(writable, AccessFs::from_all(LEAST)))
            })
            .map_err(|error| ViewError::Kernel(error.to_string()))?;
        Ok(Room {
            rules: Some(rules),
            folder,
        })
    }
}

impl Room {
    /// The folder for its home and its temporary files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Takes what [`enter`] needs.
    pub(crate) fn rules(&mut self) -> Option<RulesetCreated> {
        self.rules.take()
    }
}

/// In the new process, before it becomes the program: holds it, and all that it will start, to the
/// view.
pub(crate) fn enter(rules: RulesetCreated) -> io::Result<()> {
    let entered = rules.restrict_self();
    match entered.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => Ok(()),
        // Nothing is allocated here: the parent gets the number and nothing else.
        Ok(RulesetStatus::NotEnforced) | Err(_) => Err(rustix::io::Errno::OPNOTSUPP.into()),
    }
}

/// The paths without the hidden folder: a folder that holds it is replaced by what else is in it.
fn around(paths: &[Utf8PathBuf], hidden: &Path) -> io::Result<Vec<PathBuf>> {
    let mut seen = Vec::new();
    let mut next: Vec<PathBuf> = paths.iter().map(|path| path.clone().into()).collect();
    while let Some(path) = next.pop() {
        let Ok(real) = fs::canonicalize(&path) else {
            continue;
        };
        if !hidden.starts_with(&real) {
            seen.extend((!real.starts_with(hidden)).then_some(real));
        } else if real != hidden {
            for entry in fs::read_dir(&real)? {
                // A link is followed by those who list where it leads.
                let entry = entry?;
                if !entry.file_type()?.is_symlink() {
                    next.push(entry.path());
                }
            }
        }
    }
    Ok(seen)
}

/// Paths in the hidden folder, none of which is reached by a link; what is outside of it is `around`.
fn within(
    paths: &[Utf8PathBuf],
    named: &Utf8Path,
    hidden: &Path,
) -> Result<Vec<PathBuf>, ViewError> {
    let mut seen = Vec::new();
    for path in paths {
        let Ok(below) = path.strip_prefix(named) else {
            seen.extend(around(std::slice::from_ref(path), hidden)?);
            continue;
        };
        let Ok(real) = fs::canonicalize(path) else {
            continue;
        };
        if below.as_str().is_empty() || real != hidden.join(below) {
            return Err(ViewError::Link(path.clone()));
        }
        seen.push(real);
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("there");
        (folder, Utf8PathBuf::from_path_buf(path).expect("UTF-8"))
    }

    #[test]
    fn a_folder_that_holds_the_hidden_one_is_seen_without_it() {
        let (_keep, root) = folder();
        for path in ["a/b/hidden/inside", "a/b/beside", "a/c", "other"] {
            fs::create_dir_all(root.join(path)).expect("made");
        }
        symlink(root.join("a/b/hidden"), root.join("a/link")).expect("linked");
        let hidden = root.join("a/b/hidden");
        let seen = |paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(|path| root.join(path)).collect();
            let mut seen = around(&paths, hidden.as_std_path()).expect("listed");
            seen.sort();
            let below = |path: PathBuf| path.strip_prefix(&root).map(Path::to_owned);
            let seen: Result<Vec<_>, _> = seen.into_iter().map(below).collect();
            seen.expect("below the root")
        };
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(seen(&[""]), paths(&["a/b/beside", "a/c", "other"]));
        assert_eq!(
            seen(&["a/b/hidden", "a/b/hidden/inside", "a/link"]),
            paths(&[])
        );
        assert_eq!(seen(&["a/c", "nowhere"]), paths(&["a/c"]));
    }

    #[test]
    fn a_link_in_the_hidden_folder_shows_nothing_more_of_it() {
        let (_keep, root) = folder();
        let hidden = root.join("hidden");
        fs::create_dir_all(hidden.join("runs/own")).expect("made");
        symlink(&hidden, hidden.join("runs/all")).expect("linked");
        let seen = |path: &str| within(&[hidden.join(path)], &hidden, hidden.as_std_path());
        assert_eq!(seen("runs/own").expect("its own").len(), 1);
        assert!(matches!(seen("runs/all"), Err(ViewError::Link(_))));
        assert!(matches!(seen("runs/all/runs/own"), Err(ViewError::Link(_))));
        assert!(matches!(seen(""), Err(ViewError::Link(_))));
    }
}
