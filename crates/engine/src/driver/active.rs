//! A run while it is scheduled: what was asked for, and whose outputs stand in for its steps'.

use std::collections::HashMap;
use std::sync::Arc;

use stepwell_model::{Event, Graph, RunId, RunSpec, StepIndex};

use super::reuse::Question;
use crate::core::{Policy, Topology};

/// A run that is being scheduled.
pub(super) struct ActiveRun {
    pub(super) spec: Arc<RunSpec>,
    pub(super) graph: Arc<Graph>,
    /// The runs whose outputs stand in for those of its steps.
    pub(super) sources: Arc<HashMap<StepIndex, RunId>>,
    topology: Topology,
}

impl ActiveRun {
    pub(super) fn new(spec: RunSpec, graph: Arc<Graph>) -> Self {
        Self {
            topology: Topology::new(&graph, spec.regenerate_outputs),
            spec: Arc::new(spec),
            graph,
            sources: Arc::default(),
        }
    }

    pub(super) fn topology(&self) -> Topology {
        self.topology.clone()
    }

    /// Remembers whose outputs stand in.
    pub(super) fn note(&mut self, event: &Event) {
        if let Event::Reused { step, source, .. } = event {
            Arc::make_mut(&mut self.sources).insert(*step, *source);
        }
    }

    /// Whether what a step reads comes from the runs that an answer about it assumed.
    pub(super) fn agrees(&self, step: StepIndex, assumed: &HashMap<StepIndex, RunId>) -> bool {
        let mut producers = self.graph.step(step).spec.dependencies();
        producers.all(|producer| self.sources.get(&producer) == assumed.get(&producer))
    }

    pub(super) fn policy(&self) -> Policy {
        match self.spec.continue_on_step_failure {
            true => Policy::ContinueOnFailure,
            false => Policy::StopAtFirstFailure,
        }
    }

    /// What has to be found out before the step can start.
    pub(super) fn question(&self, step: StepIndex) -> Question {
        Question {
            spec: Arc::clone(&self.spec),
            graph: Arc::clone(&self.graph),
            step,
            sources: Arc::clone(&self.sources),
            topology: self.topology.clone(),
        }
    }
}
