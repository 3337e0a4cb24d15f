//! Workers as forks of the interpreter that the driver was lent by its supervisor.
//!
//! They are the supervisor's children, so their ends are heard from it. Whatever keeps a worker from
//! being a fork is a cold start, and its reason goes to the supervisor.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal};
use stepwell_supervise::{WarmWorker, WarmWorkers, end_of};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::sync::mpsc::UnboundedSender;

use super::place::{HIDDEN, Role, in_words};

/// The workers that run, by their processes.
type Running = Arc<Mutex<HashMap<i32, Role>>>;

/// The loaded interpreter, and who has come of it.
pub(super) struct WarmPlace {
    pub(super) workers: WarmWorkers,
    running: Running,
}

impl WarmPlace {
    /// Ends are sent through `ended`, in words. `None` if they could not be heard.
    pub(super) fn of(workers: WarmWorkers, ended: UnboundedSender<(Role, String)>) -> Option<Self> {
        let running = Running::default();
        let ends = UnixStream::from_std(workers.ends().ok()?).ok()?;
        tokio::spawn(hear(ends, Arc::clone(&running), ended));
        Some(Self { workers, running })
    }

    /// Starts a process with these files for its streams; `None` if it must start cold.
    pub(super) fn start(
        &mut self,
        role: Role,
        python: &str,
        script: &str,
        logs: &[String; 2],
        variables: &BTreeMap<String, String>,
    ) -> Option<Pid> {
        let here = std::env::current_dir().ok()?;
        let worker = WarmWorker {
            python,
            work_dir: here.to_str()?,
            script,
            log: &logs[0],
            errors: &logs[1],
            variables,
        };
        match self.workers.start(&worker, &HIDDEN) {
            Ok(pid) => {
                // Its end is heard on this thread, and so not before.
                let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                running.insert(pid.as_raw_nonzero().get(), role);
                Some(pid)
            }
            Err(reason) => {
                self.workers.complain(&reason);
                None
            }
        }
    }
}

/// Hears of the ends of the supervisor's children, kills what a worker has left, and reports it.
async fn hear(mut ends: UnixStream, running: Running, ended: UnboundedSender<(Role, String)>) {
    let mut end = [0; 8];
    while ends.read_exact(&mut end).await.is_ok() {
        let (pid, status) = end_of(end);
        let role = {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            running.remove(&pid)
        };
        let Some(role) = role else {
            continue; // what a worker had started and left
        };
        if let Some(group) = Pid::from_raw(pid) {
            // Its own number is free, but a group keeps it as long as a member lives.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        // The driver may be at its end.
        let _ = ended.send((role, in_words(status)));
    }
}
