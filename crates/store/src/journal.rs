//! The journal of all runs, and the rows of `runs` that follow from it.
//!
//! Invariant: an event and what it changes in `runs` are written in one transaction, so that the
//! status of a row is always the fold of the journal. Of a run that a program opened itself the
//! journal has its beginning and its end.

use rusqlite::{Connection, OptionalExtension, Params, params};
use stepwell_model::{
    Event, Failure, Graph, Outcome, RunId, RunSpec, RunStatus, SkipReason, StepIndex, Timestamp,
    Usage, WaitReason,
};

use crate::columns::{self, id};
use crate::runs::{StoredFailure, Waiting};
use crate::{Error, Result, reuse};

/// A change that people see: the status of one run became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The place in the journal of the event that made it.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The run at the top: the pipeline, or the script itself.
    pub root: RunId,
    /// The run whose status changed.
    pub run: RunId,
    /// Of a step: its place in the graph.
    pub step: Option<StepIndex>,
    /// The new status.
    pub status: RunStatus,
    /// Why, when it failed, was skipped or was reused.
    pub message: Option<String>,
}

/// What is asked of a run, as it is stored.
///
/// # Errors
/// None that is known: the types have a text.
pub fn spec_json(spec: &RunSpec) -> Result<String> {
    columns::json("run", spec)
}

/// A graph, as it is stored.
///
/// # Errors
/// None that is known: the types have a text.
pub fn graph_json(graph: &Graph) -> Result<String> {
    columns::json("graph", graph)
}

/// Remembers what a scheduled run was asked to do: texts of [`spec_json`] and [`graph_json`].
///
/// # Errors
/// Those of the database.
pub fn insert_graph(connection: &Connection, run: RunId, spec: &str, graph: &str) -> Result<()> {
    let insert = "INSERT INTO graphs (run, spec_json, graph_json) VALUES (?, ?, ?)";
    connection
        .prepare_cached(insert)?
        .execute(params![id(run), spec, graph])?;
    Ok(())
}

/// What a scheduled run was asked to do.
///
/// # Errors
/// Those of the database.
pub fn find_graph(connection: &Connection, run: RunId) -> Result<Option<(RunSpec, Graph)>> {
    let query = "SELECT spec_json, graph_json FROM graphs WHERE run = ?";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let Some((spec, graph)) = statement.query_row([id(run)], read).optional()? else {
        return Ok(None);
    };
    Ok(Some((
        columns::from_json("run", &spec)?,
        columns::from_json("graph", &graph)?,
    )))
}

/// In the words of the index `runs_open`, so that it is used.
const OPEN_RUNS: &str = "SELECT id FROM runs
    WHERE status <> 'Completed' AND status <> 'Failed' AND status <> 'Canceled'
    AND kind <> 'step' AND kind <> 'interactive' ORDER BY seq";

/// A run that is not over, as the journal has it.
#[derive(Debug)]
pub struct OpenRun {
    /// What was asked for.
    pub spec: RunSpec,
    /// Its steps.
    pub graph: Graph,
    /// What happened so far, and when.
    pub events: Vec<(Timestamp, Event)>,
}

/// Every scheduled run that is not over, oldest first.
///
/// # Errors
/// Those of the database.
pub fn open_runs(connection: &Connection) -> Result<Vec<OpenRun>> {
    let mut statement = connection.prepare_cached(OPEN_RUNS)?;
    let ids = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut open = Vec::new();
    for run in ids.into_iter().map(columns::run_id) {
        let Some((spec, graph)) = find_graph(connection, run)? else {
            continue;
        };
        let events = events(connection, run)?;
        open.push(OpenRun {
            spec,
            graph,
            events,
        });
    }
    Ok(open)
}

fn events(connection: &Connection, run: RunId) -> Result<Vec<(Timestamp, Event)>> {
    let query = "SELECT at_ms, event_json FROM journal WHERE run = ? ORDER BY seq";
    let mut statement = connection.prepare_cached(query)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
    let rows = statement.query_map([id(run)], read)?;
    let event = |row: rusqlite::Result<(i64, String)>| {
        let (at, text) = row?;
        Ok((
            Timestamp::from_millis(at),
            columns::from_json("event", &text)?,
        ))
    };
    rows.map(event).collect()
}

