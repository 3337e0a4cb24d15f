//! The counts of a parallel step, and whether they exceed its thresholds.

use serde::{Deserialize, Serialize};

use super::Limits;

/// What has become of mini-batches and items so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Mini-batches that were cut.
    pub planned: u64,
    /// Mini-batches that `run` returned from.
    pub done: u64,
    /// Mini-batches that were given up.
    pub failed: u64,
    /// Mini-batches that have failed once and may still succeed.
    pub wavering: u64,
    /// Tries that failed.
    pub failed_tries: u64,
    /// Items of mini-batches that are done or given up.
    pub items: u64,
    /// Items of these that failed: those that `run` returned nothing for, and all of a mini-batch
    /// that was given up.
    pub failed_items: u64,
    /// Rows that `run` returned.
    pub rows: u64,
}

impl Tally {
    /// Counts a mini-batch that `run` returned `rows` results for.
    pub fn count_done(&mut self, items: u64, rows: u64) {
        self.done += 1;
        self.items += items;
        self.rows += rows;
        self.failed_items += items.saturating_sub(rows);
    }

    /// Counts a mini-batch that was given up.
    pub fn count_failed(&mut self, items: u64) {
        self.failed += 1;
        self.items += items;
        self.failed_items += items;
    }

    /// Which threshold is exceeded, in words.
    ///
    /// A mini-batch that has failed and is tried again counts as failed until it succeeds. The
    /// share of failed ones means something once all are handed out, and is looked at only then.
    pub(super) fn exceeds(&self, limits: &Limits, all_handed_out: bool) -> Option<String> {
        let failing = self.failed + self.wavering;
        if let Some(limit) = limits.failed_items
            && self.failed_items > limit
        {
            let items = self.failed_items;
            return Some(format!("{items} items failed; error_threshold is {limit}"));
        }
        if let Some(limit) = limits.failed_batches
            && failing > limit
        {
            return Some(format!(
                "{failing} mini-batches failed; allowed_failed_count is {limit}"
            ));
        }
        let limit = limits.failed_percent.filter(|_| all_handed_out)?;
        // Counts stay far below the 2^53 that a float holds exactly.
        let exceeded = self.failed as f64 * 100.0 > limit * self.planned as f64;
        exceeded.then(|| {
            format!(
                "{} of {} mini-batches failed; allowed_failed_percent is {limit}",
                self.failed, self.planned
            )
        })
    }
}
