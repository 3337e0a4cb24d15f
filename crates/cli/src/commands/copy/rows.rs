//! `stepwell copy` with a database at one end or at both: the program `stepwell-transfer` does it.

use std::io::{self, IsTerminal as _};
use std::time::Instant;

use camino::Utf8PathBuf;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use stepwell_model::{Selection, WriteMode};
use stepwell_transfer::table::{self, TableEnd, TableError, TableOutcome, TableRequest};
use stepwell_transfer::{End, Progress};

use super::{Args, show};
use crate::exit::Exit;
use crate::failure::{Advice, Failure};
use crate::output;
use crate::render::size;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    outcome: TableOutcome,
    seconds: f64,
}

/// Does it, until it is done or interrupted.
pub(super) async fn copy(args: &Args, source: &End, destination: &End) -> Result<Exit, Failure> {
    check(args, source, destination)?;
    let (source, destination) = (TableEnd::of(source)?, TableEnd::of(destination)?);
    let state = state_folder(&source, &destination);
    let request = TableRequest {
        source,
        destination,
        source_type: args.source_type,
        destination_type: super::options(args).destination_type,
        select: args.query.clone().map(|query| Selection::Query { query }),
        mode: args.mode.unwrap_or_default(),
        keys: args.keys.clone(),
        create: args.create,
        format: args.format,
        only_digest: false,
        state: state.clone(),
    };
    let begun = Instant::now();
    let mut terminated = super::signal(super::SignalKind::terminate())?;
    let done = tokio::select! {
        done = perform(&request, args.json) => done,
        _ = tokio::signal::ctrl_c() => return Ok(interrupted()),
        _ = terminated.recv() => return Ok(interrupted()),
    };
    let (outcome, seconds) = (done?, begun.elapsed().as_secs_f64());
    if let Some(state) = state {
        drop(std::fs::remove_dir(state));
    }
    if args.json {
        output::json(&Report { outcome, seconds })?;
    } else {
        let rows = size::count(usize::try_from(outcome.rows).unwrap_or(usize::MAX), "row");
        let bytes = size::bytes(outcome.bytes);
        output::print(&format!("copied {rows}, {bytes} in {seconds:.1} s\n"))?;
    }
    Ok(Exit::Success)
}

fn check(args: &Args, source: &End, destination: &End) -> Result<(), Failure> {
    let is_database = |end: &End| end.store().place().is_database();
    let refuse = |message: &str, hint: &str| Err(Failure::new(Exit::Usage, message, hint));
    let is_about_a_table = args.mode.is_some() || !args.keys.is_empty() || args.create;
    if !is_database(destination) && is_about_a_table {
        return refuse(
            "`--mode`, `--key` and `--create` say how rows are written to a table, and DST is a file",
            "leave them out",
        );
    }
    if args.query.is_some() && !is_database(source) {
        return refuse(
            "`--query` selects rows of a database, and SRC is none",
            "leave it out",
        );
    }
    let is_upsert = args.mode == Some(WriteMode::Upsert);
    if !args.keys.is_empty() && !is_upsert {
        return refuse("`--key` is for `--mode upsert`", "say how rows are written");
    }
    let has_no_table = is_database(source) && args.query.is_none() && source.path().is_empty();
    if has_no_table || (is_database(destination) && destination.path().is_empty()) {
        return refuse(
            "a database is given without a table",
            "name it as `NAME:TABLE`, or select rows of SRC with `--query`",
        );
    }
    let options = [
        ("--dry-run", args.dry_run),
        ("--incremental", args.incremental),
        ("--checksum", args.checksum),
        ("--include", !args.include.is_empty()),
        ("--exclude", !args.exclude.is_empty()),
    ];
    match options.iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => refuse(
            &format!("`{option}` is for files, and one of the ends is a database"),
            "leave it out",
        ),
        None => Ok(()),
    }
}

async fn perform(request: &TableRequest, is_quiet: bool) -> Result<TableOutcome, TableError> {
    let progress = Progress::default();
    let bar = match is_quiet || !io::stderr().is_terminal() {
        true => ProgressBar::hidden(),
        false => ProgressBar::new_spinner(),
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
        bar.set_style(style);
    }
    let mut work = std::pin::pin!(table::copy(request, &progress));
    let mut ticks = tokio::time::interval(show::DRAW_EVERY);
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            _ = ticks.tick() => {
                let now = progress.snapshot();
                bar.set_message(format!("{} rows, {}", now.rows, size::bytes(now.bytes)));
                bar.tick();
            }
        }
    }
}

fn interrupted() -> Exit {
    output::note("interrupted; nothing has changed at the destination");
    Exit::Interrupted
}

/// Where it is noted that parts of a file are at a store, until it is complete.
fn state_folder(source: &TableEnd, destination: &TableEnd) -> Option<Utf8PathBuf> {
    if destination.definition.is_database() || destination.definition.root().is_some() {
        return None;
    }
    let folder = super::state_below(&format!("{source:?}\n{destination:?}"))?;
    std::fs::create_dir_all(&folder).ok().map(|()| folder)
}

impl Advice for TableError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }

    fn hint(&self) -> String {
        self.hint.clone()
    }
}
