//! Runs of every kind: start, open, find, change, end and cancel them.
//!
//! A pipeline or script is started by [`Runs::submit`] and ended by the engine. An interactive run
//! is opened by a program ([`Runs::open`]), which ends it itself ([`Runs::end`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::Utf8PathBuf;
use stepwell_engine::driver::{self, Accepted, CancelOutcome, Explanation};
use stepwell_model::{Event, Failure, FailureKind, Graph, RunId, RunKind, RunStatus, StepIndex};
use stepwell_store::runs::{self as store, Change, Record, StoredFailure};
use stepwell_store::{Connection, IdDigits, experiments, journal, reuse};
use tokio::time::Instant;
use uuid::Uuid;

use crate::core::Core;
use crate::files::place_of;
use crate::names::check_experiment;
use crate::page::{PAGE_MAX, Page, Part};
use crate::published::earlier;
use crate::resubmission::{self, Reuse};
use crate::submission::{RunRequest, submissions};
use crate::{Error, Result, sdk, waits};

pub use stepwell_store::runs::Filter as RunFilter;

/// A run that a program opens itself.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// Its experiment; that of the parent when there is one.
    pub experiment: String,
    /// A name for people; the experiment's when absent.
    pub display_name: Option<String>,
    /// The run it belongs to.
    pub parent: Option<RunId>,
    /// The digest of the source files it was started from.
    pub snapshot: Option<String>,
    /// Who opens it.
    pub user: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties; they cannot be changed later.
    pub properties: BTreeMap<String, String>,
}

/// What became of a request to cancel, and the run's status after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// What became of it.
    pub outcome: CancelOutcome,
    /// The status now.
    pub status: RunStatus,
}

/// What is known of why steps ran or were reused.
#[derive(Debug)]
pub struct Why {
    /// The steps of the run.
    pub graph: Graph,
    /// Whether the run was submitted to reuse nothing.
    pub regenerate_outputs: bool,
    /// The steps asked for, in the order of the graph.
    pub steps: Vec<ExplainedStep>,
}

/// What is known of one step.
#[derive(Debug)]
pub struct ExplainedStep {
    /// Its run.
    pub record: Record,
    /// Why it ran or was reused; `None` when it was never in question.
    pub explanation: Option<Explanation>,
    /// The attempts that were interrupted, in their order: number and cause.
    pub interruptions: Vec<(u32, stepwell_model::Failure)>,
}

/// What can be done with runs; cheap to clone.
#[derive(Clone)]
pub struct Runs(pub(crate) Arc<Core>);

impl Runs {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Starts a run. A repeated idempotency key starts nothing and gives the run of the first.
    ///
    /// # Errors
    /// When something of it does not fit the workspace, or it cannot be stored.
    pub async fn submit(&self, request: RunRequest) -> Result<Accepted> {
        let key = request.idempotency_key.clone();
        let submission = match request.submission(&self.0).await {
            Ok(submission) => submission,
            // What was accepted once stays accepted, whatever was changed since.
            Err(refusal) => {
                let earlier = earlier(&self.0, key).await?;
                return Ok(Accepted::Before(earlier.ok_or(refusal)?));
            }
        };
        if let Some(path) = &submission.spec.sdk_path {
            sdk::link(&self.0.folder, path)?;
        }
        Ok(self.0.engine.submit(submission).await?)
    }

    /// Starts runs together: all of them are stored, with one sync of the disk, or none. A repeated
    /// idempotency key starts nothing and gives the run of the first.
    ///
    /// # Errors
    /// When something of one of them does not fit the workspace, or they cannot be stored.
    pub async fn submit_all(&self, requests: Vec<RunRequest>) -> Result<Vec<Accepted>> {
        let submissions = submissions(&self.0, requests).await?;
        let paths = submissions
            .iter()
            .filter_map(|one| one.spec.sdk_path.as_ref());
        for path in paths.collect::<BTreeSet<_>>() {
            sdk::link(&self.0.folder, path)?;
        }
        Ok(self.0.engine.submit_all(submissions).await?)
    }

    /// Starts a new run of what a pipeline or script run was asked for as.
    ///
    /// # Errors
    /// When there is no such run, nobody submitted it, or it does not fit the workspace any more.
    pub async fn resubmit(
        &self,
        run: RunId,
        reuse: Reuse,
        user: String,
        idempotency_key: Option<String>,
    ) -> Result<Accepted> {
        let request = resubmission::request(&self.0, run, reuse, user, idempotency_key);
        self.submit(request.await?).await
    }

