//! `stepwell drive-parallel`: the program of a parallel step. The server starts it, nobody else.

use stepwell_parallel::ParallelJob;
use stepwell_parallel::driver::{self, Error, PlacedBy};
use stepwell_worker::Worker;

use crate::exit::Exit;
use crate::failure::{Advice, Failure, storage_hint};

/// The variable that names the interpreter of the step's environment.
const PYTHON: &str = "STEPWELL_PYTHON";

/// Drive the workers of a parallel step; started by the server
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  STEPWELL_REQUEST=request.json STEPWELL_PYTHON=python3 stepwell drive-parallel\n\nIt runs in the step's working folder, and goes on where an earlier one was killed."
)]
pub(crate) struct Args {
    /// What places the workers on the nodes of the step, where those are not all this machine
    #[arg(long, value_name = "CLUSTER")]
    placed_by: Option<Cluster>,
}

/// What can place workers on nodes.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Cluster {
    /// Slurm, in the job that the driver is part of.
    Slurm,
    /// Ray, in the job that the driver is part of.
    Ray,
}

/// Does it.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let refused = |message: String| {
        let hint = "submit a pipeline with a ParallelRunStep";
        Failure::new(Exit::Usage, message, hint)
    };
    let worker = Worker::from_environment().map_err(|error| refused(error.to_string()))?;
    let python = std::env::var(PYTHON).map_err(|_| {
        refused(format!(
            "`{PYTHON}` is not set: the server starts this command"
        ))
    })?;
    let job = ParallelJob::of(worker.request())
        .map_err(|error| refused(format!("the request is no parallel step: {error}")))?;
    let placed_by = match args.placed_by {
        None => PlacedBy::Here,
        Some(Cluster::Slurm) => PlacedBy::Slurm,
        Some(Cluster::Ray) => PlacedBy::Ray,
    };
    Ok(match driver::run(&job, &python, placed_by)? {
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
