//! The driver with its database and a played executor: what a crash leaves is taken up again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use stepwell_compute::fake::{FakeExecutor, Play};
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_engine::driver::{About, Engine, Start, StepContext, Submission, TokenOf};
use stepwell_model::{
    EnvironmentSpec, Graph, ProcessTask, Program, RunId, RunKind, RunSpec, Step, StepSpec,
    TargetName, Task,
};
use stepwell_store::Store;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;
use uuid::Uuid;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that starts on the folder; its steps succeed at once, two at a time.
async fn server(folder: &Utf8Path) -> Engine {
    let (reporter, reports) = unbounded_channel();
    let start = Start {
        store: Store::open(&folder.join("stepwell.db")).expect("a database"),
        executors: FakeExecutor::everywhere(reporter, |_| Play::succeed()),
        reports,
        site: StepContext {
            folder: DataFolder::new(folder),
            datastores: datastores(folder),
            url: String::new(),
            token: TokenOf::new(|run| run.to_string()),
            workspace: String::new(),
            workspace_id: String::new(),
            subscription_id: String::new(),
            resource_group: String::new(),
        },
        cores: 2,
    };
    Engine::start(start).await.expect("it starts")
}

/// A run of so many steps that wait for nothing.
fn independent(steps: usize) -> Submission {
    let step = |_| Step {
        run: RunId::new(Uuid::now_v7()),
        spec: StepSpec {
            name: "step".to_owned(),
            kind: "PythonScriptStep".to_owned(),
            target: TargetName::new("t"),
            task: Task::Process(ProcessTask {
                program: Program::Command("true".to_owned()),
                arguments: Vec::new(),
                snapshot: None,
                environment: EnvironmentSpec::Interpreter {
                    python: "/usr/bin/python3".to_owned(),
                },
                variables: BTreeMap::new(),
                parameter_variables: BTreeMap::new(),
                timeout_s: None,
                distribution: None,
            }),
            inputs: Vec::new(),
            outputs: Vec::new(),
            after: Vec::new(),
            allow_reuse: false,
            resources: stepwell_model::Resources::default(),
        },
    };
    Submission {
        spec: RunSpec {
            id: RunId::new(Uuid::now_v7()),
            kind: RunKind::Pipeline,
            experiment: "e".to_owned(),
            parent: None,
            sdk_path: None,
            parameters: BTreeMap::new(),
            declared: BTreeMap::new(),
            open_inputs: Vec::new(),
            continue_on_step_failure: false,
            regenerate_outputs: false,
            kept: BTreeMap::new(),
        },
        graph: Arc::new(Graph::new((0..steps).map(step).collect()).expect("a graph")),
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
    let guard = tempfile::tempdir().expect("a folder");
    let folder = Utf8Path::from_path(guard.path()).expect("UTF-8");
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

fn datastores(folder: &Utf8Path) -> Arc<Registry> {
    let registry = Registry::open(&DataFolder::new(folder), 1 << 20);
    Arc::new(registry.expect("a cache"))
}
