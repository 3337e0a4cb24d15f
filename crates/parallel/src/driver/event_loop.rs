//! The loop: takes what happens, asks the scheduler, does what it says.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use stepwell_model::{OutputAction, ParallelSettings};
use stepwell_supervise::WarmWorkers;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, UnboundedSender};
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::connections::{ConnectionEvent, Connections};
use super::machine::{gpus, share_of_memory, workers_per_node};
use super::open_batches::OpenBatches;
use super::output::Output;
use super::place::{Placement as _, Role};
use super::places::{Ends, Nodes, Places};
use super::progress_log::{self, ProgressLog};
use super::report::{Progress, Reporter};
use super::source::{self, Plan, Source};
use super::{Error, PlacedBy};
use crate::ParallelJob;
use crate::core::{Limits, Micros, Scheduler, SchedulerInput, Verdict, WorkerId};
use crate::protocol::{DriverMessage, Welcome, WorkerMessage, frame};

/// How often progress is written.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// How long killed workers may take to be gone.
pub(super) const GONE_WITHIN: Duration = Duration::from_secs(10);

/// How the loop ended.
pub(super) enum Ended {
    /// The scheduler's verdict.
    With(Verdict),
    /// What was finished belongs to another input.
    InputChanged,
}

/// What came with an input and is no matter of the scheduler: it goes through a decision beside
/// it, and each part belongs to one mini-batch of one worker.
#[derive(Default)]
pub(super) struct Payload {
    /// What `run` has returned.
    pub(super) returned: Option<Returned>,
    /// The traceback of what failed.
    pub(super) detail: String,
}

/// What `run` has returned for a mini-batch.
pub(super) struct Returned {
    pub(super) worker: WorkerId,
    pub(super) batch: u64,
    pub(super) items: u64,
    pub(super) rows: u64,
    pub(super) text: Vec<u8>,
}

impl Payload {
    fn detail(detail: String) -> Self {
        Self {
            detail,
            ..Self::default()
        }
    }

    /// What was returned, if it is of this mini-batch and this worker.
    pub(super) fn take(&mut self, worker: WorkerId, batch: u64) -> Option<Returned> {
        let of_it = |returned: &mut Returned| (returned.worker, returned.batch) == (worker, batch);
        self.returned.take_if(of_it)
    }
}

/// A worker as the loop knows it.
#[derive(Default)]
pub(super) struct Link {
    /// It has connected at some time.
    pub(super) came: bool,
    pub(super) outgoing: Option<UnboundedSender<Vec<u8>>>,
    /// It was asked to end, and closes the connection before it is gone.
    pub(super) dismissed: bool,
    /// Its process is gone; what it has said is still being heard.
    pub(super) ended: Option<String>,
}

pub(super) struct Driver<'a> {
    pub(super) job: &'a ParallelJob,
    settings: ParallelSettings,
    pub(super) limits: Limits,
    pub(super) scheduler: Scheduler,
    began: Instant,
    connections: Connections,
    pub(super) placement: Places,
    pub(super) ends: Ends,
    terminate: Signal,
    source: Source,
    planner: Option<UnboundedSender<Vec<u8>>>,
    pub(super) progress_log: ProgressLog,
    output: Option<Output>,
    /// Finished by earlier attempts and not yet met again in the plan, the next one last.
    finished: Vec<(u64, u64)>,
    next_batch: u64,
    pub(super) plan_ended: bool,
    pub(super) open_batches: OpenBatches,
    pub(super) links: HashMap<WorkerId, Link>,
    pub(super) reporter: Reporter,
    pub(super) verdict: Option<Verdict>,
}

