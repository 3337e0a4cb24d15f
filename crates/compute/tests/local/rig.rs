//! An executor with a place to work and its reports, for one test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use camino_tempfile::Utf8TempDir;
use rustix::process::Pid;
use stepwell_compute::fake::{FakeExecutor, Play, words};
use stepwell_compute::local::{LocalConfig, LocalExecutor};
use stepwell_compute::{
    BoxFuture, ClusterConfig, Executor, Job, JobInput, JobOutput, PrepareEnvironment, Prepared,
    Report, Stager, Work, ray, slurm,
};
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_model::{
    Arg, AttemptId, Communicator, ComputeKind, Distribution, EnvironmentSpec, ExecutorKind,
    Failure, FailureKind, Outcome, Program, RayTarget, Resources, SlurmTarget, TargetName,
    Timestamp, Usage, WaitReason,
};
use stepwell_supervise::{Attempt, Holder, State};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::cluster;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) const SUPERVISOR: &str = env!("CARGO_BIN_EXE_supervise-under-test");

/// One test's executor.
pub(crate) struct Rig {
    pub(crate) executor: Box<dyn Executor>,
    pub(crate) datastores: Arc<Registry>,
    /// What its jobs run on.
    compute: ComputeKind,
    kill: fn(&Rig, &Job, &Holder),
    reports: UnboundedReceiver<Report>,
    root: Arc<Utf8TempDir>,
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
                    notice: None,
                }),
            }
        })
    }
}

impl Rig {
    /// The real one, with a grace of half a second.
    pub(crate) fn local() -> Self {
        Self::local_in(Arc::new(camino_tempfile::tempdir().expect("a folder")))
    }

    fn local_in(root: Arc<Utf8TempDir>) -> Self {
        let config = LocalConfig {
            supervisor_program: SUPERVISOR.into(),
            grace: Duration::from_millis(500),
        };
        let new = |stager, sender| -> Box<dyn Executor> {
            Box::new(LocalExecutor::new(config, stager, sender))
        };
        Self::real(root, ComputeKind::default(), kill_process_of, new)
    }

    /// The one of a Slurm cluster, with a grace of half a second.
    pub(crate) fn slurm() -> Self {
        Self::by_commands(cluster::shared())
    }

    /// The same, asked by its REST API.
    pub(crate) fn slurm_rest() -> Self {
        Self::by_rest(cluster::shared())
    }

    /// The one of a cluster that is asked by its commands.
    pub(crate) fn by_commands(cluster: &cluster::Cluster) -> Self {
        let target = SlurmTarget {
            conf: Some(cluster.conf.clone()),
            ..SlurmTarget::default()
        };
        Self::slurm_in(
            Arc::new(camino_tempfile::tempdir().expect("a folder")),
            target,
        )
    }

    /// The one of a cluster that is asked by its REST API.
    pub(crate) fn by_rest(cluster: &cluster::Cluster) -> Self {
        let (address, token) = cluster.rest();
        let target = SlurmTarget {
            rest: Some(address),
            token_file: Some(token),
            ..SlurmTarget::default()
        };
        Self::slurm_in(
            Arc::new(camino_tempfile::tempdir().expect("a folder")),
            target,
        )
    }

    fn slurm_in(root: Arc<Utf8TempDir>, target: SlurmTarget) -> Self {
        let new = |stager, sender| -> Box<dyn Executor> {
            Box::new(slurm::executor(of_clusters(), stager, sender))
        };
        let kill = |_: &Self, _: &Job, holder: &Holder| cluster::kill_job_of(holder);
        Self::real(root, ComputeKind::Slurm(target), kill, new)
    }

    /// The one of a Ray cluster, with a grace of half a second.
    pub(crate) fn ray() -> Self {
        let target = RayTarget {
            address: cluster::ray().address.clone(),
            cores: None,
            resources: BTreeMap::new(),
            token_file: None,
        };
        Self::ray_in(
            Arc::new(camino_tempfile::tempdir().expect("a folder")),
            target,
        )
    }

    fn ray_in(root: Arc<Utf8TempDir>, target: RayTarget) -> Self {
        let new = |stager, sender| -> Box<dyn Executor> {
            Box::new(ray::executor(of_clusters(), stager, sender))
        };
        Self::real(root, ComputeKind::Ray(target), kill_supervisor_of, new)
    }

    fn real(
        root: Arc<Utf8TempDir>,
        compute: ComputeKind,
        kill: fn(&Rig, &Job, &Holder),
        new: impl FnOnce(Arc<Stager>, UnboundedSender<Report>) -> Box<dyn Executor>,
    ) -> Self {
        let (sender, reports) = unbounded_channel();
        let folder = DataFolder::new(path(&root));
        let datastores = Arc::new(Registry::open(&folder, 0).expect("datastores"));
        let stager = Arc::new(Stager {
            datastores: Arc::clone(&datastores),
            environments: Arc::new(Environments),
            url: String::new(),
            socket: (compute.executor() == ExecutorKind::Local).then(Utf8PathBuf::new),
            program: path(&root).join("bin").join("stepwell"),
            folder,
        });
        Self {
            executor: new(stager, sender),
            datastores,
            compute,
            kill,
            reports,
            root,
        }
    }

