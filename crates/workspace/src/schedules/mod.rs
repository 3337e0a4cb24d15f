//! Schedules: they start runs of published pipelines at their times, or when data changes.
//!
//! What becomes of each time is decided in `stepwell-schedule`; [`driver`] stores and performs it.
//! Here is what users do with schedules.

mod alter;
mod batch;
mod driver;
mod handle;
mod listing;
mod live;
mod loaded;
mod ports;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use stepwell_model::{Assignments, Parameter, Timestamp};
use stepwell_schedule::{
    CatchUp, DataTrigger, Listing, Outcome, Overlap, Policy, Time, Times, Trigger,
};
use stepwell_store::schedules::{self as store, FileChange, Line, Progress, Starts};
use stepwell_store::{Connection, runs};
use uuid::Uuid;

pub use stepwell_store::schedules::Filter as ScheduleFilter;

use self::alter::Alteration;
use self::handle::{Handle, Start};
use self::ports::Lister as _;
use crate::core::Core;
use crate::endpoints::Endpoints;
use crate::names::{check_experiment, check_label, is_relative};
use crate::page::{PAGE_MAX, Page, Part};
use crate::published::PublishedPipelines;
use crate::{Error, Result};

/// A schedule to make; it is enabled.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Its name.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// What it starts.
    pub starts: Starts,
    /// When it fires.
    pub trigger: Trigger,
    /// What becomes of times that were missed, or that come while a run is not over.
    pub policy: Policy,
    /// What its runs are to be.
    pub assignments: Assignments,
    /// Who makes it.
    pub user: String,
}

/// What to change of a schedule; what is absent stays. Other times count from now on.
#[derive(Debug, Clone, Default)]
pub struct ScheduleUpdate {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// When it fires.
    pub trigger: Option<Trigger>,
    /// What becomes of missed times.
    pub catch_up: Option<CatchUp>,
    /// What becomes of times that come while a run is not over.
    pub overlap: Option<Overlap>,
    /// What its runs are to be.
    pub assignments: Option<Assignments>,
    /// Whether it fires.
    pub enabled: Option<bool>,
}

/// The texts of a schedule's row, read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// When it fires.
    pub trigger: Trigger,
    /// Its policies.
    pub policy: Policy,
    /// What its runs are to be.
    pub assignments: Assignments,
}

/// A schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its row.
    pub row: store::Schedule,
    /// Its texts, read.
    pub settings: Settings,
}

impl Schedule {
    fn of(row: store::Schedule) -> Result<Self> {
        let fault = |error: serde_json::Error| Error::internal(&error);
        let settings = Settings {
            trigger: serde_json::from_str(&row.trigger_json).map_err(fault)?,
            policy: serde_json::from_str(&row.policy_json).map_err(fault)?,
            assignments: serde_json::from_str(&row.submission_json).map_err(fault)?,
        };
        Ok(Self { row, settings })
    }

    /// When it fires next; `None` while it is disabled, when it has no time left, and for one that
    /// goes by data.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        let set = self.row.trigger_set;
        let times = self.settings.trigger.times(set, jiff::tz::db());
        let times = times.ok().flatten().filter(|_| self.row.progress.enabled)?;
        Some(times.next_after(self.row.progress.cursor)?.at)
    }
}

/// The times that come next.
#[derive(Debug)]
pub struct Preview {
    /// All times, which know their zone.
    pub times: Times,
    /// The next ones.
    pub found: Vec<Time>,
}

impl Preview {
    fn of(times: Times, after: Timestamp, count: Option<usize>) -> Self {
        let count = count.unwrap_or(10).clamp(1, PAGE_MAX);
        let (mut found, mut after) = (Vec::new(), after);
        while found.len() < count
            && let Some(time) = times.next_after(after)
        {
            after = time.at;
            found.push(time);
        }
        Self { times, found }
    }
}

/// What can be done with schedules; cheap to clone.
#[derive(Clone)]
pub struct Schedules {
    core: Arc<Core>,
    published: PublishedPipelines,
    endpoints: Endpoints,
    handle: Handle,
}

impl Schedules {
    /// Lets the stored schedules begin.
    pub(crate) fn open(
        core: Arc<Core>,
        published: PublishedPipelines,
        endpoints: Endpoints,
    ) -> Self {
        let launcher = live::LiveLauncher {
            published: published.clone(),
            endpoints: endpoints.clone(),
            engine: core.engine.clone(),
        };
        let handle = Handle::start(Start {
            store: core.store.clone(),
            clock: core.clock(),
            launcher: Arc::new(launcher),
            lister: Arc::new(listing::Datastores(Arc::clone(&core.datastores))),
            changes: core.engine.watch(),
        });
        Self {
            core,
            published,
            endpoints,
            handle,
        }
    }

    /// How many schedules are enabled.
    #[must_use]
    pub fn enabled(&self) -> usize {
        self.handle.enabled()
    }

