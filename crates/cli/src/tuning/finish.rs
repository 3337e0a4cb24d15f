//! What a search leaves: the metrics of all trials as one file, files of the best one, and a line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stepwell_api::MetricKind;
use stepwell_model::{Failure, FailureKind, TuneRequest};
use stepwell_tune::{Core, Search};
use stepwell_worker::Worker;

use super::link::Link;
use super::storage;

/// Writes the outputs that the step has.
pub(super) fn write_outputs(
    worker: &Worker,
    link: &Link,
    core: &Core,
    request: &TuneRequest,
) -> Result<(), Failure> {
    if let Some(port) = &request.metrics_output {
        let metrics = metrics(link, core)?;
        write(&place(worker, port)?, &metrics.to_string())?;
    }
    for wanted in &request.model_outputs {
        let best = core
            .best()
            .and_then(|(trial, _)| core.trials()[trial].run());
        let Some(best) = best else {
            let summary = "no trial logged the primary metric, so there is no best one";
            return Err(Failure::new(FailureKind::UserCode, summary));
        };
        let to = place(worker, &wanted.output)?;
        link.fetch(best, &wanted.file, &to).map_err(|fault| {
            Failure::from(fault).with_hint(format!(
                "output `{}` is the file `{}` of the best trial, {best}",
                wanted.output, wanted.file
            ))
        })?;
    }
    Ok(())
}

/// The metrics of all trials: `{run: {name: [values]}}`, also of those that logged nothing.
fn metrics(link: &Link, core: &Core) -> Result<Value, Failure> {
    let mut all = serde_json::Map::new();
    for run in core.trials().iter().filter_map(stepwell_tune::Trial::run) {
        let mut own: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (name, points) in link.metrics(run, None)? {
            let values = own.entry(name).or_default();
            for point in points {
                match (point.kind, point.value) {
                    (MetricKind::List, Value::Array(items)) => values.extend(items),
                    (_, value) => values.push(value),
                }
            }
        }
        all.insert(
            run.to_owned(),
            serde_json::to_value(own).unwrap_or_default(),
        );
    }
    Ok(Value::Object(all))
}

fn place(worker: &Worker, port: &str) -> Result<PathBuf, Failure> {
    let local = worker.request().outputs.get(port);
    let local = local.and_then(|port| port.local.as_deref());
    local.map(PathBuf::from).ok_or_else(|| {
        let summary = format!("output `{port}` has no path on this machine");
        Failure::new(FailureKind::Internal, summary)
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    };
    written().map_err(|error: std::io::Error| storage(&error))
}

/// What came of the search, in one line.
pub(super) fn summary(core: &Core, search: &Search) -> String {
    let progress = core.progress();
    let best = match core.best() {
        Some((trial, value)) => format!(
            "trial {trial} is the best: {} is {value}",
            search.primary_metric.name
        ),
        None => format!("no trial logged `{}`", search.primary_metric.name),
    };
    format!(
        "{} completed, {} failed, {} stopped; {best}",
        progress.completed, progress.failed, progress.canceled
    )
}
