//! `stepwell copy`: copies files between folders and datastores, and rows of databases to files and
//! back, with the engine of `DataTransferStep`.
//!
//! It reads and writes the stores itself, without a server: the credentials come out of the data
//! folder of this machine. With a server elsewhere only that server can open its datastores, so
//! there a copy is a step.

mod ends;
mod rows;
mod show;

use std::time::Instant;

use camino::Utf8PathBuf;
use serde::Serialize;
use stepwell_model::WriteMode;
use stepwell_transfer::pattern::Patterns;
use stepwell_transfer::table::Format;
use stepwell_transfer::{Copy, End, EntryType, Options, Outcome, Plan, Progress};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::failure::{Advice, Failure};
use crate::output;
use crate::session::Context;

/// Copy files between folders and datastores, and rows of databases
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An end is a path of this machine, or NAME:PATH for a path on a registered datastore. A path with a
colon in it is written ./so:that.

A directory is merged into DST: files of the same name are replaced, others stay. A file becomes
DST, or goes into DST if that is a directory or ends with a slash. A file appears complete or not
at all. A copy that was interrupted goes on where it stopped when it is given again.

NAME:TABLE is a table, where NAME is a database. Its rows become a CSV or a Parquet file, by the name
of DST, or rows of another table; rows of a file are added to a table unless --mode says otherwise.
A table is changed whole or not at all.

Patterns: one without a slash matches names in every folder, one with a slash the path below SRC.

Examples:
  stepwell copy data lake:raw/2026                  a folder to a datastore
  stepwell copy lake:raw/2026/sales.csv .           a file into this folder
  stepwell copy lake:raw blob:raw --incremental     only what is new or has changed
  stepwell copy data backup --dry-run               what would be copied
  stepwell copy data lake:data --include '*.csv' --exclude 'tmp/**'
  stepwell copy data lake:data --checksum --json    check what was written, print numbers
  stepwell copy sales:orders orders.parquet         a table to a file
  stepwell copy sales: lake:day.csv --query 'SELECT * FROM orders WHERE day = CURRENT_DATE'
  stepwell copy orders.parquet sales:orders --mode replace
  stepwell copy new.csv sales:orders --mode upsert --key id
  stepwell copy sales:orders archive:orders --create  a table of the same columns, if there is none")]
pub(crate) struct Args {
    /// What to copy
    #[arg(value_name = "SRC")]
    source: String,
    /// Where to
    #[arg(value_name = "DST")]
    destination: String,
    /// Only files that match; may be given several times
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Leave out files that match; may be given several times
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Skip files that are at DST with the same size and are not older
    #[arg(long)]
    incremental: bool,
    /// Compare contents: read back what was written, and with --incremental skip by content
    #[arg(long)]
    checksum: bool,
    /// What SRC is, where a file and a directory have one name
    #[arg(long, value_name = "TYPE", value_parser = entry_type)]
    source_type: Option<EntryType>,
    /// What DST is to be; what is there, else what SRC is
    #[arg(long, value_name = "TYPE", value_parser = entry_type)]
    destination_type: Option<EntryType>,
    /// The rows of a query on SRC, a database
    #[arg(long, value_name = "SQL")]
    query: Option<String>,
    /// How rows are written to a table: append, replace, or upsert, which updates rows with known keys
    #[arg(long, value_name = "MODE", value_parser = write_mode)]
    mode: Option<WriteMode>,
    /// A column that tells rows apart, for upsert; the primary key unless given; may be given several times
    #[arg(long = "key", value_name = "COLUMN")]
    keys: Vec<String>,
    /// Make the table if it is not there, with the columns and types of SRC
    #[arg(long)]
    create: bool,
    /// What a file with rows is in a directory: csv or parquet
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// Only say what would be copied
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    dry_run: bool,
    #[serde(flatten)]
    outcome: Outcome,
    seconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    planned: Vec<Planned<'a>>,
}

/// A file that would be copied.
#[derive(Debug, Serialize)]
struct Planned<'a> {
    source: &'a str,
    target: &'a str,
    bytes: u64,
}

fn entry_type(text: &str) -> Result<EntryType, String> {
    match text.to_lowercase().as_str() {
        "file" => Ok(EntryType::File),
        "directory" => Ok(EntryType::Directory),
        _ => Err(format!("`{text}` is neither file nor directory")),
    }
}

fn write_mode(text: &str) -> Result<WriteMode, String> {
    match text.to_lowercase().as_str() {
        "append" => Ok(WriteMode::Append),
        "replace" => Ok(WriteMode::Replace),
        "upsert" => Ok(WriteMode::Upsert),
        _ => Err(format!("`{text}` is neither append, replace nor upsert")),
    }
}

fn format(text: &str) -> Result<Format, String> {
    match text.to_lowercase().as_str() {
        "csv" => Ok(Format::Csv),
        "parquet" => Ok(Format::Parquet),
        _ => Err(format!("`{text}` is neither csv nor parquet")),
    }
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(copy(args, context))
}

