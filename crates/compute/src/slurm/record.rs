//! What a server keeps of the job of an attempt, for itself and the next server: `slurm.json` in
//! the attempt's folder.
//!
//! Invariant: it is there before the job can be, so an attempt without one has no job.

use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};
use stepwell_supervise::Attempt;

const FILE: &str = "slurm.json";

/// What is known of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The id that Slurm has given it; `None` while that is not known.
    #[serde(default)]
    pub(super) job: Option<u64>,
    /// Whether it was asked to stop.
    #[serde(default)]
    pub(super) stopping: bool,
}

impl Record {
    /// The record of an attempt; `None` if there is none, or none that can be read: then the job is
    /// looked for by its name.
    pub(super) fn read(attempt: &Attempt) -> io::Result<Option<Self>> {
        match fs_err::read(attempt.folder().join(FILE)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn write(&self, attempt: &Attempt) -> io::Result<()> {
        let folder: &Utf8Path = attempt.folder();
        fs_err::create_dir_all(folder)?;
        let aside = folder.join(format!(".{FILE}.{}", std::process::id()));
        fs_err::write(&aside, serde_json::to_vec(self)?)?;
        fs_err::rename(aside, folder.join(FILE))
    }
}
