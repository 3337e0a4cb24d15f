//! The engine alone: how its cost grows with the graph, with a simulated executor.
//!
//! Prints, for 1k, 10k and 100k steps, the time of the pure core and of the whole engine with its
//! database, each as a ratio to the smallest graph's time per step (1.0 is linear), and the
//! memory of the core for each step. Run by `make bench`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use stepwell_compute::fake::{FakeExecutor, Play};
use stepwell_engine::core::{Effect, Policy, Scheduler, SchedulerInput, Topology};
use stepwell_engine::driver::{About, Engine, Start, Submission};
use stepwell_model::{
    Graph, Outcome, Program, RunId, StepIndex, StepSpec, TargetName, Usage, testing,
};
use stepwell_store::Store;
use tokio::sync::mpsc::unbounded_channel;
use uuid::Uuid;

use common::{context, graph, new_id};

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator that counts can only be made so")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Layers of a hundred steps; each step waits for two of the layer before.
fn dependencies(steps: usize) -> Vec<Vec<StepIndex>> {
    let before = |step: usize| match step {
        0..100 => Vec::new(),
        step => vec![
            StepIndex::from(step - 100),
            StepIndex::from(step - 100 - step % 100),
        ],
    };
    (0..steps).map(before).collect()
}

/// The pure core: time from submission to the end, and bytes for each step.
fn core(steps: usize) -> (Duration, usize) {
    let edges = dependencies(steps);
    let before = IN_USE.load(Ordering::Relaxed);
    let start = Instant::now();
    let topology = Topology::from_edges(&edges, vec![0; steps], vec![TargetName::new("t")]);
    let run = RunId::new(Uuid::from_u128(1));
    let mut scheduler = Scheduler::new(64);
    let decision = scheduler.handle(SchedulerInput::Submit(
        run,
        topology,
        Policy::StopAtFirstFailure,
    ));
    // Threads of the database before may still give memory back.
    let bytes = IN_USE.load(Ordering::Relaxed).saturating_sub(before) / steps;
    let mut effects = decision.effects;
    while let Some(effect) = effects.pop() {
        let Effect::Start(run, step, attempt) = effect else {
            continue;
        };
        scheduler.handle(SchedulerInput::Started(run, step, attempt));
        let ended = SchedulerInput::Ended(run, step, attempt, Outcome::Succeeded(Usage::default()));
        effects.extend(scheduler.handle(ended).effects);
    }
    assert_eq!(scheduler.active_runs(), 0, "the run ended");
    (start.elapsed(), bytes)
}

/// A graph of so many steps.
fn layered(steps: usize) -> Graph {
    let step = testing::step(testing::process(Program::Script("pass.py".to_owned())));
    let step = |after| StepSpec {
        after,
        ..step.clone()
    };
    graph(dependencies(steps).into_iter().map(step))
}

/// The engine with its database: time from submission to the recorded end.
async fn engine(steps: usize) -> Duration {
    let folder = camino_tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().to_owned();
    let store = Store::open(&path.join("stepwell.db")).expect("opens");
    let (reporter, reports) = unbounded_channel();
    let executors = FakeExecutor::everywhere(reporter, |_| Play::succeed());
    let start = Start {
        store,
        executors,
        reports,
        site: context(&path),
        cores: 64,
    };
    let engine = Engine::start(start).await.expect("starts");
    let graph = Arc::new(layered(steps));
    let spec = testing::run(new_id());
    let run = spec.id;
    let about = About {
        new_experiment: Uuid::now_v7(),
        ..About::default()
    };
    let mut changes = engine.watch();
    let begin = Instant::now();
    engine
        .submit(Submission { spec, graph, about })
        .await
        .expect("accepted");
    let mut active = engine.active_runs();
    loop {
        match changes.recv().await {
            Ok(group)
                if group
                    .iter()
                    .any(|change| change.run == run && change.status.is_terminal()) =>
            {
                return begin.elapsed();
            }
            Ok(_) => {}
            // Too many changes to watch them all: wait for the count instead.
            Err(_) => {
                active
                    .wait_for(|active| *active == 0)
                    .await
                    .expect("the engine lives");
                return begin.elapsed();
            }
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut smallest = None;
    println!(
        "engine alone, simulated executor (target: 100,000 steps in 5 s, 1 KB a step, linear)"
    );
    for steps in [1_000, 10_000, 100_000] {
        let (core, bytes) = core(steps);
        let whole = runtime.block_on(engine(steps));
        let each = |time: Duration| time.as_secs_f64() / steps as f64;
        let (core_base, whole_base) = *smallest.get_or_insert((each(core), each(whole)));
        println!(
            "  {steps:>7} steps: core {:>8.3} s ({:.2} x per step), with database {:>7.3} s \
             ({:.2} x per step), core memory {bytes} bytes a step",
            core.as_secs_f64(),
            each(core) / core_base,
            whole.as_secs_f64(),
            each(whole) / whole_base,
        );
    }
}