impl<'a> Driver<'a> {
    /// Makes all ready; no worker has been started.
    pub(super) async fn begin(
        job: &'a ParallelJob,
        python: &str,
        placed_by: PlacedBy,
        warm: Option<WarmWorkers>,
    ) -> Result<Self, Error> {
        let settings = ParallelSettings::parse(&job.settings)?;
        let per_node = workers_per_node(&settings, placed_by, gpus().len());
        let memory = share_of_memory(&settings, placed_by, per_node);
        let limits = Limits::new(&settings, per_node, memory);
        let (progress_log, finished) = ProgressLog::open(&job.state)?;
        let output = match (&job.output, settings.output_action) {
            (Some(folder), OutputAction::AppendRow) => {
                let name = &settings.append_row_file_name;
                Some(Output::link(folder.as_str().into(), name, &job.state)?)
            }
            _ => None,
        };
        let stamp = jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string();
        let reporter = Reporter::new(&job.files, &job.state, &stamp, &finished.tally)?;
        let token = uuid::Uuid::new_v4().simple().to_string();
        let nodes = Nodes::of(placed_by, settings.node_count)?;
        let connections = Connections::listen(token.clone(), nodes.reach()).await?;
        let secret = (token, connections.port);
        let (mut placement, ends) = Places::new(job, python, nodes, secret, warm)?;
        let source = if source::needs_process(job, &settings.partition_keys) {
            placement.start(Role::Planner)?;
            Source::Process
        } else {
            source::list(job.inputs.clone(), settings.mini_batch_size)?
        };
        // A mini-batch is counted when it is met in the plan.
        let mut tally = finished.tally;
        tally.planned = 0;
        let mut finished = finished.batches;
        finished.reverse();
        if !finished.is_empty() {
            let count = finished.len();
            Reporter::say(&format!("goes on: {count} mini-batches are finished"));
        }
        Ok(Self {
            scheduler: Scheduler::new(limits.clone(), tally),
            job,
            settings,
            limits,
            began: Instant::now(),
            connections,
            placement,
            ends,
            terminate: signal(SignalKind::terminate())?,
            source,
            planner: None,
            progress_log,
            output,
            finished,
            next_batch: 0,
            plan_ended: false,
            open_batches: OpenBatches::default(),
            links: HashMap::new(),
            reporter,
            verdict: None,
        })
    }

    /// Runs to the end; no worker is left then.
    pub(super) async fn run(mut self) -> Result<Ended, Error> {
        let ended = self.work().await;
        self.end_all().await;
        // If the rows cannot be written, that is why all has ended.
        self.progress_log.close().map_err(Error::Rows)?;
        let Some(verdict) = ended? else {
            return Ok(Ended::InputChanged);
        };
        if verdict == Verdict::Completed {
            if let Some(output) = &self.output {
                output.complete(&self.job.state).map_err(Error::Rows)?;
            }
            // Nothing goes on from here; what cannot be removed is no fault of the step.
            let _ = progress_log::clear(&self.job.state);
        }
        Ok(Ended::With(verdict))
    }

