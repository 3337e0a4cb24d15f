//! Making room in the data folder: `POST /api/v1/gc`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What may go. Without an age and a size only what nothing refers to any more goes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gc {
    /// Files and outputs of runs, environments and views that were last of use so long ago go.
    pub older_than_seconds: Option<u64>,
    /// The oldest of them go until the data folder takes no more room than this.
    pub keep_bytes: Option<u64>,
    /// Whether files and outputs of steps that later runs may reuse go as well. Those steps then
    /// run again.
    pub reusable: bool,
    /// Only say what would go.
    pub dry_run: bool,
}

/// What went, or would go.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GcReport {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// Whether all is done. If not, the time of one call was over: call again.
    pub complete: bool,
    /// The room that it took.
    pub freed_bytes: u64,
    /// What went, by kind: `runs`, `outputs`, `objects`, `environments`, `views`, `leftovers`.
    pub removed: Vec<GcShare>,
    /// What stays of these.
    pub kept: Vec<GcShare>,
    /// The room of all else in the data folder: data of the user's, the database, logs.
    pub besides_bytes: u64,
}

/// How much there is of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcShare {
    /// The kind.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// How large together.
    pub bytes: u64,
}
