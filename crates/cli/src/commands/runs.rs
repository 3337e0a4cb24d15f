//! `stepwell runs`: the newest runs.

use std::io;

use jiff::Timestamp;
use stepwell_api::{Run, RunStatus};

use crate::args::count;
use crate::client::RunFilter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::run::list;
use crate::render::style::Style;
use crate::select::meant;
use crate::session::{Context, Session};

/// List the newest runs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell runs\n  stepwell runs --experiment churn --status Failed --json\n  stepwell runs --filter 'status = Completed and metrics.loss < 0.1 and tags.owner = \"ann\"'\n  stepwell runs --filter 'created >= 2026-11-01 and not (name ~ test or user = ci)'"
)]
pub(crate) struct Args {
    /// Only runs of this experiment
    #[arg(long, value_name = "NAME", add = crate::complete::experiments())]
    experiment: Option<String>,
    /// Only runs with this status, such as Running, Completed or Failed
    #[arg(long, ignore_case = true, value_parser = RunStatus::ALL.map(RunStatus::as_str))]
    status: Option<String>,
    /// Only runs that fit a query over status, kind, experiment, name, user, created, started, ended,
    /// tags.NAME, parameters.NAME and metrics.NAME
    #[arg(long, value_name = "QUERY")]
    filter: Option<String>,
    /// How many to list
    #[arg(long, default_value_t = 20, value_name = "COUNT", value_parser = count)]
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
        filter: args.filter.clone(),
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
            output::note(&nothing(&session, args)?);
        }
    }
    Ok(Exit::Success)
}

/// Why no runs are listed: a name that is not known is said to be so.
fn nothing(session: &Session, args: &Args) -> Result<String, Failure> {
    let Some(name) = &args.experiment else {
        return Ok("no such runs".to_owned());
    };
    let known = session.call(|client| client.experiments().collect::<Result<Vec<_>, _>>())?;
    if known.iter().any(|experiment| experiment.name == *name) {
        return Ok("no such runs".to_owned());
    }
    let names = known.iter().map(|experiment| experiment.name.as_str());
    Ok(match meant(name, names) {
        Some(near) => format!("there is no experiment `{name}`; did you mean `{near}`?"),
        None => format!("there is no experiment `{name}`"),
    })
}
