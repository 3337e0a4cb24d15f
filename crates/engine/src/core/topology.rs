//! What never changes of a run while it is scheduled: who waits for whom, and where each runs.
//!
//! Compact on purpose: about twenty bytes a step and four an edge, whatever the steps do.

use std::collections::HashMap;
use std::sync::Arc;

use stepwell_model::{Graph, Step, StepIndex, TargetName};

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
    /// The index in `names` of each step's target.
    targets: Arc<[u16]>,
    names: Arc<[TargetName]>,
    /// Whether each step may reuse the outputs of an identical earlier step.
    reusable: Arc<[bool]>,
    /// Whether an interrupted attempt leaves what the next one goes on from.
    resumable: Arc<[bool]>,
    /// The cores of the steps that ask for more than one.
    cores: Arc<HashMap<StepIndex, u32>>,
}

impl Topology {
    /// Reads the edges of a checked graph.
    #[must_use]
    pub fn new(graph: &Graph) -> Self {
        let steps = graph.steps();
        let dependencies: Vec<Vec<StepIndex>> = steps
            .iter()
            .map(|step| step.spec.dependencies().collect())
            .collect();
        let mut names: Vec<TargetName> = Vec::new();
        let mut numbers: HashMap<&TargetName, u16> = HashMap::new();
        let mut targets = Vec::with_capacity(steps.len());
        for Step { spec, .. } in steps {
            let next = names.len();
            let number = *numbers.entry(&spec.target).or_insert_with(|| {
                names.push(spec.target.clone());
                u16::try_from(next).expect("a graph has at most 65,535 targets")
            });
            targets.push(number);
        }
        let reusable = steps.iter().map(|step| step.spec.allow_reuse).collect();
        let resumable = steps.iter().map(|step| step.spec.task.kind().resumes());
        let cores = steps.iter().map(|step| step.spec.resources.cores_of_all());
        Self {
            reusable,
            resumable: resumable.collect(),
            cores: Arc::new(wide(cores)),
            ..Self::from_edges(&dependencies, targets, names)
        }
    }

    /// The same, where these steps are asked about as well: they keep what an earlier run made.
    #[must_use]
    pub fn keeping(mut self, steps: impl IntoIterator<Item = StepIndex>) -> Self {
        let mut reusable = self.reusable.to_vec();
        for step in steps {
            if let Some(step) = reusable.get_mut(step.get()) {
                *step = true;
            }
        }
        self.reusable = reusable.into();
        self
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
            cores: Arc::default(),
        }
    }

    /// The same, where each step asks for so many cores: for tests and simulations.
    #[must_use]
    pub fn with_cores(self, cores: impl IntoIterator<Item = u32>) -> Self {
        Self {
            cores: Arc::new(wide(cores)),
            ..self
        }
    }

    /// How many cores a step asks for: one, if it says nothing.
    #[must_use]
    pub fn cores(&self, step: StepIndex) -> u32 {
        self.cores.get(&step).copied().unwrap_or(1)
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

    /// Whether this step may reuse the outputs of an identical earlier step.
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

    /// The compute targets of all steps.
    #[must_use]
    pub fn targets(&self) -> &[TargetName] {
        &self.names
    }

    /// The targets of some steps, each once.
    #[must_use]
    pub fn targets_of(&self, steps: &[StepIndex]) -> Vec<TargetName> {
        let mut numbers: Vec<u16> = steps.iter().map(|step| self.targets[step.get()]).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let name = |number: u16| self.names[usize::from(number)].clone();
        numbers.into_iter().map(name).collect()
    }

    /// Where a step runs.
    #[must_use]
    pub fn target(&self, step: StepIndex) -> &TargetName {
        &self.names[usize::from(self.targets[step.get()])]
    }
}

/// The steps that ask for more than one core, with how many.
fn wide(cores: impl IntoIterator<Item = u32>) -> HashMap<StepIndex, u32> {
    let numbered = cores.into_iter().enumerate();
    let wide = numbered.filter(|(_, cores)| *cores > 1);
    wide.map(|(step, cores)| (StepIndex::from(step), cores))
        .collect()
}