    /// The one in memory. It knows the commands of its part of the contract.
    pub(crate) fn fake() -> Self {
        let (sender, reports) = unbounded_channel();
        let script = |job: &Job| match words(job)[1] {
            "true" => Play::succeed(),
            "exit 3" => Play::End(Outcome::Failed(
                Failure::new(FailureKind::UserCode, "the script exited with status 3"),
                Usage::default(),
            )),
            _ => Play::Run,
        };
        let root = Arc::new(camino_tempfile::tempdir().expect("a folder"));
        let folder = DataFolder::new(path(&root));
        Self {
            executor: Box::new(FakeExecutor::new(sender, script)),
            datastores: Arc::new(Registry::open(&folder, 0).expect("datastores")),
            compute: ComputeKind::default(),
            kill: |_, _, holder| panic!("{holder:?} has no process"),
            reports,
            root,
        }
    }

    /// A second executor over the same folders, as a server that comes after this one.
    pub(crate) fn successor(&self) -> Self {
        let root = Arc::clone(&self.root);
        match &self.compute {
            ComputeKind::Local(_) | ComputeKind::Isolated(_) => Self::local_in(root),
            ComputeKind::Slurm(target) => Self::slurm_in(root, target.clone()),
            ComputeKind::Ray(target) => Self::ray_in(root, target.clone()),
        }
    }

    /// The folder of the default datastore.
    pub(crate) fn store(&self) -> Utf8PathBuf {
        DataFolder::new(self.root()).datastore("workspaceblobstore")
    }

    /// The folder of a job's run.
    pub(crate) fn run_folder(&self, job: &Job) -> Utf8PathBuf {
        DataFolder::new(self.root()).run(job.attempt.run)
    }

    /// A file that a job has left, or an empty text.
    pub(crate) fn file(&self, job: &Job, name: &str) -> String {
        let path = self.run_folder(job).join("files").join(name);
        fs_err::read_to_string(path).unwrap_or_default()
    }

    pub(crate) fn log(&self, job: &Job) -> String {
        let log = DataFolder::new(self.root()).run_log(job.attempt.run);
        fs_err::read_to_string(log).unwrap_or_default()
    }

    pub(crate) fn attempt(&self, job: &Job) -> Attempt {
        Attempt::of_run(&self.run_folder(job), job.attempt.number)
    }

    pub(crate) fn state(&self, job: &Job) -> State {
        self.attempt(job)
            .state(Holder::liveness_here)
            .expect("a readable folder")
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        path(&self.root)
    }

    /// A job that runs a line of shell.
    pub(crate) fn shell(&self, line: &str) -> Job {
        self.command(&["sh", "-c", line])
    }

