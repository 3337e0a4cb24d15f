//! `stepwell schedule`: what schedules there are, when they fire, and what became of each time.

use std::io;

use jiff::Timestamp;
use stepwell_api::Schedule;
use uuid::Uuid;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::schedule as render;
use crate::render::style::Style;
use crate::select::short;
use crate::session::{Context, Session};

/// See what schedules there are, when they fire, and why they did or did not
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell schedule list
  stepwell schedule preview nightly --count 20
  stepwell schedule ledger nightly --skipped
  stepwell schedule disable nightly

A schedule is made in Python with `Schedule.create`. It fires while a server of its folder runs: an
enabled schedule keeps the server from stopping, and after a restart of the machine the next command
or `stepwell serve` starts it; docs/schedules.md has a unit for systemd.")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What can be asked.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the schedules, newest first
    #[command(after_help = "Example:\n  stepwell schedule list --enabled --json")]
    List {
        /// Only those that are enabled
        #[arg(long)]
        enabled: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one schedule: what it starts, when, and with which policies
    #[command(after_help = "Example:\n  stepwell schedule show nightly")]
    Show(One),
    /// Print the times that come next, in the schedule's zone and in UTC
    #[command(after_help = "\
Examples:
  stepwell schedule preview nightly
  stepwell schedule preview nightly --count 100 --json

A time that the clock skips fires at the moment of the jump. A time that the clock shows twice fires
the first time only, unless the schedule names every hour. Both are said where they happen.")]
    Preview {
        #[command(flatten)]
        one: One,
        /// How many times
        #[arg(long, default_value_t = 10, value_name = "COUNT")]
        count: usize,
    },
    /// Let a schedule fire; what came while it was disabled does not
    #[command(after_help = "Example:\n  stepwell schedule enable nightly")]
    Enable(One),
    /// Keep a schedule from firing; runs that were started go on
    #[command(after_help = "Example:\n  stepwell schedule disable nightly")]
    Disable(One),
    /// Say what became of each time: the run it has started, or why there is none
    #[command(after_help = "\
Examples:
  stepwell schedule ledger nightly
  stepwell schedule ledger nightly --skipped --limit 100")]
    Ledger {
        #[command(flatten)]
        one: One,
        /// How many lines
        #[arg(long, default_value_t = 20, value_name = "COUNT")]
        limit: usize,
        /// Only times that did not fire
        #[arg(long)]
        skipped: bool,
    },
}

/// The schedule that is meant.
#[derive(Debug, clap::Args)]
struct One {
    /// The schedule: its name, its id, or the first or last digits of it
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let style = Style::of(&io::stdout());
    match &args.what {
        What::List { enabled, json } => {
            let found = session.call(|client| client.schedules(*enabled))?;
            if *json {
                output::json(&found)?;
            } else {
                output::print(&render::list(&found, Timestamp::now(), style))?;
                if found.is_empty() {
                    output::note("no schedules; `Schedule.create` in Python makes one");
                }
            }
        }
        What::Show(one) => show(one, &find(&session, &one.name)?, style)?,
        What::Enable(one) => switch(&session, one, true, style)?,
        What::Disable(one) => switch(&session, one, false, style)?,
        What::Preview { one, count } => {
            let schedule = find(&session, &one.name)?;
            let preview = session.call(|client| client.preview(schedule.id, *count))?;
            if one.json {
                output::json(&preview)?;
            } else {
                output::print(&render::preview(&preview, style))?;
                if !schedule.enabled {
                    output::note("the schedule is disabled: these times do not fire");
                }
            }
        }
        What::Ledger {
            one,
            limit,
            skipped,
        } => {
            let schedule = find(&session, &one.name)?;
            let mut lines = session.call(|client| client.ledger(schedule.id, *limit))?;
            if *skipped {
                lines.retain(|line| line.outcome == stepwell_api::LedgerOutcome::Skipped);
            }
            if one.json {
                output::json(&lines)?;
            } else {
                output::print(&render::ledger(&lines, style))?;
                if lines.is_empty() {
                    output::note("no such time has come yet");
                }
            }
        }
    }
    Ok(Exit::Success)
}

fn show(one: &One, schedule: &Schedule, style: Style) -> Result<(), Failure> {
    if one.json {
        output::json(schedule)?;
    } else {
        output::print(&render::one(schedule, style))?;
    }
    Ok(())
}

fn switch(session: &Session, one: &One, enabled: bool, style: Style) -> Result<(), Failure> {
    let schedule = find(session, &one.name)?;
    let changed = session.call(|client| client.enable_schedule(schedule.id, enabled))?;
    show(one, &changed, style)
}

/// The schedule that a text means: by its id, its name, or some digits of its id.
fn find(session: &Session, text: &str) -> Result<Schedule, Failure> {
    if let Ok(id) = Uuid::parse_str(text) {
        return session.call(|client| client.schedule(id));
    }
    let all = session.call(|client| client.schedules(false))?;
    let named: Vec<&Schedule> = all.iter().filter(|known| known.name == text).collect();
    let digits = text.to_ascii_lowercase();
    let fits = |known: &&Schedule| {
        let id = known.id.simple().to_string();
        digits.len() >= 4 && (id.starts_with(&digits) || id.ends_with(&digits))
    };
    let found = match named.is_empty() {
        true => all.iter().filter(fits).collect(),
        false => named,
    };
    match found[..] {
        [one] => Ok(one.clone()),
        [] => Err(Failure::new(
            Exit::NotFound,
            format!("there is no schedule `{text}`"),
            "`stepwell schedule list` lists them",
        )),
        _ => {
            let ids: Vec<String> = found.iter().map(|known| short(known.id)).collect();
            Err(Failure::new(
                Exit::NotFound,
                format!("{} schedules are called `{text}`", found.len()),
                format!("name one of them by its id: {}", ids.join(", ")),
            ))
        }
    }
}
