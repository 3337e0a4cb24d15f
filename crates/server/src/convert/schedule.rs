//! Schedules between the wire, the rules of `stepwell-schedule`, and the rows.

use stepwell_api as api;
use stepwell_schedule::{
    CatchUp, Cron, DataTrigger, Frequency, Note, Outcome, Overlap, Policy, Reason, Recurrence,
    Time, Trigger, WeekDay,
};
use stepwell_store::schedules::{Line, Starts};
use stepwell_workspace::{Preview, Schedule, Settings};

/// The rules' form of a trigger.
pub(crate) fn trigger(trigger: api::Trigger) -> Trigger {
    match trigger {
        api::Trigger::Recurrence(recurrence) => Trigger::Recurrence(Recurrence {
            frequency: frequency(recurrence.frequency),
            interval: recurrence.interval,
            start_time: recurrence.start_time,
            time_zone: recurrence.time_zone,
            hours: recurrence.hours,
            minutes: recurrence.minutes,
            week_days: recurrence
                .week_days
                .map(|days| days.into_iter().map(week_day).collect()),
        }),
        api::Trigger::Cron(cron) => Trigger::Cron(Cron {
            expression: cron.expression,
            time_zone: cron.time_zone,
            start_time: cron.start_time,
        }),
        api::Trigger::Data(data) => Trigger::Data(DataTrigger {
            datastore: data.datastore,
            path: data.path,
            polling_interval: data.polling_interval,
            data_path_parameter: data.data_path_parameter,
        }),
    }
}

fn wire_trigger(trigger: Trigger) -> api::Trigger {
    match trigger {
        Trigger::Recurrence(recurrence) => api::Trigger::Recurrence(api::Recurrence {
            frequency: wire_frequency(recurrence.frequency),
            interval: recurrence.interval,
            start_time: recurrence.start_time,
            time_zone: recurrence.time_zone,
            hours: recurrence.hours,
            minutes: recurrence.minutes,
            week_days: recurrence
                .week_days
                .map(|days| days.into_iter().map(wire_week_day).collect()),
        }),
        Trigger::Cron(cron) => api::Trigger::Cron(api::CronTrigger {
            expression: cron.expression,
            time_zone: cron.time_zone,
            start_time: cron.start_time,
        }),
        Trigger::Data(data) => api::Trigger::Data(api::DataTrigger {
            datastore: data.datastore,
            path: data.path,
            polling_interval: data.polling_interval,
            data_path_parameter: data.data_path_parameter,
        }),
    }
}

/// The rules' form of the policies.
pub(crate) fn policy(catch: api::CatchUp, over: api::Overlap) -> Policy {
    Policy {
        catch_up: catch_up(catch),
        overlap: overlap(over),
    }
}

/// The rules' form of what becomes of missed times.
pub(crate) const fn catch_up(policy: api::CatchUp) -> CatchUp {
    match policy {
        api::CatchUp::Skip => CatchUp::Skip,
        api::CatchUp::Last => CatchUp::Last,
        api::CatchUp::All => CatchUp::All,
    }
}

/// The rules' form of what becomes of times that come while a run is not over.
pub(crate) const fn overlap(policy: api::Overlap) -> Overlap {
    match policy {
        api::Overlap::Allow => Overlap::Allow,
        api::Overlap::Skip => Overlap::Skip,
        api::Overlap::Queue => Overlap::Queue,
        api::Overlap::CancelPrevious => Overlap::CancelPrevious,
    }
}

/// The wire's form of the policies.
fn wire_policy(policy: Policy) -> (api::CatchUp, api::Overlap) {
    let catch_up = match policy.catch_up {
        CatchUp::Skip => api::CatchUp::Skip,
        CatchUp::Last => api::CatchUp::Last,
        CatchUp::All => api::CatchUp::All,
    };
    let overlap = match policy.overlap {
        Overlap::Allow => api::Overlap::Allow,
        Overlap::Skip => api::Overlap::Skip,
        Overlap::Queue => api::Overlap::Queue,
        Overlap::CancelPrevious => api::Overlap::CancelPrevious,
    };
    (catch_up, overlap)
}

/// A schedule as clients see it.
pub(crate) fn schedule(schedule: Schedule) -> api::Schedule {
    let next = schedule.next_at();
    let Schedule { row, settings } = schedule;
    let Settings {
        trigger,
        policy,
        assignments,
    } = settings;
    let (catch_up, overlap) = wire_policy(policy);
    let (pipeline, endpoint) = match row.starts {
        Starts::Pipeline(pipeline) => (Some(pipeline), None),
        Starts::Endpoint(endpoint) => (None, Some(endpoint)),
    };
    api::Schedule {
        id: row.id,
        name: row.name,
        description: row.description,
        pipeline,
        endpoint,
        trigger: wire_trigger(trigger),
        catch_up,
        overlap,
        submission: super::template::shown_assignments(assignments),
        enabled: row.progress.enabled,
        next_at: next.map(|at| at.to_string()),
        user: row.user,
        created_at: row.created.to_string(),
        changed_at: row.changed.to_string(),
    }
}

/// The times that come next.
pub(crate) fn preview(preview: &Preview) -> api::Preview {
    let zone = preview.times.zone();
    let times = preview.found.iter();
    api::Preview {
        time_zone: zone.name().to_owned(),
        iana: zone.iana().to_owned(),
        times: times.map(|time| preview_time(time, zone.rules())).collect(),
    }
}

