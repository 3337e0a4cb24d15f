"""The records of the API. Made by scripts/wire.py, not to be edited."""

from typing import Any, Dict, List, Literal, Optional, TypedDict, Union

from typing_extensions import NotRequired

class AddVersion(TypedDict):
    make_default: NotRequired[bool]
    pipeline: str

class Argument1(TypedDict):
    literal: str

class Argument2(TypedDict):
    input: str

class Argument3(TypedDict):
    output: str

class Argument4(TypedDict):
    parameter: str

class Argument5(TypedDict):
    text: List[Argument]

Argument = Union[Argument1, Argument2, Argument3, Argument4, Argument5]

class AuditPage(TypedDict):
    next: NotRequired[Optional[str]]
    records: List[AuditRecord]

class AuditRecord(TypedDict):
    address: str
    at: str
    count: int
    kind: str
    last_at: str
    method: str
    name: str
    path: str
    seq: int
    status: int
    who: str

class AzureDataPath(TypedDict):
    DataStoreName: str
    RelativePath: NotRequired[Optional[str]]

class AzureErrorReply(TypedDict):
    Correlation: Dict[str, str]
    Error: RootError

class AzureRecurrence(TypedDict):
    Frequency: str
    Interval: int
    Schedule: NotRequired[Optional[RecurrenceSchedule]]
    StartTime: NotRequired[Optional[str]]
    TimeZone: NotRequired[Optional[str]]

CallerKind = Literal["folder", "token", "step", "page"]

CancelOutcome = Literal["asked", "already_asked", "already_ended"]

class CancelReply(TypedDict):
    outcome: CancelOutcome
    status: RunStatus

CatchUp = Literal["skip", "last", "all"]

class ClientInfo(TypedDict):
    sdk_path: NotRequired[Optional[str]]
    user: NotRequired[Optional[str]]
    version: NotRequired[Optional[str]]

ClockNote = Literal["plain", "gap", "first", "second"]

Communicator = Literal["mpi", "py_torch", "tensor_flow", "independent"]

class Compute(TypedDict):
    concurrent_steps_max: int
    created: bool
    kind: str
    name: str
    queued: int
    running: int
    settings: Any

class ComputeList(TypedDict):
    computes: List[Compute]

class ComputeSettings(TypedDict):
    concurrent_steps_max: NotRequired[Optional[int]]
    kind: NotRequired[str]
    settings: NotRequired[Dict[str, Any]]

class CreateDraft(TypedDict):
    change: NotRequired[DraftChange]
    draft: NotRequired[Optional[str]]
    experiment: NotRequired[Optional[str]]
    name: NotRequired[Optional[str]]
    pipeline: NotRequired[Optional[SubmitRun]]
    published: NotRequired[Optional[str]]
    run: NotRequired[Optional[str]]
    user: NotRequired[Optional[str]]

class CreateEndpoint(TypedDict):
    description: NotRequired[str]
    name: str
    pipeline: str

class CreateModule(TypedDict):
    description: NotRequired[str]
    name: str

class CreateRun(TypedDict):
    display_name: NotRequired[Optional[str]]
    experiment: NotRequired[str]
    parent: NotRequired[Optional[str]]
    properties: NotRequired[Dict[str, str]]
    snapshot: NotRequired[Optional[str]]
    tags: NotRequired[Dict[str, str]]
    user: NotRequired[Optional[str]]

class CreateSchedule(TypedDict):
    catch_up: NotRequired[CatchUp]
    description: NotRequired[str]
    endpoint: NotRequired[Optional[str]]
    name: str
    overlap: NotRequired[Overlap]
    pipeline: NotRequired[Optional[str]]
    submission: SubmitPublished
    trigger: Trigger
    user: NotRequired[Optional[str]]

class CreateToken(TypedDict):
    expires_in_s: NotRequired[Optional[int]]
    name: str
    role: Role

class CronTrigger(TypedDict):
    expression: str
    start_time: NotRequired[Optional[str]]
    time_zone: NotRequired[Optional[str]]

class DataPlace1(TypedDict):
    step: OutputRef

class DataPlace2(TypedDict):
    datastore: Dict[str, Any]

class DataPlace3(TypedDict):
    parameter: str

DataPlace = Union[DataPlace1, DataPlace2, DataPlace3]

class DataSetDefinitionValue(TypedDict):
    DataSetReference: NotRequired[Optional[RegisteredDataSetReference]]
    LiteralValue: NotRequired[Optional[AzureDataPath]]
    SavedDataSetReference: NotRequired[Optional[SavedDataSetReference]]

class DataStoreTriggerInfo(TypedDict):
    DataPathParameterName: NotRequired[Optional[str]]
    DataStoreName: str
    PathOnDataStore: NotRequired[Optional[str]]
    PollingInterval: NotRequired[Optional[int]]

class DataTrigger(TypedDict):
    data_path_parameter: NotRequired[Optional[str]]
    datastore: str
    path: NotRequired[str]
    polling_interval: NotRequired[int]

class Database(TypedDict):
    authority_url: NotRequired[Optional[str]]
    client_id: NotRequired[Optional[str]]
    database: str
    is_plain: NotRequired[bool]
    port: NotRequired[Optional[int]]
    server: str
    tenant_id: NotRequired[Optional[str]]
    user: NotRequired[Optional[str]]

class Dataset(TypedDict):
    created_at: str
    definition: Any
    description: str
    files: List[DatasetFile]
    id: str
    kind: DatasetKind
    name: NotRequired[Optional[str]]
    tags: Dict[str, str]
    version: NotRequired[Optional[int]]

class DatasetChange(TypedDict):
    description: NotRequired[Optional[str]]
    remove_tags: NotRequired[List[str]]
    set_tags: NotRequired[Dict[str, str]]
    tags: NotRequired[Optional[Dict[str, str]]]

