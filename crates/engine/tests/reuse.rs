//! Ring 3: reuse by the driver, on a real database and real folders, with an executor that plays a script:
//! each job writes its arguments to its outputs, and succeeds.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_compute::fake::{FakeExecutor, Play, words};
use stepwell_compute::{Job, Report};
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_engine::driver::{About, Engine, Explanation, Start, Submission};
use stepwell_model::{
    Arg, DatasetDefinition, DatasetKind, Input, InputSource, Output, ProcessTask, Program,
    Registration, RunId, RunSpec, RunStatus, StepIndex, StepSpec, Task, testing,
};
use stepwell_store::runs::{self, Filter, Record};
use stepwell_store::{Store, datasets, reuse};
use tokio::sync::mpsc::unbounded_channel;
use uuid::Uuid;

use common::{context, graph, new_id};

struct World {
    _folder: camino_tempfile::Utf8TempDir,
    root: Utf8PathBuf,
    store: Store,
    engine: Engine,
    /// The arguments of every job that was started.
    started: Arc<Mutex<Vec<String>>>,
}

impl World {
    async fn new() -> Self {
        let folder = camino_tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().to_owned();
        let store = Store::open(&root.join("stepwell.db")).expect("opens");
        let started = Arc::default();
        let engine = engine(&root, store.clone(), Arc::clone(&started)).await;
        Self {
            _folder: folder,
            root,
            store,
            engine,
            started,
        }
    }

    /// Runs a pipeline to its end; gives the rows of its steps.
    async fn run(&self, steps: Vec<StepSpec>) -> Vec<Record> {
        let id = self.submit(steps, BTreeMap::new()).await;
        self.wait(id).await
    }

    /// The outputs of the pipeline itself.
    async fn outputs(&self, run: RunId) -> Vec<runs::OutputPlace> {
        let read = move |db: &stepwell_store::Connection| runs::find(db, run);
        let found = self.store.read(read).await.expect("read");
        found.expect("the run").outputs
    }

    async fn submit(&self, steps: Vec<StepSpec>, parameters: BTreeMap<String, String>) -> RunId {
        self.submit_as(steps, parameters, false).await
    }

    async fn submit_as(
        &self,
        steps: Vec<StepSpec>,
        parameters: BTreeMap<String, String>,
        regenerate_outputs: bool,
    ) -> RunId {
        let spec = RunSpec {
            parameters,
            regenerate_outputs,
            ..testing::run(new_id())
        };
        let about = About {
            outputs: vec![("made".to_owned(), StepIndex(0), "out".to_owned())],
            new_experiment: Uuid::now_v7(),
            ..About::default()
        };
        let submission = Submission {
            spec,
            graph: Arc::new(graph(steps)),
            about,
        };
        let accepted = self.engine.submit(submission).await.expect("accepted");
        accepted.run()
    }

    async fn wait(&self, run: RunId) -> Vec<Record> {
        let mut changes = self.engine.watch();
        loop {
            let read = move |db: &stepwell_store::Connection| {
                let filter = Filter {
                    parent: Some(run),
                    ..Filter::default()
                };
                Ok((runs::find(db, run)?, runs::list(db, &filter, 100)?))
            };
            let (top, steps) = self.store.read(read).await.expect("read");
            if top.expect("the run").status == RunStatus::Completed {
                return steps;
            }
            changes.recv().await.expect("the engine lives");
        }
    }

    async fn why(&self, step: &Record) -> Explanation {
        let run = step.id;
        let text = self
            .store
            .read(move |db| reuse::explanation(db, run))
            .await
            .expect("read");
        serde_json::from_str(&text.expect("an explanation")).expect("readable")
    }

    fn jobs(&self) -> Vec<String> {
        std::mem::take(&mut self.started.lock().expect("not poisoned"))
    }
}

