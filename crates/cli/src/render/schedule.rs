//! Schedules, their times and their ledgers as people see them.

use std::fmt::Write as _;

use jiff::Timestamp;
use stepwell_api::{
    ClockNote, LedgerLine, LedgerOutcome, Preview, PreviewTime, Recurrence, Schedule, Trigger,
};

use super::style::{Paint, Style};
use super::table::{Cell, Table};
use crate::select::short;

/// The schedules, a line each.
pub(crate) fn list(schedules: &[Schedule], now: Timestamp, style: Style) -> String {
    if schedules.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["ID", "NAME", "STATUS", "NEXT", "FIRES"]);
    for schedule in schedules {
        let status = match schedule.enabled {
            true => Cell::new("enabled", Paint::Green),
            false => Cell::new("disabled", Paint::Faint),
        };
        let next = schedule.next_at.as_deref();
        table.row([
            short(schedule.id).into(),
            schedule.name.clone().into(),
            status,
            next.map_or_else(|| "-".to_owned(), |at| until(at, now))
                .into(),
            trigger(&schedule.trigger).into(),
        ]);
    }
    table.render(style)
}

/// A moment that comes, and how long it takes.
fn until(at: &str, now: Timestamp) -> String {
    let Ok(moment) = at.parse::<Timestamp>() else {
        return at.to_owned();
    };
    let seconds = moment.as_second() - now.as_second();
    let wait = match seconds {
        ..=0 => "now".to_owned(),
        1..=119 => format!("in {seconds} s"),
        120..=7_199 => format!("in {} min", seconds / 60),
        7_200..=172_799 => format!("in {} h", seconds / 3_600),
        _ => format!("in {} days", seconds / 86_400),
    };
    format!("{moment:.0} ({wait})")
}

/// All of one schedule.
pub(crate) fn one(schedule: &Schedule, style: Style) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let name = style.paint(Paint::Faint, &format!("{name:<12}"));
        // A string takes all text.
        let _ = writeln!(text, "{name}{value}");
    };
    line("name", &schedule.name);
    line("id", &schedule.id.to_string());
    line(
        "status",
        if schedule.enabled {
            "enabled"
        } else {
            "disabled"
        },
    );
    if !schedule.description.is_empty() {
        line("about", &schedule.description);
    }
    if let Some(pipeline) = schedule.pipeline {
        line("starts", &format!("published pipeline {pipeline}"));
    }
    if let Some(endpoint) = schedule.endpoint {
        line(
            "starts",
            &format!("the default version of endpoint {endpoint}"),
        );
    }
    line("experiment", &schedule.submission.experiment);
    line("fires", &trigger(&schedule.trigger));
    if let Some(next) = &schedule.next_at {
        line("next", next);
    }
    line("missed", &word(&schedule.catch_up));
    line("overlap", &word(&schedule.overlap));
    text
}

/// The wire's word for a choice.
fn word(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    text.trim_matches('"').replace('_', " ")
}

/// When a schedule fires, in words.
fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Recurrence(recurrence) => recurring(recurrence),
        Trigger::Cron(cron) => {
            let zone = cron.time_zone.as_deref().unwrap_or("UTC");
            format!("{} ({zone})", cron.expression)
        }
        Trigger::Data(data) => format!(
            "when {}/{} changes, looked at every {} min",
            data.datastore, data.path, data.polling_interval
        ),
    }
}

fn recurring(recurrence: &Recurrence) -> String {
    let unit = word(&recurrence.frequency).to_lowercase();
    let mut text = match recurrence.interval {
        1 => format!("every {unit}"),
        interval => format!("every {interval} {unit}s"),
    };
    if let Some(days) = &recurrence.week_days {
        let days: Vec<String> = days.iter().map(word).collect();
        let _ = write!(text, " on {}", days.join(", "));
    }
    let minutes = recurrence.minutes.as_deref().unwrap_or(&[0]);
    if let Some(hours) = &recurrence.hours {
        let times = hours.iter().flat_map(|hour| {
            let times = minutes
                .iter()
                .map(move |minute| format!("{hour}:{minute:02}"));
            times.collect::<Vec<_>>()
        });
        let _ = write!(text, " at {}", times.collect::<Vec<_>>().join(", "));
    }
    let zone = recurrence.time_zone.as_deref().unwrap_or("UTC");
    let _ = write!(text, " ({zone})");
    text
}