/// The attempts at a step that were interrupted, in their order: number and cause.
///
/// # Errors
/// Those of the database.
pub fn interruptions(
    connection: &Connection,
    root: RunId,
    step: StepIndex,
) -> Result<Vec<(u32, Failure)>> {
    let query = "SELECT event_json FROM journal WHERE run = ?
                 AND json_extract(event_json, '$.e') = 'interrupted'
                 AND json_extract(event_json, '$.step') = ? ORDER BY seq";
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(params![id(root), step.0], |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for text in rows {
        if let Event::Interrupted {
            attempt, failure, ..
        } = columns::from_json("event", &text?)?
        {
            found.push((attempt, failure));
        }
    }
    Ok(found)
}

/// The number of the newest event; 0 when there is none.
///
/// # Errors
/// Those of the database.
pub fn newest(connection: &Connection) -> Result<i64> {
    let query = "SELECT coalesce(max(seq), 0) FROM journal";
    Ok(connection
        .prepare_cached(query)?
        .query_row([], |row| row.get(0))?)
}

/// The number before the first event of a scheduled run; 0 when there is none.
///
/// # Errors
/// Those of the database.
pub fn before(connection: &Connection, run: RunId) -> Result<i64> {
    let query = "SELECT coalesce(min(seq) - 1, 0) FROM journal WHERE run = ?";
    Ok(connection
        .prepare_cached(query)?
        .query_row([id(run)], |row| row.get(0))?)
}

/// What became of all runs after an event of the journal, in its order, from at most `limit`
/// events; and the number of the last event that was read.
///
/// # Errors
/// Those of the database.
pub fn all_changes_after(
    connection: &Connection,
    after: i64,
    limit: usize,
) -> Result<(Vec<Change>, i64)> {
    let query = "SELECT j.seq, j.at_ms, j.event_json, s.id, j.run FROM journal j
        LEFT JOIN runs s ON s.parent = j.run AND s.step = json_extract(j.event_json, '$.step')
        WHERE j.seq > ? ORDER BY j.seq LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    read_changes(connection, query, params![after, limit], after)
}

/// The same of the runs alone whose parent is one run, without the changes of their steps; with
/// `only_ends` nothing but their ends. The join is in this order so that it costs what was added to the
/// journal, not how many children there are.
///
/// # Errors
/// Those of the database.
pub fn child_changes_after(
    connection: &Connection,
    parent: RunId,
    only_ends: bool,
    after: i64,
    limit: usize,
) -> Result<(Vec<Change>, i64)> {
    let wanted = match only_ends {
        // What an event is stands at its beginning, so that others are not parsed.
        true => r#"j.event_json GLOB '{"e":"finished"*'"#,
        false => "json_extract(j.event_json, '$.step') IS NULL",
    };
    let query = format!(
        "SELECT j.seq, j.at_ms, j.event_json, NULL, j.run FROM journal j
         CROSS JOIN runs r ON r.id = j.run
         WHERE j.seq > ? AND {wanted} AND r.parent = ? ORDER BY j.seq LIMIT ?"
    );
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = read_changes(connection, &query, params![after, id(parent), most], after)?;
    match found.0.len() < limit {
        // What comes after the last of theirs was looked at as well.
        true => Ok((found.0, newest(connection)?.max(after))),
        false => Ok(found),
    }
}

fn read_changes(
    connection: &Connection,
    query: &str,
    parameters: impl Params,
    after: i64,
) -> Result<(Vec<Change>, i64)> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(parameters)?;
    let (mut changes, mut last) = (Vec::new(), after);
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        let event: Event = columns::from_json("event", &row.get::<_, String>(2)?)?;
        let root = columns::run_id(row.get(4)?);
        let step_run = row.get::<_, Option<_>>(3)?.map_or(root, columns::run_id);
        let at = Timestamp::from_millis(row.get(1)?);
        changes.extend(Change::of(last, at, root, step_run, &event));
    }
    Ok((changes, last))
}

/// The changes of a run's tree after a place in the journal.
///
/// # Errors
/// Those of the database.
pub fn changes_after(connection: &Connection, root: RunId, after: i64) -> Result<Vec<Change>> {
    let query = "SELECT j.seq, j.at_ms, j.event_json, s.id FROM journal j
        LEFT JOIN runs s ON s.parent = j.run AND s.step = json_extract(j.event_json, '$.step')
        WHERE j.run = ? AND j.seq > ? ORDER BY j.seq";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(params![id(root), after])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let event: Event = columns::from_json("event", &row.get::<_, String>(2)?)?;
        // The one step of a script run is the run itself.
        let step_run = row.get::<_, Option<_>>(3)?.map_or(root, columns::run_id);
        let at = Timestamp::from_millis(row.get(1)?);
        changes.extend(Change::of(row.get(0)?, at, root, step_run, &event));
    }
    Ok(changes)
}