fn preview_time(time: &Time, rules: &jiff::tz::TimeZone) -> api::PreviewTime {
    let instant = jiff::Timestamp::from_millisecond(time.at.as_millis()).unwrap_or_default();
    let local = jiff::ZonedDateTime::new(instant, rules.clone());
    let wall = jiff::Timestamp::from_second(time.wall_s).unwrap_or_default();
    let wall = jiff::tz::TimeZone::UTC.to_datetime(wall);
    api::PreviewTime {
        at: time.at.to_string(),
        local: local.strftime("%a %Y-%m-%d %H:%M:%S %:z").to_string(),
        wall: wall.strftime("%a %Y-%m-%d %H:%M:%S").to_string(),
        clock: match time.note {
            Note::Plain => api::ClockNote::Plain,
            Note::Gap => api::ClockNote::Gap,
            Note::First => api::ClockNote::First,
            Note::Second => api::ClockNote::Second,
        },
    }
}

/// A line of the ledger as clients see it.
pub(crate) fn line(line: Line, outcome: &Outcome) -> api::LedgerLine {
    let (kind, reason, run, cancelled_for) = match outcome {
        Outcome::Due { cancelled_for } => (api::LedgerOutcome::Due, None, None, *cancelled_for),
        Outcome::Queued => (api::LedgerOutcome::Queued, None, None, None),
        Outcome::Fired { run, cancelled_for } => {
            (api::LedgerOutcome::Fired, None, Some(*run), *cancelled_for)
        }
        Outcome::Skipped { reason } => {
            let run = match reason {
                Reason::Overlap { run } => *run,
                _ => None,
            };
            (
                api::LedgerOutcome::Skipped,
                Some(kind_of(reason)),
                run,
                None,
            )
        }
    };
    api::LedgerLine {
        at: line.at.to_string(),
        last: line.last.to_string(),
        count: line.count,
        path: (!line.path.is_empty()).then_some(line.path),
        outcome: kind,
        reason,
        run: run.map(stepwell_model::RunId::uuid),
        cancelled_for: cancelled_for.map(|at| at.to_string()),
        message: sentence(outcome),
        recorded_at: line.recorded.to_string(),
    }
}

fn kind_of(reason: &Reason) -> api::SkipReason {
    match reason {
        Reason::Missed => api::SkipReason::Missed,
        Reason::Superseded { .. } => api::SkipReason::Superseded,
        Reason::TooMany { .. } => api::SkipReason::TooMany,
        Reason::Overlap { .. } => api::SkipReason::Overlap,
        Reason::QueueFull { .. } => api::SkipReason::QueueFull,
        Reason::Disabled => api::SkipReason::Disabled,
        Reason::Refused { .. } => api::SkipReason::Refused,
    }
}

/// What became of a time, for people.
fn sentence(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Due { .. } => "its run is being started".to_owned(),
        Outcome::Queued => "waits until the run before is over".to_owned(),
        Outcome::Fired {
            run,
            cancelled_for: None,
        } => format!("started run {run}"),
        Outcome::Fired {
            run,
            cancelled_for: Some(at),
        } => format!("started run {run}, which was cancelled for the time {at}"),
        Outcome::Skipped { reason } => match reason {
            Reason::Missed => {
                "no server ran at the time, and the schedule does not catch up".to_owned()
            }
            Reason::Superseded { by } => {
                format!("no server ran at the time; of missed times the last fires: {by}")
            }
            Reason::TooMany { limit } => format!(
                "no server ran at the time; of missed times the last {limit} may fire, and this \
                 was an earlier one"
            ),
            Reason::Overlap { run: Some(run) } => format!("run {run} was not over"),
            Reason::Overlap { run: None } => "the run before was only being started".to_owned(),
            Reason::QueueFull { limit } => format!("{limit} firings waited already"),
            Reason::Disabled => "the schedule was disabled".to_owned(),
            Reason::Refused { message } => format!("the run was refused: {message}"),
        },
    }
}

const fn frequency(frequency: api::Frequency) -> Frequency {
    match frequency {
        api::Frequency::Minute => Frequency::Minute,
        api::Frequency::Hour => Frequency::Hour,
        api::Frequency::Day => Frequency::Day,
        api::Frequency::Week => Frequency::Week,
        api::Frequency::Month => Frequency::Month,
    }
}

const fn wire_frequency(frequency: Frequency) -> api::Frequency {
    match frequency {
        Frequency::Minute => api::Frequency::Minute,
        Frequency::Hour => api::Frequency::Hour,
        Frequency::Day => api::Frequency::Day,
        Frequency::Week => api::Frequency::Week,
        Frequency::Month => api::Frequency::Month,
    }
}

const fn week_day(day: api::WeekDay) -> WeekDay {
    match day {
        api::WeekDay::Monday => WeekDay::Monday,
        api::WeekDay::Tuesday => WeekDay::Tuesday,
        api::WeekDay::Wednesday => WeekDay::Wednesday,
        api::WeekDay::Thursday => WeekDay::Thursday,
        api::WeekDay::Friday => WeekDay::Friday,
        api::WeekDay::Saturday => WeekDay::Saturday,
        api::WeekDay::Sunday => WeekDay::Sunday,
    }
}

const fn wire_week_day(day: WeekDay) -> api::WeekDay {
    match day {
        WeekDay::Monday => api::WeekDay::Monday,
        WeekDay::Tuesday => api::WeekDay::Tuesday,
        WeekDay::Wednesday => api::WeekDay::Wednesday,
        WeekDay::Thursday => api::WeekDay::Thursday,
        WeekDay::Friday => api::WeekDay::Friday,
        WeekDay::Saturday => api::WeekDay::Saturday,
        WeekDay::Sunday => api::WeekDay::Sunday,
    }
}
