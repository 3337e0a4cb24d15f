//! `stepwell show`: one run, its steps, what it logged, the models it made and why it failed.

use std::io;

use jiff::Timestamp;

use super::metrics::logged;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::run::{Shown, show};
use crate::render::status::has_begun;
use crate::render::style::Style;
use crate::render::trials::is_search;
use crate::select;
use crate::session::Context;

/// How many steps are asked what they logged; `stepwell metrics` asks all.
const STEPS_ASKED_MAX: usize = 100;

/// Show a run: its steps, its metrics, its models, and why it failed
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  stepwell show last\n  stepwell show 3f2a1b7c --json")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    run: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let run = select::run(&session, &args.run)?;
    let steps = session.call(|client| client.children(run.id))?;
    let begun = steps.iter().filter(|step| has_begun(step.status));
    let asked = std::iter::once(&run).chain(begun.take(STEPS_ASKED_MAX));
    let metrics = logged(&session, asked, None)?;
    let under = [("under", run.id.to_string())];
    let models = session.call(|client| client.models(&under).collect::<Result<Vec<_>, _>>())?;
    let trials = is_search(&run)
        .then(|| session.call(|client| client.trials(run.id)))
        .transpose()?;
    let shown = Shown {
        run,
        steps,
        metrics,
        models,
        trials,
    };
    if args.json {
        output::json(&shown)?;
    } else {
        let style = Style::of(&io::stdout());
        output::print(&show(&shown, Timestamp::now(), style))?;
    }
    Ok(Exit::Success)
}