impl Change {
    /// What people see of an event, if anything.
    fn of(seq: i64, at: Timestamp, root: RunId, step_run: RunId, event: &Event) -> Option<Self> {
        let (run, step, status, message) = match event {
            Event::Submitted => (root, None, RunStatus::NotStarted, None),
            Event::Began => (root, None, RunStatus::Running, None),
            Event::Assigned { step, .. } => (step_run, Some(*step), RunStatus::Preparing, None),
            Event::Waiting {
                step,
                reason,
                detail,
                ..
            } => {
                let message = reason.message(detail);
                (step_run, Some(*step), reason.status(), Some(message))
            }
            Event::Started { step, .. } => (step_run, Some(*step), RunStatus::Running, None),
            Event::Reused { step, .. } => {
                let message = "reused: it has the outputs of an identical earlier step".to_owned();
                (step_run, Some(*step), RunStatus::Completed, Some(message))
            }
            Event::Ended { step, outcome, .. } => {
                let (status, message) = match outcome {
                    Outcome::Succeeded(_) => (RunStatus::Completed, None),
                    Outcome::Failed(failure, _) => {
                        (RunStatus::Failed, Some(failure.summary.clone()))
                    }
                    Outcome::Cancelled(_) => (RunStatus::Canceled, None),
                };
                (step_run, Some(*step), status, message)
            }
            Event::Interrupted { step, failure, .. } => {
                let message = format!("interrupted, and goes on: {}", failure.summary);
                (step_run, Some(*step), RunStatus::Queued, Some(message))
            }
            Event::Skipped { step, because } => (
                step_run,
                Some(*step),
                skipped_as(because),
                Some(words(because).to_owned()),
            ),
            Event::CancelAsked => (root, None, RunStatus::CancelRequested, None),
            Event::StepCancelAsked { step } => {
                (step_run, Some(*step), RunStatus::CancelRequested, None)
            }
            Event::FailAsked { stops: false, .. } => return None,
            Event::FailAsked { step, .. } => {
                (step_run, Some(*step), RunStatus::CancelRequested, None)
            }
            Event::Finished { status } => (root, None, *status, None),
        };
        Some(Self {
            seq,
            at,
            root,
            run,
            step,
            status,
            message,
        })
    }
}

/// The status of a step that never starts.
fn skipped_as(because: &SkipReason) -> RunStatus {
    match because {
        SkipReason::SaidToFail(_) => RunStatus::Failed,
        _ => RunStatus::Canceled,
    }
}

fn words(because: &SkipReason) -> &str {
    match because {
        SkipReason::Upstream(_) => "not started: a step it depends on failed",
        SkipReason::RunFailed(_) => "not started: another step of the pipeline failed",
        SkipReason::Cancelled => "not started: the run was cancelled",
        SkipReason::StepCancelled => "not started: it was cancelled",
        SkipReason::SaidToFail(failure) => &failure.summary,
    }
}

/// Appends an event of the run `root` and changes the rows that show it. `step_run` is the run of
/// the step that the event is about, or `root`.
///
/// # Errors
/// Those of the database.
pub fn append(
    connection: &Connection,
    root: RunId,
    step_run: RunId,
    event: &Event,
    at: Timestamp,
) -> Result<Option<Change>> {
    let seq = insert(connection, root, event, at)?;
    project(connection, root, step_run, event, at)?;
    Ok(Change::of(seq, at, root, step_run, event))
}

/// Appends an event of a run that a program opened itself, whose row the caller changes in the same
/// transaction.
///
/// # Errors
/// Those of the database.
pub fn append_interactive(
    connection: &Connection,
    run: RunId,
    event: &Event,
    at: Timestamp,
) -> Result<Option<Change>> {
    let seq = insert(connection, run, event, at)?;
    Ok(Change::of(seq, at, run, run, event))
}

fn insert(connection: &Connection, root: RunId, event: &Event, at: Timestamp) -> Result<i64> {
    let insert = "INSERT INTO journal (run, at_ms, event_json) VALUES (?, ?, ?)";
    let text = columns::json("event", event)?;
    connection
        .prepare_cached(insert)?
        .execute(params![id(root), at.as_millis(), text])?;
    Ok(connection.last_insert_rowid())
}

