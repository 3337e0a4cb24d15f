//! A notebook, a script or a JAR on Spark: the work of a Python module in the step's environment.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stepwell_compute::{Work, Worker};
use stepwell_model::SparkTask;

use super::process::{SNAPSHOT, variables};
use super::{KeyContext, Kind, LaunchContext};
use crate::core::key::Part;

/// The module that does these steps.
const MODULE: &str = "stepwell._spark";

impl Kind for SparkTask {
    fn key_parts(&self, cx: &mut KeyContext<'_>) -> Vec<Part> {
        let mut parts = vec![
            Part::new(self.code.kind.as_str(), &self.code.path),
            Part::new("style", self.style.as_str()),
        ];
        for (number, argument) in (1..).zip(&self.code.arguments) {
            parts.push(Part::new(format!("argument {number}"), cx.text(argument)));
        }
        for (name, setting) in &self.code.parameters {
            let value = setting.resolve(&cx.spec.parameters).unwrap_or_default();
            parts.push(Part::new(format!("notebook parameter {name}"), value));
        }
        let own = variables(&self.variables, &self.parameter_variables, |name| {
            cx.parameter(name)
        });
        for (name, value) in own {
            parts.push(Part::new(format!("variable {name}"), value));
        }
        parts.push(Part::new("Spark options", &self.options_json));
        if let Some(snapshot) = &self.snapshot {
            parts.push(Part::new(SNAPSHOT, snapshot.to_string()));
        }
        parts.extend(cx.environment(&self.environment));
        parts
    }

    fn stages_data(&self) -> bool {
        !self.remote
    }

    fn work(&self, cx: &LaunchContext<'_>) -> Work {
        Work::Native {
            worker: Worker::Module(MODULE.to_owned()),
            request: request(self, cx),
            python: Some(self.environment.clone()),
            snapshot: self.snapshot,
        }
    }

    fn variables(&self, cx: &LaunchContext<'_>) -> BTreeMap<String, String> {
        variables(&self.variables, &self.parameter_variables, |name| {
            cx.parameter(name)
        })
    }

    fn timeout_s(&self) -> Option<u64> {
        self.timeout_s
    }
}

/// What the worker is asked for; `python/stepwell/_spark/_request.py` reads it.
fn request(task: &SparkTask, cx: &LaunchContext<'_>) -> Value {
    let parameters = task.code.parameters.iter().map(|(name, setting)| {
        let value = setting.resolve(&cx.spec.parameters).unwrap_or_default();
        (name.as_str(), value)
    });
    let mut request = json!({
        "code": {
            "kind": task.code.kind.as_str(),
            "path": task.code.path,
            "arguments": cx.bind(&task.code.arguments),
            "parameters": parameters.collect::<BTreeMap<_, _>>(),
        },
        "name": task.name,
        "style": task.style.as_str(),
        "remote": task.remote,
        "source_is_local": task.snapshot.is_some(),
        "timeout_s": task.timeout_s,
    });
    if let Ok(Value::Object(options)) = serde_json::from_str(&task.options_json) {
        for (name, value) in options {
            request[name] = value;
        }
    }
    request
}
