//! A pipeline's graph, checked when it is made: a [`Graph`] that exists can be scheduled.
//!
//! Invariants: every edge joins two steps of the graph; there is no cycle; no output has two
//! producers; every input that names a step names an output of it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{Input, InputSource, Output, RunId, TargetName, Task};

/// The place of a step in its graph, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepIndex(pub u32);

impl StepIndex {
    /// As an index of a slice.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl From<usize> for StepIndex {
    /// # Panics
    /// Above 2³² − 1 steps, which [`Graph::new`] refuses.
    fn from(index: usize) -> Self {
        Self(u32::try_from(index).expect("a graph has fewer than 2^32 steps"))
    }
}

/// One step as it is stored: a name, a task and its edges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The run of this step.
    pub run: RunId,
    /// What it is and does.
    #[serde(flatten)]
    pub spec: StepSpec,
}

/// What a step is and does, before it has a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    /// The name the user gave; several steps may share one.
    pub name: String,
    /// The user's word for its kind, such as `PythonScriptStep`.
    pub kind: String,
    /// Where it runs.
    pub target: TargetName,
    /// What it does.
    pub task: Task,
    /// What it reads.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// What it writes.
    #[serde(default)]
    pub outputs: Vec<Output>,
    /// Steps that must have succeeded before it starts, beside the producers of its inputs.
    #[serde(default)]
    pub after: Vec<StepIndex>,
    /// Whether outputs of an equal earlier step may stand in for it.
    #[serde(default)]
    pub allow_reuse: bool,
}

impl StepSpec {
    /// Every step this one waits for; a step may be named twice.
    pub fn dependencies(&self) -> impl Iterator<Item = StepIndex> + '_ {
        let producers = self.inputs.iter().filter_map(|input| match &input.source {
            InputSource::Step { step, .. } => Some(*step),
            InputSource::Datastore { .. } => None,
        });
        producers.chain(self.after.iter().copied())
    }
}

/// Why steps do not make a graph. Each variant names the step as the user does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A step waits for itself, through others.
    #[error("these steps wait for each other in a circle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// An input names a step that is not in the graph.
    #[error("step `{step}` depends on step number {index}, which the pipeline does not have")]
    UnknownStep {
        /// The step with the wrong edge.
        step: String,
        /// The index it names.
        index: u32,
    },
    /// An input names an output its producer does not have.
    #[error(
        "input `{input}` of step `{step}` reads output `{output}` of step `{producer}`, which has no such output"
    )]
    UnknownOutput {
        /// The step with the wrong input.
        step: String,
        /// Its input.
        input: String,
        /// The step it reads from.
        producer: String,
        /// The output it names.
        output: String,
    },
    /// Two ports of one step have the same name.
    #[error("step `{step}` has two {ports} named `{name}`")]
    DuplicatePort {
        /// The step.
        step: String,
        /// `inputs` or `outputs`.
        ports: &'static str,
        /// The name that is used twice.
        name: String,
    },
    /// More steps than an index can count, or than the limit of the server.
    #[error("the pipeline has {0} steps; the limit is {limit}", limit = Graph::STEPS_MAX)]
    TooManySteps(usize),
}

/// A checked graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    steps: Vec<Step>,
}

impl Graph {
    /// The most steps one run may have.
    pub const STEPS_MAX: usize = 1_000_000;

    /// Checks the steps and makes them a graph.
    ///
    /// # Errors
    /// The first fault found, in the order of the steps; cycles last.
    pub fn new(steps: Vec<Step>) -> Result<Self, GraphError> {
        if steps.len() > Self::STEPS_MAX {
            return Err(GraphError::TooManySteps(steps.len()));
        }
        for step in &steps {
            check_ports(&step.spec)?;
            check_edges(&step.spec, &steps)?;
        }
        check_acyclic(&steps)?;
        Ok(Self { steps })
    }

    /// The steps, in the user's order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// One step.
    #[must_use]
    pub fn step(&self, index: StepIndex) -> &Step {
        &self.steps[index.get()]
    }
}

fn check_ports(step: &StepSpec) -> Result<(), GraphError> {
    let twice = |names: Vec<&String>, ports| {
        let mut seen = HashMap::new();
        match names
            .into_iter()
            .find(|name| seen.insert(name.as_str(), ()).is_some())
        {
            Some(name) => Err(GraphError::DuplicatePort {
                step: step.name.clone(),
                ports,
                name: name.clone(),
            }),
            None => Ok(()),
        }
    };
    twice(
        step.inputs.iter().map(|input| &input.name).collect(),
        "inputs",
    )?;
    twice(
        step.outputs.iter().map(|output| &output.name).collect(),
        "outputs",
    )
}

fn check_edges(step: &StepSpec, steps: &[Step]) -> Result<(), GraphError> {
    let unknown = |index: StepIndex| GraphError::UnknownStep {
        step: step.name.clone(),
        index: index.0,
    };
    for index in step.dependencies() {
        steps.get(index.get()).ok_or_else(|| unknown(index))?;
    }
    for input in &step.inputs {
        let InputSource::Step {
            step: producer,
            output,
        } = &input.source
        else {
            continue;
        };
        let producer = &steps[producer.get()].spec;
        if !producer
            .outputs
            .iter()
            .any(|port: &Output| port.name == *output)
        {
            return Err(GraphError::UnknownOutput {
                step: step.name.clone(),
                input: input.name.clone(),
                producer: producer.name.clone(),
                output: output.clone(),
            });
        }
    }
    Ok(())
}

/// Kahn's algorithm; what it cannot remove holds a cycle, which is then walked for the message.
fn check_acyclic(steps: &[Step]) -> Result<(), GraphError> {
    let mut unmet: Vec<usize> = steps
        .iter()
        .map(|step| step.spec.dependencies().count())
        .collect();
    let mut dependents = vec![Vec::new(); steps.len()];
    for (index, step) in steps.iter().enumerate() {
        for dependency in step.spec.dependencies() {
            dependents[dependency.get()].push(index);
        }
    }
    let mut ready: Vec<usize> = (0..steps.len())
        .filter(|&index| unmet[index] == 0)
        .collect();
    let mut sorted = 0;
    while let Some(index) = ready.pop() {
        sorted += 1;
        for &dependent in &dependents[index] {
            unmet[dependent] -= 1;
            if unmet[dependent] == 0 {
                ready.push(dependent);
            }
        }
    }
    if sorted == steps.len() {
        return Ok(());
    }
    Err(GraphError::Cycle(walk_cycle(steps, &unmet)))
}

/// From any step that still waits, follows waiting dependencies until one comes again.
fn walk_cycle(steps: &[Step], unmet: &[usize]) -> Vec<String> {
    let waits = |index: &usize| unmet[*index] > 0;
    let mut at = (0..steps.len()).find(waits).unwrap_or_default();
    let mut path = Vec::new();
    while !path.contains(&at) {
        path.push(at);
        let next = steps[at]
            .spec
            .dependencies()
            .map(StepIndex::get)
            .find(waits);
        at = next.unwrap_or(at);
    }
    let start = path
        .iter()
        .position(|&index| index == at)
        .unwrap_or_default();
    let circle = path[start..]
        .iter()
        .rev()
        .map(|&index| steps[index].spec.name.clone());
    let mut names: Vec<String> = circle.collect();
    names.extend(names.first().cloned());
    names
}
