//! `stepwell rerun`: a run's steps once more, as a new run.

use stepwell_api::{ResubmitRun, RunStatus};
use uuid::Uuid;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Context;
use crate::{output, select};

/// Run what a run was once more: all of it, or from where it failed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell rerun last
  stepwell rerun last --from-failure
  stepwell rerun 3f2a1b7c --regenerate --wait

The new run has the same steps, files and parameter values; it prints its id. Steps that have not
changed are reused where that is allowed. With --from-failure, every step that had succeeded keeps
its outputs, whatever its `allow_reuse` says, and only the others run. To run a changed program,
start the program again.")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    run: String,
    /// Keep the outputs of the steps that had succeeded, and run the others
    #[arg(long, conflicts_with = "regenerate")]
    from_failure: bool,
    /// Run every step, and reuse nothing
    #[arg(long)]
    regenerate: bool,
    /// Wait until the new run is over; ends with 1 if it did not end well
    #[arg(long)]
    wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let earlier = select::run(&session, &args.run)?;
    let body = ResubmitRun {
        regenerate_outputs: args.regenerate,
        from_failure: args.from_failure,
        user: std::env::var("USER").ok(),
    };
    let key = Uuid::new_v4().to_string();
    let mut run = session.call(|client| client.resubmit_once(earlier.id, &body, &key))?;
    while args.wait && !run.status.is_over() {
        run = session.call(|client| client.wait(run.id))?;
    }
    if args.json {
        output::json(&run)?;
    } else {
        output::print(&format!("{}\n", run.id))?;
    }
    match args.wait && run.status != RunStatus::Completed {
        true => Ok(Exit::Failed),
        false => Ok(Exit::Success),
    }
}
