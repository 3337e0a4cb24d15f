//! What never changes of a run while it is scheduled: who waits for whom, and where each runs.
//!
//! Compact on purpose: about twenty bytes a step and four an edge, whatever the steps do.

use std::sync::Arc;

use stepwell_model::{Graph, StepIndex, TargetName};

/// How a run answers to a failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// No further step starts; those that run may end.
    StopAtFirstFailure,
    /// Steps that do not depend on the failed one still run.
    ContinueOnFailure,
}

/// The dependents of every step, and every step's compute target; cheap to clone.
#[derive(Debug, Clone)]
pub struct Topology {
    /// `dependents[starts[s]..starts[s + 1]]` are the steps that wait for step `s`.
    starts: Arc<[u32]>,
    dependents: Arc<[StepIndex]>,
    /// How many edges lead into each step; an edge that is named twice counts twice.
    unmet: Arc<[u32]>,
    /// The place in `names` of each step's target.
    targets: Arc<[u16]>,
    names: Arc<[TargetName]>,
    /// Whether outputs of an equal earlier step may stand in for each step.
    reusable: Arc<[bool]>,
    /// Whether an interrupted attempt leaves what the next one goes on from.
    resumable: Arc<[bool]>,
}

impl Topology {
    /// Reads the edges of a checked graph. With `regenerate` no step is reused.
    #[must_use]
    pub fn new(graph: &Graph, regenerate: bool) -> Self {
        let steps = graph.steps();
        let dependencies: Vec<Vec<StepIndex>> = steps
            .iter()
            .map(|step| step.spec.dependencies().collect())
            .collect();
        let mut names: Vec<TargetName> = Vec::new();
        let mut targets = Vec::with_capacity(steps.len());
        for step in steps {
            let known = names.iter().position(|name| *name == step.spec.target);
            let place = known.unwrap_or_else(|| {
                names.push(step.spec.target.clone());
                names.len() - 1
            });
            targets.push(u16::try_from(place).unwrap_or(u16::MAX));
        }
        let reusable = steps
            .iter()
            .map(|step| step.spec.allow_reuse && !regenerate)
            .collect();
        let resumable = steps.iter().map(|step| step.spec.task.is_resumable());
        Self {
            reusable,
            resumable: resumable.collect(),
            ..Self::from_edges(&dependencies, targets, names)
        }
    }

    /// From the dependencies of each step, for tests and simulations.
    #[must_use]
    pub fn from_edges(
        dependencies: &[Vec<StepIndex>],
        targets: Vec<u16>,
        names: Vec<TargetName>,
    ) -> Self {
        let mut starts = vec![0_u32; dependencies.len() + 1];
        for dependency in dependencies.iter().flatten() {
            starts[dependency.get() + 1] += 1;
        }
        for step in 1..starts.len() {
            starts[step] += starts[step - 1];
        }
        let mut free = starts.clone();
        let mut dependents = vec![StepIndex(0); starts.last().map_or(0, |&end| end as usize)];
        for (step, dependencies) in dependencies.iter().enumerate() {
            for dependency in dependencies {
                let place = &mut free[dependency.get()];
                dependents[*place as usize] = StepIndex::from(step);
                *place += 1;
            }
        }
        let unmet = dependencies
            .iter()
            .map(|edges| StepIndex::from(edges.len()).0)
            .collect();
        let none = vec![false; dependencies.len()];
        Self {
            starts: starts.into(),
            dependents: dependents.into(),
            unmet,
            targets: targets.into(),
            names: names.into(),
            reusable: none.clone().into(),
            resumable: none.into(),
        }
    }

    /// The same, where these steps may be reused: for tests and simulations.
    #[must_use]
    pub fn with_reusable(self, reusable: Vec<bool>) -> Self {
        Self {
            reusable: reusable.into(),
            ..self
        }
    }

    /// The same, where interrupted attempts at these steps are followed by others: for tests and
    /// simulations.
    #[must_use]
    pub fn with_resumable(self, resumable: Vec<bool>) -> Self {
        Self {
            resumable: resumable.into(),
            ..self
        }
    }

    /// Whether an interrupted attempt leaves what the next one goes on from.
    #[must_use]
    pub fn is_resumable(&self, step: StepIndex) -> bool {
        self.resumable[step.get()]
    }

    /// Whether outputs of an equal earlier step may stand in for this one.
    #[must_use]
    pub fn is_reusable(&self, step: StepIndex) -> bool {
        self.reusable[step.get()]
    }

    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is no step.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The steps that wait for `step`; one that names it twice comes twice.
    #[must_use]
    pub fn dependents(&self, step: StepIndex) -> &[StepIndex] {
        let range = self.starts[step.get()] as usize..self.starts[step.get() + 1] as usize;
        &self.dependents[range]
    }

    /// How many edges lead into each step.
    #[must_use]
    pub fn unmet(&self) -> &[u32] {
        &self.unmet
    }

    /// Where a step runs.
    #[must_use]
    pub fn target(&self, step: StepIndex) -> &TargetName {
        &self.names[usize::from(self.targets[step.get()])]
    }
}