class DatasetFile(TypedDict):
    datastore: str
    digest: NotRequired[Optional[str]]
    etag: NotRequired[Optional[str]]
    modified_at: str
    path: str
    size: int

DatasetKind = Literal["file", "tabular"]

class DatasetList(TypedDict):
    datasets: List[Dataset]
    next: NotRequired[Optional[str]]

class DatasetPlace(TypedDict):
    datastore: str
    path: str

class DatasetValue(TypedDict):
    id: str
    place: NotRequired[Optional[PlaceOnDatastore]]

Datastore = Any

DatastoreConnection = Any

class DatastoreFile(TypedDict):
    etag: str
    modified_at: str
    path: str
    size: int

class DatastoreFileList(TypedDict):
    files: List[DatastoreFile]

class DatastoreList(TypedDict):
    datastores: List[Datastore]

class DatastorePlace1(TypedDict):
    kind: Literal["local"]
    root: str

class DatastorePlace2(TypedDict):
    account: str
    container: str
    endpoint: NotRequired[Optional[str]]
    kind: Literal["azure_blob"]

class DatastorePlace3(TypedDict):
    account: str
    authority_url: NotRequired[Optional[str]]
    client_id: NotRequired[Optional[str]]
    container: str
    endpoint: NotRequired[Optional[str]]
    kind: Literal["azure_data_lake_gen2"]
    tenant_id: NotRequired[Optional[str]]

class DatastorePlace4(TypedDict):
    access_key_id: NotRequired[Optional[str]]
    bucket: str
    endpoint: NotRequired[Optional[str]]
    kind: Literal["s3"]
    region: NotRequired[Optional[str]]

class DatastorePlace5(TypedDict):
    bucket: str
    endpoint: NotRequired[Optional[str]]
    kind: Literal["gcs"]

class DatastorePlace6(TypedDict):
    authority_url: NotRequired[Optional[str]]
    client_id: NotRequired[Optional[str]]
    database: str
    is_plain: NotRequired[bool]
    port: NotRequired[Optional[int]]
    server: str
    tenant_id: NotRequired[Optional[str]]
    user: NotRequired[Optional[str]]
    kind: Literal["postgresql"]

class DatastorePlace7(TypedDict):
    authority_url: NotRequired[Optional[str]]
    client_id: NotRequired[Optional[str]]
    database: str
    is_plain: NotRequired[bool]
    port: NotRequired[Optional[int]]
    server: str
    tenant_id: NotRequired[Optional[str]]
    user: NotRequired[Optional[str]]
    kind: Literal["mysql"]

class DatastorePlace8(TypedDict):
    authority_url: NotRequired[Optional[str]]
    client_id: NotRequired[Optional[str]]
    database: str
    is_plain: NotRequired[bool]
    port: NotRequired[Optional[int]]
    server: str
    tenant_id: NotRequired[Optional[str]]
    user: NotRequired[Optional[str]]
    kind: Literal["azure_sql"]

class DatastorePlace9(TypedDict):
    file: str
    kind: Literal["sqlite"]

DatastorePlace = Union[
    DatastorePlace1,
    DatastorePlace2,
    DatastorePlace3,
    DatastorePlace4,
    DatastorePlace5,
    DatastorePlace6,
    DatastorePlace7,
    DatastorePlace8,
    DatastorePlace9,
]

class DefaultDatastore(TypedDict):
    name: str

class Distribution(TypedDict):
    communicator: Communicator
    parameter_servers: NotRequired[int]
    parameters: NotRequired[Dict[str, str]]

class DraftChange(TypedDict):
    continue_on_step_failure: NotRequired[Optional[bool]]
    data_paths: NotRequired[Dict[str, PlaceOnDatastore]]
    datasets: NotRequired[Dict[str, DatasetValue]]
    description: NotRequired[Optional[str]]
    experiment: NotRequired[Optional[str]]
    name: NotRequired[Optional[str]]
    parameters: NotRequired[Dict[str, ParameterValue]]
    pipeline: NotRequired[Optional[SubmitRun]]
    properties: NotRequired[Optional[Dict[str, str]]]
    tags: NotRequired[Optional[Dict[str, str]]]

class DraftList(TypedDict):
    drafts: List[PipelineDraft]
    next: NotRequired[Optional[str]]

class EndRun(TypedDict):
    error: NotRequired[Optional[RunFailure]]
    status: EndStatus

EndStatus = Literal["Canceled", "Completed", "Failed"]

class EndpointChange(TypedDict):
    default_version: NotRequired[Optional[str]]
    description: NotRequired[Optional[str]]
    name: NotRequired[Optional[str]]
    status: NotRequired[Optional[PublishedStatus]]

class EndpointList(TypedDict):
    endpoints: List[PipelineEndpoint]
    next: NotRequired[Optional[str]]

class EndpointVersion(TypedDict):
    pipeline: str
    version: str

EntryType = Literal["file", "directory"]

class Environment1(TypedDict):
    kind: Literal["interpreter"]
    python: str

class Environment2(TypedDict):
    base_python: NotRequired[str]
    conda: NotRequired[List[str]]
    name: NotRequired[str]
    pip: NotRequired[List[str]]
    pip_options: NotRequired[List[str]]
    python_preferred: NotRequired[Optional[str]]
    python_version: NotRequired[Optional[str]]
    kind: Literal["python"]

Environment = Union[Environment1, Environment2]

class EnvironmentList(TypedDict):
    environments: List[EnvironmentRecord]
    next: NotRequired[Optional[str]]

class EnvironmentRecord(TypedDict):
    created_at: str
    definition: Any
    name: str
    version: int

