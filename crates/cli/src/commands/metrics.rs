//! `stepwell metrics`: what a run and its steps logged.

use std::io;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::metrics::{Logged, series, table};
use crate::render::style::Style;
use crate::select;
use crate::session::{Context, Session};
use stepwell_api::Run;

/// Show what a run and its steps logged
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell metrics last
  stepwell metrics last train
  stepwell metrics last train --name loss
  stepwell metrics 3f2a1b7c --json

It shows the last value of each metric. With --name it shows every value of that metric, in the order
in which they were logged. In a script, `Run.get_context().log(\"loss\", 0.2)` logs one.")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    run: String,
    /// One step only: its name, or its number in `stepwell show`
    #[arg(add = crate::complete::steps())]
    step: Option<String>,
    /// Every value of this metric
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let run = select::run(&session, &args.run)?;
    let steps = session.call(|client| client.children(run.id))?;
    let chosen = match &args.step {
        Some(text) => vec![select::step(&steps, text)?],
        None => std::iter::once(&run).chain(&steps).collect(),
    };
    let logged = logged(&session, chosen, args.name.as_deref())?;
    if args.json {
        output::json(&logged)?;
        return Ok(Exit::Success);
    }
    let style = Style::of(&io::stdout());
    let text = match args.name {
        Some(_) => series(&logged, style),
        None => table(&logged, usize::MAX, style),
    };
    output::print(&text)?;
    if text.is_empty() {
        output::note(&nothing(&session, &run, args)?);
    }
    Ok(Exit::Success)
}

/// What each of these runs logged, if it logged anything.
pub(crate) fn logged<'a>(
    session: &Session,
    runs: impl IntoIterator<Item = &'a Run>,
    name: Option<&str>,
) -> Result<Vec<Logged>, Failure> {
    let mut found = Vec::new();
    for run in runs {
        let metrics = session.call(|client| client.metrics_named(run.id, name))?;
        if !metrics.series.is_empty() {
            found.push(Logged {
                run: run.id,
                step: run.step.map(|_| run.display_name.clone()),
                series: metrics.series,
            });
        }
    }
    Ok(found)
}

/// Why there is nothing to show.
fn nothing(session: &Session, run: &Run, args: &Args) -> Result<String, Failure> {
    let Some(name) = &args.name else {
        return Ok("nothing was logged".to_owned());
    };
    let steps = session.call(|client| client.children(run.id))?;
    let all = logged(session, std::iter::once(run).chain(&steps), None)?;
    let mut names: Vec<&str> = all
        .iter()
        .flat_map(|logged| &logged.series)
        .map(|series| series.name.as_str())
        .collect();
    names.dedup();
    Ok(match names.is_empty() {
        true => "nothing was logged".to_owned(),
        false => format!(
            "no metric `{name}` was logged; there are {}",
            names.join(", ")
        ),
    })
}
