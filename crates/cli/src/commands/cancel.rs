//! `stepwell cancel`: asks a run to stop, and with `--wait` stays until it has.

use serde::Serialize;
use stepwell_api::{CancelOutcome, RunStatus};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::status;
use crate::select;
use crate::session::Context;

/// Stop a run and all of its steps
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  stepwell cancel last\n  stepwell cancel 3f2a1b7c --wait")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    run: String,
    /// Wait until everything has stopped
    #[arg(long)]
    wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Cancelled {
    run: String,
    outcome: CancelOutcome,
    status: RunStatus,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let run = select::run(&session, &args.run)?;
    let reply = session.call(|client| client.cancel(run.id))?;
    let mut status = reply.status;
    while args.wait && !status.is_over() {
        status = session.call(|client| client.wait(run.id))?.status;
    }
    if args.json {
        output::json(&Cancelled {
            run: run.id.to_string(),
            outcome: reply.outcome,
            status,
        })?;
        return Ok(Exit::Success);
    }
    let title = status::title(&run);
    let id = select::short(run.id);
    output::print(&match reply.outcome {
        CancelOutcome::AlreadyEnded => format!("{title} ({id}) had ended before: {status}\n"),
        _ if status.is_over() => format!("{title} ({id}) has ended: {status}\n"),
        _ => format!("{title} ({id}) is asked to stop\n"),
    })?;
    Ok(Exit::Success)
}
