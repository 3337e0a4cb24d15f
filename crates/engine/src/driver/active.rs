//! A run while it is scheduled: what was asked for, and whose outputs its reused steps have.

use std::collections::HashMap;
use std::sync::Arc;

use stepwell_model::{Event, Graph, RunId, RunSpec, StepIndex, Timestamp};

use super::reuse::CacheQuery;
use crate::core::{Policy, Topology};

/// A run that is being scheduled.
pub(super) struct ActiveRun {
    pub(super) spec: Arc<RunSpec>,
    pub(super) graph: Arc<Graph>,
    /// The runs whose outputs its reused steps have.
    pub(super) sources: Arc<HashMap<StepIndex, RunId>>,
    topology: Topology,
    submitted: Timestamp,
    /// When each step ended, was reused or was interrupted; the epoch if none of that.
    settled: Vec<Timestamp>,
}

impl ActiveRun {
    pub(super) fn new(spec: RunSpec, graph: Arc<Graph>) -> Self {
        Self {
            topology: Topology::new(&graph).keeping(spec.kept.keys().copied()),
            submitted: Timestamp::default(),
            settled: vec![Timestamp::default(); graph.steps().len()],
            spec: Arc::new(spec),
            graph,
            sources: Arc::default(),
        }
    }

    pub(super) fn topology(&self) -> Topology {
        self.topology.clone()
    }

    /// Takes note of an event: whose outputs are reused, and when steps became ready.
    pub(super) fn note(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::Submitted => self.submitted = at,
            Event::Reused { step, source, .. } => {
                Arc::make_mut(&mut self.sources).insert(*step, *source);
                self.settled[step.get()] = at;
            }
            // An interrupted step waits for its next attempt since then.
            Event::Ended { step, .. } | Event::Interrupted { step, .. } => {
                self.settled[step.get()] = at;
            }
            _ => {}
        }
    }

    /// Since when a step waits for no other step of its run.
    pub(super) fn ready_since(&self, step: StepIndex) -> Timestamp {
        let before = self.graph.step(step).spec.dependencies().chain([step]);
        let times = before.map(|step| self.settled[step.get()]);
        times.fold(self.submitted, Timestamp::max)
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
    pub(super) fn query(&self, step: StepIndex) -> CacheQuery {
        CacheQuery {
            spec: Arc::clone(&self.spec),
            graph: Arc::clone(&self.graph),
            step,
            sources: Arc::clone(&self.sources),
            topology: self.topology.clone(),
        }
    }
}
