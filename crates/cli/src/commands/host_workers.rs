//! `stepwell host-workers`: starts the workers of a parallel step on a node that is not its driver's. The
//! driver has it started, nobody else.

use camino::Utf8PathBuf;
use stepwell_parallel::driver;

use crate::exit::Exit;
use crate::failure::Failure;

/// Start the workers of a parallel step on this node; started by the step's driver
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  stepwell host-workers .stepwell/runs/RUN 1 1\n\nIt ends with the driver."
)]
pub(crate) struct Args {
    /// The folder of the step's attempt
    attempt: Utf8PathBuf,
    /// The node, as the step counts them
    node: u32,
    /// How often it was started there
    launch: u32,
}

/// Does it.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    driver::host(&args.attempt, args.node, args.launch)?;
    Ok(Exit::Success)
}
