//! `stepwell drive-parallel`: the program of a parallel step. The server starts it, nobody else.

use stepwell_parallel::driver::{self, Error};
use stepwell_parallel::{JOB, ParallelJob};

use crate::exit::Exit;
use crate::failure::{Advice, Failure, storage_hint};

/// The variable that names the interpreter of the step's environment.
const PYTHON: &str = "STEPWELL_PYTHON";

/// Drive the workers of a parallel step; started by the server
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  STEPWELL_PARALLEL='{...}' STEPWELL_PYTHON=python3 stepwell drive-parallel\n\nIt runs in the step's working folder, and goes on where an earlier one was killed."
)]
pub(crate) struct Args {}

/// Does it.
pub(crate) fn run(_args: &Args) -> Result<Exit, Failure> {
    let missing = |name: &str| {
        let message = format!("`{name}` is not set: the server starts this command for a step");
        Failure::new(
            Exit::Usage,
            message,
            "submit a pipeline with a ParallelRunStep",
        )
    };
    let text = std::env::var(JOB).map_err(|_| missing(JOB))?;
    let python = std::env::var(PYTHON).map_err(|_| missing(PYTHON))?;
    let job = ParallelJob::from_json(&text).map_err(|error| {
        let message = format!("`{JOB}` does not hold a job: {error}");
        Failure::new(Exit::Usage, message, "")
    })?;
    Ok(match driver::run(&job, &python)? {
        driver::Exit::Completed => Exit::Success,
        driver::Exit::Failed => Exit::Failed,
        driver::Exit::Cancelled => Exit::Interrupted,
    })
}

impl Advice for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Plan(_) => Exit::Failed,
            Self::Setting(_) => Exit::Usage,
            Self::Io(error) | Self::Rows(error) => error.exit(),
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Io(error) | Self::Rows(error) => storage_hint(error).to_owned(),
            Self::Plan(_) | Self::Setting(_) => String::new(),
        }
    }
}