async fn engine(root: &Utf8Path, store: Store, started: Arc<Mutex<Vec<String>>>) -> Engine {
    let (reporter, reports) = unbounded_channel::<Report>();
    let local = datastores(root);
    let play = move |job: &Job| {
        started
            .lock()
            .expect("not poisoned")
            .push(words(job).join(" "));
        for output in &job.outputs {
            let place = local.local(&output.datastore, &output.path);
            let place = place.expect("a local datastore");
            std::fs::create_dir_all(&place).expect("made");
            std::fs::write(place.join("x"), words(job)[0]).expect("written");
        }
        Play::succeed()
    };
    let executors = FakeExecutor::everywhere(reporter, play);
    let start = Start {
        store,
        executors,
        reports,
        site: context(root),
        cores: 4,
    };
    Engine::start(start).await.expect("starts")
}

/// A step that writes its argument, and reads the output of the one before.
fn step(name: &str, argument: Arg, before: Option<usize>) -> StepSpec {
    let input = |step: usize| Input {
        name: "before".to_owned(),
        source: InputSource::Step {
            step: StepIndex::from(step),
            output: "out".to_owned(),
        },
        download: false,
        path_on_compute: None,
    };
    let script = testing::process(Program::Script("s.py".to_owned()));
    StepSpec {
        name: name.to_owned(),
        inputs: before.map(input).into_iter().collect(),
        outputs: vec![Output {
            make_folder: true,
            ..testing::output("out", "workspaceblobstore")
        }],
        allow_reuse: true,
        ..testing::step(ProcessTask {
            arguments: vec![argument],
            ..script
        })
    }
}

fn chain(first: &str, second: &str) -> Vec<StepSpec> {
    let literal = |text: &str| Arg::Literal(text.to_owned());
    vec![
        step("a", literal(first), None),
        step("b", literal(second), Some(0)),
    ]
}

#[tokio::test]
async fn an_unchanged_pipeline_runs_nothing_and_links_to_the_original() {
    let world = World::new().await;
    let first = world.run(chain("1", "2")).await;
    assert_eq!(world.jobs(), ["1", "2"]);
    let second = world.run(chain("1", "2")).await;
    assert!(world.jobs().is_empty(), "nothing ran");
    for (original, reused) in first.iter().zip(&second) {
        assert_eq!(reused.reused_from, Some(original.id));
        assert_eq!(reused.outputs, original.outputs);
    }
    let why = world.why(&second[1]).await;
    assert_eq!(why.compared_with, Some(first[1].id));
}

#[tokio::test]
async fn what_was_told_to_reuse_nothing_is_what_later_runs_reuse() {
    let world = World::new().await;
    world.run(chain("1", "2")).await;
    world.jobs();
    let again = world
        .submit_as(chain("1", "2"), BTreeMap::new(), true)
        .await;
    let again = world.wait(again).await;
    assert_eq!(world.jobs(), ["1", "2"], "all of it ran");
    let why = world.why(&again[0]).await;
    assert_eq!(why.reasons, ["regenerate_outputs is set for this run"]);
    let last = world.run(chain("1", "2")).await;
    assert!(world.jobs().is_empty(), "nothing ran");
    for (newest, reused) in again.iter().zip(&last) {
        assert_eq!(reused.reused_from, Some(newest.id));
    }
}

#[tokio::test]
async fn what_the_pipeline_names_is_where_the_step_that_stands_in_has_put_it() {
    let world = World::new().await;
    let first = world.submit(chain("1", "2"), BTreeMap::new()).await;
    let steps = world.wait(first).await;
    let second = world.submit(chain("1", "2"), BTreeMap::new()).await;
    world.wait(second).await;
    let (own, reused) = (world.outputs(first).await, world.outputs(second).await);
    assert_eq!(own, reused);
    assert_eq!((own[0].name.as_str(), own[0].run), ("made", steps[0].id));
    assert_eq!(own[0].path, steps[0].outputs[0].path);
}

