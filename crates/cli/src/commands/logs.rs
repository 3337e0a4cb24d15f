//! `stepwell logs`: what a run's steps printed, as it was or as it comes.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde::Serialize;
use stepwell_api::Run;
use uuid::Uuid;

use crate::client::Patience;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lines::Lines;
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
  stepwell logs 3f2a1b7c 2

With --follow it stays until the run is over, and ends with code 1 if the run failed.")]
pub(crate) struct Args {
    /// The run: its id, its first or last eight digits, or `last`
    run: String,
    /// One step only: its name, or its number in `stepwell show`
    step: Option<String>,
    /// Go on printing what comes, until the run is over
    #[arg(long, short)]
    follow: bool,
    /// Print a JSON object for each line
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = Arc::new(context.existing_session()?);
    let run = select::run(&session, &args.run)?;
    let steps = match run.kind.as_str() {
        "pipeline" => session.call(|client| client.children(run.id))?,
        _ => Vec::new(),
    };
    let one = match &args.step {
        Some(text) => Some(select::step(&steps, text)?),
        None if steps.is_empty() && run.kind != "pipeline" => Some(&run),
        None => None,
    };
    match one {
        Some(step) => {
            let form = if args.json { Form::Json } else { Form::Raw };
            copy(&session, step, form, patience(args.follow))?;
            ending(&session, step.id, args.follow)
        }
        None if args.follow => {
            follow_all(
                &session,
                &run,
                &steps,
                if args.json {
                    Form::Json
                } else {
                    Form::Prefixed
                },
            )?;
            ending(&session, run.id, true)
        }
        None => {
            print_all(&session, &steps, args.json)?;
            Ok(Exit::Success)
        }
    }
}

const fn patience(follow: bool) -> Patience {
    if follow {
        Patience::Poll
    } else {
        Patience::Now
    }
}

fn ending(session: &Session, run: Uuid, follow: bool) -> Result<Exit, Failure> {
    if !follow {
        return Ok(Exit::Success);
    }
    let run = session.call(|client| client.run(run))?;
    Ok(if run.status == "Failed" {
        Exit::Failed
    } else {
        Exit::Success
    })
}

/// How lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are.
    Raw,
    /// With the step's name in front.
    Prefixed,
    /// As objects.
    Json,
}

/// A line as an object.
#[derive(Debug, Serialize)]
struct JsonLine<'a> {
    run: Uuid,
    step: &'a str,
    line: &'a str,
}

/// Whether a step may have printed something; one that was skipped has not.
fn has_log(step: &Run) -> bool {
    status::has_begun(&step.status) && (step.started_at.is_some() || step.status != "Canceled")
}

/// The logs of all steps that have begun, one after the other.
fn print_all(session: &Session, steps: &[Run], json: bool) -> Result<(), Failure> {
    let style = Style::of(&io::stdout());
    for step in steps.iter().filter(|step| has_log(step)) {
        if json {
            copy(session, step, Form::Json, Patience::Now)?;
            continue;
        }
        let number = select::number(step);
        let heading = format!("==> {number} {} ({})", step.display_name, step.status);
        crate::output::print(&format!("{}\n", style.paint(Paint::Bold, &heading)))?;
        copy(session, step, Form::Raw, Patience::Now)?;
    }
    Ok(())
}

/// Prints one step's log from its beginning: as far as it goes, or to the step's end.
fn copy(session: &Session, step: &Run, form: Form, patience: Patience) -> Result<(), Failure> {
    let style = Style::of(&io::stdout());
    let prefix = style.paint(Paint::Faint, &format!("[{}] ", step.display_name));
    let mut lines = Lines::default();
    let mut offset = 0;
    loop {
        let chunk = session.call(|client| client.log(step.id, offset, patience))?;
        let moved = chunk.next > offset;
        offset = chunk.next;
        let mut out = io::stdout().lock();
        let mut written = Ok(());
        if form == Form::Raw {
            written = out.write_all(&chunk.bytes);
        } else {
            let mut write = |line: &str| {
                if written.is_ok() {
                    written = write_line(&mut out, step, form, &prefix, line);
                }
            };
            lines.push(&chunk.bytes, &mut write);
            if chunk.complete {
                lines.finish(&mut write);
            }
        }
        written.and_then(|()| out.flush())?;
        if chunk.complete || (patience == Patience::Now && !moved) {
            return Ok(());
        }
    }
}

fn write_line(
    out: &mut impl io::Write,
    step: &Run,
    form: Form,
    prefix: &str,
    line: &str,
) -> io::Result<()> {
    if form == Form::Prefixed {
        return writeln!(out, "{prefix}{line}");
    }
    let object = JsonLine {
        run: step.id,
        step: &step.display_name,
        line,
    };
    serde_json::to_writer(&mut *out, &object)?;
    writeln!(out)
}

/// Prints every step's log as it comes: first of the steps that have ended, then, line by line
/// among each other, of those that run.
fn follow_all(session: &Arc<Session>, run: &Run, steps: &[Run], form: Form) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for step in steps.iter().filter(|step| status::is_over(&step.status)) {
        seen.insert(step.id);
        copy(session, step, form, Patience::Poll)?;
    }
    let mut followers = Vec::new();
    let mut after = 0;
    let mut over = status::is_over(&run.status);
    while !over {
        let mut events = session.call(|client| client.events(run.id, after))?;
        for event in events.by_ref() {
            over |= event.run == run.id && status::is_over(&event.status);
            let step = steps.iter().find(|step| step.id == event.run);
            if let Some(step) = step
                && status::has_begun(&event.status)
                && seen.insert(step.id)
            {
                followers.push(follower(session, step, form));
            }
        }
        after = events.last_seq();
        // The stream also ends when the server does.
        over = over
            || session
                .call(|client| client.wait(run.id))
                .map(|run| status::is_over(&run.status))?;
    }
    for follower in followers {
        follower.join().expect("a follower does not panic")?;
    }
    Ok(())
}

fn follower(session: &Arc<Session>, step: &Run, form: Form) -> JoinHandle<Result<(), Failure>> {
    let session = Arc::clone(session);
    let step = step.clone();
    thread::spawn(move || copy(&session, &step, form, Patience::Poll))
}