    /// Makes a schedule.
    ///
    /// # Errors
    /// When its runs could not start, or it would never fire.
    pub async fn create(&self, new: NewSchedule) -> Result<Schedule> {
        check_label("a schedule", &new.name)?;
        let now = self.core.now();
        let times = times(&new.trigger, now)?;
        self.check_assignments(new.starts, &new.assignments, &new.trigger)
            .await?;
        let files = match &new.trigger {
            Trigger::Data(data) => Some(self.list_watched(data).await?),
            Trigger::Recurrence(_) | Trigger::Cron(_) => None,
        };
        let row = store::Schedule {
            seq: 0,
            id: Uuid::new_v4(),
            name: new.name,
            description: new.description,
            starts: new.starts,
            trigger_json: json(&new.trigger)?,
            trigger_set: now,
            policy_json: json(&new.policy)?,
            submission_json: json(&new.assignments)?,
            progress: Progress {
                enabled: true,
                cursor: times.map_or(now, |times| times.begin(now)),
                disabled_until: Timestamp::from_millis(0),
            },
            user: new.user,
            created: now,
            changed: now,
        };
        let insert = move |db: &Connection| {
            let seq = store::insert(db, &row)?;
            if let Some(files) = files {
                store::change_files(db, seq, &known_files(files))?;
            }
            Ok(store::Schedule { seq, ..row })
        };
        let made = self.core.store.write_durable(insert).await?;
        self.handle.added(made.clone());
        Schedule::of(made)
    }

