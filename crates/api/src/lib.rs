//! The REST wire types of Stepwell, version 1, and nothing else.
//!
//! JSON, snake_case. Times are RFC 3339 in UTC with milliseconds. Ids of runs are UUIDs. Unknown
//! fields of a request are refused, so that a misspelt one is not silently ignored; clients must
//! accept unknown fields of an answer.
//!
//! These types know nothing of the engine's own; the server converts between the two by hand.

pub mod azure;
pub mod azure_schedule;

mod dataset;
mod datastore;
mod endpoint;
mod error;
mod gc;
mod metric;
mod model;
mod parallel;
mod published;
mod run;
mod schedule;
mod submit;
mod token;
mod why;
mod workspace;

pub use dataset::{
    Dataset, DatasetChange, DatasetFile, DatasetKind, DatasetList, DatasetPlace, FileChange,
    FileChanges, SaveDataset,
};
pub use datastore::{
    Datastore, DatastoreFile, DatastoreFileList, DatastoreList, DatastorePlace, DefaultDatastore,
    HiddenText, RegisterDatastore,
};
pub use endpoint::{
    AddVersion, CreateDraft, CreateEndpoint, DraftChange, DraftList, EndpointChange, EndpointList,
    EndpointVersion, PipelineDraft, PipelineEndpoint,
};
pub use error::{ErrorBody, ErrorCode, ErrorReply};
pub use gc::{Gc, GcReport, GcShare};
pub use metric::{LogMetrics, MetricKind, MetricPoint, MetricSeries, Metrics};
pub use model::{Model, ModelChange, ModelDataset, ModelList, ModelResources, RegisterModel};
pub use parallel::{
    ParallelForm, ParallelInput, ParallelProgress, ParallelTally, ParallelTask, ParallelWorker,
    Setting,
};
pub use published::{
    PublishPipeline, PublishedChange, PublishedList, PublishedPipeline, PublishedStatus,
    SubmitPublished,
};
pub use run::{
    CancelOutcome, CancelReply, CreateRun, EndRun, FileInfo, FileList, GraphEdge, GraphNode,
    GraphView, OutputInfo, Run, RunChange, RunEvent, RunFailure, RunPage, RunUsage, StreamMessage,
};
pub use schedule::{
    CatchUp, ClockNote, CreateSchedule, CronTrigger, DataTrigger, Frequency, Ledger, LedgerLine,
    LedgerOutcome, Overlap, Preview, PreviewTime, PreviewTrigger, Recurrence, Schedule,
    ScheduleChange, ScheduleList, SkipReason, Trigger, WeekDay,
};
pub use submit::{
    Argument, ClientInfo, DataPlace, DatasetValue, Environment, OutputRef, Parameter,
    PlaceOnDatastore, ProcessTask, Program, PythonSpec, RegisterOutput, StepInput, StepOutput,
    SubmitRun, SubmitStep, Task,
};
pub use token::{
    AuditPage, AuditRecord, CallerKind, CreateToken, Identity, NewToken, PageTicket, Role,
    TokenInfo, TokenList,
};
pub use why::{ReuseOutcome, Why, WhyList};
pub use workspace::{
    Compute, ComputeList, ComputeSettings, EnvironmentList, EnvironmentRecord, Experiment,
    ExperimentList, Health, RegisterEnvironment, SnapshotReply, Workspace,
};