    /// A job that runs a line of shell in processes on nodes.
    pub(crate) fn several(
        &self,
        communicator: Communicator,
        nodes: u32,
        processes_per_node: u32,
        line: &str,
    ) -> Job {
        let mut job = self.shell(line);
        job.resources.nodes = nodes;
        job.resources.processes_per_node = processes_per_node;
        if let Work::Program { distribution, .. } = &mut job.work {
            *distribution = Some(Distribution {
                communicator,
                parameter_servers: 0,
                parameters: BTreeMap::new(),
            });
        }
        job
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
            target: TargetName::new("local"),
            compute: self.compute.clone(),
            resources: Resources::default(),
            work: Work::Program {
                program: Program::Command(argv[0].to_owned()),
                arguments: literals(&argv[1..]),
                environment: EnvironmentSpec::Interpreter {
                    python: "python3".to_owned(),
                },
                snapshot: None,
                distribution: None,
            },
            stages_data: true,
            variables: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            sdk: None,
            timeout_s: None,
        }
    }

    /// The next report, but for those that the attempt is in a cluster's queue: how long it is
    /// there depends on what else runs.
    pub(crate) async fn report(&mut self) -> Report {
        loop {
            let report = self.any_report().await;
            if !is_of_queue(&report) {
                return report;
            }
        }
    }

    /// The next report.
    pub(crate) async fn any_report(&mut self) -> Report {
        let report = tokio::time::timeout(PATIENCE, self.reports.recv()).await;
        report.expect("a report in time").expect("an open channel")
    }

    /// Waits until an attempt says what it waits for.
    pub(crate) async fn waits(&mut self, attempt: AttemptId) -> WaitReason {
        match self.report().await {
            Report::Waiting {
                attempt: reported,
                reason,
                ..
            } if reported == attempt => reason,
            report => panic!("expected a wait of {attempt}, got {report:?}"),
        }
    }

    /// Kills the holder of a claim, as whatever is outside might.
    pub(crate) fn kill(&self, job: &Job, holder: &Holder) {
        (self.kill)(self, job, holder);
    }

    /// Waits for the start of an attempt.
    pub(crate) async fn started(&mut self, attempt: AttemptId) -> Timestamp {
        match self.report().await {
            Report::Started {
                attempt: reported,
                at,
            } if reported == attempt => at,
            report => panic!("expected the start of {attempt}, got {report:?}"),
        }
    }

    /// Waits for the end of an attempt.
    pub(crate) async fn ended(&mut self, attempt: AttemptId) -> Outcome {
        match self.report().await {
            Report::Ended {
                attempt: reported,
                outcome,
            } if reported == attempt => outcome,
            report => panic!("expected the end of {attempt}, got {report:?}"),
        }
    }

    /// Runs a job from start to end.
    pub(crate) async fn run(&mut self, job: &Job) -> Outcome {
        self.executor.start(job.clone());
        self.started(job.attempt).await;
        self.ended(job.attempt).await
    }

    /// Starts a job that has ended without a start, and waits for its end.
    pub(crate) async fn run_again(&mut self, job: &Job) -> Outcome {
        self.executor.start(job.clone());
        self.ended(job.attempt).await
    }

    /// The process that supervises a job on a node of this machine: the parent of its program.
    pub(crate) fn supervisor_of(&self, job: &Job) -> std::io::Result<Option<Pid>> {
        let State::Running {
            started: Some(started),
            ..
        } = self.state(job)
        else {
            return Ok(None);
        };
        let program = started.child.pid;
        let stat = fs_err::read_to_string(format!("/proc/{program}/stat"))?;
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields);
        let parent = fields.and_then(|fields| fields.split(' ').nth(1));
        Ok(parent.and_then(|pid| Pid::from_raw(pid.parse().ok()?)))
    }

    /// Runs a job that never comes to start.
    pub(crate) async fn refused(&mut self, job: &Job) -> Failure {
        self.executor.start(job.clone());
        failure(self.ended(job.attempt).await)
    }

    /// That nothing more is reported.
    pub(crate) fn is_quiet(&mut self) -> bool {
        while let Ok(report) = self.reports.try_recv() {
            if !is_of_queue(&report) {
                return false;
            }
        }
        true
    }
}

fn is_of_queue(report: &Report) -> bool {
    let queue = WaitReason::ClusterQueue;
    matches!(report, Report::Waiting { reason, .. } if *reason == queue)
}

/// The interpreter that a job asks for.
pub(crate) fn environment(job: &mut Job) -> &mut String {
    match &mut job.work {
        Work::Program {
            environment: EnvironmentSpec::Interpreter { python },
            ..
        } => python,
        work => panic!("{work:?} has no interpreter"),
    }
}

fn literals(words: &[&str]) -> Vec<Arg> {
    let literal = |word: &&str| Arg::Literal((*word).to_owned());
    words.iter().map(literal).collect()
}

pub(crate) fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure, _) => failure,
        outcome => panic!("expected a failure, got {outcome:?}"),
    }
}

/// The settings of the executors of clusters.
fn of_clusters() -> ClusterConfig {
    ClusterConfig {
        supervisor_program: SUPERVISOR.into(),
        grace: Duration::from_millis(500),
        every: Duration::from_millis(100),
        file_delay: Duration::from_millis(300),
    }
}

/// Kills the supervisor of a job on a node of this machine.
fn kill_supervisor_of(rig: &Rig, job: &Job, _: &Holder) {
    let supervisor = rig.supervisor_of(job).expect("it has started");
    let supervisor = supervisor.expect("a process id");
    rustix::process::kill_process(supervisor, rustix::process::Signal::KILL).expect("it lives");
}

fn kill_process_of(_: &Rig, _: &Job, holder: &Holder) {
    let Holder::Process(process) = holder else {
        panic!("{holder:?} is no process");
    };
    let pid = process.raw_pid().expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
}

/// An output on the default datastore.
pub(crate) fn output(name: &str, path: &str) -> JobOutput {
    JobOutput {
        name: name.to_owned(),
        datastore: "workspaceblobstore".to_owned(),
        path: path.to_owned(),
        is_own: true,
        make_folder: false,
        upload_from: None,
        keep_existing: false,
        source_globs: Vec::new(),
    }
}

/// An input on the default datastore.
pub(crate) fn input(name: &str, path: &str) -> JobInput {
    JobInput {
        name: name.to_owned(),
        datastore: "workspaceblobstore".to_owned(),
        path: path.to_owned(),
        must_exist: true,
        download: false,
        path_on_compute: None,
    }
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

fn path(root: &Utf8TempDir) -> &Utf8Path {
    root.path()
}

/// A file that a script makes to say that it is ready.
pub(crate) fn flag(rig: &Rig, name: &str) -> Utf8PathBuf {
    rig.root().join(name)
}