    /// Which steps of a run would run and which would be reused, and why, in the order of the
    /// steps. Nothing is stored and nothing is started.
    ///
    /// # Errors
    /// When something of it does not fit the workspace.
    pub async fn plan(&self, request: RunRequest) -> Result<Vec<(String, Explanation)>> {
        let submission = request.submission(&self.0).await?;
        let (site, cas) = (self.0.site.clone(), self.0.cas.clone());
        let seen = driver::inspect(&site, &submission).await;
        let plan = move |db: &Connection| {
            let plans = driver::plan(db, &site, cas, &submission, &seen)?;
            let names = submission.graph.steps().iter();
            let names = names.map(|step| step.spec.name.clone());
            Ok(names.zip(plans).collect())
        };
        Ok(self.0.store.read(plan).await?)
    }

    /// Opens a run that the asking program ends itself.
    ///
    /// # Errors
    /// When its experiment's name is none, or its parent is not there.
    pub async fn open(&self, new: NewRun) -> Result<Record> {
        let id = RunId::new(Uuid::now_v7());
        let parent = match new.parent {
            Some(parent) => Some(self.get(parent).await?),
            None => None,
        };
        let experiment = match &parent {
            Some(parent) => parent.experiment.clone(),
            None => new.experiment,
        };
        check_experiment(&experiment)?;
        let now = self.0.now();
        let insert = move |db: &Connection| {
            let made = experiments::ensure(db, &experiment, Uuid::now_v7(), now)?;
            store::insert(
                db,
                &store::NewRun {
                    id,
                    kind: RunKind::Interactive,
                    experiment: made.id,
                    display_name: new.display_name.unwrap_or(experiment),
                    description: String::new(),
                    status: RunStatus::Running,
                    parent: parent.as_ref().map(|parent| parent.id),
                    root: parent.map_or(id, |parent| parent.root),
                    step: None,
                    step_kind: None,
                    target: None,
                    snapshot: new.snapshot,
                    user: new.user,
                    tags: new.tags,
                    properties: new.properties,
                    parameters: BTreeMap::new(),
                    outputs: Vec::new(),
                    created: now,
                    idempotency_key: None,
                    published: None,
                },
            )?;
            let change = journal::append_interactive(db, id, &Event::Began, now)?;
            Ok((store::find(db, id)?, change))
        };
        let (made, change) = self.0.store.write_durable(insert).await?;
        self.0.engine.publish(change.into_iter().collect());
        made.ok_or_else(|| Error::no_run(id))
    }