/// Times that come, with what the clock does there.
pub(crate) fn preview(preview: &Preview, style: Style) -> String {
    let zone = match preview.time_zone == preview.iana {
        true => preview.iana.clone(),
        false => format!("{} ({})", preview.time_zone, preview.iana),
    };
    let mut table = Table::new(&[&zone, "UTC", ""]);
    for time in &preview.times {
        let utc = time.at.parse::<Timestamp>();
        let utc = utc.map_or_else(|_| time.at.clone(), |at| format!("{at:.0}"));
        table.row([
            time.local.clone().into(),
            utc.into(),
            Cell::new(jump(time), Paint::Yellow),
        ]);
    }
    table.render(style)
}

/// What the clock does at a time, if anything.
fn jump(time: &PreviewTime) -> String {
    match time.clock {
        ClockNote::Plain => String::new(),
        ClockNote::Gap => format!("the clock skips {}: it fires at the jump", time.wall),
        ClockNote::First => "the clock shows this time twice: the first".to_owned(),
        ClockNote::Second => "the clock shows this time twice: the second".to_owned(),
    }
}

/// What became of each time.
pub(crate) fn ledger(lines: &[LedgerLine], style: Style) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["TIME", "OUTCOME", "WHY"]);
    for line in lines {
        let (outcome, paint) = match line.outcome {
            LedgerOutcome::Due => ("starting", Paint::Cyan),
            LedgerOutcome::Queued => ("waits", Paint::Cyan),
            LedgerOutcome::Fired => ("fired", Paint::Green),
            LedgerOutcome::Skipped => ("skipped", Paint::Yellow),
        };
        let mut time = line.at.trim_end_matches(".000Z").to_owned();
        if line.count > 1 {
            let last = line.last.trim_end_matches(".000Z");
            let _ = write!(time, " to {last} ({} times)", line.count);
        }
        let why = match &line.path {
            Some(path) => format!("{path}: {}", line.message),
            None => line.message.clone(),
        };
        table.row([time.into(), Cell::new(outcome, paint), why.into()]);
    }
    table.render(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_where_the_clock_jumps() {
        let time = |at: &str, local: &str, wall: &str, clock| PreviewTime {
            at: at.to_owned(),
            local: local.to_owned(),
            wall: wall.to_owned(),
            clock,
        };
        let found = Preview {
            time_zone: "W. Europe Standard Time".to_owned(),
            iana: "Europe/Berlin".to_owned(),
            times: vec![
                time(
                    "2026-03-28T01:30:00.000Z",
                    "Sat 2026-03-28 02:30:00 +01:00",
                    "Sat 2026-03-28 02:30:00",
                    ClockNote::Plain,
                ),
                time(
                    "2026-03-29T01:00:00.000Z",
                    "Sun 2026-03-29 03:00:00 +02:00",
                    "Sun 2026-03-29 02:30:00",
                    ClockNote::Gap,
                ),
            ],
        };
        let shown = preview(&found, Style::PLAIN);
        assert!(
            shown.starts_with("W. Europe Standard Time (Europe/Berlin)"),
            "{shown}"
        );
        assert!(
            shown.contains("2026-03-29T01:00:00Z  the clock skips Sun 2026-03-29 02:30:00"),
            "{shown}"
        );
    }

    #[test]
    fn a_ledger_says_why_times_did_not_fire() {
        let line = LedgerLine {
            at: "2026-03-04T10:01:00.000Z".to_owned(),
            last: "2026-03-04T10:05:00.000Z".to_owned(),
            count: 5,
            path: None,
            outcome: LedgerOutcome::Skipped,
            reason: Some(stepwell_api::SkipReason::Disabled),
            run: None,
            cancelled_for: None,
            message: "the schedule was disabled".to_owned(),
            recorded_at: "2026-03-04T10:06:00.000Z".to_owned(),
        };
        let shown = ledger(&[line], Style::PLAIN);
        let expected = "2026-03-04T10:01:00 to 2026-03-04T10:05:00 (5 times)  skipped  the schedule \
                        was disabled";
        assert!(shown.contains(expected), "{shown}");
    }
}