/// Sets that nothing is waited for any more, and adds to the time in queues what was waited in one
/// until now, which is the parameter `?1`.
macro_rules! waits_no_more {
    () => {
        "waiting_json = NULL, queued_ms = CASE waiting_json ->> 'for' WHEN 'cluster_queue'
         THEN queued_ms + max(0, ?1 - (waiting_json ->> 'since')) ELSE queued_ms END"
    };
}

/// Runs one prepared change.
fn perform(connection: &Connection, sql: &str, values: impl Params) -> Result<()> {
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn project(
    connection: &Connection,
    root: RunId,
    step_run: RunId,
    event: &Event,
    at: Timestamp,
) -> Result<()> {
    let at_ms = at.as_millis();
    match event {
        Event::Submitted => Ok(()),
        Event::Assigned { .. } => {
            let update = "UPDATE runs SET status = 'Preparing' WHERE id = ?";
            perform(connection, update, [id(step_run)])
        }
        Event::Waiting { reason, detail, .. } => {
            project_wait(connection, step_run, *reason, detail, at)
        }
        Event::Began => {
            let update = "UPDATE runs SET status = 'Running', started_ms = coalesce(started_ms, ?)
                WHERE id = ? AND status = 'NotStarted'";
            let values = params![at_ms, id(root)];
            perform(connection, update, values)
        }
        Event::Started { .. } => {
            let update = concat!(
                "UPDATE runs SET status = 'Running', started_ms = coalesce(started_ms, ?1), ",
                waits_no_more!(),
                " WHERE id = ?2 AND status IN ('NotStarted', 'Preparing', 'Queued')"
            );
            let values = params![at_ms, id(step_run)];
            perform(connection, update, values)
        }
        Event::Reused { source, .. } => reuse::project(connection, step_run, *source, at),
        Event::Ended { outcome, .. } => project_end(connection, step_run, outcome, at),
        Event::Interrupted { .. } => {
            let update = concat!(
                "UPDATE runs SET status = 'Queued', ",
                waits_no_more!(),
                " WHERE id = ?2"
            );
            let values = params![at_ms, id(step_run)];
            perform(connection, update, values)
        }
        Event::Skipped { because, .. } => project_skip(connection, step_run, because, at),
        Event::CancelAsked => {
            let update = "UPDATE runs SET status = 'CancelRequested' WHERE id = ?1
                          OR (parent = ?1 AND status IN ('Queued', 'Preparing', 'Running'))";
            perform(connection, update, [id(root)])
        }
        Event::FailAsked { stops: false, .. } => Ok(()),
        Event::StepCancelAsked { .. } | Event::FailAsked { .. } => {
            let update = "UPDATE runs SET status = 'CancelRequested' WHERE id = ?
                          AND status IN ('Preparing', 'Running')";
            perform(connection, update, [id(step_run)])
        }
        Event::Finished { status } => finish(connection, root, *status, at),
    }
}

/// What is waited for under another detail is waited for since it was first recorded.
fn project_wait(
    connection: &Connection,
    step_run: RunId,
    reason: WaitReason,
    detail: &str,
    at: Timestamp,
) -> Result<()> {
    let waiting = Waiting {
        reason,
        detail: detail.to_owned(),
        since: at,
    };
    let update = "UPDATE runs SET status = ?2,
        waiting_json = CASE waiting_json ->> 'for' WHEN ?3
            THEN json_set(?4, '$.since', waiting_json ->> 'since') ELSE ?4 END,
        queued_ms = CASE waiting_json ->> 'for' WHEN ?3 THEN queued_ms
            WHEN 'cluster_queue' THEN queued_ms + max(0, ?1 - (waiting_json ->> 'since'))
            ELSE queued_ms END
        WHERE id = ?5";
    let values = params![
        at.as_millis(),
        reason.status().as_str(),
        reason.as_str(),
        columns::json("wait", &waiting)?,
        id(step_run)
    ];
    perform(connection, update, values)
}

fn project_skip(
    connection: &Connection,
    step_run: RunId,
    because: &SkipReason,
    at: Timestamp,
) -> Result<()> {
    let failure = match because {
        SkipReason::SaidToFail(failure) => StoredFailure::from(failure),
        _ => StoredFailure {
            kind: "skipped".to_owned(),
            message: words(because).to_owned(),
            detail: String::new(),
            hint: String::new(),
        },
    };
    let update = "UPDATE runs SET status = ?, ended_ms = ?, failure_json = ? WHERE id = ?";
    let values = params![
        skipped_as(because).as_str(),
        at.as_millis(),
        columns::json("failure", &failure)?,
        id(step_run)
    ];
    perform(connection, update, values)
}

fn project_end(
    connection: &Connection,
    step_run: RunId,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<()> {
    let (status, failure) = match outcome {
        Outcome::Succeeded(_) => (RunStatus::Completed, None),
        Outcome::Failed(failure, _) => (RunStatus::Failed, Some(StoredFailure::from(failure))),
        Outcome::Cancelled(_) => (RunStatus::Canceled, None),
    };
    let usage: &Usage = outcome.usage();
    let started = usage.started.map(Timestamp::as_millis);
    let ended = usage.ended.unwrap_or(at).as_millis();
    let failure = failure
        .map(|failure| columns::json("failure", &failure))
        .transpose()?;
    let update = concat!(
        "UPDATE runs SET status = ?2, failure_json = ?3, usage_json = ?4,
         started_ms = coalesce(?5, started_ms), ended_ms = ?6, ",
        waits_no_more!(),
        " WHERE id = ?7"
    );
    let usage = columns::json("usage", usage)?;
    let values = params![
        at.as_millis(),
        status.as_str(),
        failure,
        usage,
        started,
        ended,
        id(step_run)
    ];
    perform(connection, update, values)
}

/// A failed pipeline says which step failed first, in that step's words.
fn finish(connection: &Connection, root: RunId, status: RunStatus, at: Timestamp) -> Result<()> {
    let failure = match status {
        RunStatus::Failed => first_failure(connection, root)?,
        _ => None,
    };
    // A run whose steps were all reused has begun although no program of it has run.
    let update = "UPDATE runs SET status = ?1, failure_json = coalesce(failure_json, ?2),
                  started_ms = coalesce(started_ms,
                      (SELECT min(step.started_ms) FROM runs step WHERE step.parent = ?4),
                      CASE ?1 WHEN 'Completed' THEN ?3 END),
                  ended_ms = coalesce(ended_ms, ?3) WHERE id = ?4";
    let values = params![status.as_str(), failure, at.as_millis(), id(root)];
    let changed = connection.prepare_cached(update)?.execute(values)?;
    match changed {
        1 => Ok(()),
        _ => Err(Error::Unreadable {
            what: "run",
            reason: format!("{root} has no row"),
        }),
    }
}

/// The failure of the step that failed first, as that of its run.
fn first_failure(connection: &Connection, root: RunId) -> Result<Option<String>> {
    let query = "SELECT display_name, failure_json FROM runs
                 WHERE parent = ? AND status = 'Failed' ORDER BY ended_ms, seq LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let mut statement = connection.prepare_cached(query)?;
    let Some((step, failure)) = statement.query_row([id(root)], read).optional()? else {
        return Ok(None);
    };
    let mut failure: StoredFailure = columns::from_json("failure", &failure)?;
    failure.message = format!("step `{step}` failed: {}", failure.message);
    columns::json("failure", &failure).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One column of what SQLite says of a statement.
    fn explained(connection: &Connection, statement: &str, column: &str) -> Vec<String> {
        let mut statement = connection.prepare(statement).expect("compiles");
        let rows = statement.query_map([], |row| row.get(column));
        let rows = rows.expect("explained").collect::<Result<_, _>>();
        rows.expect("texts")
    }

    #[test]
    fn open_runs_have_an_index_that_costs_a_step_no_table() {
        let mut connection = Connection::open_in_memory().expect("opened");
        crate::migrate::migrate(&mut connection, &":memory:".into()).expect("made");
        let plan = explained(
            &connection,
            &format!("EXPLAIN QUERY PLAN {OPEN_RUNS}"),
            "detail",
        );
        assert!(plan[0].contains("runs_open"), "{plan:?}");
        let update = "EXPLAIN UPDATE runs SET status = 'Running' WHERE id = x'00'";
        let codes = explained(&connection, update, "opcode");
        assert!(codes.contains(&"OpenWrite".to_owned()), "{codes:?}");
        assert!(!codes.contains(&"OpenEphemeral".to_owned()), "{codes:?}");
    }
}
