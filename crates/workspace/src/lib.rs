//! What a workspace can do, whoever asks and in whatever form: one handle for each noun.
//!
//! Requests and outcomes are types of the model, the store and this crate; a refusal is an
//! [`Error`] with its kind. Nothing here knows HTTP or a wire format: the front doors, the native
//! one and the Azure-shaped one, convert what they are sent, call one of these methods, and put
//! the outcome in their own form. Times come from a [`clock::Clock`].
//!
//! Invariant: everything that can be refused is refused before anything is stored or started.

pub mod clock;
mod core;
mod datasets;
mod datastores;
mod drafts;
mod endpoints;
mod environments;
mod error;
mod events;
mod experiments;
pub mod files;
mod logged_models;
mod models;
pub mod names;
mod own_folder;
mod page;
mod published;
mod registry;
mod resubmission;
mod retention;
mod runs;
mod schedules;
mod sdk;
mod secrets;
mod submission;
mod tracking;
mod trials;
mod waits;

use std::sync::Arc;

pub use crate::core::Setup;
pub use datasets::{ChangedFile, DatasetUpdate, Datasets, NewDataset};
pub use datastores::{DEFAULT_SETTING, Datastores, NewDatastore};
pub use drafts::{Beginning, DraftUpdate, Drafts, NewDraft};
pub use endpoints::{EndpointUpdate, Endpoints};
pub use environments::Environments;
pub use error::{Error, ErrorKind, Result};
pub use events::{Events, Follower};
pub use experiments::Experiments;
pub use logged_models::{LoggedModelChange, NewLoggedModel};
pub use models::{ModelSource, Models, NewModel, RegisteredModel};
pub use page::{NamedPage, NamedPart, PAGE_MAX, Page, Part};
pub use published::{
    IGNORED, NewPublished, PipelineSource, PublishedPipelines, Ready, Started, Unknown,
};
pub use registry::{NameChange, NamedModel, STAGES, StagedModel};
pub use resubmission::Reuse;
pub use retention::{GcKind, GcReport, GcRequest, GcShare, Retention};
pub use runs::{Cancelled, ExplainedStep, NewRun, RunFilter, Runs, Why, scheduled};
pub use schedules::{
    NewSchedule, Preview, Schedule, ScheduleFilter, ScheduleUpdate, Schedules, Settings,
};
pub use secrets::{SecretInfo, Secrets};
pub use submission::{RunRequest, compute_kind};
pub use tracking::{LogBatch, RunData, RunSearch};
pub use trials::{Trial, Trials};

use crate::core::Core;

/// A workspace: what it can do, by noun. Cheap to clone.
#[derive(Clone)]
pub struct Workspace {
    /// Runs of every kind.
    pub runs: Runs,
    /// What becomes of runs, as it happens.
    pub events: Events,
    /// Published pipelines.
    pub published: PublishedPipelines,
    /// Names for one of several published pipelines.
    pub endpoints: Endpoints,
    /// Pipelines that are kept to be changed, run and published.
    pub drafts: Drafts,
    /// Schedules, and the loop that performs them.
    pub schedules: Schedules,
    /// Saved and registered datasets.
    pub datasets: Datasets,
    /// The datastores.
    pub datastores: Datastores,
    /// Secrets that programs read by name.
    pub secrets: Secrets,
    /// The experiments.
    pub experiments: Experiments,
    /// Registered environments.
    pub environments: Environments,
    /// Registered models.
    pub models: Models,
    /// Making room.
    pub retention: Retention,
}

impl Workspace {
    /// Puts a workspace together and lets its schedules begin; they end with the last clone.
    #[must_use]
    pub fn open(setup: Setup) -> Self {
        let (core, vault) = Core::new(setup);
        let (core, vault) = (Arc::new(core), Arc::new(vault));
        let published = PublishedPipelines::new(Arc::clone(&core));
        let endpoints = Endpoints::new(Arc::clone(&core), published.clone());
        let runs = Runs::new(Arc::clone(&core));
        Self {
            events: Events::new(Arc::clone(&core), runs.clone()),
            runs,
            drafts: Drafts::new(Arc::clone(&core), published.clone()),
            schedules: Schedules::open(Arc::clone(&core), published.clone(), endpoints.clone()),
            datasets: Datasets::new(Arc::clone(&core)),
            datastores: Datastores::new(Arc::clone(&core), Arc::clone(&vault)),
            secrets: Secrets::new(Arc::clone(&core), vault),
            experiments: Experiments::new(Arc::clone(&core)),
            environments: Environments::new(Arc::clone(&core)),
            models: Models::new(Arc::clone(&core)),
            retention: Retention::new(core),
            published,
            endpoints,
        }
    }
}
