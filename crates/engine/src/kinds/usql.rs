//! A U-SQL script: the work of the program `stepwell-usql`.

use serde_json::json;
use stepwell_compute::{Work, Worker};
use stepwell_model::UsqlTask;

use super::process::SNAPSHOT;
use super::{KeyContext, Kind, LaunchContext};
use crate::core::key::Part;

/// The program that runs scripts.
const PROGRAM: &str = "stepwell-usql";

impl Kind for UsqlTask {
    /// How many cores it uses changes nothing in what it makes.
    fn key_parts(&self, cx: &mut KeyContext<'_>) -> Vec<Part> {
        let mut parts = vec![
            Part::new("script", &self.script),
            Part::new(SNAPSHOT, self.snapshot.to_string()),
        ];
        for (name, value) in self.resolved_parameters(&cx.spec.parameters) {
            parts.push(Part::new(format!("parameter {name}"), value));
        }
        parts
    }

    fn work(&self, cx: &LaunchContext<'_>) -> Work {
        Work::Native {
            worker: Worker::Sibling(PROGRAM.to_owned()),
            request: json!({
                "script": self.script,
                "parameters": self.resolved_parameters(&cx.spec.parameters),
                "degree_of_parallelism": self.degree_of_parallelism,
            }),
            python: None,
            snapshot: Some(self.snapshot),
        }
    }
}
