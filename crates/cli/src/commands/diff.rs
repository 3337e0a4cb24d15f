//! `stepwell diff`: what differs between two runs.

use std::collections::HashMap;
use std::io;

use stepwell_api::{Run, RunKind, SnapshotFile};

use super::metrics::logged;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::diff::{Side, StepSide, diff, differences};
use crate::render::style::Style;
use crate::session::{Context, Session};
use crate::{output, select};

/// Compare two runs: parameters, arguments, files, environments, metrics and outcome
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell diff 3f2a1b7c last
  stepwell diff 3f2a1b7c 9c01d2e4 --json

Steps are compared by name. A file is shown by the first digits of its content's digest. It ends with
0 whether or not something differs.")]
pub(crate) struct Args {
    /// One run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    a: String,
    /// The other run
    #[arg(add = crate::complete::runs())]
    b: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let mut snapshots = HashMap::new();
    let a = side(&session, select::run(&session, &args.a)?, &mut snapshots)?;
    let b = side(&session, select::run(&session, &args.b)?, &mut snapshots)?;
    let found = differences(&a, &b);
    if args.json {
        output::json(&found)?;
    } else {
        output::print(&diff(&a, &b, &found, Style::of(&io::stdout())))?;
    }
    Ok(Exit::Success)
}

/// All that is compared of a run. Snapshots that were read are kept for the other side.
fn side(
    session: &Session,
    run: Run,
    snapshots: &mut HashMap<String, Vec<SnapshotFile>>,
) -> Result<Side, Failure> {
    let mut metrics = series(session, &run)?;
    if run.kind == RunKind::Interactive {
        return Ok(Side {
            run,
            metrics,
            steps: Vec::new(),
        });
    }
    let submitted = session.call(|client| client.pipeline_of(run.id))?;
    let children = match run.kind {
        RunKind::Pipeline => session.call(|client| client.children(run.id))?,
        _ => vec![run.clone()],
    };
    let mut steps = Vec::new();
    for (place, spec) in submitted.steps.into_iter().enumerate() {
        let is_it = |child: &&Run| child.step.map_or(0, |step| step as usize) == place;
        let step = children.iter().find(is_it).cloned();
        if run.kind == RunKind::Step && run.step.is_none_or(|step| step as usize != place) {
            continue;
        }
        let digest = step.as_ref().and_then(|step| step.snapshot.clone());
        steps.push(StepSide {
            spec,
            files: files(session, digest, snapshots)?,
            metrics: match &step {
                // What a script logged is its own.
                Some(step) if step.id == run.id => std::mem::take(&mut metrics),
                Some(step) => series(session, step)?,
                None => Vec::new(),
            },
            run: step,
        });
    }
    Ok(Side {
        run,
        metrics,
        steps,
    })
}

fn series(session: &Session, run: &Run) -> Result<Vec<stepwell_api::MetricSeries>, Failure> {
    let found = logged(session, [run], None)?;
    Ok(found.into_iter().flat_map(|logged| logged.series).collect())
}

fn files(
    session: &Session,
    digest: Option<String>,
    known: &mut HashMap<String, Vec<SnapshotFile>>,
) -> Result<Vec<SnapshotFile>, Failure> {
    let Some(digest) = digest else {
        return Ok(Vec::new());
    };
    if let Some(files) = known.get(&digest) {
        return Ok(files.clone());
    }
    let files = session.call(|client| client.snapshot(&digest))?.files;
    known.insert(digest, files.clone());
    Ok(files)
}
