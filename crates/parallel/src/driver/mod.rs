//! The driver of one parallel step: the program of the step, which starts workers, gives them
//! mini-batches and keeps what they return.
//!
//! It decides nothing: that is [`crate::core`]. It leaves no worker behind, and whatever it has
//! finished survives it.

mod connections;
mod effects;
mod error;
mod event_loop;
mod host;
mod hosts;
mod machine;
mod open_batches;
mod output;
mod place;
mod places;
mod progress_log;
mod report;
mod source;
mod srun;
mod warm;

use std::io::Write as _;

pub use error::Error;
pub use host::{HOST_COMMAND, host};
pub use report::{PROGRESS, Progress};

use stepwell_supervise::WarmWorkers;

use crate::ParallelJob;
use crate::core::Verdict;
use event_loop::{Driver, Ended};
use report::Reporter;

/// How the driver's process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every mini-batch is done or given up, within the thresholds.
    Completed,
    /// It is not; standard error says why.
    Failed,
    /// It was asked to stop.
    Cancelled,
}

/// What places workers on the nodes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacedBy {
    /// The driver itself: all nodes are its machine.
    Here,
    /// Slurm, in the job that the driver is part of.
    Slurm,
    /// Ray, in the job that the driver is part of.
    Ray,
}

/// Runs a job from its beginning, or on from where an earlier driver was killed.
///
/// # Errors
/// When it could not begin, or could not keep what is finished.
pub fn run(job: &ParallelJob, python: &str, placed_by: PlacedBy) -> Result<Exit, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut warm = WarmWorkers::taken();
    loop {
        let driver = runtime.block_on(Driver::begin(job, python, placed_by, warm.take()))?;
        match runtime.block_on(driver.run())? {
            Ended::With(verdict) => return Ok(exit(&verdict)),
            Ended::InputChanged => {
                Reporter::say(
                    "the input is not what it was when the first mini-batches were finished: all \
                     begins anew",
                );
                progress_log::clear(&job.state)?;
            }
        }
    }
}

fn exit(verdict: &Verdict) -> Exit {
    let why = match verdict {
        Verdict::Completed => return Exit::Completed,
        Verdict::Cancelled => return Exit::Cancelled,
        Verdict::Exceeded(what) | Verdict::Stuck(what) => what.clone(),
        Verdict::NoWorkers(what, why) => format!("{what}: {why}"),
    };
    // There is nobody to report to if the log cannot be written.
    let _ = writeln!(std::io::stderr(), "error: {why}");
    Exit::Failed
}