    /// The run of an id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, run: RunId) -> Result<Record> {
        let found = self.0.store.read(move |db| store::find(db, run)).await?;
        let mut found = [found.ok_or_else(|| Error::no_run(run))?];
        waits::add(&self.0, &mut found).await?;
        let [found] = found;
        Ok(found)
    }

    /// The runs whose files and metrics a run shows: its own, and of a reused step those of the
    /// earlier run, which its own come before.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn sources(&self, run: RunId) -> Result<Vec<RunId>> {
        let record = self.get(run).await?;
        let sources = [Some(record.id), record.reused_from];
        Ok(sources.into_iter().flatten().collect())
    }

    /// Where a file or folder of a run is: its own, else that of the run it reuses.
    ///
    /// # Errors
    /// When the name leads out of the run's folder, or its files were removed to make room.
    pub async fn find_file(&self, run: RunId, path: &str) -> Result<Utf8PathBuf> {
        let own = place_of(&self.0.folder, run, path)?;
        match tokio::fs::symlink_metadata(&own).await {
            Ok(_) => Ok(own),
            Err(_) => place_of(&self.0.folder, self.with_files(run).await?, path),
        }
    }

    /// The run whose log a run shows: its own, unless it was reused.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn shown(&self, run: RunId) -> Result<RunId> {
        let record = self.get(run).await?;
        Ok(record.reused_from.unwrap_or(record.id))
    }

    /// The same, unless its files were removed to make room.
    ///
    /// # Errors
    /// When there is no such run, or its files are gone.
    pub async fn with_files(&self, run: RunId) -> Result<RunId> {
        let shown = self.shown(run).await?;
        match self.get(shown).await?.pruned {
            None => Ok(shown),
            Some(at) => Err(Error::not_found(format!(
                "the files of run {shown} were removed on {at}, to make room"
            ))
            .hint("its history and metrics stay; `stepwell gc --help` says what is removed when")),
        }
    }

    /// Runs newest first; children of one parent, and trees, in the order they were made. The
    /// children of a reused step are those of the earlier run.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, filter: RunFilter, part: Part) -> Result<Page<Record>> {
        let mut filter = RunFilter {
            after: part.after,
            ..filter
        };
        let limit = part.limit();
        let read = move |db: &Connection| {
            if let Some(parent) = filter.parent {
                let reused = store::find(db, parent)?.and_then(|found| found.reused_from);
                filter.parent = Some(reused.unwrap_or(parent));
            }
            store::list(db, &filter, limit + 1)
        };
        let mut rows = self.0.store.read(read).await?;
        waits::add(&self.0, &mut rows).await?;
        Ok(Page::cut(rows, limit, |row| row.seq))
    }

    /// The runs, steps among them, whose ids begin or end with digits; in the order of their ids.
    ///
    /// # Errors
    /// When the text cannot be a part of an id.
    pub async fn find_abbreviated(
        &self,
        digits: &str,
        limit: Option<usize>,
    ) -> Result<Vec<Record>> {
        let Some(digits) = IdDigits::parse(digits) else {
            return Err(
                Error::invalid(format!("`{digits}` is no part of a run's id"))
                    .hint("give its first four or more digits, or its last eight or more"),
            );
        };
        let limit = limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
        let read = move |db: &Connection| store::find_abbreviated(db, &digits, limit);
        Ok(self.0.store.read(read).await?)
    }

    /// Changes what a run's status does not depend on.
    ///
    /// # Errors
    /// When there is no such run, or a property has another value.
    pub async fn update(&self, run: RunId, change: Change) -> Result<Record> {
        let change = move |db: &Connection| store::change(db, run, change);
        let changed = self.0.store.write(change).await?;
        changed.ok_or_else(|| Error::no_run(run))
    }

    /// Takes note that a step's program writes to a run. If it is the one that the step belongs to,
    /// no later step reuses the step: one that stood in for it would not write there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn note_write(&self, step: RunId, to: RunId) -> Result<()> {
        if step == to {
            return Ok(());
        }
        let mark = move |db: &Connection| {
            let record = store::find(db, step)?;
            let is_above = |record: &Record| record.parent == Some(to) || record.root == to;
            if !record.as_ref().is_some_and(is_above) {
                return Ok(());
            }
            let text = reuse::explanation(db, step)?.unwrap_or_default();
            let Ok(mut known) = serde_json::from_str::<Explanation>(&text) else {
                return Ok(());
            };
            if known.key.take().is_some() {
                known
                    .reasons
                    .push(format!("it writes to run {to}, so no later step reuses it"));
                let text = serde_json::to_string(&known).unwrap_or(text);
                reuse::explain(db, step, &text)?;
            }
            Ok(())
        };
        Ok(self.0.store.write(mark).await?)
    }

    /// Ends a run that a program opened itself; one that has ended stays as it ended. A script or a
    /// step that is said to have failed has failed, however its program ends; it is asked to stop,
    /// unless its own program, `by`, says so.
    ///
    /// # Errors
    /// When there is no such run, it is one that the engine ends, or the status is no end.
    pub async fn end(
        &self,
        run: RunId,
        status: RunStatus,
        failure: Option<StoredFailure>,
        by: Option<RunId>,
    ) -> Result<Record> {
        if !status.is_terminal() {
            let status = status.as_str();
            return Err(Error::invalid(format!("a run cannot end as `{status}`"))
                .hint("one of Completed, Failed, Canceled"));
        }
        let record = self.get(run).await?;
        let place = step_of(&record).filter(|_| status == RunStatus::Failed);
        let fails = match place {
            Some((root, step)) if !record.status.is_terminal() => {
                let said = said(failure.as_ref());
                let stops = by != Some(run);
                let engine = &self.0.engine;
                engine.fail_step(root, step, said, stops).await? == CancelOutcome::Asked
            }
            _ => false,
        };
        if !fails {
            self.end_interactive(run, status, failure).await?;
        }
        self.get(run).await
    }

    /// Gives whether it was open.
    async fn end_interactive(
        &self,
        run: RunId,
        status: RunStatus,
        failure: Option<StoredFailure>,
    ) -> Result<bool> {
        let now = self.0.now();
        let end = move |db: &Connection| {
            if !store::end(db, run, status, failure.as_ref(), now)? {
                return Ok(None);
            }
            journal::append_interactive(db, run, &Event::Finished { status }, now)
        };
        let change = self.0.store.write_durable(end).await?;
        let was_open = change.is_some();
        self.0.engine.publish(change.into_iter().collect());
        Ok(was_open)
    }

    /// Asks a run to stop: its steps get a request, ten seconds, and then force. Cancelling a step
    /// stops that step alone, and its pipeline goes on as it does after a failed step; an
    /// interactive run ends at once.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn cancel(&self, run: RunId) -> Result<Cancelled> {
        let record = self.get(run).await?;
        let outcome = match record.kind == RunKind::Interactive {
            true => match self.end_interactive(run, RunStatus::Canceled, None).await? {
                true => CancelOutcome::Asked,
                false => CancelOutcome::NotActive,
            },
            false => self.cancel_scheduled(&record).await?,
        };
        let status = self.get(record.id).await?.status;
        Ok(Cancelled { outcome, status })
    }

    async fn cancel_scheduled(&self, record: &Record) -> Result<CancelOutcome> {
        let engine = &self.0.engine;
        Ok(match (record.kind, record.parent, record.step) {
            (RunKind::Step, Some(pipeline), Some(step)) => {
                engine.cancel_step(pipeline, StepIndex(step)).await?
            }
            _ => engine.cancel(record.id).await?,
        })
    }

    /// The run once it is over, or as it is at the deadline.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn wait(&self, run: RunId, deadline: Instant) -> Result<Record> {
        let mut changes = self.0.engine.watch();
        loop {
            let record = self.get(run).await?;
            if record.status.is_terminal() || Instant::now() >= deadline {
                return Ok(record);
            }
            let ends = async {
                // One who falls behind reads the run anew, too.
                while let Ok(group) = changes.recv().await {
                    let mut ends = group.iter().filter(|change| change.run == run);
                    if ends.any(|change| change.status.is_terminal()) {
                        return;
                    }
                }
            };
            drop(tokio::time::timeout_at(deadline, ends).await);
        }
    }

    /// Why the steps of a pipeline run, or one step, ran or were reused.
    ///
    /// # Errors
    /// When there is no such run, or it has no steps.
    pub async fn why(&self, run: RunId) -> Result<Why> {
        let record = self.get(run).await?;
        let scheduled = scheduled(&record);
        let read = move |db: &Connection| {
            let rows = match record.kind == RunKind::Pipeline {
                true => store::steps(db, scheduled)?,
                false => vec![record],
            };
            Ok(rows)
        };
        let mut rows = self.0.store.read(read).await?;
        waits::add(&self.0, &mut rows).await?;
        let read = move |db: &Connection| {
            let graph = journal::find_graph(db, scheduled)?;
            let step = |record: Record| {
                let step = StepIndex(record.step.unwrap_or(0));
                let text = reuse::explanation(db, record.id)?;
                Ok(ExplainedStep {
                    explanation: text.and_then(|text| serde_json::from_str(&text).ok()),
                    interruptions: journal::interruptions(db, scheduled, step)?,
                    record,
                })
            };
            let steps = rows.into_iter().map(step);
            Ok((graph, steps.collect::<stepwell_store::Result<_>>()?))
        };
        let (graph, steps) = self.0.store.read(read).await?;
        let none = || Error::not_found(format!("run {scheduled} has no steps"));
        let (spec, graph) = graph.ok_or_else(none)?;
        Ok(Why {
            graph,
            regenerate_outputs: spec.regenerate_outputs,
            steps,
        })
    }
}

/// The run that the engine schedules a run as part of: a step's pipeline, else the run itself.
#[must_use]
pub fn scheduled(record: &Record) -> RunId {
    match record.parent {
        Some(parent) if record.kind == RunKind::Step => parent,
        _ => record.id,
    }
}

/// The run at the top and the step that a run is, where the engine runs it. The one step of a script
/// run is the run itself.
fn step_of(record: &Record) -> Option<(RunId, StepIndex)> {
    match record.kind {
        RunKind::Script => Some((record.id, StepIndex(0))),
        RunKind::Step => Some((record.parent?, StepIndex(record.step?))),
        RunKind::Pipeline | RunKind::Interactive => None,
    }
}

fn said(failure: Option<&StoredFailure>) -> Failure {
    let summary = failure.map_or("it was said to have failed", |failure| &failure.message);
    let mut said = Failure::new(FailureKind::UserCode, summary);
    if let Some(failure) = failure {
        said.detail.clone_from(&failure.detail);
        said.hint.clone_from(&failure.hint);
    }
    said
}
