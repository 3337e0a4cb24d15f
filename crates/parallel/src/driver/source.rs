//! Where mini-batches come from: a thread that lists files, or the planner's process. Both are
//! held back when nobody takes what they have made.

use std::ops::ControlFlow;

use tokio::sync::mpsc::{Receiver, UnboundedSender, channel};

use super::connections::ConnectionEvent;
use crate::plan::{self, Cut};
use crate::protocol::WorkerMessage;
use crate::{JobInput, ParallelJob};

/// How many mini-batches may wait to be taken.
const AHEAD: usize = 64;

/// What comes from the planner.
#[derive(Debug)]
pub(crate) enum Plan {
    /// A mini-batch.
    Cut(Cut),
    /// There are no more.
    Ended,
    /// The input cannot be cut; why.
    Failed(String),
    /// The planner's process has come; messages to it go through this.
    Came(UnboundedSender<Vec<u8>>),
}

/// The planner of a job.
pub(crate) enum Source {
    /// Files are listed by a thread.
    Thread(Receiver<Plan>),
    /// Tables and partitions are cut by a process.
    Process,
}

/// Whether the definitions of datasets are needed to cut the inputs.
pub(crate) fn needs_process(job: &ParallelJob, keys: &[String]) -> bool {
    let is_table = |input: &JobInput| input.form == stepwell_model::InputForm::Table;
    !keys.is_empty() || job.inputs.iter().any(is_table)
}

/// Lists files on a thread of its own.
pub(crate) fn list(inputs: Vec<JobInput>, size: Option<u64>) -> std::io::Result<Source> {
    let (plan, cuts) = channel(AHEAD);
    std::thread::Builder::new()
        .name("planner".to_owned())
        .spawn(move || {
            let mut take = |cut| match plan.blocking_send(Plan::Cut(cut)) {
                Ok(()) => ControlFlow::Continue(()),
                // Nobody wants to know any more.
                Err(_) => ControlFlow::Break(()),
            };
            let last = match plan::cut(&inputs, size, &mut take) {
                Ok(()) => Plan::Ended,
                Err(error) => Plan::Failed(error.to_string()),
            };
            let _ = plan.blocking_send(last);
        })?;
    Ok(Source::Thread(cuts))
}

/// What the planner's process says; `None` for what has nothing to do with the plan.
pub(crate) fn understood(news: ConnectionEvent) -> Option<Plan> {
    Some(match news {
        ConnectionEvent::Came(_, outgoing) => Plan::Came(outgoing),
        ConnectionEvent::WorkerMessage(_, WorkerMessage::Planned { items }, body) => {
            Plan::Cut(Cut { body, items })
        }
        ConnectionEvent::WorkerMessage(_, WorkerMessage::PlanEnded, _) => Plan::Ended,
        ConnectionEvent::WorkerMessage(_, WorkerMessage::PlanFailed { error }, _) => {
            Plan::Failed(error)
        }
        ConnectionEvent::WorkerMessage(..) | ConnectionEvent::Host(..) => return None,
        ConnectionEvent::Left(_) => Plan::Failed("the planner has gone without a word".to_owned()),
        ConnectionEvent::OtherVersion(theirs) => Plan::Failed(other_version("the planner", theirs)),
    })
}

/// That a process speaks another version of the protocol than this driver.
pub(crate) fn other_version(who: &str, theirs: u32) -> String {
    let ours = crate::protocol::VERSION;
    format!(
        "{who} speaks version {theirs} of the protocol and the driver {ours}: install the same \
         release of stepwell in the step's environment"
    )
}