/// A chain of so many steps, each with an argument of its own.
fn long_chain(steps: usize) -> Vec<StepSpec> {
    let link = |number: usize| {
        let argument = Arg::Literal(number.to_string());
        step(&format!("s{number}"), argument, number.checked_sub(1))
    };
    (0..steps).map(link).collect()
}

#[tokio::test]
async fn a_chain_is_decided_ahead_up_to_the_step_that_changed() {
    let world = World::new().await;
    let first = world.run(long_chain(60)).await;
    assert_eq!(world.jobs().len(), 60);
    let second = world.run(long_chain(60)).await;
    assert!(world.jobs().is_empty(), "nothing ran");
    for (original, reused) in first.iter().zip(&second) {
        assert_eq!(reused.reused_from, Some(original.id));
        assert_eq!(world.why(reused).await.compared_with, Some(original.id));
    }
    let mut changed = long_chain(60);
    let Task::Process(task) = &mut changed[40].task else {
        panic!("another task");
    };
    task.variables.insert("NOISE".to_owned(), "1".to_owned());
    let third = world.run(changed).await;
    assert_eq!(world.jobs(), ["40"], "it writes the same bytes");
    let reused = |row: &&Record| row.reused_from.is_some();
    assert_eq!(third.iter().filter(reused).count(), 59);
}

#[tokio::test]
async fn a_step_that_joins_others_is_reused_once_all_of_them_are() {
    let world = World::new().await;
    let literal = |text: &str| Arg::Literal(text.to_owned());
    let steps = |second: &str| {
        let mut join = step("join", literal("3"), Some(0));
        join.inputs.push(Input {
            name: "other".to_owned(),
            source: InputSource::Step {
                step: StepIndex::from(1),
                output: "out".to_owned(),
            },
            download: false,
            path_on_compute: None,
        });
        join.after = vec![StepIndex::from(0)];
        vec![
            step("a", literal("1"), None),
            step("b", literal(second), None),
            join,
        ]
    };
    world.run(steps("2")).await;
    world.jobs();
    world.run(steps("2")).await;
    assert!(world.jobs().is_empty(), "nothing ran");
    world.run(steps("4")).await;
    assert_eq!(world.jobs(), ["4", "3"], "what it reads is another");
}

#[tokio::test]
async fn a_changed_argument_reruns_the_step_and_says_so() {
    let world = World::new().await;
    world.run(chain("1", "2")).await;
    world.jobs();
    let steps = world.run(chain("1", "3")).await;
    assert_eq!(world.jobs(), ["3"]);
    assert_eq!(
        world.why(&steps[1]).await.reasons,
        ["argument 1 was `2` and is `3`"]
    );
}

#[tokio::test]
async fn a_rerun_that_writes_the_same_bytes_does_not_disturb_what_comes_after() {
    let world = World::new().await;
    let mut steps = chain("1", "2");
    world.run(steps.clone()).await;
    world.jobs();
    let Task::Process(task) = &mut steps[0].task else {
        panic!("the steps of a chain are programs");
    };
    task.variables.insert("NOISE".to_owned(), "1".to_owned());
    let rows = world.run(steps).await;
    assert_eq!(world.jobs(), ["1"], "only the first step ran");
    assert!(rows[1].reused_from.is_some());
}

#[tokio::test]
async fn outputs_that_were_touched_are_not_reused() {
    let world = World::new().await;
    let first = world.run(chain("1", "2")).await;
    world.jobs();
    let place = &first[0].outputs[0].path;
    let file = world
        .root
        .join("data/workspaceblobstore")
        .join(place)
        .join("x");
    std::fs::write(file, "somebody was here").expect("written");
    let rows = world.run(chain("1", "2")).await;
    assert_eq!(
        world.jobs(),
        ["1"],
        "it is made again, and what follows finds equal content"
    );
    let reason = &world.why(&rows[0]).await.reasons[0];
    assert!(reason.contains("were changed or removed"), "{reason}");
}

