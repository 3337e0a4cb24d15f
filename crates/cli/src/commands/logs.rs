//! `stepwell logs`: what a run's steps printed, as it was or as it comes.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use stepwell_api::{Run, RunKind, RunStatus};
use uuid::Uuid;

use crate::args::count;
use crate::client::Patience;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::log_text::{Extent, Form, copy};
use crate::render::safe::Cleaner;
use crate::render::status;
use crate::render::style::{Paint, Style};
use crate::select;
use crate::session::{Context, Session};

/// Print what a run's steps printed
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell logs last
  stepwell logs last train --follow
  stepwell logs last train --tail 50
  stepwell logs last --since 10m --timestamps
  stepwell logs 3f2a1b7c 2
  stepwell logs last train --process 1

With --follow it stays until the run is over, and ends with code 1 if the run failed.")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    #[arg(add = crate::complete::runs())]
    run: String,
    /// One step only: its name, or its number in `stepwell show`
    #[arg(add = crate::complete::steps())]
    step: Option<String>,
    /// One process only of a step that is several: its number, from 0
    #[arg(
        long,
        value_name = "NUMBER",
        conflicts_with_all = ["follow", "tail", "since", "timestamps", "json"]
    )]
    process: Option<u32>,
    /// Go on printing what comes, until the run is over
    #[arg(long, short)]
    follow: bool,
    /// Only the last lines of each step
    #[arg(long, short = 'n', value_name = "LINES", value_parser = count)]
    tail: Option<usize>,
    /// Only what was printed since then: 30s, 10m, 2h, 1d ago, or a time
    #[arg(long, value_name = "AGE|TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Print the time of each line before it, to about a second
    #[arg(long, short)]
    timestamps: bool,
    /// Print a JSON object for each line
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = Arc::new(context.existing_session()?);
    let run = select::run(&session, &args.run)?;
    let steps = match run.kind {
        RunKind::Pipeline => session.call(|client| client.children(run.id))?,
        _ => Vec::new(),
    };
    let one = match &args.step {
        Some(text) => Some(select::step(&steps, text)?),
        None if steps.is_empty() && run.kind != RunKind::Pipeline => Some(&run),
        None => None,
    };
    if let Some(process) = args.process.filter(|process| *process > 0) {
        let step = one.ok_or_else(|| {
            let message = "`--process` is one of a step's processes, and no step is named";
            let hint = "name it: `stepwell logs last train --process 1`";
            Failure::new(Exit::Usage, message, hint)
        })?;
        return print_process(&session, step, process);
    }
    match one {
        Some(step) => {
            let form = if args.json { Form::Json } else { Form::Raw };
            copy(&session, step, form, extent(args))?;
            ending(&session, step.id, args.follow)
        }
        None if args.follow => {
            let form = if args.json {
                Form::Json
            } else {
                Form::Prefixed
            };
            follow_all(&session, &run, &steps, form, extent(args))?;
            ending(&session, run.id, true)
        }
        None => {
            print_all(&session, &steps, args)?;
            Ok(Exit::Success)
        }
    }
}

/// The log of one process of several; that of the first is the step's own.
fn print_process(session: &Session, step: &Run, process: u32) -> Result<Exit, Failure> {
    let file = format!("user_logs/std_log_process_{process}.txt");
    let text = session.call(|client| client.run_file(step.id, &file))?;
    let text = match io::stdout().is_terminal() {
        true => Cleaner::default().clean(&text),
        false => text,
    };
    crate::output::print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Success)
}

fn extent(args: &Args) -> Extent {
    Extent {
        tail: args.tail,
        since_ms: args.since.map(Timestamp::as_millisecond),
        timestamps: args.timestamps,
        patience: match args.follow {
            true => Patience::Poll,
            false => Patience::Now,
        },
    }
}

/// A moment of the past: an age such as `10m`, or a time.
fn moment(text: &str) -> Result<Timestamp, String> {
    let age = text
        .strip_suffix(['s', 'm', 'h', 'd'])
        .and_then(|count| count.parse::<i64>().ok());
    if let Some(count) = age {
        let unit = match text.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            _ => 86_400,
        };
        let seconds = Timestamp::now().as_second() - count.saturating_mul(unit);
        return Timestamp::from_second(seconds).map_err(|error| error.to_string());
    }
    text.parse().map_err(|_| {
        format!("`{text}` is no time; write 10m, 2h or 1d, or a time such as 2026-11-01T09:30:00Z")
    })
}

fn ending(session: &Session, run: Uuid, follow: bool) -> Result<Exit, Failure> {
    if !follow {
        return Ok(Exit::Success);
    }
    let run = session.call(|client| client.run(run))?;
    Ok(if run.status == RunStatus::Failed {
        Exit::Failed
    } else {
        Exit::Success
    })
}

/// Whether a step may have printed something; one that was skipped has not.
fn has_log(step: &Run) -> bool {
    status::has_begun(step.status)
        && (step.started_at.is_some() || step.status != RunStatus::Canceled)
}

/// The logs of all steps that have begun, one after the other.
fn print_all(session: &Session, steps: &[Run], args: &Args) -> Result<(), Failure> {
    let style = Style::of(&io::stdout());
    for step in steps.iter().filter(|step| has_log(step)) {
        if args.json {
            copy(session, step, Form::Json, extent(args))?;
            continue;
        }
        let number = select::number(step);
        let heading = format!(
            "==> {number} {} ({})",
            step.display_name,
            status::word(step)
        );
        crate::output::print(&format!("{}\n", style.paint(Paint::Bold, &heading)))?;
        copy(session, step, Form::Raw, extent(args))?;
    }
    Ok(())
}

/// Prints every step's log as it comes: first of the steps that have ended, then, line by line
/// among each other, of those that run.
fn follow_all(
    session: &Arc<Session>,
    run: &Run,
    steps: &[Run],
    form: Form,
    extent: Extent,
) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for step in steps.iter().filter(|step| step.status.is_over()) {
        seen.insert(step.id);
        copy(session, step, form, extent)?;
    }
    let mut followers = Vec::new();
    let mut after = 0;
    let mut over = run.status.is_over();
    while !over {
        let mut events = session.call(|client| client.events(run.id, after))?;
        for event in events.by_ref() {
            over |= event.run == run.id && event.status.is_over();
            let step = steps.iter().find(|step| step.id == event.run);
            if let Some(step) = step
                && status::has_begun(event.status)
                && seen.insert(step.id)
            {
                followers.push(follower(session, step, form, extent));
            }
        }
        after = events.last_seq();
        // The stream also ends when the server does.
        over = over
            || session
                .call(|client| client.wait(run.id))
                .map(|run| run.status.is_over())?;
    }
    for follower in followers {
        follower.join().expect("a follower does not panic")?;
    }
    Ok(())
}

fn follower(
    session: &Arc<Session>,
    step: &Run,
    form: Form,
    extent: Extent,
) -> JoinHandle<Result<(), Failure>> {
    let session = Arc::clone(session);
    let step = step.clone();
    thread::spawn(move || copy(&session, &step, form, extent))
}
