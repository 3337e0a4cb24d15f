//! Learning of runs: which were started since, and what happens to them.
//!
//! Ids are made by the server in the order of time, so a run is new if its id is above the newest
//! there was at the beginning; no clocks are compared.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use stepwell_api::Run;
use uuid::Uuid;

use super::Message;
use crate::client::RunFilter;
use crate::discover::Place;
use crate::failure::Failure;
use crate::session::Session;

/// How often new runs are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many runs are asked for at a time.
const PAGE: usize = 20;

/// The most runs that are watched at once; of a program that starts more, only its own output.
const WATCHED_MAX: usize = 50;

/// The thread that looks for runs.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Sender<()>,
    looking: JoinHandle<Looking>,
    sender: Sender<Message>,
}

#[derive(Debug)]
struct Looking {
    session: Arc<Session>,
    sender: Sender<Message>,
    baseline: Option<Uuid>,
    user: Option<String>,
    seen: BTreeSet<Uuid>,
    /// Parallel steps that are not known to be over, each with its run.
    parallel: Vec<(Uuid, Uuid)>,
}

impl Watch {
    /// Watches the runs that are started from now on.
    pub(crate) fn start(session: &Arc<Session>, sender: Sender<Message>) -> Result<Self, Failure> {
        let newest = session.call(|client| client.runs(&filter()).next().transpose())?;
        let looking = Looking {
            session: Arc::clone(session),
            sender: sender.clone(),
            baseline: newest.map(|run| run.id),
            user: owner(session.place()),
            seen: BTreeSet::new(),
            parallel: Vec::new(),
        };
        let (stop, stopped) = channel();
        Ok(Self {
            stop,
            looking: thread::spawn(move || looking.look(&stopped)),
            sender,
        })
    }

    /// Sends how the runs stand in the end, and gives those of them that go on.
    pub(crate) fn finish(self) -> Vec<Run> {
        drop(self.stop);
        let looking = self.looking.join().expect("the watcher does not panic");
        let mut going_on = Vec::new();
        for id in &looking.seen {
            let Ok((run, steps)) = looking.fetch(*id) else {
                continue;
            };
            if !run.status.is_over() {
                going_on.push(run.clone());
            }
            let _ = looking.sender.send(Message::Final(run, steps));
        }
        let _ = self.sender.send(Message::End);
        going_on
    }
}

/// Whether a step tells how far it is.
fn is_parallel(step: &Run) -> bool {
    step.step_kind.as_deref() == Some("ParallelRunStep")
}

fn filter() -> RunFilter {
    RunFilter {
        page: Some(PAGE),
        ..RunFilter::default()
    }
}

/// Whose runs count: on a server that others use as well, only the user's own.
fn owner(place: &Place) -> Option<String> {
    match place {
        Place::Local(_) => None,
        // The variables, and their order, by which Python tells a user's name.
        Place::Remote { .. } => ["LOGNAME", "USER", "LNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty())),
    }
}

impl Looking {
    fn look(mut self, stopped: &Receiver<()>) -> Self {
        loop {
            let last = stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Disconnected);
            // A server that does not answer is asked again.
            let _ = self.look_once();
            self.look_at_parallel_steps();
            if last {
                return self;
            }
        }
    }

    fn look_once(&mut self) -> Result<(), Failure> {
        for run in self.new_runs()?.into_iter().rev() {
            if self.seen.len() >= WATCHED_MAX || self.seen.contains(&run.id) {
                continue;
            }
            let steps = self.session.call(|client| client.children(run.id))?;
            self.seen.insert(run.id);
            let parallel = steps.iter().filter(|step| is_parallel(step));
            self.parallel.extend(parallel.map(|step| (run.id, step.id)));
            let _ = self.sender.send(Message::Found(run.clone(), steps));
            let (session, sender) = (Arc::clone(&self.session), self.sender.clone());
            // It ends with the run, or with this process.
            thread::spawn(move || follow(&session, run.id, &sender));
        }
        Ok(())
    }

    /// Passes on how far parallel steps are. One that has not started answers with an error.
    fn look_at_parallel_steps(&mut self) {
        let client = self.session.client();
        let sender = &self.sender;
        self.parallel.retain(|(root, step)| {
            let Ok(progress) = client.parallel(*step) else {
                return true;
            };
            let continues = progress.state == "running";
            let _ = sender.send(Message::Progress {
                root: *root,
                step: *step,
                progress,
            });
            continues
        });
    }

    /// Runs that were not there at the beginning, newest first.
    fn new_runs(&self) -> Result<Vec<Run>, Failure> {
        let mut found = Vec::new();
        for run in self.session.client().runs(&filter()) {
            let run = run?;
            if Some(run.id) <= self.baseline {
                break;
            }
            if self.user.as_ref().is_none_or(|user| run.user == *user) {
                found.push(run);
            }
        }
        Ok(found)
    }

    fn fetch(&self, run: Uuid) -> Result<(Run, Vec<Run>), Failure> {
        let found = self.session.call(|client| client.run(run))?;
        let steps = self.session.call(|client| client.children(run))?;
        Ok((found, steps))
    }
}

/// Passes on the events of one run until it is over.
fn follow(session: &Session, root: Uuid, sender: &Sender<Message>) {
    let mut after = 0;
    loop {
        let Ok(mut events) = session.call(|client| client.events(root, after)) else {
            return;
        };
        for event in events.by_ref() {
            let over = event.run == root && event.status.is_over();
            if sender.send(Message::Changed { root, event }).is_err() || over {
                return;
            }
        }
        after = events.last_seq();
        // The stream ended early: the server may be gone, or the run's end is in an older event.
        match session.call(|client| client.wait(root)) {
            Ok(run) if !run.status.is_over() => {}
            _ => return,
        }
    }
}
