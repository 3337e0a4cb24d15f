//! `stepwell models`: the registered models: which there are, what is known of one, its files.

use std::io;

use camino::Utf8PathBuf;
use clap::Subcommand;
use jiff::Timestamp;
use stepwell_api::Model;

use crate::args::count;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::models::{list, show};
use crate::render::{size, style::Style};
use crate::select::meant;
use crate::session::{Context, Session};
use crate::{files, output};

/// How many names are looked at for the one that was meant.
const NAMES_MAX: usize = 1_000;

/// List, show and download registered models
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell models\n  stepwell models show churn:3\n  stepwell models download churn --to out"
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
    Download(Download),
}

/// List models, newest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell models list --latest\n  stepwell models list --name churn --tag stage=prod --json"
)]
struct List {
    /// Only versions of this model
    #[arg(long, add = crate::complete::models())]
    name: Option<String>,
    /// Only those with this tag: its name, or NAME=VALUE
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Only those made by this run or its steps: an id, its first or last eight digits, or `last`
    #[arg(long)]
    run: Option<String>,
    /// Only the newest version of each model
    #[arg(long)]
    latest: bool,
    /// How many to list
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = count)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show a version: its files, where it comes from, its tags
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell models show churn\n  stepwell models show churn:3 --json"
)]
struct Show {
    /// The model: NAME for the newest version, or NAME:VERSION
    #[arg(add = crate::complete::models())]
    model: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Write the files of a version into a folder, and print where
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  stepwell models download churn\n  stepwell models download churn:3 --to out --overwrite"
)]
struct Download {
    /// The model: NAME for the newest version, or NAME:VERSION
    #[arg(add = crate::complete::models())]
    model: String,
    /// The folder
    #[arg(long, default_value = ".", value_name = "DIR")]
    to: Utf8PathBuf,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    match &args.command {
        None => list_models(&args.list, &session),
        Some(Command::List(args)) => list_models(args, &session),
        Some(Command::Show(args)) => show_model(args, &session),
        Some(Command::Download(args)) => download(args, &session),
    }
}

fn list_models(args: &List, session: &Session) -> Result<Exit, Failure> {
    let run = args
        .run
        .as_deref()
        .map(|run| crate::select::run(session, run));
    let optional = [
        ("name", args.name.clone()),
        ("tag", args.tag.clone()),
        ("under", run.transpose()?.map(|run| run.id.to_string())),
        ("latest", args.latest.then(|| "true".to_owned())),
        ("limit", Some(args.limit.clamp(1, 1000).to_string())),
    ];
    let given = optional.into_iter();
    let filter: Vec<_> = given
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let found = session.client().models(&filter).take(args.limit);
    let found = found.collect::<Result<Vec<Model>, _>>()?;
    if args.json {
        output::json(&found)?;
    } else {
        let text = list(&found, Timestamp::now(), Style::of(&io::stdout()));
        output::print(&text)?;
        if found.is_empty() {
            output::note("no such models");
        }
    }
    Ok(Exit::Success)
}

fn show_model(args: &Show, session: &Session) -> Result<Exit, Failure> {
    let model = find(session, &args.model)?;
    if args.json {
        output::json(&model)?;
    } else {
        let style = Style::of(&io::stdout());
        output::print(&show(&model, Timestamp::now(), style))?;
    }
    Ok(Exit::Success)
}

/// The version that `NAME` or `NAME:VERSION` means.
fn find(session: &Session, wanted: &str) -> Result<Model, Failure> {
    if let Some((name, version)) = wanted.rsplit_once(':')
        && let Ok(version) = version.parse()
    {
        return session.call(|client| client.model(name, version));
    }
    let filter = [("name", wanted.to_owned()), ("limit", "1".to_owned())];
    match session.client().models(&filter).next() {
        Some(found) => Ok(found?),
        None => Err(unknown(session, wanted)),
    }
}

fn unknown(session: &Session, wanted: &str) -> Failure {
    let latest = [("latest", "true".to_owned())];
    let known = session.client().models(&latest).take(NAMES_MAX).flatten();
    let names: Vec<String> = known.map(|model| model.name).collect();
    let hint = match meant(wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`stepwell models` lists the models of this workspace".to_owned(),
    };
    let message = format!("there is no model `{wanted}`");
    Failure::new(Exit::NotFound, message, hint)
}

fn download(args: &Download, session: &Session) -> Result<Exit, Failure> {
    let model = find(session, &args.model)?;
    let names = model.files.iter().map(|file| file.name.as_str());
    let targets = files::targets(&args.to, names, args.overwrite)?;
    for (file, target) in model.files.iter().zip(&targets) {
        files::save(session.client().model_file(&model, &file.name)?, target)?;
    }
    if args.json {
        output::json(&targets)?;
        return Ok(Exit::Success);
    }
    let total = model.files.iter().map(|file| file.size).sum();
    let count = size::count(model.files.len(), "file");
    output::note(&format!(
        "{}:{} ({count}, {})",
        model.name,
        model.version,
        size::bytes(total)
    ));
    for target in targets {
        output::print(&format!("{target}\n"))?;
    }
    Ok(Exit::Success)
}