class ErrorBody(TypedDict):
    code: ErrorCode
    hint: NotRequired[str]
    message: str

ErrorCode = Literal[
    "invalid_request",
    "invalid_graph",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "timeout",
    "conflict",
    "too_large",
    "busy",
    "storage",
    "datastore",
    "internal",
]

class ErrorReply(TypedDict):
    error: ErrorBody

class Experiment(TypedDict):
    created_at: str
    id: str
    name: str
    runs: int
    tags: Dict[str, str]

class ExperimentChange(TypedDict):
    remove_tags: NotRequired[List[str]]
    set_tags: NotRequired[Dict[str, str]]

class ExperimentList(TypedDict):
    experiments: List[Experiment]
    next: NotRequired[Optional[str]]

class FileChange(TypedDict):
    change: str
    datastore: str
    path: str

class FileChanges(TypedDict):
    changes: List[FileChange]

class FileInfo(TypedDict):
    name: str
    size: int

class FileList(TypedDict):
    files: List[FileInfo]

Frequency = Literal["Minute", "Hour", "Day", "Week", "Month"]

class Gc(TypedDict):
    dry_run: NotRequired[bool]
    keep_bytes: NotRequired[Optional[int]]
    older_than_seconds: NotRequired[Optional[int]]
    reusable: NotRequired[bool]

class GcReport(TypedDict):
    besides_bytes: int
    complete: bool
    dry_run: bool
    freed_bytes: int
    kept: List[GcShare]
    removed: List[GcShare]

class GcShare(TypedDict):
    bytes: int
    count: int
    kind: str

GraphEdge = TypedDict(
    "GraphEdge",
    {
        "from": int,
        "output": NotRequired[Optional[str]],
        "to": int,
    },
)

class GraphNode(TypedDict):
    height: float
    kind: str
    name: str
    run: str
    state: NotRequired[str]
    status: RunStatus
    width: float
    x: float
    y: float

class GraphView(TypedDict):
    edges: List[GraphEdge]
    height: float
    nodes: List[GraphNode]
    width: float

HiddenText = str

class Identity(TypedDict):
    id: str
    kind: CallerKind
    name: str
    role: Role

class InnerError(TypedDict):
    Code: str

class KeyedRun(TypedDict):
    key: str
    run: SubmitRun

class Ledger(TypedDict):
    lines: List[LedgerLine]
    next: NotRequired[Optional[str]]

class LedgerLine(TypedDict):
    at: str
    cancelled_for: NotRequired[Optional[str]]
    count: int
    last: str
    message: str
    outcome: LedgerOutcome
    path: NotRequired[Optional[str]]
    reason: NotRequired[Optional[SkipReason]]
    recorded_at: str
    run: NotRequired[Optional[str]]

LedgerOutcome = Literal["due", "queued", "fired", "skipped"]

class LogMetrics(TypedDict):
    first: int
    points: List[MetricPoint]
    writer: str

class LogTime(TypedDict):
    at_ms: int
    length: int

class LogTimes(TypedDict):
    times: List[LogTime]

MetricKind = Literal["scalar", "list", "row", "table", "image", "json"]

class MetricPoint(TypedDict):
    at_ms: int
    description: NotRequired[str]
    kind: MetricKind
    name: str
    step: NotRequired[Optional[int]]
    value: Any

class MetricSeries(TypedDict):
    name: str
    points: List[MetricPoint]

class Metrics(TypedDict):
    series: List[MetricSeries]

class Model(TypedDict):
    created_at: str
    datasets: NotRequired[List[ModelDataset]]
    description: str
    experiment: NotRequired[Optional[str]]
    files: List[FileInfo]
    framework: NotRequired[Optional[str]]
    framework_version: NotRequired[Optional[str]]
    is_file: bool
    name: str
    properties: Dict[str, str]
    resources: NotRequired[Optional[ModelResources]]
    run: NotRequired[Optional[str]]
    sample_input_dataset: NotRequired[Optional[str]]
    sample_output_dataset: NotRequired[Optional[str]]
    snapshot: str
    tags: Dict[str, str]
    user: NotRequired[str]
    version: int

class ModelChange(TypedDict):
    add_datasets: NotRequired[List[ModelDataset]]
    add_properties: NotRequired[Dict[str, str]]
    description: NotRequired[Optional[str]]
    remove_tags: NotRequired[List[str]]
    resources: NotRequired[Optional[ModelResources]]
    sample_input_dataset: NotRequired[Optional[str]]
    sample_output_dataset: NotRequired[Optional[str]]
    set_tags: NotRequired[Dict[str, str]]

class ModelDataset(TypedDict):
    dataset: str
    scenario: str

class ModelList(TypedDict):
    models: List[Model]
    next: NotRequired[Optional[str]]

class ModelResources(TypedDict):
    cpu: NotRequired[Optional[float]]
    gpu: NotRequired[Optional[int]]
    memory_in_gb: NotRequired[Optional[float]]

class Module(TypedDict):
    created_at: str
    default_version: NotRequired[Optional[str]]
    description: str
    id: str
    name: str
    status: ModuleStatus
    versions: List[ModuleVersion]

class ModuleChange(TypedDict):
    default_version: NotRequired[Optional[str]]
    description: NotRequired[Optional[str]]
    name: NotRequired[Optional[str]]
    status: NotRequired[Optional[ModuleStatus]]

class ModuleList(TypedDict):
    modules: List[Module]

ModuleStatus = Literal["active", "deprecated", "disabled"]

class ModuleVersion(TypedDict):
    category: NotRequired[Optional[str]]
    changed_at: str
    created_at: str
    definition: Dict[str, Any]
    description: str
    id: str
    module: str
    status: ModuleStatus
    version: str

