//! `stepwell datasets`: the registered datasets, and what is known of one.

use std::io;

use clap::Subcommand;
use jiff::Timestamp;
use stepwell_api::Dataset;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::datasets::{list, show};
use crate::render::style::Style;
use crate::select::meant;
use crate::session::{Context, Session};

/// List and show registered datasets
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  stepwell datasets
  stepwell datasets show people
  stepwell datasets show people:2 --json

A program registers one by `dataset.register(ws, \"people\")`, and reads it back by
`Dataset.get_by_name(ws, \"people\")`."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Show(Show),
}

/// List datasets by name, the newest version of each
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  stepwell datasets list\n  stepwell datasets list --json")]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show a version: where its data is, its files, its tags
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell datasets show people\n  stepwell datasets show people:2 --json"
)]
struct Show {
    /// The dataset: NAME for the newest version, or NAME:VERSION
    #[arg(add = crate::complete::datasets())]
    dataset: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    match &args.command {
        None => list_all(&args.list, &session),
        Some(Command::List(args)) => list_all(args, &session),
        Some(Command::Show(args)) => show_one(args, &session),
    }
}

fn list_all(args: &List, session: &Session) -> Result<Exit, Failure> {
    let found = session.call(|client| client.datasets().collect::<Result<Vec<Dataset>, _>>())?;
    if args.json {
        output::json(&found)?;
        return Ok(Exit::Success);
    }
    output::print(&list(&found, Timestamp::now(), Style::of(&io::stdout())))?;
    if found.is_empty() {
        output::note("no datasets are registered; `dataset.register(ws, NAME)` registers one");
    }
    Ok(Exit::Success)
}

fn show_one(args: &Show, session: &Session) -> Result<Exit, Failure> {
    let (name, version) = match args.dataset.rsplit_once(':') {
        Some((name, version)) if version.parse::<u64>().is_ok() => (name, version.parse().ok()),
        _ => (args.dataset.as_str(), None),
    };
    let dataset = session.call(|client| client.dataset(name, version));
    let dataset = dataset.map_err(|failure| suggested(session, name, failure))?;
    if args.json {
        output::json(&dataset)?;
    } else {
        let style = Style::of(&io::stdout());
        output::print(&show(&dataset, Timestamp::now(), style))?;
    }
    Ok(Exit::Success)
}

/// A refusal of a dataset, with the name that was meant if there is one like it.
fn suggested(session: &Session, name: &str, failure: Failure) -> Failure {
    if failure.exit != Exit::NotFound {
        return failure;
    }
    let known = session.client().datasets().flatten();
    let names: Vec<String> = known.filter_map(|dataset| dataset.name).collect();
    let hint = match meant(name, names.iter().map(String::as_str)) {
        Some(near) if near != name => format!("did you mean `{near}`?"),
        _ => "`stepwell datasets` lists the registered ones".to_owned(),
    };
    Failure::new(failure.exit, failure.message, hint)
}
