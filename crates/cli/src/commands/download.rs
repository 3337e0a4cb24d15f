//! `stepwell download`: files that a run keeps, and the outputs of its steps, into a folder here.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_api::{OutputInfo, Run};
use uuid::Uuid;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::size;
use crate::select::{self, meant};
use crate::session::{Context, Session};
use crate::{files, output};

/// How many names an error lists.
const NAMES_MAX: usize = 8;

/// Download files of a run, or an output of a step
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell download last
  stepwell download last outputs/model.pkl
  stepwell download last outputs --step train --to results
  stepwell download last clean

Without PATH it downloads all that the run and its steps keep, artifacts and logs, into a folder named
after the run. PATH is one file, a folder of files, or the name of an output, such as a `PipelineData`.
It prints the paths of what it has written.")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    run: String,
    /// A file, such as `outputs/model.pkl`, a folder, or the name of an output
    path: Option<String>,
    /// One step only: its name, or its number in `stepwell show`
    #[arg(long)]
    step: Option<String>,
    /// The folder
    #[arg(long, value_name = "DIR")]
    to: Option<Utf8PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    overwrite: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A file to fetch.
struct Item {
    /// The run that has it, by its place in the list of runs that were asked.
    owner: usize,
    /// What it is called below the folder of its owner.
    name: String,
    source: Source,
    size: u64,
}

enum Source {
    Run { run: Uuid, file: String },
    Datastore { datastore: String, path: String },
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let run = select::run(&session, &args.run)?;
    let steps = session.call(|client| client.children(run.id))?;
    let owners: Vec<&Run> = match &args.step {
        Some(text) => vec![select::step(&steps, text)?],
        None => std::iter::once(&run).chain(&steps).collect(),
    };
    let items = find(&session, &owners, args.path.as_deref())?;
    let folder = args.to.clone().unwrap_or_else(|| match args.path {
        Some(_) => ".".into(),
        None => format!("run-{}", select::short(run.id)).into(),
    });
    let is_shared = items.iter().any(|item| item.owner != items[0].owner);
    let names: Vec<String> = items
        .iter()
        .map(|item| match is_shared {
            true => format!("{}{}", folder_of(owners[item.owner]), item.name),
            false => item.name.clone(),
        })
        .collect();
    let targets = files::targets(&folder, names.iter().map(String::as_str), args.overwrite)?;
    for (item, target) in items.iter().zip(&targets) {
        fetch(&session, &item.source, target)?;
    }
    if args.json {
        output::json(&targets)?;
        return Ok(Exit::Success);
    }
    let total = items.iter().map(|item| item.size).sum();
    let count = size::count(items.len(), "file");
    output::note(&format!("{count}, {}", size::bytes(total)));
    for target in targets {
        output::print(&format!("{target}\n"))?;
    }
    Ok(Exit::Success)
}

/// The folder of a step's files among those of others; the run's own files lie above.
fn folder_of(owner: &Run) -> String {
    match owner.step {
        Some(_) => {
            let name = owner.display_name.replace(['/', '\0'], "_");
            format!("{}-{name}/", select::number(owner))
        }
        None => String::new(),
    }
}

fn fetch(session: &Session, source: &Source, target: &Utf8Path) -> Result<(), Failure> {
    let client = session.client();
    let content: Box<dyn io::Read> = match source {
        Source::Run { run, file } => Box::new(client.run_file_reader(*run, file)?),
        Source::Datastore { datastore, path } => Box::new(client.datastore_file(datastore, path)?),
    };
    files::save(content, target)
}

/// What `path` means: files of the runs, or else an output of one of them.
fn find(session: &Session, owners: &[&Run], path: Option<&str>) -> Result<Vec<Item>, Failure> {
    let mut kept = Vec::new();
    for (owner, run) in owners.iter().enumerate() {
        let found = session.call(|client| client.run_files(run.id, ""))?;
        kept.extend(found.files.into_iter().map(|file| Item {
            owner,
            name: file.name.clone(),
            size: file.size,
            source: Source::Run {
                run: run.id,
                file: file.name,
            },
        }));
    }
    let Some(path) = path.map(|path| path.trim_matches('/')) else {
        return match kept.is_empty() {
            true => Err(Failure::new(
                Exit::NotFound,
                "the run keeps no files",
                "a script keeps what it writes below `outputs/` and `logs/`",
            )),
            false => Ok(kept),
        };
    };
    let names: Vec<String> = kept.iter().map(|item| item.name.clone()).collect();
    kept.retain(|item| is_below(&item.name, path));
    if !kept.is_empty() {
        return Ok(kept);
    }
    for (owner, run) in owners.iter().enumerate() {
        let output = run.outputs.iter().find(|output| output.name == path);
        if let Some(output) = output {
            return of_output(session, owner, output);
        }
    }
    Err(unknown(path, names, owners))
}

fn is_below(name: &str, path: &str) -> bool {
    let rest = name.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The files of an output of a step, in a folder of its name.
fn of_output(session: &Session, owner: usize, output: &OutputInfo) -> Result<Vec<Item>, Failure> {
    let OutputInfo {
        name,
        datastore,
        path,
        ..
    } = output;
    let found = session.call(|client| client.datastore_files(datastore, path))?;
    if found.files.is_empty() {
        let message = format!("the output `{name}` has no files at {datastore}/{path}");
        return Err(Failure::new(Exit::NotFound, message, ""));
    }
    let item = |file: stepwell_api::DatastoreFile| {
        let inner = file.path.strip_prefix(path.trim_end_matches('/'));
        let inner = inner.unwrap_or(&file.path).trim_start_matches('/');
        Item {
            owner,
            name: match inner {
                "" => name.clone(),
                inner => format!("{name}/{inner}"),
            },
            size: file.size,
            source: Source::Datastore {
                datastore: datastore.clone(),
                path: file.path,
            },
        }
    };
    Ok(found.files.into_iter().map(item).collect())
}

fn unknown(path: &str, mut names: Vec<String>, owners: &[&Run]) -> Failure {
    let outputs = owners.iter().flat_map(|run| &run.outputs);
    names.extend(outputs.map(|output| output.name.clone()));
    names.dedup();
    let message = format!("the run has no file, folder or output `{path}`");
    let hint = match meant(path, names.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() => "it keeps no files".to_owned(),
        None => {
            let more = if names.len() > NAMES_MAX { ", …" } else { "" };
            names.truncate(NAMES_MAX);
            format!("it has {}{more}", names.join(", "))
        }
    };
    Failure::new(Exit::NotFound, message, hint)
}