class ModuleVersionChange(TypedDict):
    description: NotRequired[Optional[str]]
    status: NotRequired[Optional[ModuleStatus]]

class NewToken(TypedDict):
    created_at: str
    created_by: str
    expires_at: NotRequired[Optional[str]]
    id: str
    is_valid: bool
    last_used_at: NotRequired[Optional[str]]
    name: str
    revoked_at: NotRequired[Optional[str]]
    role: Role
    token: str

class OutputInfo(TypedDict):
    datastore: str
    local_path: NotRequired[Optional[str]]
    name: str
    path: str
    run: str

class OutputRef(TypedDict):
    output: str
    step: int

Overlap = Literal["allow", "skip", "queue", "cancel_previous"]

class PageTicket(TypedDict):
    expires_at: str
    ticket: str

ParallelForm = Literal["files", "table"]

class ParallelInput(TypedDict):
    dataset: NotRequired[Optional[str]]
    form: ParallelForm
    port: str

class ParallelProgress(TypedDict):
    all_planned: bool
    elapsed_ms: int
    in_flight: int
    items_per_s: float
    left_s: NotRequired[Optional[float]]
    reason: NotRequired[Optional[str]]
    state: str
    tally: ParallelTally
    workers: List[ParallelWorker]

class ParallelTally(TypedDict):
    done: int
    failed: int
    failed_items: int
    failed_tries: int
    items: int
    planned: int
    rows: int
    wavering: int

class ParallelTask(TypedDict):
    arguments: NotRequired[List[Argument]]
    entry_script: str
    environment: Environment
    inputs: List[ParallelInput]
    output: NotRequired[Optional[str]]
    parameter_variables: NotRequired[Dict[str, str]]
    settings: NotRequired[Dict[str, Setting]]
    snapshot: NotRequired[Optional[str]]
    timeout_seconds: NotRequired[Optional[int]]
    variables: NotRequired[Dict[str, str]]

class ParallelWorker(TypedDict):
    batch: NotRequired[Optional[int]]
    for_ms: int
    life: int
    node: int
    place: int
    state: str

class Parameter1(TypedDict):
    default: str
    type: Literal["string"]

class Parameter2(TypedDict):
    default: str
    type: Literal["int"]

class Parameter3(TypedDict):
    default: str
    type: Literal["float"]

class Parameter4(TypedDict):
    default: str
    type: Literal["bool"]

class Parameter5(TypedDict):
    default: PlaceOnDatastore
    type: Literal["data_path"]

class Parameter6(TypedDict):
    default: DatasetValue
    type: Literal["dataset"]

Parameter = Union[Parameter1, Parameter2, Parameter3, Parameter4, Parameter5, Parameter6]

ParameterValue = Union[str, float, bool]

class PipelineDraft(TypedDict):
    changed_at: str
    continue_on_step_failure: bool
    created_at: str
    description: str
    experiment: str
    id: str
    last_run: NotRequired[Optional[str]]
    name: str
    parameters: Dict[str, Parameter]
    parent_draft: NotRequired[Optional[str]]
    parent_pipeline: NotRequired[Optional[str]]
    parent_run: NotRequired[Optional[str]]
    properties: Dict[str, str]
    steps: int
    tags: Dict[str, str]

class PipelineEndpoint(TypedDict):
    changed_at: str
    created_at: str
    default_version: str
    description: str
    id: str
    name: str
    status: PublishedStatus
    versions: List[EndpointVersion]

class PipelineEndpointEntity(TypedDict):
    CreatedDate: str
    DefaultVersion: str
    Description: str
    EntityStatus: str
    Etag: str
    Id: str
    LastModifiedDate: str
    Name: str
    PipelineVersionList: List[PipelineVersionEntity]
    SwaggerUrl: str
    Url: str

class PipelineEntity(TypedDict):
    ContinueRunOnStepFailure: NotRequired[Optional[bool]]
    CreatedDate: str
    DataSetDefinitionValueAssignments: Dict[str, DataSetDefinitionValue]
    Description: str
    EntityStatus: str
    Etag: str
    GraphId: str
    Id: str
    LastModifiedDate: str
    Name: str
    ParameterAssignments: Dict[str, str]
    TotalRunSteps: int
    Url: str
    Version: NotRequired[Optional[str]]

class PipelineRunEntity(TypedDict):
    CreatedDate: str
    DataSetDefinitionValueAssignments: Dict[str, DataSetDefinitionValue]
    Description: str
    EntityStatus: str
    Etag: str
    GraphId: str
    HasErrors: bool
    HasWarnings: bool
    Id: str
    IsSubmitted: bool
    LastModifiedDate: str
    ParameterAssignments: Dict[str, str]
    PipelineId: NotRequired[Optional[str]]
    Properties: Dict[str, str]
    RunHistoryExperimentName: str
    RunSource: NotRequired[Optional[str]]
    RunType: NotRequired[Optional[str]]
    ScheduleId: NotRequired[Optional[str]]
    Status: PipelineRunStatus
    TotalRunSteps: int
    UploadState: str
    tags: Dict[str, str]

class PipelineRunStatus(TypedDict):
    CreationTime: str
    EndTime: NotRequired[Optional[str]]
    StatusCode: str
    StatusDetail: str

class PipelineScheduleEntity(TypedDict):
    CreatedDate: NotRequired[Optional[str]]
    DataStoreTriggerInfo: NotRequired[Optional[DataStoreTriggerInfo]]
    EntityStatus: NotRequired[Optional[str]]
    Etag: NotRequired[Optional[str]]
    Id: NotRequired[Optional[str]]
    LastModifiedDate: NotRequired[Optional[str]]
    Name: NotRequired[Optional[str]]
    PipelineEndpointId: NotRequired[Optional[str]]
    PipelineId: NotRequired[Optional[str]]
    PipelineSubmissionInfo: NotRequired[Optional[PipelineSubmissionInfo]]
    ProvisioningStatus: NotRequired[Optional[str]]
    Recurrence: NotRequired[Optional[AzureRecurrence]]
    ScheduleType: NotRequired[Optional[str]]

