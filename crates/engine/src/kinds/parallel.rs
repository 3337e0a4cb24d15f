//! One script over many mini-batches: the work of a driver, which starts the workers.

use std::collections::BTreeMap;

use stepwell_compute::{Work, Worker};
use stepwell_model::{InputForm, ParallelTask, Program, TaskKind as _};
use stepwell_parallel::{COMMAND, ParallelRequest};

use super::{KeyContext, Kind, LaunchContext};
use crate::core::key::Part;

/// Settings that say how much is done at once, and change nothing in what is done.
const EXECUTION_ONLY_SETTINGS: [&str; 4] = [
    "node_count",
    "process_count_per_node",
    "logging_level",
    "progress_update_timeout",
];

impl Kind for ParallelTask {
    fn key_parts(&self, cx: &mut KeyContext<'_>) -> Vec<Part> {
        let mut parts = self.worker.key_parts(cx);
        for (name, setting) in &self.settings {
            if !EXECUTION_ONLY_SETTINGS.contains(&name.as_str()) {
                let value = setting.resolve(&cx.spec.parameters).unwrap_or_default();
                parts.push(Part::new(format!("setting {name}"), value));
            }
        }
        for input in &self.inputs {
            let form = match input.form {
                InputForm::Files => "files",
                InputForm::Table => "table",
            };
            // The id of a saved dataset follows from its definition.
            let dataset = input.dataset.as_deref().unwrap_or("whole");
            let name = format!("mini-batches of {}", input.port);
            parts.push(Part::new(name, format!("{form}, {dataset}")));
        }
        if let Some(output) = &self.output {
            parts.push(Part::new("rows", output));
        }
        parts
    }

    fn work(&self, cx: &LaunchContext<'_>) -> Work {
        let (Program::Script(entry_script)
        | Program::Command(entry_script)
        | Program::Shell(entry_script)) = &self.worker.program;
        let request = ParallelRequest {
            entry_script: entry_script.clone(),
            arguments: cx.bind(&self.worker.arguments),
            inputs: self.inputs.clone(),
            output: self.output.clone(),
            settings: self.resolved_settings(&cx.spec.parameters),
        };
        let worker = Worker::Driver {
            command: COMMAND.to_owned(),
            script: request.entry_script.clone(),
            spread: self.spread(),
        };
        Work::Native {
            worker,
            request: request.to_json(),
            python: Some(self.worker.environment.clone()),
            snapshot: self.worker.snapshot,
        }
    }

    fn variables(&self, cx: &LaunchContext<'_>) -> BTreeMap<String, String> {
        self.worker.variables(cx)
    }

    fn timeout_s(&self) -> Option<u64> {
        self.worker.timeout_s
    }
}
