//! `stepwell published`: the published pipelines, and starting one.

use std::collections::BTreeMap;
use std::io;

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::Value;
use stepwell_api::{PublishedPipeline, PublishedStatus, RunStatus, SubmitPublished};
use uuid::Uuid;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::published::{endpoints, list, show};
use crate::render::style::Style;
use crate::select;
use crate::session::{Context, Session};

/// List published pipelines, look at one, start it, enable or disable it
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  stepwell published
  stepwell published show nightly
  stepwell published submit nightly --experiment churn --set rate=0.1 --wait
  stepwell published disable 3f2a1b7c

A pipeline is published by `pipeline.publish(...)` in a program. It is named here by its id, its
first or last eight digits, or its name if only one has it."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List published pipelines, newest first
    #[command(
        after_help = "Examples:\n  stepwell published list\n  stepwell published list --all --json"
    )]
    List(ListArgs),
    /// Show one: its parameters, and where programs start it
    #[command(after_help = "Example:\n  stepwell published show nightly")]
    Show(ShowArgs),
    /// Start a run of one
    #[command(after_help = "\
Examples:
  stepwell published submit nightly --experiment churn
  stepwell published submit nightly --experiment churn --set rate=0.1 --path raw=workspaceblobstore/raw/2026
  stepwell published submit nightly --experiment churn --key job-17 --wait

It prints the id of the run. With --wait it ends with 1 if the run does not end well. With --key, a
repeated command finds the run of the first one.")]
    Submit(SubmitArgs),
    /// Let one be started
    #[command(after_help = "Example:\n  stepwell published enable nightly")]
    Enable(ShowArgs),
    /// Let one be started no more
    #[command(after_help = "Example:\n  stepwell published disable nightly")]
    Disable(ShowArgs),
    /// List the endpoints: names for one of several published pipelines
    #[command(after_help = "Example:\n  stepwell published endpoints --json")]
    Endpoints(ListArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// The disabled ones as well
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The pipeline: its id, its first or last eight digits, or its name
    pipeline: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct SubmitArgs {
    /// The pipeline: its id, its first or last eight digits, or its name
    pipeline: String,
    /// The experiment that the run belongs to
    #[arg(long, value_name = "NAME")]
    experiment: String,
    /// A parameter that is a text, a number or a truth value
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    values: Vec<(String, String)>,
    /// A parameter that is a data path
    #[arg(long = "path", value_name = "NAME=DATASTORE/PATH", value_parser = assignment)]
    paths: Vec<(String, String)>,
    /// A parameter that is a dataset, by the dataset's id
    #[arg(long = "dataset", value_name = "NAME=ID", value_parser = assignment)]
    datasets: Vec<(String, String)>,
    /// A tag of the run
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = assignment)]
    tags: Vec<(String, String)>,
    /// A text that makes a repeated command start one run
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
    /// Wait until the run is over
    #[arg(long)]
    wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is written NAME=VALUE".to_owned()),
    }
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    match &args.action {
        None => list_all(&args.list, &session),
        Some(Action::List(args)) => list_all(args, &session),
        Some(Action::Show(args)) => {
            let found = pipeline(&session, &args.pipeline)?;
            print_one(&found, args.json)
        }
        Some(Action::Submit(args)) => submit(args, &session),
        Some(Action::Enable(args)) => set(args, &session, PublishedStatus::Active),
        Some(Action::Disable(args)) => set(args, &session, PublishedStatus::Disabled),
        Some(Action::Endpoints(args)) => list_endpoints(args, &session),
    }
}

fn list_all(args: &ListArgs, session: &Session) -> Result<Exit, Failure> {
    let found = session.call(|client| client.published(!args.all))?;
    if args.json {
        output::json(&found)?;
    } else {
        let text = list(&found, Timestamp::now(), Style::of(&io::stdout()));
        output::print(&text)?;
        match found.is_empty() {
            true if args.all => {
                output::note("no published pipelines; `pipeline.publish(...)` makes one");
            }
            true => {
                output::note("no published pipelines that can be started; `--all` has the rest");
            }
            false => {}
        }
    }
    Ok(Exit::Success)
}

