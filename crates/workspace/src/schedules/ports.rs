//! What the driver of schedules needs of the world, so that tests can give it another.

use stepwell_model::RunId;
use stepwell_schedule::{Listing, Slot};
use stepwell_store::schedules::Starts;
use uuid::Uuid;

use crate::clock::Ask;

/// A firing that is to have its run.
#[derive(Debug, Clone)]
pub(crate) struct Firing {
    pub(crate) schedule: Uuid,
    pub(crate) slot: Slot,
    pub(crate) starts: Starts,
    /// What the run is to be, as JSON.
    pub(crate) submission_json: String,
    /// The parameter that is given the slot's path, and the datastore it is on.
    pub(crate) data_path: Option<(String, String)>,
}

/// Why a firing has no run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LaunchError {
    /// It never will.
    Refused(String),
    /// It may have one when it is tried again.
    Later(String),
}

/// Starts and cancels runs.
pub(crate) trait Launcher: Send + Sync {
    /// Starts the run of a firing; the same firing has the same run, however often it is asked.
    fn start(&self, firing: Firing) -> Ask<Result<RunId, LaunchError>>;

    /// Asks a run to stop.
    fn cancel(&self, run: RunId) -> Ask<()>;
}

/// Looks at folders of datastores.
pub(crate) trait Lister: Send + Sync {
    /// Every file below a folder, or the reason why it cannot be looked at.
    fn list(&self, datastore: &str, path: &str) -> Ask<Result<Listing, String>>;
}