class PipelineSubmissionInfo(TypedDict):
    ContinueRunOnStepFailure: NotRequired[Optional[bool]]
    DataPathAssignments: NotRequired[Optional[Dict[str, AzureDataPath]]]
    DataSetDefinitionValueAssignments: NotRequired[Optional[Dict[str, DataSetDefinitionValue]]]
    Description: NotRequired[Optional[str]]
    DisplayName: NotRequired[Optional[str]]
    EnableNotification: NotRequired[Optional[bool]]
    ExperimentName: NotRequired[Optional[str]]
    ParameterAssignments: NotRequired[Optional[Dict[str, ParameterValue]]]
    Properties: NotRequired[Optional[Dict[str, ParameterValue]]]
    RunSource: NotRequired[Optional[str]]
    RunType: NotRequired[Optional[str]]
    ScheduleId: NotRequired[Optional[str]]
    tags: NotRequired[Optional[Dict[str, ParameterValue]]]

class PipelineVersionEntity(TypedDict):
    PipelineId: str
    Version: str

class PlaceOnDatastore(TypedDict):
    datastore: str
    path: str

class Preview(TypedDict):
    iana: str
    time_zone: str
    times: List[PreviewTime]

class PreviewTime(TypedDict):
    at: str
    clock: ClockNote
    local: str
    wall: str

class PreviewTrigger(TypedDict):
    count: NotRequired[Optional[int]]
    trigger: Trigger

class ProcedureParameter(TypedDict):
    name: str
    type: NotRequired[ProcedureType]
    value: NotRequired[Optional[str]]

ProcedureType = Literal["string", "int", "decimal", "guid", "boolean", "date"]

class ProcessTask(TypedDict):
    arguments: NotRequired[List[Argument]]
    distribution: NotRequired[Optional[Distribution]]
    environment: Environment
    parameter_variables: NotRequired[Dict[str, str]]
    program: Program
    snapshot: NotRequired[Optional[str]]
    timeout_seconds: NotRequired[Optional[int]]
    variables: NotRequired[Dict[str, str]]

class Program1(TypedDict):
    script: str

class Program2(TypedDict):
    command: str

class Program3(TypedDict):
    shell: str

Program = Union[Program1, Program2, Program3]

class PublishModuleVersion(TypedDict):
    category: NotRequired[Optional[str]]
    definition: Dict[str, Any]
    description: NotRequired[str]
    is_default: NotRequired[bool]
    version: NotRequired[Optional[str]]

class PublishPipeline(TypedDict):
    continue_on_step_failure: NotRequired[Optional[bool]]
    description: NotRequired[str]
    name: str
    pipeline: NotRequired[Optional[SubmitRun]]
    run: NotRequired[Optional[str]]
    user: NotRequired[Optional[str]]
    version: NotRequired[Optional[str]]

class PublishedChange(TypedDict):
    status: PublishedStatus

class PublishedList(TypedDict):
    next: NotRequired[Optional[str]]
    pipelines: List[PublishedPipeline]

class PublishedPipeline(TypedDict):
    changed_at: str
    continue_on_step_failure: NotRequired[Optional[bool]]
    created_at: str
    description: str
    id: str
    name: str
    parameters: Dict[str, Parameter]
    run: NotRequired[Optional[str]]
    status: PublishedStatus
    steps: int
    user: str
    version: NotRequired[Optional[str]]

PublishedStatus = Literal["active", "disabled"]

class PythonSpec(TypedDict):
    base_python: NotRequired[str]
    conda: NotRequired[List[str]]
    name: NotRequired[str]
    pip: NotRequired[List[str]]
    pip_options: NotRequired[List[str]]
    python_preferred: NotRequired[Optional[str]]
    python_version: NotRequired[Optional[str]]

class Recurrence(TypedDict):
    frequency: Frequency
    hours: NotRequired[Optional[List[int]]]
    interval: int
    minutes: NotRequired[Optional[List[int]]]
    start_time: NotRequired[Optional[str]]
    time_zone: NotRequired[Optional[str]]
    week_days: NotRequired[Optional[List[WeekDay]]]

class RecurrenceSchedule(TypedDict):
    Hours: NotRequired[Optional[List[int]]]
    Minutes: NotRequired[Optional[List[int]]]
    WeekDays: NotRequired[Optional[List[str]]]

RegisterDatastore = Any

class RegisterEnvironment(TypedDict):
    definition: Any

class RegisterModel(TypedDict):
    datasets: NotRequired[List[ModelDataset]]
    description: NotRequired[str]
    framework: NotRequired[Optional[str]]
    framework_version: NotRequired[Optional[str]]
    name: NotRequired[str]
    path: NotRequired[Optional[str]]
    properties: NotRequired[Dict[str, str]]
    resources: NotRequired[Optional[ModelResources]]
    run: NotRequired[Optional[str]]
    sample_input_dataset: NotRequired[Optional[str]]
    sample_output_dataset: NotRequired[Optional[str]]
    snapshot: NotRequired[Optional[str]]
    tags: NotRequired[Dict[str, str]]
    user: NotRequired[str]

class RegisterOutput(TypedDict):
    create_new_version: NotRequired[bool]
    definition: Any
    description: NotRequired[str]
    kind: DatasetKind
    name: str
    tags: NotRequired[Dict[str, str]]

