//! `stepwell why`: why the steps of a run ran, or were reused.

use std::io;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::style::Style;
use crate::render::why::reasons;
use crate::session::Context;
use crate::{output, select};

/// Say why steps ran and how they started, or why earlier ones stand in for them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell why last
  stepwell why last train

A step is reused when its script, arguments, environment, and the content of its inputs are those
of an earlier step. What differs is named: the file, the argument, the package. A step that ran
started warm, in an interpreter that was loaded already, or cold, for the reason that is named.")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    run: String,
    /// One step: its name or its number
    #[arg(add = crate::complete::steps())]
    step: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let run = select::run(&session, &args.run)?;
    let subject = match &args.step {
        None => run.id,
        Some(step) => {
            let steps = session.call(|client| client.children(run.id))?;
            select::step(&steps, step)?.id
        }
    };
    let why = session.call(|client| client.why(subject))?;
    if args.json {
        output::json(&why.steps)?;
    } else {
        output::print(&reasons(&why.steps, Style::of(&io::stdout())))?;
    }
    Ok(Exit::Success)
}
