//! What can go wrong with files, objects and snapshots.
//!
//! Every text names the path or the digest it is about, and where a person can fix it, says how.

use std::io;

use camino::Utf8PathBuf;
use stepwell_model::Digest;

use crate::snapshot::ManifestError;

/// Where to leave files out, in words. A new `.amlignore` would put a `.gitignore` out of force.
pub(crate) const IGNORE_FILE: &str = "`.amlignore` (or `.gitignore`, if there is only that)";

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on files, objects or snapshots failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused; the text names the operation and the path.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Content could not be written, as on a full disk; nothing was left behind in the store.
    #[error("failed to write `{path}`")]
    Write {
        /// The file that was to be written.
        path: Utf8PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// Whoever was sending an object stopped half way.
    #[error("failed to receive object `{digest}`")]
    Receive {
        /// The object that was to come.
        digest: Digest,
        /// What the sender's stream said.
        source: io::Error,
    },
    /// The bytes that came are not the ones announced.
    #[error("the content received has digest `{found}`, not `{expected}` as announced")]
    Mismatch {
        /// The digest announced.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The store has no such object.
    #[error("object `{0}` is not in the store")]
    Absent(Digest),
    /// The store has the object, but not its bytes, as after a power cut or a failing disk.
    #[error(
        "object `{digest}` was damaged in the store and has been moved to `{path}`; submit the run \
         again to store it anew"
    )]
    Damaged {
        /// The object.
        digest: Digest,
        /// Where its bytes are now.
        path: Utf8PathBuf,
    },
    /// A file was written to between being scanned and being stored.
    #[error("`{0}` changed while it was read; submit again when nothing writes to it")]
    Changed(Utf8PathBuf),
    /// The folder to scan is not one.
    #[error("source directory `{path}` {fault}")]
    NotAFolder {
        /// The path given.
        path: Utf8PathBuf,
        /// What it is instead.
        fault: &'static str,
    },
    /// What was to be read whole has nothing in it.
    #[error("`{path}` holds no files")]
    NoFiles {
        /// The path given.
        path: Utf8PathBuf,
    },
    /// A symbolic link leads nowhere.
    #[error("a symbolic link leads to `{target}`, which cannot be reached")]
    BrokenLink {
        /// What it says.
        target: String,
    },
    /// A name that a manifest cannot hold.
    #[error("the name of `{path}` {fault}; rename it, or list it in {IGNORE_FILE}")]
    Name {
        /// The path, as far as it can be printed.
        path: String,
        /// What is wrong with the name.
        fault: &'static str,
    },
    /// A line of an ignore file is not a pattern.
    #[error("line {line} of `{file}` is not a pattern: {fault}")]
    Pattern {
        /// The ignore file.
        file: Utf8PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: String,
    },
    /// The folder exceeds a limit.
    #[error(
        "source directory `{root}` {excess}; most of it is in {offenders}: list what the step \
         does not need in {IGNORE_FILE}"
    )]
    TooLarge {
        /// The folder.
        root: Utf8PathBuf,
        /// What it holds, and the limit.
        excess: String,
        /// Where the bulk lies.
        offenders: String,
    },
    /// An object that should be a manifest is not one.
    #[error("object `{digest}` is not a manifest")]
    NotAManifest {
        /// The object.
        digest: Digest,
        /// What is wrong with it.
        source: ManifestError,
    },
}

impl Error {
    /// Whether a file changed or went while it was read, so that reading again may succeed.
    #[must_use]
    pub fn is_of_change(&self) -> bool {
        match self {
            Self::Changed(_) => true,
            Self::File(error) => error.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// For `map_err`: a refusal to write `path`.
    pub(crate) fn writing(path: impl Into<Utf8PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Write { path, source }
    }
}
