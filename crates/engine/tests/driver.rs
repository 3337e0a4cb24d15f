//! The driver with its database and a played executor: what a crash leaves is taken up again.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use stepwell_compute::fake::{FakeExecutor, Play};
use stepwell_engine::driver::{About, Accepted, Engine, Start, Submission};
use stepwell_model::{Program, RunStatus, testing};
use stepwell_store::journal::Change;
use stepwell_store::{Store, runs};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;

use common::{context, graph, new_id};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that starts on the folder; its steps succeed at once, two at a time.
async fn server(folder: &Utf8Path) -> Engine {
    let (reporter, reports) = unbounded_channel();
    let start = Start {
        store: Store::open(&folder.join("stepwell.db")).expect("a database"),
        executors: FakeExecutor::everywhere(reporter, |_| Play::succeed()),
        reports,
        site: context(folder),
        cores: 2,
    };
    Engine::start(start).await.expect("it starts")
}

/// A run of so many steps that wait for nothing.
fn independent(steps: usize) -> Submission {
    let step = testing::step(testing::process(Program::Command("true".to_owned())));
    Submission {
        spec: testing::run(new_id()),
        graph: Arc::new(graph(vec![step; steps])),
        about: About::default(),
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn an_accepted_run_that_the_loop_never_heard_of_takes_its_slots_once() {
    let guard = camino_tempfile::tempdir().expect("a folder");
    let folder = guard.path();
    // On one thread nothing else runs between the answer and the crash.
    runtime().block_on(async {
        let engine = server(folder).await;
        engine.submit(independent(5)).await.expect("accepted");
    });
    runtime().block_on(async {
        let engine = server(folder).await;
        let mut active = engine.active_runs();
        let over = active.wait_for(|active| *active == 0);
        let in_time = tokio::time::timeout(PATIENCE, over).await.is_ok();
        let loads = engine.loads().await.expect("it lives");
        assert!(in_time, "stuck: {loads:?}");
        assert!(loads.is_empty(), "{loads:?}");
    });
}

/// A run of one step under a key.
fn keyed(key: &str) -> Submission {
    let about = About {
        idempotency_key: Some(key.to_owned()),
        ..About::default()
    };
    Submission {
        about,
        ..independent(1)
    }
}

#[test]
fn a_batch_that_is_sent_again_in_another_cut_doubles_no_run_and_loses_none() {
    let guard = camino_tempfile::tempdir().expect("a folder");
    let folder = guard.path();
    let batch = |numbers: std::ops::Range<usize>| {
        let one = |number| keyed(&format!("trial-{number}"));
        numbers.map(one).collect::<Vec<_>>()
    };
    // The crash comes before the loop hears of a run, and before the answer is read.
    let first = runtime().block_on(async {
        let engine = server(folder).await;
        engine.submit_all(batch(0..4)).await.expect("accepted")
    });
    let new = |accepted: &Accepted| matches!(accepted, Accepted::New(_));
    assert!(first.iter().all(new), "{first:?}");
    runtime().block_on(async {
        let engine = server(folder).await;
        let mut changes = engine.watch();
        let again = engine.submit_all(batch(2..6)).await.expect("accepted");
        let before: Vec<_> = first[2..]
            .iter()
            .map(|one| Accepted::Before(one.run()))
            .collect();
        assert_eq!(again[..2], before[..]);
        assert!(again[2..].iter().all(new), "{again:?}");
        // The loop has heard of the new ones when they have ended.
        let mut open: BTreeSet<_> = again[2..].iter().map(|one| one.run()).collect();
        while !open.is_empty() {
            let group = tokio::time::timeout(PATIENCE, changes.recv()).await;
            let group = group.expect("stuck").expect("it lives");
            let is_end = |change: &&Change| change.step.is_none() && change.status.is_terminal();
            for change in group.iter().filter(is_end) {
                open.remove(&change.run);
            }
        }
        let mut active = engine.active_runs();
        let over = active.wait_for(|active| *active == 0);
        assert!(tokio::time::timeout(PATIENCE, over).await.is_ok(), "stuck");
        let filter = runs::Filter {
            top_level: true,
            ..runs::Filter::default()
        };
        let store = Store::open(&folder.join("stepwell.db")).expect("a database");
        let found = store.read(move |db| runs::list(db, &filter, 100)).await;
        let found = found.expect("read");
        let completed = |run: &runs::Record| run.status == RunStatus::Completed;
        assert_eq!(found.iter().filter(|run| completed(run)).count(), 6);
        assert_eq!(found.len(), 6);
    });
}

#[test]
fn a_batch_of_which_one_cannot_be_stored_stores_none() {
    let guard = camino_tempfile::tempdir().expect("a folder");
    let folder = guard.path();
    runtime().block_on(async {
        let engine = server(folder).await;
        let (first, mut second) = (keyed("a"), keyed("b"));
        // Ids are unique: the second run cannot be stored.
        second.spec.id = first.spec.id;
        let refused = engine.submit_all(vec![first, second]).await;
        assert!(refused.is_err(), "{refused:?}");
        let again = engine.submit_all(vec![keyed("a")]).await.expect("accepted");
        assert!(matches!(again[..], [Accepted::New(_)]), "{again:?}");
    });
}
