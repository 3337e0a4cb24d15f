//! What the tests and the bench of the driver have in common.

use std::sync::Arc;

use camino::Utf8Path;
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_engine::driver::{StepContext, TokenOf};
use stepwell_model::{Graph, RunId, Step, StepSpec};
use uuid::Uuid;

/// The context of steps, with the built-in datastores of a data folder.
pub(crate) fn context(folder: &Utf8Path) -> StepContext {
    let folder = DataFolder::new(folder);
    let datastores = Registry::open(&folder, 1 << 20).expect("a cache");
    StepContext {
        folder,
        datastores: Arc::new(datastores),
        url: String::new(),
        token: TokenOf::new(|run| run.to_string()),
        workspace: String::new(),
        workspace_id: String::new(),
        subscription_id: String::new(),
        resource_group: String::new(),
    }
}

/// The id of a new run.
pub(crate) fn new_id() -> RunId {
    RunId::new(Uuid::now_v7())
}

/// A graph of steps, each with a run of its own.
pub(crate) fn graph(steps: impl IntoIterator<Item = StepSpec>) -> Graph {
    let step = |spec| Step {
        run: new_id(),
        spec,
    };
    Graph::new(steps.into_iter().map(step).collect()).expect("a graph")
}
