//! `stepwell gc`: makes room in the data folder, by age and size, and says what it freed.

use stepwell_api::{Gc, GcReport, GcShare};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::size;
use crate::session::Context;

/// Free disk space: remove what is of no use any more
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell gc --dry-run                    what would go
  stepwell gc                              what nothing refers to any more
  stepwell gc --older-than 30d             files and outputs of older runs, too
  stepwell gc --keep-size 10GB             the oldest of them, until the folder is that small
  stepwell gc --older-than 90d --reusable  also what later runs could have reused

Runs stay in the history with their metrics; their logs, files and outputs go. Never removed: what
an active run, a registered dataset, a model, or something that stays needs, what a user put on a
datastore, and outputs at places without the run's id. Steps that later runs may reuse stay as well,
unless --reusable is given and no run is active.")]
pub(crate) struct Args {
    /// Remove what was last of use so long ago: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<u64>,
    /// Remove the oldest until the data folder takes no more than this: 500MB, 10GB
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    keep_size: Option<u64>,
    /// Remove what later runs may reuse as well; those steps run again
    #[arg(long)]
    reusable: bool,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = context.existing_session()?;
    let asked = Gc {
        older_than_seconds: args.older_than,
        keep_bytes: args.keep_size,
        reusable: args.reusable,
        dry_run: args.dry_run,
    };
    let mut report = session.call(|client| client.gc(&asked))?;
    while !report.complete {
        let more = session.call(|client| client.gc(&asked))?;
        report = joined(report, more);
    }
    match args.json {
        true => output::json(&report)?,
        false => output::print(&render(&report))?,
    }
    Ok(Exit::Success)
}

/// What two calls after each other did.
fn joined(first: GcReport, then: GcReport) -> GcReport {
    let mut removed = first.removed;
    for share in then.removed {
        match removed.iter_mut().find(|known| known.kind == share.kind) {
            Some(known) => {
                known.count += share.count;
                known.bytes += share.bytes;
            }
            None => removed.push(share),
        }
    }
    GcReport {
        freed_bytes: first.freed_bytes + then.freed_bytes,
        removed,
        ..then
    }
}

fn render(report: &GcReport) -> String {
    let mut text = String::new();
    for share in &report.removed {
        text.push_str(&line(share));
    }
    let room = size::bytes(report.freed_bytes);
    text.push_str(&match (report.dry_run, report.removed.is_empty()) {
        (_, true) => "there is nothing to remove\n".to_owned(),
        (true, false) => format!("{room} would be freed\n"),
        (false, false) => format!("{room} freed\n"),
    });
    let kept: u64 = report.kept.iter().map(|share| share.bytes).sum();
    text.push_str(&format!(
        "the data folder keeps {}\n",
        size::bytes(kept + report.besides_bytes)
    ));
    text
}

fn line(share: &GcShare) -> String {
    let GcShare { kind, count, bytes } = share;
    format!("{:>9}  {kind} ({count})\n", size::bytes(*bytes))
}

/// A time span as seconds: a number and one of `m`, `h`, `d`, `w`.
fn age(text: &str) -> Result<u64, String> {
    let units = [("m", 60), ("h", 3_600), ("d", 86_400), ("w", 7 * 86_400)];
    quantity(text, &units).ok_or_else(|| format!("`{text}` is no age; write 12h, 30d or 8w"))
}

/// A size as bytes: a number and one of `MB`, `GB`, `TB` or another power of ten.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("KB", 1_000),
        ("B", 1),
    ];
    quantity(&text.to_ascii_uppercase(), &units)
        .ok_or_else(|| format!("`{text}` is no size; write 500MB or 10GB"))
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut units = units.iter();
    let (number, unit) = units.find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let number: f64 = number.trim().parse().ok()?;
    // Above 2^53 bytes nobody counts single ones.
    (number.is_finite() && number >= 0.0).then_some((number * *unit as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_are_read_as_people_write_them() {
        assert_eq!(age("30d"), Ok(30 * 86_400));
        assert_eq!(age("1.5h"), Ok(5_400));
        assert_eq!(age("8 w"), Ok(8 * 7 * 86_400));
        assert_eq!(bytes("10GB"), Ok(10_000_000_000));
        assert_eq!(bytes("1.5 mb"), Ok(1_500_000));
        assert_eq!(bytes("0B"), Ok(0));
        for wrong in ["", "30", "d", "-1d", "infd", "3 years"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
        assert!(bytes("10").is_err() && bytes("-1GB").is_err());
    }

    #[test]
    fn what_went_is_listed_by_kind_and_summed_up() {
        let share = |kind: &str, count, bytes| GcShare {
            kind: kind.to_owned(),
            count,
            bytes,
        };
        let report = |removed: Vec<GcShare>, dry_run| GcReport {
            dry_run,
            complete: true,
            freed_bytes: removed.iter().map(|share| share.bytes).sum(),
            removed,
            kept: vec![share("objects", 4, 1_000_000)],
            besides_bytes: 500_000,
        };
        let first = report(vec![share("runs", 12, 30_000_000)], false);
        let then = report(vec![share("runs", 1, 1), share("objects", 3, 2_000)], false);
        insta::assert_snapshot!(render(&joined(first, then)), @"
            30 MB  runs (13)
           2.0 KB  objects (3)
        30 MB freed
        the data folder keeps 1.5 MB
        ");
        insta::assert_snapshot!(render(&report(Vec::new(), true)), @"
        there is nothing to remove
        the data folder keeps 1.5 MB
        ");
    }
}