    /// The schedule of an id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, id: Uuid) -> Result<Schedule> {
        let found = self.core.store.read(move |db| store::find(db, id)).await?;
        Schedule::of(found.ok_or_else(|| no_schedule(id))?)
    }

    /// Schedules, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, filter: ScheduleFilter, part: Part) -> Result<Page<Schedule>> {
        let filter = ScheduleFilter {
            before: part.after,
            ..filter
        };
        let limit = part.limit();
        let read = move |db: &Connection| store::list(db, filter, limit + 1);
        let rows = self.core.store.read(read).await?;
        let Page { rows, next } = Page::cut(rows, limit, |row| row.seq);
        let rows = rows.into_iter().map(Schedule::of).collect::<Result<_>>()?;
        Ok(Page { rows, next })
    }

    /// Changes a schedule: what it is, when it fires, or whether it fires at all.
    ///
    /// # Errors
    /// When there is none, its runs could not start, or it would never fire.
    pub async fn update(&self, id: Uuid, update: ScheduleUpdate) -> Result<Schedule> {
        let known = self.get(id).await?;
        let alteration = self.alteration(&known, update).await?;
        let changed = self.handle.change(id, alteration).await?;
        Schedule::of(changed.ok_or_else(|| no_schedule(id))?)
    }

    /// What changes of a row, checked.
    async fn alteration(&self, known: &Schedule, update: ScheduleUpdate) -> Result<Alteration> {
        if let Some(name) = &update.name {
            check_label("a schedule", name)?;
        }
        let Settings {
            trigger: trigger_before,
            policy,
            assignments: assignments_before,
        } = &known.settings;
        let mut baseline = None;
        if let Some(trigger) = &update.trigger {
            times(trigger, self.core.now())?;
            if let Trigger::Data(data) = trigger
                && !same_folder(trigger_before, data)
            {
                baseline = Some(self.list_watched(data).await?);
            }
        }
        if update.trigger.is_some() || update.assignments.is_some() {
            let assignments = update.assignments.as_ref().unwrap_or(assignments_before);
            let trigger = update.trigger.as_ref().unwrap_or(trigger_before);
            self.check_assignments(known.row.starts, assignments, trigger)
                .await?;
        }
        let changes_policy = update.catch_up.is_some() || update.overlap.is_some();
        let policy = changes_policy.then(|| Policy {
            catch_up: update.catch_up.unwrap_or(policy.catch_up),
            overlap: update.overlap.unwrap_or(policy.overlap),
        });
        Ok(Alteration {
            name: update.name,
            description: update.description,
            trigger_json: update.trigger.as_ref().map(json).transpose()?,
            policy_json: policy.as_ref().map(json).transpose()?,
            submission_json: update.assignments.as_ref().map(json).transpose()?,
            enabled: update.enabled,
            baseline,
        })
    }

    /// Removes a schedule and its ledger; its runs stay.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete(&self, id: Uuid) -> Result<()> {
        match self.handle.remove(id).await? {
            true => Ok(()),
            false => Err(no_schedule(id)),
        }
    }

    /// The times of a schedule that come next, also of one that is disabled.
    ///
    /// # Errors
    /// When there is none, or it goes by data.
    pub async fn preview(
        &self,
        id: Uuid,
        after: Option<Timestamp>,
        count: Option<usize>,
    ) -> Result<Preview> {
        let Schedule { row, settings } = self.get(id).await?;
        let times = times(&settings.trigger, row.trigger_set)?.ok_or_else(goes_by_data)?;
        let next = match row.progress.enabled {
            true => row.progress.cursor,
            false => self.core.now(),
        };
        Ok(Preview::of(times, after.unwrap_or(next), count))
    }

    /// The times that a schedule with this trigger would have, if it were made now.
    ///
    /// # Errors
    /// When it would never fire, or goes by data.
    pub fn preview_of(&self, trigger: &Trigger, count: Option<usize>) -> Result<Preview> {
        let now = self.core.now();
        let times = times(trigger, now)?.ok_or_else(goes_by_data)?;
        let begin = times.begin(now);
        Ok(Preview::of(times, begin, count))
    }

    /// What became of each time of a schedule, newest first.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ledger(&self, id: Uuid, part: Part) -> Result<Page<(Line, Outcome)>> {
        let (seq, limit) = (self.get(id).await?.row.seq, part.limit());
        let read = move |db: &Connection| store::ledger(db, seq, part.after, limit + 1);
        let lines = self.core.store.read(read).await?;
        let Page { rows, next } = Page::cut(lines, limit, |line| line.seq);
        let with_outcome = |line: Line| {
            let outcome = serde_json::from_str(&line.outcome_json);
            Ok((line, outcome.map_err(|error| Error::internal(&error))?))
        };
        let rows = rows.into_iter().map(with_outcome).collect::<Result<_>>()?;
        Ok(Page { rows, next })
    }

    /// The runs that a schedule has started, newest first.
    ///
    /// # Errors
    /// When there is none.
    pub async fn runs(&self, id: Uuid, part: Part) -> Result<Page<runs::Record>> {
        let (seq, limit) = (self.get(id).await?.row.seq, part.limit());
        let read = move |db: &Connection| {
            let lines = store::fired(db, seq, part.after, limit + 1)?;
            let Page { rows, next } = Page::cut(lines, limit, |line| line.seq);
            let mut found = Vec::new();
            for run in rows.iter().filter_map(|line| line.run) {
                found.extend(runs::find(db, run)?);
            }
            Ok(Page { rows: found, next })
        };
        Ok(self.core.store.read(read).await?)
    }

    /// Whether the schedule's runs could start: the pipeline is there and takes what it is given.
    async fn check_assignments(
        &self,
        starts: Starts,
        assignments: &Assignments,
        trigger: &Trigger,
    ) -> Result<()> {
        check_experiment(&assignments.experiment)?;
        let pipeline = match starts {
            Starts::Pipeline(pipeline) => pipeline,
            Starts::Endpoint(endpoint) => {
                let endpoint = self.endpoints.get(endpoint).await?;
                let default = endpoint.pipeline(endpoint.default_version);
                default
                    .ok_or_else(|| Error::internal(&"an endpoint without its default version"))?
            }
        };
        let ready = self.published.get(pipeline).await?;
        let declared = &ready.template.parameters;
        let given = assignments.parameters.keys();
        let given = given
            .chain(assignments.data_paths.keys())
            .chain(assignments.datasets.keys());
        let watched = match trigger {
            Trigger::Data(data) => data.data_path_parameter.as_ref(),
            Trigger::Recurrence(_) | Trigger::Cron(_) => None,
        };
        for name in given.chain(watched) {
            if !declared.contains_key(name) {
                let names: Vec<&str> = declared.keys().map(String::as_str).collect();
                return Err(Error::invalid(format!(
                    "published pipeline `{}` has no parameter `{name}`",
                    ready.published.name
                ))
                .hint(match names[..] {
                    [] => "it has none".to_owned(),
                    _ => format!("it has {}", names.join(", ")),
                }));
            }
        }
        if let Some(name) = watched
            && !matches!(declared.get(name), Some(Parameter::DataPath(_)))
        {
            return Err(Error::invalid(format!(
                "parameter `{name}` is not a data path, so it cannot be given the path that \
                 changed"
            ))
            .hint("give the name of a parameter whose default is a `DataPath`"));
        }
        Ok(())
    }

    /// What a watched folder holds at the moment.
    async fn list_watched(&self, data: &DataTrigger) -> Result<Listing> {
        let path = &data.path;
        if !path.is_empty() && !is_relative(path.trim_matches('/')) {
            return Err(Error::invalid(format!(
                "`{path}` cannot be a path on a datastore"
            )));
        }
        let lister = listing::Datastores(Arc::clone(&self.core.datastores));
        let listed = lister.list(&data.datastore, path).await;
        listed.map_err(|reason| Error::invalid(format!("the folder cannot be watched: {reason}")))
    }
}

fn no_schedule(id: Uuid) -> Error {
    Error::not_found(format!("there is no schedule `{id}`"))
        .hint("`stepwell schedule list` lists them")
}

fn goes_by_data() -> Error {
    Error::invalid("the schedule goes by data and has no times")
        .hint("its ledger tells what it has found")
}

/// The times of a trigger that was set at a moment, or why it has none.
fn times(trigger: &Trigger, set: Timestamp) -> Result<Option<Times>> {
    trigger
        .times(set, jiff::tz::db())
        .map_err(|error| Error::invalid(error.to_string()))
}

fn known_files(listing: Listing) -> Vec<FileChange> {
    let known = |(path, print)| FileChange {
        path,
        seen: Some((print, false)),
    };
    listing.into_iter().map(known).collect()
}

fn same_folder(before: &Trigger, after: &DataTrigger) -> bool {
    matches!(before, Trigger::Data(before)
        if before.datastore == after.datastore && before.path == after.path)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal(&error))
}