class RegisteredDataSetReference(TypedDict):
    Id: NotRequired[Optional[str]]
    Name: NotRequired[Optional[str]]
    Version: NotRequired[Optional[str]]

class ResubmitRun(TypedDict):
    from_failure: NotRequired[bool]
    regenerate_outputs: NotRequired[bool]
    user: NotRequired[Optional[str]]

ReuseOutcome = Literal["reused", "runs", "undecided"]

Role = Literal["reader", "submitter", "contributor", "owner"]

class RootError(TypedDict):
    Code: str
    Details: List[InnerError]
    InnerError: InnerError
    Message: str
    Target: str

class Run(TypedDict):
    created_at: str
    description: str
    display_name: str
    ended_at: NotRequired[Optional[str]]
    error: NotRequired[Optional[RunFailure]]
    experiment: str
    files_removed_at: NotRequired[Optional[str]]
    id: str
    kind: RunKind
    number: int
    outputs: List[OutputInfo]
    parameters: Dict[str, str]
    parent: NotRequired[Optional[str]]
    properties: Dict[str, str]
    published: NotRequired[Optional[str]]
    queued_seconds: NotRequired[float]
    reused_from: NotRequired[Optional[str]]
    root: str
    snapshot: NotRequired[Optional[str]]
    started_at: NotRequired[Optional[str]]
    status: RunStatus
    step: NotRequired[Optional[int]]
    step_kind: NotRequired[Optional[str]]
    tags: Dict[str, str]
    target: NotRequired[Optional[str]]
    usage: NotRequired[Optional[RunUsage]]
    user: str
    waiting: NotRequired[Optional[RunWait]]

class RunChange(TypedDict):
    add_properties: NotRequired[Dict[str, str]]
    description: NotRequired[Optional[str]]
    display_name: NotRequired[Optional[str]]
    remove_tags: NotRequired[List[str]]
    set_tags: NotRequired[Dict[str, str]]

class RunEvent(TypedDict):
    at: str
    logged: NotRequired[Optional[List[MetricPoint]]]
    message: NotRequired[Optional[str]]
    root: str
    run: str
    seq: int
    status: RunStatus
    step: NotRequired[Optional[int]]

class RunFailure(TypedDict):
    detail: str
    hint: str
    kind: str
    message: str

RunKind = Literal["pipeline", "step", "script", "interactive"]

class RunPage(TypedDict):
    next: NotRequired[Optional[str]]
    runs: List[Run]

RunStatus = Literal[
    "NotStarted",
    "Queued",
    "Preparing",
    "Running",
    "CancelRequested",
    "Canceled",
    "Completed",
    "Failed",
]

class RunUsage(TypedDict):
    cpu_seconds: float
    exit_code: NotRequired[Optional[int]]
    nodes: NotRequired[str]
    peak_memory_bytes: int
    signal: NotRequired[Optional[int]]

class RunWait(TypedDict):
    message: str
    reason: str
    since: str

class SaveDataset(TypedDict):
    create_new_version: NotRequired[bool]
    definition: Any
    description: NotRequired[str]
    files: NotRequired[List[DatasetPlace]]
    kind: DatasetKind
    name: NotRequired[Optional[str]]
    tags: NotRequired[Dict[str, str]]

class SavedDataSetReference(TypedDict):
    Id: str

class Schedule(TypedDict):
    catch_up: CatchUp
    changed_at: str
    created_at: str
    description: str
    enabled: bool
    endpoint: NotRequired[Optional[str]]
    id: str
    name: str
    next_at: NotRequired[Optional[str]]
    overlap: Overlap
    pipeline: NotRequired[Optional[str]]
    submission: SubmitPublished
    trigger: Trigger
    user: str

class ScheduleChange(TypedDict):
    catch_up: NotRequired[Optional[CatchUp]]
    description: NotRequired[Optional[str]]
    enabled: NotRequired[Optional[bool]]
    name: NotRequired[Optional[str]]
    overlap: NotRequired[Optional[Overlap]]
    submission: NotRequired[Optional[SubmitPublished]]
    trigger: NotRequired[Optional[Trigger]]

class ScheduleCreationInfo(TypedDict):
    DataStoreTriggerInfo: NotRequired[Optional[DataStoreTriggerInfo]]
    Name: NotRequired[Optional[str]]
    PipelineEndpointId: NotRequired[Optional[str]]
    PipelineId: NotRequired[Optional[str]]
    PipelineSubmissionInfo: NotRequired[PipelineSubmissionInfo]
    Recurrence: NotRequired[Optional[AzureRecurrence]]
    ScheduleType: NotRequired[Optional[str]]

class ScheduleList(TypedDict):
    next: NotRequired[Optional[str]]
    schedules: List[Schedule]

class Secret(TypedDict):
    content_type: str
    created_at: str
    name: str
    updated_at: str

class SecretList(TypedDict):
    secrets: List[Secret]

class SecretValue(TypedDict):
    content_type: str
    created_at: str
    name: str
    updated_at: str
    value: HiddenText

class Selection1(TypedDict):
    query: str
    type: Literal["query"]

class Selection2(TypedDict):
    name: str
    parameters: NotRequired[List[ProcedureParameter]]
    type: Literal["procedure"]

Selection = Union[Selection1, Selection2]

class SetSecret(TypedDict):
    content_type: NotRequired[str]
    value: HiddenText

class Setting1(TypedDict):
    literal: str

class Setting2(TypedDict):
    parameter: str

Setting = Union[Setting1, Setting2]

SkipReason = Literal[
    "missed",
    "superseded",
    "too_many",
    "overlap",
    "queue_full",
    "disabled",
    "refused",
]

class Snapshot(TypedDict):
    files: List[SnapshotFile]

