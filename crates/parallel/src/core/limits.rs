//! What the scheduler is bound by: numbers of workers, tries, times and thresholds.

use stepwell_model::ParallelSettings;

use super::{Micros, SECOND};

/// The bounds of one parallel step.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// How many nodes.
    pub nodes: u32,
    /// How many workers on each.
    pub per_node: u32,
    /// How often a mini-batch is tried.
    pub tries: u32,
    /// The longest that `run` may take.
    pub run: Micros,
    /// The longest that a worker may take to become ready: three times `run` and 30 seconds, as in
    /// v1.
    pub init: Micros,
    /// The longest that nothing may come to an end while there is something to do.
    pub progress: Micros,
    /// How old the step is when the number of failed starts can end it.
    pub start_up: Micros,
    /// How many items may fail.
    pub failed_items: Option<u64>,
    /// How many mini-batches may fail.
    pub failed_batches: Option<u64>,
    /// How many of a hundred mini-batches may fail.
    pub failed_percent: Option<f64>,
    /// The memory above which a worker that has grown is replaced, in bytes.
    pub memory: Option<u64>,
}

impl Limits {
    /// The limits of settings, with so many workers on a node and so much memory for each.
    #[must_use]
    pub fn new(settings: &ParallelSettings, per_node: u32, memory: Option<u64>) -> Self {
        let run = settings.run_invocation_timeout_s * SECOND;
        let init = 3 * run + 30 * SECOND;
        // What goes well within the other limits is never stuck.
        let patient = init + run * u64::from(settings.run_max_try) + 600 * SECOND;
        Self {
            nodes: settings.node_count,
            per_node,
            tries: settings.run_max_try,
            run,
            init,
            progress: settings
                .progress_update_timeout_s
                .map_or(patient, |seconds| seconds * SECOND),
            start_up: 120 * SECOND,
            failed_items: settings.error_threshold,
            failed_batches: settings.allowed_failed_count,
            failed_percent: settings.allowed_failed_percent,
            memory,
        }
    }

    /// How many workers there are at most.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.nodes.saturating_mul(self.per_node)
    }

    /// How many failed starts stop a node.
    pub(super) fn node_failures(&self) -> u32 {
        self.per_node.saturating_mul(3)
    }

    /// How many failed starts stop a step that is older than [`Self::start_up`].
    pub(super) fn step_failures(&self) -> u32 {
        self.workers().saturating_mul(2)
    }
}
