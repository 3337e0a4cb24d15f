//! A pipeline's graph, checked when it is made: a [`Graph`] that exists can be scheduled.
//!
//! Invariants: every edge joins two steps of the graph; there is no cycle; no output has two
//! producers; every input that names a step names an output of it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{Input, InputSource, Output, Resources, RunId, TargetName, Task};

/// The number of a step in its graph, from 0.
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
    /// Whether it may reuse the outputs of an identical earlier step.
    #[serde(default)]
    pub allow_reuse: bool,
    /// What it needs of the machines it runs on.
    #[serde(default, skip_serializing_if = "Resources::is_default")]
    pub resources: Resources,
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
    /// Two outputs of one step would be written to one place.
    #[error(
        "outputs `{first}` and `{second}` of step `{step}` go to one place, `{path}` on datastore \
         `{datastore}`; give each a destination of its own"
    )]
    OnePlace {
        /// The step.
        step: String,
        /// An output.
        first: String,
        /// Another one.
        second: String,
        /// The path of both below the datastore's root.
        path: String,
        /// The datastore of both.
        datastore: String,
    },
    /// More steps than an index can count, or than the limit of the server.
    #[error("the pipeline has {0} steps; the limit is {limit}", limit = Graph::STEPS_MAX)]
    TooManySteps(usize),
    /// More compute targets than the scheduler can number.
    #[error(
        "the pipeline runs on more than {limit} compute targets",
        limit = Graph::TARGETS_MAX
    )]
    TooManyTargets,
}

/// A checked graph.
///
/// One that is read back is checked again for what the scheduler relies on, its edges: a row that
/// was damaged is an error of decoding. Limits and rules about places may have come after it was
/// stored, and are for new graphs only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredGraph")]
pub struct Graph {
    steps: Vec<Step>,
}

/// A graph as it was stored.
#[derive(Deserialize)]
struct StoredGraph {
    steps: Vec<Step>,
}

impl TryFrom<StoredGraph> for Graph {
    type Error = GraphError;

    fn try_from(StoredGraph { steps }: StoredGraph) -> Result<Self, GraphError> {
        check_scheduled(&steps)?;
        Ok(Self { steps })
    }
}

impl Graph {
    /// The most steps one run may have.
    pub const STEPS_MAX: usize = 1_000_000;

    /// The most compute targets that the steps of one run may name.
    pub const TARGETS_MAX: usize = 65_535;

    /// Checks the steps and makes them a graph.
    ///
    /// # Errors
    /// The first fault found, in the order of the steps: of ports, then of edges; cycles last.
    pub fn new(steps: Vec<Step>) -> Result<Self, GraphError> {
        if steps.len() > Self::STEPS_MAX {
            return Err(GraphError::TooManySteps(steps.len()));
        }
        let targets: HashSet<&TargetName> = steps.iter().map(|step| &step.spec.target).collect();
        if targets.len() > Self::TARGETS_MAX {
            return Err(GraphError::TooManyTargets);
        }
        for step in &steps {
            check_ports(&step.spec)?;
        }
        check_scheduled(&steps)?;
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
    )?;
    check_places(step)
}

/// Refuses outputs of one step of which the last would replace the files of the others.
fn check_places(step: &StepSpec) -> Result<(), GraphError> {
    let mut seen: HashMap<(&str, String), &str> = HashMap::new();
    for output in &step.outputs {
        let Some(path) = &output.path else { continue };
        let path = path.replace("{output-name}", &output.name);
        let path = path.trim_matches('/').to_owned();
        let place = (output.datastore.as_str(), path.clone());
        if let Some(first) = seen.insert(place, &output.name) {
            return Err(GraphError::OnePlace {
                step: step.name.clone(),
                first: first.to_owned(),
                second: output.name.clone(),
                path,
                datastore: output.datastore.clone(),
            });
        }
    }
    Ok(())
}

/// Checks that every edge joins two steps and that no step waits for itself.
fn check_scheduled(steps: &[Step]) -> Result<(), GraphError> {
    for step in steps {
        check_edges(&step.spec, steps)?;
    }
    check_acyclic(steps)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Program, testing};

    #[test]
    fn more_targets_than_can_be_numbered_are_refused() {
        let step = |number: usize| Step {
            run: RunId::new(uuid::Uuid::nil()),
            spec: StepSpec {
                target: TargetName::new(number.to_string()),
                ..testing::step(testing::process(Program::Command(String::new())))
            },
        };
        let mut steps: Vec<Step> = (0..Graph::TARGETS_MAX).map(step).collect();
        let graph = Graph::new(steps.clone());
        assert!(graph.is_ok());
        steps.push(step(Graph::TARGETS_MAX));
        assert_eq!(Graph::new(steps), Err(GraphError::TooManyTargets));
    }
}
