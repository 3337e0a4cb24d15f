//! Wire types of the original service's schedules. Names and spelling are the service's own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::azure::PipelineSubmissionInfo;

/// A schedule to make.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScheduleCreationInfo {
    /// Its name.
    pub name: Option<String>,
    /// The published pipeline that it starts.
    pub pipeline_id: Option<String>,
    /// The pipeline endpoint that it starts.
    pub pipeline_endpoint_id: Option<String>,
    /// What its runs are to be.
    pub pipeline_submission_info: PipelineSubmissionInfo,
    /// When it fires.
    pub recurrence: Option<AzureRecurrence>,
    /// `0` for a recurrence, `1` for a datastore; follows from the others.
    pub schedule_type: Option<String>,
    /// What it watches.
    pub data_store_trigger_info: Option<DataStoreTriggerInfo>,
}

/// A schedule; also what is sent to change one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct PipelineScheduleEntity {
    /// Its name.
    pub name: Option<String>,
    /// The published pipeline that it starts.
    pub pipeline_id: Option<String>,
    /// The pipeline endpoint that it starts.
    pub pipeline_endpoint_id: Option<String>,
    /// Always `0`: ready.
    pub provisioning_status: Option<String>,
    /// What its runs are to be.
    pub pipeline_submission_info: Option<PipelineSubmissionInfo>,
    /// When it fires.
    pub recurrence: Option<AzureRecurrence>,
    /// Its id.
    pub id: Option<String>,
    /// Changes with it.
    pub etag: Option<String>,
    /// When it was made.
    pub created_date: Option<String>,
    /// When it was last changed.
    pub last_modified_date: Option<String>,
    /// `0` when it fires, `2` when it is disabled.
    pub entity_status: Option<String>,
    /// `0` for a recurrence, `1` for a datastore.
    pub schedule_type: Option<String>,
    /// What it watches.
    pub data_store_trigger_info: Option<DataStoreTriggerInfo>,
}

/// A recurrence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AzureRecurrence {
    /// `Month` `Week` `Day` `Hour` `Minute`, or `0` to `4` in that order.
    pub frequency: String,
    /// How many of them lie between two times.
    pub interval: u32,
    /// The first time, as `2026-01-31T09:30:00`.
    #[serde(default)]
    pub start_time: Option<String>,
    /// A Windows or IANA name.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// The named times.
    #[serde(default)]
    pub schedule: Option<RecurrenceSchedule>,
}

/// The named times of a recurrence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase", default)]
pub struct RecurrenceSchedule {
    /// Hours of the day.
    pub hours: Option<Vec<u8>>,
    /// Minutes of the hour.
    pub minutes: Option<Vec<u8>>,
    /// Days of the week by name, or `0` (Monday) to `6`.
    pub week_days: Option<Vec<String>>,
}

/// What a schedule watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DataStoreTriggerInfo {
    /// The datastore.
    pub data_store_name: String,
    /// Minutes between two looks.
    #[serde(default)]
    pub polling_interval: Option<u32>,
    /// The parameter that is given the path that changed.
    #[serde(default)]
    pub data_path_parameter_name: Option<String>,
    /// The folder on the datastore.
    #[serde(default)]
    pub path_on_data_store: Option<String>,
}
