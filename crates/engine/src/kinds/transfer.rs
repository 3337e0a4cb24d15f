//! Data copied by Stepwell's own worker, which reads and writes the datastores itself.

use stepwell_compute::{Work, Worker};
use stepwell_model::{EntryType, TransferTask, WriteMode};

use super::{KeyContext, Kind, LaunchContext};
use crate::core::key::Part;

/// The hidden command that copies.
const COMMAND: &str = "drive-transfer";

impl Kind for TransferTask {
    fn key_parts(&self, _cx: &mut KeyContext<'_>) -> Vec<Part> {
        let types = [
            ("source type", self.source_type),
            ("destination type", self.destination_type),
        ];
        let part = |(name, given): (&str, Option<EntryType>)| {
            let value = match given? {
                EntryType::File => "file",
                EntryType::Directory => "directory",
            };
            Some(Part::new(name, value))
        };
        let mut parts: Vec<Part> = types.into_iter().filter_map(part).collect();
        if let Some(select) = &self.select {
            let text = serde_json::to_string(select).unwrap_or_default();
            parts.push(Part::new("rows", text));
        }
        if let Some(mode) = self.mode {
            let value = match mode {
                WriteMode::Append => "append",
                WriteMode::Replace => "replace",
                WriteMode::Upsert => "upsert",
            };
            parts.push(Part::new("mode", value));
        }
        if !self.keys.is_empty() {
            parts.push(Part::new("keys", self.keys.join(", ")));
        }
        if self.create {
            parts.push(Part::new("create", "true"));
        }
        parts
    }

    fn stages_data(&self) -> bool {
        false
    }

    fn work(&self, _cx: &LaunchContext<'_>) -> Work {
        Work::Native {
            worker: Worker::Command(COMMAND.to_owned()),
            request: serde_json::to_value(self).unwrap_or_default(),
            python: None,
            snapshot: None,
        }
    }
}