#[tokio::test]
async fn the_value_of_a_parameter_counts_and_its_name_does_not() {
    let world = World::new().await;
    let with = |name: &str| vec![step("a", Arg::Parameter(name.to_owned()), None)];
    let values = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    for (name, value) in [("lr", "0.1"), ("rate", "0.1"), ("lr", "0.2")] {
        let run = world.submit(with(name), values(name, value)).await;
        world.wait(run).await;
    }
    assert_eq!(world.jobs(), ["0.1", "0.2"]);
}

#[tokio::test]
async fn equal_steps_of_two_runs_at_one_moment_run_once() {
    let world = World::new().await;
    let one = world.submit(chain("1", "2"), BTreeMap::new()).await;
    let two = world.submit(chain("1", "2"), BTreeMap::new()).await;
    world.wait(one).await;
    world.wait(two).await;
    assert_eq!(world.jobs(), ["1", "2"]);
}

/// The same, its first output registered as a dataset.
fn registering(first: &str) -> Vec<StepSpec> {
    let mut steps = chain(first, "2");
    steps[0].outputs[0].register = Some(Registration {
        name: "made".to_owned(),
        kind: DatasetKind::File,
        definition: DatasetDefinition::parse(r#"{"places":[]}"#).expect("a definition"),
        description: "by a step".to_owned(),
        tags: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        new_version: true,
    });
    steps
}

impl World {
    async fn newest(&self, name: &'static str) -> Option<datasets::Dataset> {
        let read = move |db: &stepwell_store::Connection| datasets::find_named(db, name, None);
        self.store.read(read).await.expect("read")
    }
}

#[tokio::test]
async fn an_output_is_registered_once_whether_its_step_runs_or_is_reused() {
    let world = World::new().await;
    let first = world.run(registering("1")).await;
    let made = world.newest("made").await.expect("registered");
    let place = &first[0].outputs[0].path;
    assert_eq!(
        (made.version, made.description.as_str()),
        (Some(1), "by a step")
    );
    assert_eq!(made.tags["k"], "v");
    assert_eq!(made.files[0].path, format!("{place}/x"));
    assert!(made.definition.text().contains(place.as_str()));
    assert_eq!(first[0].properties["stepwell.dataset.out"], "made:1");

    let second = world.run(registering("1")).await;
    assert!(second[0].reused_from.is_some());
    assert_eq!(second[0].properties["stepwell.dataset.out"], "made:1");
    assert_eq!(world.newest("made").await, Some(made.clone()));

    world.run(registering("3")).await;
    let other = world.newest("made").await.expect("registered");
    assert_eq!(other.version, Some(2));

    // The reused step stands for what is not the newest any more.
    world.run(registering("1")).await;
    let again = world.newest("made").await.expect("registered");
    assert_eq!((again.version, &again.files), (Some(3), &made.files));
}

#[tokio::test]
async fn a_name_that_may_not_get_a_version_is_left_alone_and_the_step_says_so() {
    let world = World::new().await;
    world.run(registering("1")).await;
    let mut steps = registering("2");
    let registration = steps[0].outputs[0].register.as_mut().expect("one");
    registration.new_version = false;
    let rows = world.run(steps).await;
    let reason = &rows[0].properties["stepwell.dataset.out"];
    assert!(
        reason.starts_with("not registered: there is a dataset `made`"),
        "{reason}"
    );
    assert_eq!(world.newest("made").await.expect("there").version, Some(1));
}

#[tokio::test]
async fn reuse_outlives_the_engine() {
    let world = World::new().await;
    world.run(chain("1", "2")).await;
    let started = Arc::clone(&world.started);
    let engine = engine(&world.root, world.store.clone(), started).await;
    let world = World { engine, ..world };
    world.jobs();
    world.run(chain("1", "2")).await;
    assert!(world.jobs().is_empty());
}

fn datastores(folder: &Utf8Path) -> Arc<Registry> {
    let registry = Registry::open(&DataFolder::new(folder), 1 << 20);
    Arc::new(registry.expect("a cache"))
}
