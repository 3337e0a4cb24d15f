//! `stepwell plan`: what a program's pipeline would run, and what it would reuse.

use std::io;

use camino::Utf8PathBuf;

use crate::capture::{Snapshots, capture};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::style::Style;
use crate::render::why::reasons;
use crate::session::Context;

/// Say which steps a program would run, which it would reuse, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell plan train_pipeline.py
  stepwell plan train_pipeline.py --epochs 3

What follows the program's name and is no option of this command is the program's own. The program is run up to its first submission, and nothing is submitted.")]
pub(crate) struct Args {
    /// The Python program
    #[arg(value_name = "FILE.py")]
    program: Utf8PathBuf,
    /// The program's arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.session()?;
    let submission = capture(&args.program, &args.args, context, Snapshots::Take)?;
    let plan = session.call(|client| client.plan(&submission))?;
    if args.json {
        output::json(&plan.steps)?;
    } else {
        output::print(&reasons(&plan.steps, Style::of(&io::stdout())))?;
    }
    Ok(Exit::Success)
}
