//! A search of hyperparameters: the work of a driver, which starts trials through the server.

use std::collections::BTreeMap;

use stepwell_compute::{Work, Worker};
use stepwell_model::{ProcessTask, TuneRequest, TuneTask};

use super::{KeyContext, Kind, LaunchContext};
use crate::core::key::Part;

impl Kind for TuneTask {
    fn key_parts(&self, cx: &mut KeyContext<'_>) -> Vec<Part> {
        let mut parts = self.trial.key_parts(cx);
        parts.push(Part::new("search", self.search.to_string()));
        if let Some(output) = &self.metrics_output {
            parts.push(Part::new("metrics", output));
        }
        for file in &self.model_outputs {
            parts.push(Part::new(format!("file for {}", file.output), &file.file));
        }
        parts
    }

    fn work(&self, cx: &LaunchContext<'_>) -> Work {
        let request = TuneRequest {
            trial: ProcessTask {
                arguments: cx.bind(&self.trial.arguments),
                variables: self.trial.variables(cx),
                parameter_variables: BTreeMap::new(),
                ..self.trial.clone()
            },
            trial_target: self.trial_target.clone(),
            trial_resources: self.trial_resources,
            search: self.search.clone(),
            metrics_output: self.metrics_output.clone(),
            model_outputs: self.model_outputs.clone(),
            sdk_path: cx.spec.sdk_path.clone(),
        };
        Work::Native {
            worker: Worker::Command(TuneRequest::COMMAND.to_owned()),
            request: serde_json::to_value(request).unwrap_or_default(),
            python: self.suggestions.clone(),
            snapshot: None,
        }
    }
}
