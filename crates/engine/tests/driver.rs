//! The driver with its database and a played executor: what a crash leaves is taken up again.

mod common;

use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use stepwell_compute::fake::{FakeExecutor, Play};
use stepwell_engine::driver::{About, Engine, Start, Submission};
use stepwell_model::{Program, testing};
use stepwell_store::Store;
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
