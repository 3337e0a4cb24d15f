//! Searches of hyperparameters, between the wire and the model.

use stepwell_api as api;
use stepwell_model as model;
use stepwell_model::TuneTask;
use stepwell_tune::Search;

use super::task::{TaskContext, environment, shown_environment};
use super::{process, resources};
use crate::error::Result;

/// Checks and converts a search.
pub(super) fn task(task: api::TuneTask, cx: &TaskContext<'_>) -> Result<TuneTask> {
    let made = TuneTask {
        trial: process::task(task.trial, cx)?,
        trial_target: task.trial_target,
        trial_resources: resources::resources(task.trial_resources, cx.refuse)?,
        search: task.search,
        metrics_output: task.metrics_output,
        model_outputs: task.model_outputs.into_iter().map(file).collect(),
        suggestions: task.suggestions.map(environment),
    };
    let search = Search::read(&made.search).map_err(|error| cx.refuse(error.to_string()))?;
    if search.needs_suggestions() && made.suggestions.is_none() {
        return Err(cx.refuse("Bayesian sampling needs `suggestions`, a Python that makes them"));
    }
    let files = made.model_outputs.iter().map(|file| &file.output);
    let mut named = made.metrics_output.iter().chain(files);
    if let Some(name) = named.find(|name| !cx.is_output(name)) {
        return Err(cx.refuse(format!("there is no output `{name}`")));
    }
    if let Some(name) = made.shared_output() {
        return Err(cx
            .refuse(format!("every trial would write to the output `{name}`"))
            .hint("let trials write to `outputs/`, and take a file of the best one as an output"));
    }
    Ok(made)
}

fn file(file: api::TrialFile) -> model::TrialFile {
    model::TrialFile {
        output: file.output,
        file: file.file,
    }
}

/// A search as clients see it.
pub(super) fn shown(task: &TuneTask) -> api::TuneTask {
    let file = |file: &model::TrialFile| api::TrialFile {
        output: file.output.clone(),
        file: file.file.clone(),
    };
    api::TuneTask {
        trial: process::shown(&task.trial),
        trial_target: task.trial_target.clone(),
        trial_resources: resources::shown(&task.trial_resources),
        search: task.search.clone(),
        metrics_output: task.metrics_output.clone(),
        model_outputs: task.model_outputs.iter().map(file).collect(),
        suggestions: task.suggestions.as_ref().map(shown_environment),
    }
}
