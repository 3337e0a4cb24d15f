//! Runs, changes and metrics as clients see them.

use stepwell_api as api;
use stepwell_datastore::Registry;
use stepwell_layout::{Drawing, Edge, EdgeKind, Node, NodeState};
use stepwell_model::{Graph, InputSource, RunKind, RunStatus, Timestamp, WaitReason};
use stepwell_store::journal::Change;
use stepwell_store::runs::{OutputPlace, Record, StoredFailure};

pub(crate) fn run(record: Record, datastores: &Registry) -> api::Run {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    api::Run {
        id: record.id.uuid(),
        kind: kind(record.kind),
        experiment: record.experiment,
        number: record.number,
        display_name: record.display_name,
        description: record.description,
        status: status(record.status),
        parent: record.parent.map(|run| run.uuid()),
        root: record.root.uuid(),
        step: record.step,
        step_kind: record.step_kind,
        target: record.target,
        snapshot: record.snapshot,
        tags: record.tags,
        properties: record.properties,
        parameters: record.parameters,
        created_at: record.created.to_string(),
        started_at: time(record.started),
        ended_at: time(record.ended),
        error: record.failure.map(failure),
        usage: record.usage.map(|usage| api::RunUsage {
            exit_code: usage.exit_code,
            signal: usage.signal,
            peak_memory_bytes: usage.peak_memory_bytes,
            cpu_seconds: std::time::Duration::from_millis(usage.user_ms + usage.system_ms)
                .as_secs_f64(),
            nodes: usage.nodes,
        }),
        reused_from: record.reused_from.map(|run| run.uuid()),
        published: record.published,
        files_removed_at: record.pruned.map(|at| at.to_string()),
        outputs: record
            .outputs
            .into_iter()
            .map(|place| output(place, datastores))
            .collect(),
        user: record.user,
        waiting: record
            .waiting
            .map(|wait| waiting(wait.reason, &wait.detail, wait.since)),
        queued_seconds: std::time::Duration::from_millis(record.queued_ms).as_secs_f64(),
    }
}

/// What a run waits for.
pub(crate) fn waiting(reason: WaitReason, detail: &str, since: Timestamp) -> api::RunWait {
    api::RunWait {
        reason: reason.as_str().to_owned(),
        message: reason.message(detail),
        since: since.to_string(),
    }
}

/// The wire's kind.
pub(crate) const fn kind(kind: RunKind) -> api::RunKind {
    match kind {
        RunKind::Pipeline => api::RunKind::Pipeline,
        RunKind::Step => api::RunKind::Step,
        RunKind::Script => api::RunKind::Script,
        RunKind::Interactive => api::RunKind::Interactive,
    }
}

/// The wire's status.
pub(crate) const fn status(status: RunStatus) -> api::RunStatus {
    match status {
        RunStatus::NotStarted => api::RunStatus::NotStarted,
        RunStatus::Queued => api::RunStatus::Queued,
        RunStatus::Preparing => api::RunStatus::Preparing,
        RunStatus::Running => api::RunStatus::Running,
        RunStatus::CancelRequested => api::RunStatus::CancelRequested,
        RunStatus::Canceled => api::RunStatus::Canceled,
        RunStatus::Completed => api::RunStatus::Completed,
        RunStatus::Failed => api::RunStatus::Failed,
    }
}

/// The status of a run that a program has ended.
pub(crate) const fn end_status(status: api::EndStatus) -> RunStatus {
    match status {
        api::EndStatus::Canceled => RunStatus::Canceled,
        api::EndStatus::Completed => RunStatus::Completed,
        api::EndStatus::Failed => RunStatus::Failed,
    }
}

fn output(place: OutputPlace, datastores: &Registry) -> api::OutputInfo {
    let path = datastores.local(&place.datastore, &place.path);
    api::OutputInfo {
        local_path: path.map(camino::Utf8PathBuf::into_string),
        name: place.name,
        datastore: place.datastore,
        path: place.path,
        run: place.run.uuid(),
    }
}

fn failure(failure: StoredFailure) -> api::RunFailure {
    api::RunFailure {
        kind: failure.kind,
        message: failure.message,
        detail: failure.detail,
        hint: failure.hint,
    }
}

pub(crate) fn stored_failure(failure: api::RunFailure) -> StoredFailure {
    StoredFailure {
        kind: failure.kind,
        message: failure.message,
        detail: failure.detail,
        hint: failure.hint,
    }
}

pub(crate) fn event(change: &Change) -> api::RunEvent {
    api::RunEvent {
        seq: change.seq,
        at: change.at.to_string(),
        run: change.run.uuid(),
        root: change.root.uuid(),
        step: change.step.map(|step| step.0),
        status: status(change.status),
        message: change.message.clone(),
        logged: None,
    }
}

/// The picture of a graph whose steps have these rows, in the graph's order.
pub(crate) fn drawing(title: String, graph: &Graph, rows: &[Record]) -> Drawing {
    let node = |(index, step): (usize, &stepwell_model::Step)| Node {
        label: step.spec.name.clone(),
        detail: format!("{} on {}", step.spec.kind, step.spec.target),
        state: rows.get(index).map_or(NodeState::Plain, state),
        note: rows.get(index).map(duration).unwrap_or_default(),
    };
    let mut edges = Vec::new();
    for (to, step) in (0..).zip(graph.steps()) {
        for input in &step.spec.inputs {
            if let InputSource::Step { step: from, output } = &input.source {
                let label = output.clone();
                edges.push(Edge {
                    from: from.0,
                    to,
                    kind: EdgeKind::Data,
                    label,
                });
            }
        }
        for from in &step.spec.after {
            let label = String::new();
            edges.push(Edge {
                from: from.0,
                to,
                kind: EdgeKind::Order,
                label,
            });
        }
    }
    Drawing {
        title,
        nodes: graph.steps().iter().enumerate().map(node).collect(),
        edges,
    }
}

fn state(row: &Record) -> NodeState {
    let skipped = row
        .failure
        .as_ref()
        .is_some_and(|failure| failure.kind == "skipped");
    match row.status {
        RunStatus::NotStarted => NodeState::Waiting,
        RunStatus::Queued => NodeState::Queued,
        RunStatus::Preparing => NodeState::Preparing,
        RunStatus::Running | RunStatus::CancelRequested => NodeState::Running,
        RunStatus::Completed if row.reused_from.is_some() => NodeState::Reused,
        RunStatus::Completed => NodeState::Succeeded,
        RunStatus::Failed => NodeState::Failed,
        RunStatus::Canceled if skipped => NodeState::Skipped,
        RunStatus::Canceled => NodeState::Cancelled,
    }
}

/// How long a step took, as a person says it.
fn duration(row: &Record) -> String {
    let (Some(started), Some(ended)) = (row.started, row.ended) else {
        return String::new();
    };
    let millis = (ended.as_millis() - started.as_millis()).max(0);
    let seconds = millis / 1_000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, millis % 1_000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}
