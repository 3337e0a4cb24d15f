//! `stepwell runs`: the newest runs.

use std::io;

use jiff::Timestamp;
use stepwell_api::Run;

use crate::client::RunFilter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::run::list;
use crate::render::style::Style;
use crate::session::Context;

/// List the newest runs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell runs\n  stepwell runs --experiment churn --status Failed --json"
)]
pub(crate) struct Args {
    /// Only runs of this experiment
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// Only runs with this status, such as Running, Completed or Failed
    #[arg(long)]
    status: Option<String>,
    /// How many to list
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let filter = RunFilter {
        experiment: args.experiment.clone(),
        status: args.status.clone(),
        page: Some(args.limit.clamp(1, 500)),
        ..RunFilter::default()
    };
    let found = session
        .client()
        .runs(&filter)
        .take(args.limit)
        .collect::<Result<Vec<Run>, _>>()?;
    if args.json {
        output::json(&found)?;
    } else {
        let text = list(&found, Timestamp::now(), Style::of(&io::stdout()));
        output::print(&text)?;
        if found.is_empty() {
            output::note("no such runs");
        }
    }
    Ok(Exit::Success)
}