class SnapshotFile(TypedDict):
    digest: str
    path: str
    size: int

class SnapshotReply(TypedDict):
    missing: List[str]
    snapshot: str

class SparkCluster(TypedDict):
    cluster_log_dbfs_path: NotRequired[Optional[str]]
    existing_cluster_id: NotRequired[Optional[str]]
    init_scripts: NotRequired[List[str]]
    instance_pool_id: NotRequired[Optional[str]]
    max_workers: NotRequired[Optional[int]]
    min_workers: NotRequired[Optional[int]]
    node_type: NotRequired[Optional[str]]
    num_workers: NotRequired[Optional[int]]
    permit_cluster_restart: NotRequired[Optional[bool]]
    spark_conf: NotRequired[Dict[str, str]]
    spark_env_variables: NotRequired[Dict[str, str]]
    spark_version: NotRequired[Optional[str]]

class SparkCode(TypedDict):
    arguments: NotRequired[List[Argument]]
    kind: SparkCodeKind
    parameters: NotRequired[Dict[str, Setting]]
    path: str

SparkCodeKind = Literal["notebook", "script", "jar"]

class SparkLibrary(TypedDict):
    cran: NotRequired[Optional[SparkPackage]]
    egg: NotRequired[Optional[str]]
    jar: NotRequired[Optional[str]]
    maven: NotRequired[Optional[SparkMaven]]
    pypi: NotRequired[Optional[SparkPackage]]
    sha256: NotRequired[Optional[str]]
    whl: NotRequired[Optional[str]]

class SparkMaven(TypedDict):
    coordinates: str
    exclusions: NotRequired[List[str]]
    repo: NotRequired[Optional[str]]

class SparkPackage(TypedDict):
    package: str
    repo: NotRequired[Optional[str]]

class SparkSettings(TypedDict):
    app_name: NotRequired[Optional[str]]
    conf: NotRequired[Dict[str, str]]
    driver_cores: NotRequired[Optional[int]]
    driver_memory: NotRequired[Optional[str]]
    executor_cores: NotRequired[Optional[int]]
    executor_memory: NotRequired[Optional[str]]
    files: NotRequired[List[str]]
    jars: NotRequired[List[str]]
    num_executors: NotRequired[Optional[int]]
    py_files: NotRequired[List[str]]

SparkStyle = Literal["databricks", "synapse"]

class SparkTask(TypedDict):
    cluster: NotRequired[SparkCluster]
    code: SparkCode
    environment: Environment
    libraries: NotRequired[List[SparkLibrary]]
    name: str
    parameter_variables: NotRequired[Dict[str, str]]
    remote: NotRequired[bool]
    snapshot: NotRequired[Optional[str]]
    spark: NotRequired[SparkSettings]
    style: NotRequired[SparkStyle]
    timeout_seconds: NotRequired[Optional[int]]
    variables: NotRequired[Dict[str, str]]

class StartedRuns(TypedDict):
    runs: List[str]

class StepInput(TypedDict):
    download: NotRequired[bool]
    name: str
    path_on_compute: NotRequired[Optional[str]]
    source: DataPlace

class StepOutput(TypedDict):
    datastore: NotRequired[Optional[str]]
    keep_existing: NotRequired[bool]
    make_folder: NotRequired[bool]
    name: str
    path: NotRequired[Optional[str]]
    register: NotRequired[Optional[RegisterOutput]]
    source_globs: NotRequired[List[str]]
    upload_from: NotRequired[Optional[str]]

class StepResources(TypedDict):
    cores: NotRequired[Optional[int]]
    gpus: NotRequired[int]
    memory_bytes: NotRequired[Optional[int]]
    nodes: NotRequired[int]
    processes_per_node: NotRequired[int]
    wall_time_s: NotRequired[Optional[int]]

class StreamMessage(TypedDict):
    data: str
    event: NotRequired[Optional[str]]
    id: NotRequired[Optional[str]]

class SubmitPublished(TypedDict):
    continue_on_step_failure: NotRequired[Optional[bool]]
    data_paths: NotRequired[Dict[str, PlaceOnDatastore]]
    datasets: NotRequired[Dict[str, DatasetValue]]
    description: NotRequired[Optional[str]]
    display_name: NotRequired[Optional[str]]
    experiment: NotRequired[str]
    parameters: NotRequired[Dict[str, ParameterValue]]
    parent: NotRequired[Optional[str]]
    properties: NotRequired[Dict[str, str]]
    run_source: NotRequired[Optional[str]]
    tags: NotRequired[Dict[str, str]]
    user: NotRequired[Optional[str]]

class SubmitRun(TypedDict):
    client: NotRequired[ClientInfo]
    continue_on_step_failure: NotRequired[bool]
    data_paths: NotRequired[Dict[str, PlaceOnDatastore]]
    datasets: NotRequired[Dict[str, DatasetValue]]
    declared: NotRequired[Dict[str, Parameter]]
    description: NotRequired[Optional[str]]
    display_name: NotRequired[Optional[str]]
    experiment: str
    kind: NotRequired[str]
    outputs: NotRequired[Dict[str, OutputRef]]
    parameters: NotRequired[Dict[str, str]]
    parent: NotRequired[Optional[str]]
    properties: NotRequired[Dict[str, str]]
    regenerate_outputs: NotRequired[bool]
    steps: List[SubmitStep]
    tags: NotRequired[Dict[str, str]]

class SubmitRuns(TypedDict):
    runs: List[KeyedRun]

class SubmitStep(TypedDict):
    after: NotRequired[List[int]]
    allow_reuse: NotRequired[bool]
    inputs: NotRequired[List[StepInput]]
    kind: str
    name: str
    outputs: NotRequired[List[StepOutput]]
    resources: NotRequired[StepResources]
    target: str
    task: Task

