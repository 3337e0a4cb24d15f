//! Native work: a worker of Stepwell's own reads what to do from a file, and writes why it fails.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8Path;
use serde_json::{Value, json};
use stepwell_compute::{Job, JobInput, Work, Worker};
use stepwell_model::{FailureKind, Outcome};

use crate::rig::{Rig, failure, input};

/// A job whose worker, a command of the `stepwell` program, is a script of shell.
fn native(rig: &Rig, script: &str) -> Job {
    let program = rig.root().join("bin/stepwell");
    fs_err::create_dir_all(program.parent().expect("a folder")).expect("a folder");
    fs_err::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a program");
    let mode = std::fs::Permissions::from_mode(0o755);
    fs_err::set_permissions(&program, mode).expect("a mode");
    let mut job = rig.shell("");
    job.work = Work::Native {
        worker: Worker::Command("do-it".to_owned()),
        request: json!({"mode": "copy"}),
        python: None,
        snapshot: None,
    };
    job.stages_data = false;
    job.inputs = vec![JobInput {
        datastore: "blob".to_owned(),
        ..input("source", "a/b")
    }];
    job
}

#[tokio::test]
async fn a_worker_finds_its_request_which_nobody_else_may_read() {
    let mut rig = Rig::local();
    let script = "cp $STEPWELL_REQUEST outputs/request.json && stat -c %a $STEPWELL_REQUEST && \
                  echo $1";
    let job = native(&rig, script);
    let outcome = rig.run(&job).await;
    assert!(
        matches!(outcome, Outcome::Succeeded(_)),
        "{}",
        rig.log(&job)
    );
    assert_eq!(rig.log(&job), "600\ndo-it\n");
    let request: Value =
        serde_json::from_str(&rig.file(&job, "outputs/request.json")).expect("JSON");
    assert_eq!(request["version"], 1);
    assert_eq!(request["run"], job.attempt.run.to_string());
    assert_eq!(request["task"], json!({"mode": "copy"}));
    let source = json!({"datastore": "blob", "path": "a/b", "local": null});
    assert_eq!(request["inputs"]["source"], source);
    for folder in ["state", "files"] {
        let path = request[folder].as_str().expect("a path");
        assert!(
            Utf8Path::new(path).starts_with(rig.run_folder(&job)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_a_worker_reports_is_the_failure_of_the_step() {
    let mut rig = Rig::local();
    let script = r#"echo '{"kind": "storage", "summary": "the container is full", "hint": "make room"}' > $STEPWELL_FAILURE
        echo 'error: 507' >&2; exit 1"#;
    let job = native(&rig, script);
    let outcome = rig.run(&job).await;
    assert_eq!(outcome.usage().exit_code, Some(1));
    let reported = failure(outcome);
    assert_eq!(reported.kind, FailureKind::Storage);
    assert_eq!(reported.summary, "the container is full");
    assert_eq!(
        (reported.hint.as_str(), reported.detail.as_str()),
        ("make room", "error: 507")
    );
}

#[tokio::test]
async fn a_worker_that_reports_nothing_of_use_has_failed_all_the_same() {
    let mut rig = Rig::local();
    for report in ["true", "echo '{' > $STEPWELL_FAILURE"] {
        let job = native(&rig, &format!("{report}; exit 4"));
        let reported = failure(rig.run(&job).await);
        assert_eq!(reported.summary, "the step's worker exited with status 4");
    }
}

#[tokio::test]
async fn a_failure_that_is_reported_does_not_undo_a_success() {
    let mut rig = Rig::local();
    let job = native(
        &rig,
        r#"echo '{"kind": "storage", "summary": "x"}' > $STEPWELL_FAILURE"#,
    );
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_worker_that_is_not_installed_is_told_with_how_to_get_it() {
    let mut rig = Rig::local();
    let mut job = rig.shell("");
    job.work = Work::Native {
        worker: Worker::Sibling("stepwell-no-such-worker".to_owned()),
        request: Value::Null,
        python: None,
        snapshot: None,
    };
    let reported = rig.refused(&job).await;
    assert_eq!(reported.kind, FailureKind::Environment);
    assert!(reported.hint.contains("beside"), "{reported:?}");
}
