//! A pipeline run with four steps, as the server would send it: what the views are tested with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stepwell_api::{FileInfo, Model, ModelDataset, Run, RunFailure, RunKind, RunStatus, RunUsage};
use uuid::Uuid;

/// The time at which the views are drawn.
pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:05:00Z".parse().expect("a time")
}

fn id(last: u32) -> Uuid {
    format!("0192f5c4-1111-7222-8333-44445555{last:04}")
        .parse()
        .expect("a uuid")
}

/// The pipeline.
pub(crate) fn pipeline() -> Run {
    Run {
        id: id(6666),
        kind: RunKind::Pipeline,
        experiment: "diabetes".to_owned(),
        number: 3,
        display_name: "nightly".to_owned(),
        description: String::new(),
        status: RunStatus::Failed,
        parent: None,
        root: id(6666),
        step: None,
        step_kind: None,
        target: None,
        snapshot: None,
        tags: BTreeMap::from([("team".to_owned(), "risk".to_owned())]),
        properties: BTreeMap::new(),
        parameters: BTreeMap::from([("rate".to_owned(), "0.1".to_owned())]),
        created_at: "2026-03-01T12:00:00.000Z".to_owned(),
        started_at: Some("2026-03-01T12:00:01.000Z".to_owned()),
        ended_at: Some("2026-03-01T12:01:13.500Z".to_owned()),
        error: None,
        usage: None,
        reused_from: None,
        published: None,
        files_removed_at: None,
        outputs: Vec::new(),
        user: "ada".to_owned(),
        waiting: None,
        queued_seconds: 0.0,
    }
}

/// Its steps: one done, one under way, one failed, one not started.
pub(crate) fn steps() -> Vec<Run> {
    let names = ["prepare", "train logistic", "train trees", "compare"];
    let states = [
        RunStatus::Completed,
        RunStatus::Running,
        RunStatus::Failed,
        RunStatus::NotStarted,
    ];
    (0..4)
        .map(|place| step(place, names[place as usize], states[place as usize]))
        .collect()
}

fn step(place: u32, name: &str, status: RunStatus) -> Run {
    let ended = status.is_over();
    Run {
        id: id(place + 1),
        kind: RunKind::Step,
        number: 0,
        display_name: name.to_owned(),
        status,
        parent: Some(id(6666)),
        step: Some(place),
        step_kind: Some("PythonScriptStep".to_owned()),
        target: Some("aml-cluster".to_owned()),
        tags: BTreeMap::new(),
        parameters: BTreeMap::new(),
        started_at: (status != RunStatus::NotStarted).then(|| "2026-03-01T12:00:01.000Z".to_owned()),
        ended_at: ended.then(|| "2026-03-01T12:00:13.400Z".to_owned()),
        usage: ended.then_some(RunUsage {
            exit_code: Some(i32::from(status == RunStatus::Failed)),
            signal: None,
            peak_memory_bytes: 48_000_000,
            cpu_seconds: 11.5,
            nodes: String::new(),
        }),
        error: (status == RunStatus::Failed).then(|| RunFailure {
            kind: "user_code".to_owned(),
            message: "`train.py` exited with code 1".to_owned(),
            detail: "Traceback (most recent call last):\n  File \"train.py\", line 3\nValueError: no rows".to_owned(),
            hint: "the whole log is shown by `stepwell logs last`".to_owned(),
        }),
        ..pipeline()
    }
}

/// A model that its second step made.
pub(crate) fn model() -> Model {
    let file = |name: &str, size| FileInfo {
        name: name.to_owned(),
        size,
    };
    Model {
        name: "churn".to_owned(),
        version: 3,
        run: Some(id(2)),
        experiment: Some("diabetes".to_owned()),
        snapshot: "0".repeat(64),
        is_file: false,
        files: vec![
            file("net/labels.txt", 120),
            file("net/weights.bin", 48_000_000),
        ],
        tags: BTreeMap::from([("champion".to_owned(), String::new())]),
        properties: BTreeMap::from([("auc".to_owned(), "0.91".to_owned())]),
        description: "who leaves".to_owned(),
        framework: Some("ScikitLearn".to_owned()),
        framework_version: Some("1.7".to_owned()),
        datasets: vec![ModelDataset {
            scenario: "training".to_owned(),
            dataset: id(9),
        }],
        sample_input_dataset: None,
        sample_output_dataset: None,
        resources: None,
        user: "ada".to_owned(),
        created_at: "2026-03-01T12:01:00.000Z".to_owned(),
    }
}