    /// `None` when the input has changed.
    async fn work(&mut self) -> Result<Option<Verdict>, Error> {
        let mut look = interval(PROGRESS_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = Vec::new();
        loop {
            if let Some(verdict) = self.verdict.take() {
                self.report_end(&verdict);
                return Ok(Some(verdict));
            }
            let deadline = self.scheduler.next_deadline();
            let deadline = deadline.map(|at| self.began + Duration::from_micros(at));
            let hungry = self.scheduler.wants_more() || self.open_batches.has_room();
            let hungry = hungry && !self.plan_ended;
            tokio::select! {
                biased;
                _ = self.terminate.recv() => self.handle(SchedulerInput::Cancel)?,
                Some((role, how)) = self.ends.processes.recv() => self.process_ended(role, how)?,
                Some(end) = self.ends.programs.recv() => self.host_ended(&end)?,
                _ = look.tick() => {
                    self.report();
                    self.look_at_hosts()?;
                }
                plan = next_cut(&mut self.source, &mut self.connections.plan, hungry) => {
                    if !self.planned(plan)? {
                        return Ok(None);
                    }
                }
                count = self.connections.news.recv_many(&mut said, 64) => {
                    if count == 0 {
                        return Err(io::Error::other("nobody listens for workers").into());
                    }
                    for news in said.drain(..) {
                        self.hear(news)?;
                    }
                }
                () = sleep(deadline) => self.handle(SchedulerInput::Tick)?,
            }
        }
    }

    pub(super) fn now(&self) -> Micros {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Something that the planner has made. `false` when it is not what it was.
    fn planned(&mut self, plan: Plan) -> Result<bool, Error> {
        let cut = match plan {
            Plan::Cut(cut) => cut,
            Plan::Ended => {
                self.plan_ended = true;
                self.planner = None;
                // Something that was finished may not be there any more.
                let all_met = self.finished.is_empty();
                self.handle(SchedulerInput::PlanEnded)?;
                return Ok(all_met);
            }
            Plan::Failed(why) => return Err(Error::Plan(why)),
            Plan::Came(outgoing) => {
                let _ = outgoing.send(self.welcome(0, 0));
                self.planner = Some(outgoing);
                return Ok(true);
            }
        };
        let batch = self.next_batch;
        self.next_batch += 1;
        let digest = cut.digest();
        if let Some((_, known)) = self.finished.pop_if(|(number, _)| *number == batch) {
            self.scheduler.meet_finished();
            return Ok(known == digest);
        }
        let items = cut.items;
        self.open_batches.insert(batch, cut, digest);
        self.handle(SchedulerInput::Planned(batch, items))?;
        Ok(true)
    }

    /// Something that came over a worker's connection.
    fn hear(&mut self, news: ConnectionEvent) -> Result<(), Error> {
        match news {
            ConnectionEvent::Came(Some(worker), outgoing) => {
                let per_node = self.limits.per_node.max(1);
                let (node, process) = (worker.slot / per_node, worker.slot % per_node);
                let _ = outgoing.send(self.welcome(node, process));
                if let Some(link) = self.links.get_mut(&worker) {
                    link.outgoing = Some(outgoing);
                    link.came = true;
                }
                Ok(())
            }
            ConnectionEvent::Left(Some(worker)) => {
                let Entry::Occupied(mut link) = self.links.entry(worker) else {
                    return Ok(());
                };
                link.get_mut().outgoing = None;
                match link.get_mut().ended.take() {
                    Some(how) => {
                        link.remove();
                        self.handle(SchedulerInput::Gone(worker, how))
                    }
                    // A worker that cannot be talked to is of no use; its end follows.
                    None => {
                        if !link.get().dismissed {
                            self.kill(worker);
                        }
                        Ok(())
                    }
                }
            }
            ConnectionEvent::WorkerMessage(Some(worker), said, body) => {
                self.said(worker, said, body)
            }
            ConnectionEvent::Host(id, news) => self.hear_host(id, news),
            ConnectionEvent::OtherVersion(theirs) => {
                Reporter::say(&source::other_version("a worker", theirs));
                Ok(())
            }
            ConnectionEvent::Came(None, _)
            | ConnectionEvent::Left(None)
            | ConnectionEvent::WorkerMessage(None, ..) => Ok(()),
        }
    }

    fn said(&mut self, worker: WorkerId, said: WorkerMessage, body: Vec<u8>) -> Result<(), Error> {
        let (input, payload) = match said {
            WorkerMessage::Ready => (SchedulerInput::Ready(worker), Payload::default()),
            WorkerMessage::Unready { error, detail } => (
                SchedulerInput::StartFailed(worker, error),
                Payload::detail(detail),
            ),
            WorkerMessage::Began { batch, items } => (
                SchedulerInput::Began(worker, batch, items),
                Payload::default(),
            ),
            WorkerMessage::Done {
                batch,
                items,
                rows,
                memory,
            } => {
                let returned = Returned {
                    worker,
                    batch,
                    items,
                    rows,
                    text: body,
                };
                let done = SchedulerInput::Done {
                    worker,
                    batch,
                    items,
                    rows,
                    memory,
                };
                let payload = Payload {
                    returned: Some(returned),
                    ..Payload::default()
                };
                (done, payload)
            }
            WorkerMessage::Raised {
                batch,
                items,
                error,
                detail,
            } => {
                let raised = SchedulerInput::Raised(worker, batch, items, error);
                (raised, Payload::detail(detail))
            }
            WorkerMessage::Hello { .. }
            | WorkerMessage::Planned { .. }
            | WorkerMessage::PlanEnded
            | WorkerMessage::PlanFailed { .. } => {
                return Ok(());
            }
        };
        self.decide(input, payload)
    }

    /// A process that the placement has started is gone.
    fn process_ended(&mut self, role: Role, how: String) -> Result<(), Error> {
        self.placement.forget(role);
        let Role::Worker(worker, ..) = role else {
            let lost = !self.plan_ended && self.verdict.is_none();
            return match lost {
                // What it said last is still to be heard.
                true if self.planner.is_some() => Ok(()),
                true => Err(Error::Plan(format!("its planner is gone: {how}"))),
                false => Ok(()),
            };
        };
        match self.links.get_mut(&worker) {
            Some(link) if link.outgoing.is_some() => {
                link.ended = Some(how);
                Ok(())
            }
            _ => {
                let link = self.links.remove(&worker);
                if link.is_some_and(|link| link.came) {
                    return self.handle(SchedulerInput::Gone(worker, how));
                }
                // It never connected, so only its log says why.
                let text = self.placement.end_of_log(role);
                let last = text.lines().rfind(|line| !line.trim().is_empty());
                let why = last.map_or(how.clone(), |line| format!("{how}: {}", line.trim()));
                self.decide(SchedulerInput::Gone(worker, why), Payload::detail(text))
            }
        }
    }

    fn kill(&mut self, worker: WorkerId) {
        let role = self.role(worker);
        self.placement.kill(role);
    }

    pub(super) fn role(&self, worker: WorkerId) -> Role {
        let per_node = self.limits.per_node.max(1);
        Role::Worker(worker, worker.slot / per_node, worker.slot % per_node)
    }

    fn welcome(&self, node: u32, process: u32) -> Vec<u8> {
        let logs = self.job.files.join("logs").join("user");
        let scratch = progress_log::planned(&self.job.state);
        let job = Welcome {
            entry_script: &self.job.entry_script,
            arguments: &self.job.arguments,
            logging_level: &self.settings.logging_level,
            output: self.job.output.as_deref(),
            rows: self.settings.output_action == OutputAction::AppendRow,
            logs: logs.as_str(),
            node,
            process,
            mini_batch_size: self.settings.mini_batch_size,
            partition_keys: &self.settings.partition_keys,
            inputs: &self.job.inputs,
            scratch: scratch.as_str(),
        };
        let protocol = crate::protocol::VERSION;
        frame(&DriverMessage::Welcome { protocol, job }, b"")
    }

    fn report(&mut self) {
        let progress = self.progress("running", None);
        let now = self.now();
        self.reporter.progress(progress, now);
    }

    fn report_end(&mut self, verdict: &Verdict) {
        let (state, reason) = match verdict {
            Verdict::Completed => ("completed", None),
            Verdict::Cancelled => ("cancelled", None),
            Verdict::Exceeded(what) | Verdict::Stuck(what) => ("failed", Some(what.clone())),
            Verdict::NoWorkers(what, why) => ("failed", Some(format!("{what}: {why}"))),
        };
        let progress = self.progress(state, reason);
        self.reporter.ended(progress);
    }

    fn progress(&self, state: &str, reason: Option<String>) -> Progress {
        let now = self.now();
        let mut tally = *self.scheduler.tally();
        // What earlier attempts have finished is met in the plan only by and by.
        tally.planned = tally.planned.max(tally.done + tally.failed);
        Progress {
            state: state.to_owned(),
            tally,
            all_planned: self.plan_ended,
            in_flight: self.scheduler.in_flight(),
            items_per_s: 0.0,
            left_s: None,
            elapsed_ms: now / 1000,
            reason,
            workers: self.scheduler.workers(now),
        }
    }
}

/// The next news of the planner, if there is use for any.
async fn next_cut(
    source: &mut Source,
    process: &mut Receiver<ConnectionEvent>,
    hungry: bool,
) -> Plan {
    if !hungry {
        return pending().await;
    }
    let lost = || Plan::Failed("the planner has gone without a word".to_owned());
    match source {
        Source::Thread(cuts) => cuts.recv().await.unwrap_or_else(lost),
        Source::Process => loop {
            let Some(news) = process.recv().await else {
                return lost();
            };
            if let Some(plan) = source::understood(news) {
                return plan;
            }
        },
    }
}

/// Never, if there is no deadline.
async fn sleep(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}
