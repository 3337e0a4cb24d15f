//! What is found out about a step that has ended, off the loop: metrics that its program could not
//! send, what its outputs look like, and the datasets that they become.
//!
//! The loop decides on the end only when this is known, so whoever sees that a step is over finds
//! all of it. A step with none of that is decided on at once.

use std::sync::Arc;

use stepwell_compute::Report;
use stepwell_model::{Graph, RunId, StepIndex};
use stepwell_store::Store;

use super::registration::{self, NewDataset};
use super::reuse::{self, Resolver};
use super::spool;

/// A step that has ended, with what was found out about it.
pub(super) struct CompletedStep {
    pub(super) report: Report,
    /// The run of the step.
    pub(super) step_run: RunId,
    /// The datasets that its outputs become.
    pub(super) datasets: Vec<NewDataset>,
    /// What its outputs look like, if it may be reused.
    pub(super) stamps: Option<String>,
}

/// What is to be found out about a step that has ended.
pub(super) struct Inspection {
    pub(super) graph: Arc<Graph>,
    pub(super) step: StepIndex,
    pub(super) step_run: RunId,
    /// The run that the step is part of.
    pub(super) parent: RunId,
    /// Whether it succeeded: only then its outputs count.
    pub(super) succeeded: bool,
}

impl Inspection {
    /// Whether there is anything to find out: one look for a folder, which most steps do not have.
    pub(super) fn is_needed(&self, resolver: &Resolver) -> bool {
        let spec = &self.graph.step(self.step).spec;
        let outputs = spec.allow_reuse || registration::concerns(&self.graph, self.step);
        let spool = resolver.site.folder.spool(self.step_run);
        (self.succeeded && outputs) || spool.exists()
    }

    /// Finds it out.
    pub(super) async fn perform(
        self,
        report: Report,
        store: Store,
        resolver: Arc<Resolver>,
    ) -> CompletedStep {
        let (step_run, folder) = (self.step_run, resolver.site.folder.clone());
        spool::ingest(&store, step_run, self.parent, &folder).await;
        let inspected = tokio::task::spawn_blocking(move || self.outputs(&resolver)).await;
        let (datasets, stamps) = inspected.unwrap_or_else(|error| {
            tracing::error!(%error, "the outputs of a step could not be inspected");
            (Vec::new(), None)
        });
        CompletedStep {
            report,
            step_run,
            datasets,
            stamps,
        }
    }

    fn outputs(&self, resolver: &Resolver) -> (Vec<NewDataset>, Option<String>) {
        if !self.succeeded {
            return (Vec::new(), None);
        }
        let Resolver { site, contents, .. } = resolver;
        let datasets = match registration::concerns(&self.graph, self.step) {
            true => registration::inspect(site, contents, &self.graph, self.step, self.step_run),
            false => Vec::new(),
        };
        if !self.graph.step(self.step).spec.allow_reuse {
            return (datasets, None);
        }
        match reuse::stamps(site, &self.graph, self.step) {
            Ok(stamps) => (datasets, Some(stamps)),
            Err(error) => {
                tracing::warn!(%error, "the outputs of a step cannot be read");
                (datasets, None)
            }
        }
    }
}
