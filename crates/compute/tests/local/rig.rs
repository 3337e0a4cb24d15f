//! An executor with a place to work and its reports, for one test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_compute::fake::{FakeExecutor, Play};
use stepwell_compute::local::{LocalConfig, LocalExecutor};
use stepwell_compute::{BoxFuture, Executor, Job, PrepareEnvironment, Prepared, Report};
use stepwell_model::{
    AttemptId, EnvironmentSpec, Failure, FailureKind, Outcome, Program, Timestamp, Usage,
};
use stepwell_supervise::{Attempt, State};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const SUPERVISOR: &str = env!("CARGO_BIN_EXE_supervise-under-test");

/// One test's executor.
pub(crate) struct Rig {
    pub(crate) executor: Box<dyn Executor>,
    reports: UnboundedReceiver<Report>,
    root: Arc<TempDir>,
}

/// An environment that is there, unless the job asks for one that cannot be built.
struct Environments;

impl PrepareEnvironment for Environments {
    fn prepare<'a>(
        &'a self,
        spec: &'a EnvironmentSpec,
    ) -> BoxFuture<'a, Result<Prepared, Failure>> {
        Box::pin(async move {
            match spec.base_python() {
                "broken" => Err(Failure::new(FailureKind::Environment, "no such package")),
                "slow" => std::future::pending().await,
                python => Ok(Prepared {
                    python: python.into(),
                    bin: None,
                }),
            }
        })
    }
}

impl Rig {
    /// The real one, with a grace of half a second.
    pub(crate) fn local() -> Self {
        Self::local_in(Arc::new(tempfile::tempdir().expect("a folder")))
    }

    fn local_in(root: Arc<TempDir>) -> Self {
        let (sender, reports) = unbounded_channel();
        let config = LocalConfig {
            objects: path(&root).join("objects"),
            supervisor_program: SUPERVISOR.into(),
            grace: Duration::from_millis(500),
        };
        Self {
            executor: Box::new(LocalExecutor::new(config, Arc::new(Environments), sender)),
            reports,
            root,
        }
    }

    /// The twin. It knows the three commands of the contract.
    pub(crate) fn fake() -> Self {
        let (sender, reports) = unbounded_channel();
        let script = |job: &Job| match job.arguments[1].as_str() {
            "true" => Play::succeed(),
            "exit 3" => Play::End(Outcome::Failed(
                Failure::new(FailureKind::UserCode, "the script exited with status 3"),
                Usage::default(),
            )),
            _ => Play::Run,
        };
        Self {
            executor: Box::new(FakeExecutor::new(sender, script)),
            reports,
            root: Arc::new(tempfile::tempdir().expect("a folder")),
        }
    }

    /// A second executor over the same folders, as a server that comes after this one.
    pub(crate) fn successor(&self) -> Self {
        Self::local_in(Arc::clone(&self.root))
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        path(&self.root)
    }

    /// A job that runs a line of shell.
    pub(crate) fn shell(&self, line: &str) -> Job {
        self.command(&["sh", "-c", line])
    }

    /// A job that runs a command.
    pub(crate) fn command(&self, argv: &[&str]) -> Job {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // Markers are machine-wide: two runs of these tests must not sweep each other.
        let process = u64::from(std::process::id());
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let run = format!("0192f5c4-1111-7222-8333-{process:08x}{number:04x}");
        Job {
            attempt: format!("{run}#1").parse().expect("an attempt id"),
            folder: self.root().join("runs").join(run),
            program: Program::Command(argv[0].to_owned()),
            arguments: argv[1..].iter().map(|&word| word.to_owned()).collect(),
            environment: EnvironmentSpec::Interpreter {
                python: "python3".to_owned(),
            },
            snapshot: None,
            variables: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            data: None,
            timeout_s: None,
        }
    }

    /// The next report.
    pub(crate) async fn report(&mut self) -> Report {
        let report = tokio::time::timeout(PATIENCE, self.reports.recv()).await;
        report.expect("a report in time").expect("an open channel")
    }

    /// Waits for the start of an attempt.
    pub(crate) async fn started(&mut self, attempt: AttemptId) -> Timestamp {
        match self.report().await {
            Report::Started { attempt: told, at } if told == attempt => at,
            report => panic!("expected the start of {attempt}, got {report:?}"),
        }
    }

    /// Waits for the end of an attempt.
    pub(crate) async fn ended(&mut self, attempt: AttemptId) -> Outcome {
        match self.report().await {
            Report::Ended {
                attempt: told,
                outcome,
            } if told == attempt => outcome,
            report => panic!("expected the end of {attempt}, got {report:?}"),
        }
    }

    /// Runs a job from start to end.
    pub(crate) async fn run(&mut self, job: &Job) -> Outcome {
        self.executor.start(job.clone());
        self.started(job.attempt).await;
        self.ended(job.attempt).await
    }

    /// Runs a job that never comes to start.
    pub(crate) async fn refused(&mut self, job: &Job) -> Failure {
        self.executor.start(job.clone());
        failure(self.ended(job.attempt).await)
    }

    /// That nothing more is reported.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.reports.try_recv().is_err()
    }
}

pub(crate) fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure, _) => failure,
        outcome => panic!("expected a failure, got {outcome:?}"),
    }
}

/// A file that a job has left, or an empty text.
pub(crate) fn file(job: &Job, name: &str) -> String {
    fs_err::read_to_string(job.folder.join("files").join(name)).unwrap_or_default()
}

pub(crate) fn log(job: &Job) -> String {
    file(job, "user_logs/std_log.txt")
}

pub(crate) fn state(job: &Job) -> State {
    let attempt = Attempt::of_run(&job.folder, job.attempt.number);
    attempt.state().expect("a readable folder")
}

/// The living processes that carry the marker of a job.
pub(crate) fn processes(job: &Job) -> Vec<i32> {
    let marker = format!("STEPWELL_ATTEMPT={}", job.attempt);
    let entries = std::fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            variables
                .split(|&byte| byte == 0)
                .any(|variable| variable == marker.as_bytes())
        })
        .collect()
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let waiting = async {
        while !holds() {
            tick.tick().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

fn path(root: &TempDir) -> &Utf8Path {
    Utf8Path::from_path(root.path()).expect("a UTF-8 path")
}

/// A file that a script makes to say that it is ready.
pub(crate) fn flag(rig: &Rig, name: &str) -> Utf8PathBuf {
    rig.root().join(name)
}
