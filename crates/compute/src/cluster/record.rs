//! What a server keeps of the job of an attempt, for itself and the next server: a file in the
//! attempt's folder, such as `slurm.json`.
//!
//! Invariant: it is there before the job can be, so an attempt without one has no job.

use std::io;

use camino::Utf8Path;
use serde::{Deserialize, Deserializer, Serialize};
use stepwell_supervise::Attempt;

/// What is known of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The id that the cluster has given it; `None` while that is not known.
    #[serde(default, deserialize_with = "text_or_number")]
    pub(super) job: Option<String>,
    /// Whether it was asked to stop.
    #[serde(default)]
    pub(super) stopping: bool,
    /// How many jobs before it have ended without having begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) jobs_before: u32,
}

impl Record {
    /// The record of an attempt; `None` if there is none. Of one that cannot be parsed nothing is
    /// known: then the job is looked for by its name.
    pub(super) fn read(attempt: &Attempt, file: &str) -> io::Result<Option<Self>> {
        match fs_err::read(attempt.folder().join(file)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn write(&self, attempt: &Attempt, file: &str) -> io::Result<()> {
        let folder: &Utf8Path = attempt.folder();
        fs_err::create_dir_all(folder)?;
        let aside = folder.join(format!(".{file}.{}", std::process::id()));
        fs_err::write(&aside, serde_json::to_vec(self)?)?;
        fs_err::rename(aside, folder.join(file))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// An id, which Slurm's records had as a number.
fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Text(String),
    }
    Ok(Option::deserialize(from)?.map(|id| match id {
        Id::Number(number) => number.to_string(),
        Id::Text(text) => text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_as_it_was_written_when_ids_were_numbers() {
        let read = |text| serde_json::from_str::<Record>(text).expect("a record");
        let old = read(r#"{"job":4711,"stopping":true}"#);
        assert_eq!(old.job.as_deref(), Some("4711"));
        assert!(old.stopping && old.jobs_before == 0);
        assert_eq!(read(r#"{"job":null}"#), Record::default());
        let written = serde_json::to_string(&old).expect("JSON");
        assert_eq!(written, r#"{"job":"4711","stopping":true}"#);
        assert_eq!(read(&written), old);
    }
}
