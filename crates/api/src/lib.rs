//! The REST wire types of Stepwell, version 1, and nothing else.
//!
//! JSON, snake_case. Times are RFC 3339 in UTC with milliseconds. Ids of runs are UUIDs. Unknown
//! fields of a request are refused, so that a misspelt one is not silently ignored; clients must
//! accept unknown fields of an answer.
//!
//! These types know nothing of the engine's own; the server converts between the two by hand.

pub mod azure;
pub mod azure_schedule;
pub mod mlflow;

mod dataset;
mod datastore;
mod endpoint;
mod error;
mod gc;
mod metric;
mod model;
mod module;
mod parallel;
mod published;
mod run;
mod schedule;
mod secret;
mod spark;
mod status;
mod submit;
mod token;
mod transfer;
mod tune;
mod usql;
mod why;
mod workspace;

pub use dataset::{
    Dataset, DatasetChange, DatasetFile, DatasetKind, DatasetList, DatasetPlace, FileChange,
    FileChanges, SaveDataset,
};
pub use datastore::{
    Database, Datastore, DatastoreConnection, DatastoreFile, DatastoreFileList, DatastoreList,
    DatastorePlace, DefaultDatastore, HiddenText, RegisterDatastore,
};
pub use endpoint::{
    AddVersion, CreateDraft, CreateEndpoint, DraftChange, DraftList, EndpointChange, EndpointList,
    EndpointVersion, PipelineDraft, PipelineEndpoint,
};
pub use error::{ErrorBody, ErrorCode, ErrorReply};
pub use gc::{Gc, GcReport, GcShare};
pub use metric::{LogMetrics, MetricKind, MetricPoint, MetricSeries, Metrics};
pub use model::{Model, ModelChange, ModelDataset, ModelList, ModelResources, RegisterModel};
pub use module::{
    CreateModule, Module, ModuleChange, ModuleList, ModuleStatus, ModuleVersion,
    ModuleVersionChange, PublishModuleVersion,
};
pub use parallel::{
    ParallelForm, ParallelInput, ParallelProgress, ParallelTally, ParallelTask, ParallelWorker,
    Setting,
};
pub use published::{
    ParameterValue, PublishPipeline, PublishedChange, PublishedList, PublishedPipeline,
    PublishedStatus, SubmitPublished,
};
pub use run::{
    CancelOutcome, CancelReply, CreateRun, EndRun, FileInfo, FileList, GraphEdge, GraphNode,
    GraphView, LogTime, LogTimes, OutputInfo, ResubmitRun, Run, RunChange, RunEvent, RunFailure,
    RunPage, RunUsage, RunWait, StreamMessage,
};
pub use schedule::{
    CatchUp, ClockNote, CreateSchedule, CronTrigger, DataTrigger, Frequency, Ledger, LedgerLine,
    LedgerOutcome, Overlap, Preview, PreviewTime, PreviewTrigger, Recurrence, Schedule,
    ScheduleChange, ScheduleList, SkipReason, Trigger, WeekDay,
};
pub use secret::{Secret, SecretList, SecretValue, SetSecret};
pub use spark::{
    SparkCluster, SparkCode, SparkCodeKind, SparkLibrary, SparkMaven, SparkPackage, SparkSettings,
    SparkStyle, SparkTask,
};
pub use status::{EndStatus, RunKind, RunStatus};
pub use submit::{
    Argument, ClientInfo, Communicator, DataPlace, DatasetValue, Distribution, Environment,
    KeyedRun, OutputRef, Parameter, PlaceOnDatastore, ProcessTask, Program, PythonSpec,
    RegisterOutput, StartedRuns, StepInput, StepOutput, StepResources, SubmitRun, SubmitRuns,
    SubmitStep, Task,
};
pub use token::{
    AuditPage, AuditRecord, CallerKind, CreateToken, Identity, NewToken, PageTicket, Role,
    TokenInfo, TokenList,
};
pub use transfer::{
    EntryType, ProcedureParameter, ProcedureType, Selection, TransferTask, WriteMode,
};
pub use tune::{Trial, TrialFile, Trials, TuneTask};
pub use usql::UsqlTask;
pub use why::{ReuseOutcome, Why, WhyList};
pub use workspace::{
    Compute, ComputeList, ComputeSettings, EnvironmentList, EnvironmentRecord, Experiment,
    ExperimentChange, ExperimentList, Health, RegisterEnvironment, Snapshot, SnapshotFile,
    SnapshotReply, Workspace,
};
