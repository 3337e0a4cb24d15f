//! Schedules: published pipelines that start by the clock, or when data changes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::SubmitPublished;

/// What makes a schedule fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// Again and again, as v1's `ScheduleRecurrence` says.
    Recurrence(Recurrence),
    /// A cron expression.
    Cron(CronTrigger),
    /// Files that are new or changed.
    Data(DataTrigger),
}

/// The unit of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Frequency {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "their names say it")]
pub enum WeekDay {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A recurrence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// The unit.
    pub frequency: Frequency,
    /// How many units lie between two times, from 1.
    pub interval: u32,
    /// The first time, on the wall in the time zone, as `2026-01-31T09:30:00`.
    #[serde(default)]
    pub start_time: Option<String>,
    /// A Windows or IANA name; UTC when absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Hours of the day, for `Day` and `Week`.
    #[serde(default)]
    pub hours: Option<Vec<u8>>,
    /// Minutes of the hour, for `Day` and `Week`.
    #[serde(default)]
    pub minutes: Option<Vec<u8>>,
    /// Days of the week, for `Week`.
    #[serde(default)]
    pub week_days: Option<Vec<WeekDay>>,
}

/// A cron expression in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CronTrigger {
    /// `minute hour day-of-month month day-of-week`, or `@hourly`, `@daily` and so on.
    pub expression: String,
    /// A Windows or IANA name; UTC when absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Nothing before this time on the wall, as `2026-01-31T09:30:00`.
    #[serde(default)]
    pub start_time: Option<String>,
}

/// A folder of a datastore that is looked at again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DataTrigger {
    /// The datastore.
    pub datastore: String,
    /// The folder on it, with all below; the whole datastore when empty.
    #[serde(default)]
    pub path: String,
    /// Minutes between two looks, from 1; 5 when absent.
    #[serde(default = "five")]
    pub polling_interval: u32,
    /// The parameter that is given the path of each changed file. Without it one run is started for
    /// all that has changed.
    #[serde(default)]
    pub data_path_parameter: Option<String>,
}

fn five() -> u32 {
    5
}

/// What becomes of times that passed while no server ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// They are left out.
    Skip,
    /// The last of them fires.
    #[default]
    Last,
    /// Each fires, up to the last thousand.
    All,
}

/// What happens when a time comes while a run of the schedule is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Both run.
    #[default]
    Allow,
    /// The new one is left out.
    Skip,
    /// The new one waits; up to a hundred do.
    Queue,
    /// The old one is cancelled, the new one starts.
    CancelPrevious,
}

/// A schedule to make: exactly one of `pipeline` and `endpoint`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSchedule {
    /// Its name; several schedules may share one. 1 to 255 characters.
    pub name: String,
    /// A description for people.
    #[serde(default)]
    pub description: String,
    /// The published pipeline that it starts.
    #[serde(default)]
    pub pipeline: Option<Uuid>,
    /// The pipeline endpoint whose default version it starts.
    #[serde(default)]
    pub endpoint: Option<Uuid>,
    /// When it fires.
    pub trigger: Trigger,
    /// What becomes of missed times.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// What becomes of overlapping runs.
    #[serde(default)]
    pub overlap: Overlap,
    /// What its runs are to be.
    pub submission: SubmitPublished,
    /// The user's login name.
    #[serde(default)]
    pub user: Option<String>,
}

/// What to change of a schedule; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleChange {
    /// Its name.
    pub name: Option<String>,
    /// A description for people.
    pub description: Option<String>,
    /// When it fires, from now on.
    pub trigger: Option<Trigger>,
    /// What becomes of missed times.
    pub catch_up: Option<CatchUp>,
    /// What becomes of overlapping runs.
    pub overlap: Option<Overlap>,
    /// What its runs are to be.
    pub submission: Option<SubmitPublished>,
    /// Whether it fires.
    pub enabled: Option<bool>,
}

/// A schedule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// The published pipeline that it starts.
    pub pipeline: Option<Uuid>,
    /// The pipeline endpoint whose default version it starts.
    pub endpoint: Option<Uuid>,
    /// When it fires.
    pub trigger: Trigger,
    /// What becomes of missed times.
    pub catch_up: CatchUp,
    /// What becomes of overlapping runs.
    pub overlap: Overlap,
    /// What its runs are to be.
    pub submission: SubmitPublished,
    /// Whether it fires.
    pub enabled: bool,
    /// When it fires next; absent when it is disabled, goes by data, or has no further time.
    pub next_at: Option<String>,
    /// Who made it.
    pub user: String,
    /// When it was made.
    pub created_at: String,
    /// When it was last changed.
    pub changed_at: String,
}

/// A page of schedules, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ScheduleList {
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// Pass it as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Times that come.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The zone of the times, as it was written.
    pub time_zone: String,
    /// Its IANA name.
    pub iana: String,
    /// The times.
    pub times: Vec<PreviewTime>,
}

/// One time that comes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PreviewTime {
    /// The moment, in UTC.
    pub at: String,
    /// What the clock of the zone shows then, with its offset.
    pub local: String,
    /// What the schedule says; another time than `local` shows only where the clock jumps.
    pub wall: String,
    /// Whether the clock jumps there.
    pub clock: ClockNote,
}

/// What the clock of a zone does at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockNote {
    /// It goes on as ever.
    Plain,
    /// It skips the time; the schedule fires at the moment of the jump.
    Gap,
    /// It shows the time twice; this is the first showing.
    First,
    /// It shows the time twice; this is the second showing, and the schedule names every hour.
    Second,
}

/// A trigger whose times are asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewTrigger {
    /// The trigger.
    pub trigger: Trigger,
    /// How many times; 10 when absent, 1,000 at most.
    #[serde(default)]
    pub count: Option<usize>,
}

/// What became of a logical time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerOutcome {
    /// Its run is being started.
    Due,
    /// It waits until the run before is over.
    Queued,
    /// It has started a run.
    Fired,
    /// It did not fire: see `reason`.
    Skipped,
}

/// Why a time did not fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// No server ran at the time, and the policy leaves such times out.
    Missed,
    /// No server ran at the time; a later one fires instead.
    Superseded,
    /// No server ran at the time, and more such times came after it than are caught up.
    TooMany,
    /// A run of the schedule was not over.
    Overlap,
    /// As many firings waited as may.
    QueueFull,
    /// The schedule was disabled.
    Disabled,
    /// The run could not be submitted.
    Refused,
}

/// A line of the ledger: one time, or several in a row that did not fire for the same reason.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LedgerLine {
    /// The logical time, or the first of several.
    pub at: String,
    /// The last of them.
    pub last: String,
    /// How many they are.
    pub count: u64,
    /// The path that changed, for schedules on data.
    #[serde(default)]
    pub path: Option<String>,
    /// What became of it.
    pub outcome: LedgerOutcome,
    /// Why it did not fire.
    #[serde(default)]
    pub reason: Option<SkipReason>,
    /// The run: of this time, or the one that was in the way.
    #[serde(default)]
    pub run: Option<Uuid>,
    /// The later time for which the run was cancelled.
    #[serde(default)]
    pub cancelled_for: Option<String>,
    /// The whole of it in a sentence.
    pub message: String,
    /// When this was written.
    pub recorded_at: String,
}

/// A page of the ledger, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Ledger {
    /// The lines.
    pub lines: Vec<LedgerLine>,
    /// Pass it as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}