class Task1(TypedDict):
    arguments: NotRequired[List[Argument]]
    distribution: NotRequired[Optional[Distribution]]
    environment: Environment
    parameter_variables: NotRequired[Dict[str, str]]
    program: Program
    snapshot: NotRequired[Optional[str]]
    timeout_seconds: NotRequired[Optional[int]]
    variables: NotRequired[Dict[str, str]]
    type: Literal["process"]

class Task2(TypedDict):
    arguments: NotRequired[List[Argument]]
    entry_script: str
    environment: Environment
    inputs: List[ParallelInput]
    output: NotRequired[Optional[str]]
    parameter_variables: NotRequired[Dict[str, str]]
    settings: NotRequired[Dict[str, Setting]]
    snapshot: NotRequired[Optional[str]]
    timeout_seconds: NotRequired[Optional[int]]
    variables: NotRequired[Dict[str, str]]
    type: Literal["parallel"]

class Task3(TypedDict):
    create: NotRequired[bool]
    destination: str
    destination_type: NotRequired[Optional[EntryType]]
    keys: NotRequired[List[str]]
    mode: NotRequired[Optional[WriteMode]]
    output: str
    select: NotRequired[Optional[Selection]]
    source: str
    source_type: NotRequired[Optional[EntryType]]
    type: Literal["transfer"]

class Task4(TypedDict):
    metrics_output: NotRequired[Optional[str]]
    model_outputs: NotRequired[List[TrialFile]]
    search: Dict[str, Any]
    suggestions: NotRequired[Optional[Environment]]
    trial: ProcessTask
    trial_resources: NotRequired[StepResources]
    trial_target: str
    type: Literal["tune"]

class Task5(TypedDict):
    cluster: NotRequired[SparkCluster]
    code: SparkCode
    environment: Environment
    libraries: NotRequired[List[SparkLibrary]]
    name: str
    parameter_variables: NotRequired[Dict[str, str]]
    remote: NotRequired[bool]
    snapshot: NotRequired[Optional[str]]
    spark: NotRequired[SparkSettings]
    style: NotRequired[SparkStyle]
    timeout_seconds: NotRequired[Optional[int]]
    variables: NotRequired[Dict[str, str]]
    type: Literal["spark"]

class Task6(TypedDict):
    degree_of_parallelism: NotRequired[Optional[int]]
    parameters: NotRequired[Dict[str, Setting]]
    script: str
    snapshot: str
    type: Literal["usql"]

Task = Union[Task1, Task2, Task3, Task4, Task5, Task6]

class TokenInfo(TypedDict):
    created_at: str
    created_by: str
    expires_at: NotRequired[Optional[str]]
    id: str
    is_valid: bool
    last_used_at: NotRequired[Optional[str]]
    name: str
    revoked_at: NotRequired[Optional[str]]
    role: Role

class TokenList(TypedDict):
    tokens: List[TokenInfo]

class TransferTask(TypedDict):
    create: NotRequired[bool]
    destination: str
    destination_type: NotRequired[Optional[EntryType]]
    keys: NotRequired[List[str]]
    mode: NotRequired[Optional[WriteMode]]
    output: str
    select: NotRequired[Optional[Selection]]
    source: str
    source_type: NotRequired[Optional[EntryType]]

class Trial(TypedDict):
    best: NotRequired[Optional[float]]
    name: str
    run: str
    status: RunStatus
    values: Dict[str, Any]

class TrialFile(TypedDict):
    file: str
    output: str

class Trials(TypedDict):
    is_more_better: bool
    metric: str
    trials: List[Trial]

class Trigger1(TypedDict):
    frequency: Frequency
    hours: NotRequired[Optional[List[int]]]
    interval: int
    minutes: NotRequired[Optional[List[int]]]
    start_time: NotRequired[Optional[str]]
    time_zone: NotRequired[Optional[str]]
    week_days: NotRequired[Optional[List[WeekDay]]]
    kind: Literal["recurrence"]

class Trigger2(TypedDict):
    expression: str
    start_time: NotRequired[Optional[str]]
    time_zone: NotRequired[Optional[str]]
    kind: Literal["cron"]

class Trigger3(TypedDict):
    data_path_parameter: NotRequired[Optional[str]]
    datastore: str
    path: NotRequired[str]
    polling_interval: NotRequired[int]
    kind: Literal["data"]

Trigger = Union[Trigger1, Trigger2, Trigger3]

class TuneTask(TypedDict):
    metrics_output: NotRequired[Optional[str]]
    model_outputs: NotRequired[List[TrialFile]]
    search: Dict[str, Any]
    suggestions: NotRequired[Optional[Environment]]
    trial: ProcessTask
    trial_resources: NotRequired[StepResources]
    trial_target: str

class UsqlTask(TypedDict):
    degree_of_parallelism: NotRequired[Optional[int]]
    parameters: NotRequired[Dict[str, Setting]]
    script: str
    snapshot: str

WeekDay = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

class Why(TypedDict):
    compared_with: NotRequired[Optional[str]]
    outcome: ReuseOutcome
    reasons: List[str]
    run: NotRequired[Optional[str]]
    start: NotRequired[Optional[str]]
    step: str

class WhyList(TypedDict):
    steps: List[Why]

class Workspace(TypedDict):
    active_runs: int
    data_folder: str
    default_datastore: str
    embedded: bool
    enabled_schedules: NotRequired[int]
    faults: NotRequired[List[str]]
    id: str
    name: str
    pid: int
    resource_group: str
    started_at: str
    subscription_id: str
    url: str
    version: str

WriteMode = Literal["append", "replace", "upsert"]
