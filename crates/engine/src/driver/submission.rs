//! A run that is asked for, and the rows it begins with.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_model::{
    Digest, Graph, RunId, RunKind, RunSpec, RunStatus, Step, StepIndex, Timestamp,
};
use stepwell_store::runs::{self, NewRun};
use stepwell_store::{Connection, experiments, journal};
use uuid::Uuid;

use super::launch;

/// A checked run, ready to be stored and scheduled.
#[derive(Debug, Clone)]
pub struct Submission {
    /// What was asked for.
    pub spec: RunSpec,
    /// Its steps.
    pub graph: Arc<Graph>,
    /// What is shown of it.
    pub about: About,
}

/// What is shown of a run; nothing here changes how it runs.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// A name; the experiment's when empty.
    pub display_name: Option<String>,
    /// A description.
    pub description: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties.
    pub properties: BTreeMap<String, String>,
    /// Who submits it.
    pub user: String,
    /// A text that makes a repeated submission the same run.
    pub idempotency_key: Option<String>,
    /// The published pipeline it is a run of.
    pub published: Option<Uuid>,
    /// Outputs of steps that the pipeline itself names: the name, the step and its output.
    pub outputs: Vec<(String, StepIndex, String)>,
    /// The id of the experiment, should it have to be made.
    pub new_experiment: Uuid,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The run is stored and will be run.
    New(RunId),
    /// A run was submitted with the same idempotency key before: this one.
    Before(RunId),
}

impl Accepted {
    /// The run, new or not.
    #[must_use]
    pub const fn run(self) -> RunId {
        match self {
            Self::New(run) | Self::Before(run) => run,
        }
    }
}

/// What is asked for as it is stored, written down before the one writer is taken up with it.
pub(super) struct Texts {
    spec: String,
    graph: String,
}

impl Texts {
    pub(super) fn of(submission: &Submission) -> stepwell_store::Result<Self> {
        Ok(Self {
            spec: journal::spec_json(&submission.spec)?,
            graph: journal::graph_json(&submission.graph)?,
        })
    }
}

/// Stores the run, its steps and its graph, unless the same was submitted before.
pub(super) fn insert(
    db: &Connection,
    submission: &Submission,
    texts: &Texts,
    at: Timestamp,
) -> stepwell_store::Result<Accepted> {
    let Submission { spec, graph, about } = submission;
    if let Some(key) = &about.idempotency_key
        && let Some(earlier) = runs::id_by_key(db, key)?
    {
        return Ok(Accepted::Before(earlier));
    }
    let experiment = experiments::ensure_id(db, &spec.experiment, about.new_experiment, at)?;
    let root = match spec.parent {
        Some(parent) => runs::root_of(db, parent)?.unwrap_or(spec.id),
        None => spec.id,
    };
    let top = row_of_run(submission, experiment, root, at);
    match (spec.kind, graph.steps()) {
        // The one step of a script run is the run itself.
        (RunKind::Script, [step]) => runs::insert(db, &describe(top, step))?,
        (_, steps) => {
            runs::insert(db, &top)?;
            insert_steps(db, top, steps)?;
        }
    }
    journal::insert_graph(db, spec.id, &texts.spec, &texts.graph)?;
    Ok(Accepted::New(spec.id))
}

/// The row of the run itself.
fn row_of_run(
    submission: &Submission,
    experiment: Uuid,
    root: RunId,
    created: Timestamp,
) -> NewRun {
    let Submission { spec, graph, about } = submission;
    let name = about.display_name.as_ref().unwrap_or(&spec.experiment);
    NewRun {
        id: spec.id,
        kind: spec.kind,
        experiment,
        display_name: name.clone(),
        description: about.description.clone(),
        status: RunStatus::NotStarted,
        parent: spec.parent,
        root,
        step: None,
        step_kind: None,
        target: None,
        snapshot: None,
        user: about.user.clone(),
        tags: about.tags.clone(),
        properties: about.properties.clone(),
        parameters: spec.parameters.clone(),
        outputs: named_outputs(graph, &about.outputs),
        created,
        idempotency_key: about.idempotency_key.clone(),
        published: about.published,
    }
}

/// Stores a row for each step of the run of `top`.
fn insert_steps(db: &Connection, top: NewRun, steps: &[Step]) -> stepwell_store::Result<()> {
    // What all steps have in common: little, as it is copied for each.
    let common = NewRun {
        kind: RunKind::Step,
        display_name: String::new(),
        description: String::new(),
        parent: Some(top.id),
        tags: BTreeMap::new(),
        properties: BTreeMap::new(),
        parameters: BTreeMap::new(),
        outputs: Vec::new(),
        idempotency_key: None,
        published: None,
        ..top
    };
    for (index, step) in (0..).zip(steps) {
        let row = NewRun {
            id: step.run,
            display_name: step.spec.name.clone(),
            step: Some(index),
            ..common.clone()
        };
        runs::insert(db, &describe(row, step))?;
    }
    Ok(())
}

/// Adds to a row what the step is and where its outputs go.
fn describe(row: NewRun, step: &Step) -> NewRun {
    let references = step.spec.task.kind().references();
    NewRun {
        step_kind: Some(step.spec.kind.clone()),
        target: Some(step.spec.target.to_string()),
        snapshot: references.snapshots.first().map(Digest::to_string),
        outputs: step
            .spec
            .outputs
            .iter()
            .map(|out| place(step.run, out))
            .collect(),
        ..row
    }
}

/// Where the outputs are that the pipeline names.
fn named_outputs(graph: &Graph, named: &[(String, StepIndex, String)]) -> Vec<runs::OutputPlace> {
    let place = |(name, step, output): &(String, StepIndex, String)| {
        let step = graph.steps().get(step.get())?;
        let output = step.spec.outputs.iter().find(|port| port.name == *output)?;
        Some(runs::OutputPlace {
            name: name.clone(),
            ..place(step.run, output)
        })
    };
    named.iter().filter_map(place).collect()
}

fn place(run: RunId, output: &stepwell_model::Output) -> runs::OutputPlace {
    runs::OutputPlace {
        name: output.name.clone(),
        datastore: output.datastore.clone(),
        path: launch::output_path(run, output),
        run,
    }
}
