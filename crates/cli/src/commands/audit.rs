//! `stepwell audit`: who changed what.

use std::io;

use jiff::Timestamp;
use stepwell_api::AuditRecord;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::moment::wire_ago;
use crate::render::style::{Paint, Style};
use crate::render::table::{Cell, Table};
use crate::session::Context;

/// Show who changed what, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell audit
  stepwell audit --limit 1000 --json

Every request that may change something has a record, also one that was refused. What steps do
often, as to log metrics, is counted by the hour. The token must be an owner's.")]
pub(crate) struct Args {
    /// How many records to show
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let found = session
        .client()
        .audit(args.limit.clamp(1, 1_000))
        .take(args.limit)
        .collect::<Result<Vec<AuditRecord>, _>>()?;
    if args.json {
        output::json(&found)?;
        return Ok(Exit::Success);
    }
    let text = table(&found, Timestamp::now(), Style::of(&io::stdout()));
    output::print(&text)?;
    if found.is_empty() {
        output::note("nothing has been changed yet");
    }
    Ok(Exit::Success)
}

fn table(records: &[AuditRecord], now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&["WHEN", "WHO", "FROM", "ANSWER", "TIMES", "WHAT"]);
    for record in records {
        let who = match record.name.is_empty() {
            true => format!("{} {}", record.kind, record.who),
            false => format!("{} {}", record.kind, record.name),
        };
        let paint = if record.status < 400 {
            Paint::Plain
        } else {
            Paint::Red
        };
        table.row([
            wire_ago(now, &record.last_at).into(),
            who.trim_end().into(),
            record.address.as_str().into(),
            Cell::new(record.status.to_string(), paint),
            record.count.to_string().into(),
            format!("{} {}", record.method, record.path).into(),
        ]);
    }
    table.render(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line() {
        let record = |name: &str, status, count| AuditRecord {
            seq: 1,
            at: "2026-03-01T11:00:00.000Z".to_owned(),
            last_at: "2026-03-01T11:57:00.000Z".to_owned(),
            count,
            kind: if name.is_empty() { "step" } else { "token" }.to_owned(),
            who: "01-2".to_owned(),
            name: name.to_owned(),
            address: "10.0.0.7".to_owned(),
            method: "PUT".to_owned(),
            path: "/api/v1/computes/gpu".to_owned(),
            status,
        };
        let now = "2026-03-01T12:00:00Z".parse().expect("a time");
        let records = [record("ci", 200, 1), record("", 403, 12)];
        insta::assert_snapshot!(table(&records, now, Style::PLAIN), @"
        WHEN       WHO        FROM      ANSWER  TIMES  WHAT
        3 min ago  token ci   10.0.0.7  200     1      PUT /api/v1/computes/gpu
        3 min ago  step 01-2  10.0.0.7  403     12     PUT /api/v1/computes/gpu
        ");
    }
}
