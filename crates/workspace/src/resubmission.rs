//! A run that is asked for again: the same steps with the same values, as a new run.
//!
//! Steps whose outputs may be reused are, so after a failure what had succeeded does not run again.
//! A run that continues a failed one keeps the outputs of every step that had succeeded, also of those
//! that may not be reused.

use std::collections::BTreeMap;

use stepwell_model::{
    Graph, RunId, RunKind, RunStatus, StepIndex, Template, properties_of_pipeline,
};
use stepwell_store::runs::{self, Record};
use stepwell_store::{Connection, journal};

use crate::core::Core;
use crate::submission::RunRequest;
use crate::{Error, Result};

/// The property that names the run that was submitted first.
const PROPERTY: &str = "stepwell.resubmittedfrom";

/// What of earlier runs a repeated run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// The outputs of equal steps, where that is allowed.
    Allowed,
    /// Nothing.
    Nothing,
    /// Also the outputs of all steps that had succeeded in the run that is repeated.
    Succeeded,
}

/// What a run was asked for as, to be asked for again by `user`.
pub(crate) async fn request(
    core: &Core,
    run: RunId,
    reuse: Reuse,
    user: String,
    idempotency_key: Option<String>,
) -> Result<RunRequest> {
    let read = move |db: &Connection| {
        let steps = runs::steps(db, run)?;
        Ok((runs::find(db, run)?, journal::find_graph(db, run)?, steps))
    };
    let (record, graph, steps) = core.store.read(read).await?;
    let record = record.ok_or_else(|| Error::no_run(run))?;
    let Some((spec, graph)) = graph else {
        let kind = record.kind.as_str();
        return Err(
            Error::conflict(format!("run {run} is a {kind} run, which nobody submitted")).hint(
                match (record.kind, record.parent) {
                    (RunKind::Step, Some(pipeline)) => {
                        format!("submit its pipeline again: run {pipeline}")
                    }
                    _ => "only pipelines and scripts can be submitted again".to_owned(),
                },
            ),
        );
    };
    let kept = match reuse {
        Reuse::Succeeded => succeeded(&record, &steps)?,
        Reuse::Allowed | Reuse::Nothing => BTreeMap::new(),
    };
    let template = Template {
        outputs: named_outputs(&record, &graph, &steps),
        properties: properties_of_pipeline(&record.properties),
        ..Template::of_run(spec, &graph)
    };
    Ok(RunRequest {
        kind: record.kind,
        experiment: record.experiment,
        display_name: Some(record.display_name),
        description: record.description,
        tags: record.tags,
        properties: BTreeMap::from([(PROPERTY.to_owned(), run.to_string())]),
        parent: None,
        user,
        regenerate_outputs: reuse == Reuse::Nothing,
        kept,
        template,
        values: BTreeMap::new(),
        idempotency_key,
    })
}

/// The steps of a run that failed or was cancelled which had succeeded, with the runs that made their
/// outputs.
fn succeeded(run: &Record, steps: &[Record]) -> Result<BTreeMap<StepIndex, RunId>> {
    let id = run.id;
    let refused = match run.status {
        RunStatus::Failed | RunStatus::Canceled => None,
        RunStatus::Completed => Some("has succeeded: there is no failure to continue from"),
        _ => Some("is not over yet"),
    };
    if let Some(reason) = refused {
        let hint = "wait for its end or cancel it, or submit all of it again";
        return Err(Error::conflict(format!("run {id} {reason}")).hint(hint));
    }
    let done = steps
        .iter()
        .filter(|step| step.status == RunStatus::Completed);
    let source = |step: &Record| Some((StepIndex(step.step?), step.reused_from.unwrap_or(step.id)));
    Ok(done.filter_map(source).collect())
}

/// The outputs that a pipeline itself names, by the steps that have made them. Both know the place;
/// of a reused step it is that of the earlier one in both.
fn named_outputs(
    pipeline: &Record,
    graph: &Graph,
    steps: &[Record],
) -> Vec<(String, StepIndex, String)> {
    let made = |named: &runs::OutputPlace| {
        steps.iter().find_map(|step| {
            let index = StepIndex(step.step?);
            let is_it = |port: &&runs::OutputPlace| {
                (&port.datastore, &port.path, port.run)
                    == (&named.datastore, &named.path, named.run)
            };
            let port = step.outputs.iter().find(is_it)?;
            let declared = &graph.steps().get(index.get())?.spec.outputs;
            let is_declared = declared.iter().any(|output| output.name == port.name);
            is_declared.then(|| (named.name.clone(), index, port.name.clone()))
        })
    };
    pipeline.outputs.iter().filter_map(made).collect()
}