fn list_endpoints(args: &ListArgs, session: &Session) -> Result<Exit, Failure> {
    let found = session.call(|client| client.endpoints(!args.all))?;
    if args.json {
        output::json(&found)?;
    } else {
        output::print(&endpoints(
            &found,
            Timestamp::now(),
            Style::of(&io::stdout()),
        ))?;
        if found.is_empty() {
            output::note("no endpoints; `PipelineEndpoint.publish(...)` makes one");
        }
    }
    Ok(Exit::Success)
}

fn print_one(found: &PublishedPipeline, json: bool) -> Result<Exit, Failure> {
    if json {
        output::json(found)?;
    } else {
        output::print(&show(found, Timestamp::now(), Style::of(&io::stdout())))?;
    }
    Ok(Exit::Success)
}

fn set(args: &ShowArgs, session: &Session, status: PublishedStatus) -> Result<Exit, Failure> {
    let found = pipeline(session, &args.pipeline)?;
    let changed = session.call(|client| client.set_published_status(found.id, status))?;
    print_one(&changed, args.json)
}

fn submit(args: &SubmitArgs, session: &Session) -> Result<Exit, Failure> {
    let found = pipeline(session, &args.pipeline)?;
    let text = |(name, value): &(String, String)| (name.clone(), Value::String(value.clone()));
    let mut body = SubmitPublished {
        experiment: args.experiment.clone(),
        parameters: args.values.iter().map(text).collect(),
        tags: args.tags.iter().cloned().collect::<BTreeMap<_, _>>(),
        run_source: Some("CLI".to_owned()),
        user: std::env::var("USER").ok(),
        ..SubmitPublished::default()
    };
    for (name, value) in &args.paths {
        let (datastore, path) = value.split_once('/').unwrap_or((value, ""));
        let place = stepwell_api::PlaceOnDatastore {
            datastore: datastore.to_owned(),
            path: path.to_owned(),
        };
        body.data_paths.insert(name.clone(), place);
    }
    for (name, value) in &args.datasets {
        let id = Uuid::parse_str(value).map_err(|_| {
            let message = format!("`{value}` is not the id of a dataset");
            Failure::new(Exit::Usage, message, "`dataset.id` in a program gives it")
        })?;
        let dataset = stepwell_api::DatasetValue { id, place: None };
        body.datasets.insert(name.clone(), dataset);
    }
    // The key of this command makes its own retries safe as well.
    let key = args
        .key
        .clone()
        .unwrap_or_else(|| Uuid::new_v4().to_string());
    let mut run = session.call(|client| client.submit_published(found.id, &body, &key))?;
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

/// The published pipeline that `text` means.
fn pipeline(session: &Session, text: &str) -> Result<PublishedPipeline, Failure> {
    if let Ok(id) = Uuid::parse_str(text) {
        return session.call(|client| client.published_pipeline(id));
    }
    let mut found = session.call(|client| client.published(false))?;
    found.retain(|pipeline| pipeline.name == text || select::is_short_for(text, pipeline.id));
    match &found[..] {
        [_] => Ok(found.remove(0)),
        [] => Err(Failure::new(
            Exit::NotFound,
            format!("there is no published pipeline `{text}`"),
            "`stepwell published` lists them",
        )),
        several => {
            let line =
                |pipeline: &PublishedPipeline| format!("\n  {}  {}", pipeline.id, pipeline.name);
            let lines: String = several.iter().take(6).map(line).collect();
            let count = several.len();
            let message = format!("`{text}` could be any of {count} published pipelines:{lines}");
            Err(Failure::new(Exit::Usage, message, "name one by its id"))
        }
    }
}
