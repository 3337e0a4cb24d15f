//! `stepwell drive-tuning`: the worker of a search of hyperparameters. The server starts it, nobody
//! else.

use stepwell_worker::Worker;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::tuning::{self, Ended};

/// Drive a search of hyperparameters; started by the server
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  STEPWELL_REQUEST=request.json stepwell drive-tuning\n\nIt goes on where an earlier one was killed."
)]
pub(crate) struct Args {}

/// Does it.
pub(crate) fn run(_args: &Args) -> Result<Exit, Failure> {
    let worker = Worker::from_environment().map_err(|error| {
        let hint = "submit a HyperDriveConfig, or a pipeline with a HyperDriveStep";
        Failure::new(Exit::Usage, error.to_string(), hint)
    })?;
    Ok(match tuning::run(&worker) {
        Ok(Ended::Completed) => Exit::Success,
        Ok(Ended::Canceled) => Exit::Interrupted,
        Err(failure) => {
            worker.report(&failure);
            Exit::Failed
        }
    })
}