async fn copy(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let known = ends::Known::new(context);
    let (source, destination) = (
        known.end(&args.source).await?,
        known.end(&args.destination).await?,
    );
    let is_database = |end: &End| end.store().place().is_database();
    if is_database(&source) || is_database(&destination) {
        return rows::copy(args, &source, &destination).await;
    }
    refuse_options_of_rows(args)?;
    let mut copy = Copy {
        source,
        destination,
        options: options(args),
        state: None,
    };
    if !args.dry_run {
        copy.state = state_folder(&copy);
    }
    let begun = Instant::now();
    let mut terminated = signal(SignalKind::terminate())?;
    let work = async {
        let plan = copy.plan().await?;
        match args.dry_run {
            true => Ok((Outcome::default(), plan)),
            false => Ok((perform(&copy, &plan, args.json).await?, plan)),
        }
    };
    let done: Result<(Outcome, Plan), stepwell_transfer::Error> = tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => return Ok(interrupted(&copy)),
        _ = terminated.recv() => return Ok(interrupted(&copy)),
    };
    let (outcome, plan) = done?;
    if !args.dry_run {
        copy.forget();
    }
    let seconds = begun.elapsed().as_secs_f64();
    match (args.json, args.dry_run) {
        (true, is_dry) => output::json(&Report {
            dry_run: is_dry,
            outcome: if is_dry { expected(&plan) } else { outcome },
            seconds,
            planned: if is_dry { planned(&plan) } else { Vec::new() },
        })?,
        (false, true) => output::print(&show::plan(&plan))?,
        (false, false) => output::print(&show::outcome(&outcome, &plan, seconds))?,
    }
    Ok(Exit::Success)
}

/// Refuses what is said of rows, where none are copied.
fn refuse_options_of_rows(args: &Args) -> Result<(), Failure> {
    let given = [
        ("--query", args.query.is_some()),
        ("--mode", args.mode.is_some()),
        ("--key", !args.keys.is_empty()),
        ("--create", args.create),
        ("--format", args.format.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(Failure::new(
            Exit::Usage,
            format!("`{option}` is for rows of databases, and neither end is one"),
            "leave it out",
        )),
        None => Ok(()),
    }
}

fn options(args: &Args) -> Options {
    // A slash at the end says what is meant, as it does for `cp`.
    let into = args
        .destination
        .ends_with('/')
        .then_some(EntryType::Directory);
    Options {
        source_type: args.source_type,
        destination_type: args.destination_type.or(into),
        incremental: args.incremental,
        checksum: args.checksum,
        patterns: Patterns::new(args.include.clone(), args.exclude.clone()),
    }
}

async fn perform(
    copy: &Copy,
    plan: &Plan,
    is_quiet: bool,
) -> Result<Outcome, stepwell_transfer::Error> {
    let progress = Progress::default();
    let mut bar = show::Bar::new(plan, is_quiet);
    let mut work = std::pin::pin!(copy.perform(plan, &progress));
    let mut ticks = tokio::time::interval(show::DRAW_EVERY);
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish();
                return done;
            }
            _ = ticks.tick() => bar.draw(&progress.snapshot()),
        }
    }
}

fn interrupted(copy: &Copy) -> Exit {
    let went_on = match copy.state {
        Some(_) => "interrupted; the same command goes on where it stopped",
        None => "interrupted",
    };
    output::note(went_on);
    Exit::Interrupted
}

fn expected(plan: &Plan) -> Outcome {
    Outcome {
        files: plan.files.len() as u64,
        bytes: plan.bytes(),
        skipped: plan.unchanged.len() as u64,
        resumed_bytes: 0,
    }
}

fn planned(plan: &Plan) -> Vec<Planned<'_>> {
    let files = plan.files.iter().map(|file| Planned {
        source: &file.source.name,
        target: &file.target,
        bytes: file.source.size,
    });
    files.collect()
}

/// Where this copy keeps what it has finished, should it be interrupted.
fn state_folder(copy: &Copy) -> Option<Utf8PathBuf> {
    state_below(&format!(
        "{}\n{}",
        copy.source.identity(),
        copy.destination.identity()
    ))
}

/// The folder of the copy that a text tells from all others: below `$XDG_STATE_HOME`, as
/// <https://specifications.freedesktop.org/basedir-spec/> says.
fn state_below(text: &str) -> Option<Utf8PathBuf> {
    let absolute = |name: &str| {
        let path = std::env::var(name).ok().map(Utf8PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    let name = blake3::hash(text.as_bytes()).to_hex();
    Some(base.join("stepwell/copies").join(&name[..32]))
}

impl Advice for stepwell_transfer::Error {
    fn exit(&self) -> Exit {
        use stepwell_transfer::{Error, Refusal};
        match self {
            Error::Refused(Refusal::Missing(_)) => Exit::NotFound,
            Error::Refused(_) | Error::Name(_) | Error::Loop(_) => Exit::Usage,
            Error::Store(error) => error.exit(),
            Error::File { .. } | Error::Interrupted | Error::Busy => Exit::Refused,
            Error::Changed(_) | Error::Differs(_) => Exit::Failed,
        }
    }

    fn hint(&self) -> String {
        Self::hint(self).to_owned()
    }
}

impl Advice for stepwell_datastore::Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Absent { .. } | Self::NoContainer { .. } | Self::Unknown(_) => Exit::NotFound,
            Self::Unreachable { .. } => Exit::Unreachable,
            _ => Exit::Refused,
        }
    }

    fn hint(&self) -> String {
        Self::hint(self).to_owned()
    }
}

impl Advice for stepwell_store::Error {
    fn exit(&self) -> Exit {
        Exit::Refused
    }

    fn hint(&self) -> String {
        match self {
            Self::TooNew { .. } => "use the Stepwell that made it, or a newer one".to_owned(),
            _ => String::new(),
        }
    }
}
