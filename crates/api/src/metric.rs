//! What scripts log: metrics of several kinds, written in batches.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A batch of points. Sending a batch twice, as a retry does, logs it once: a point is known by
/// its writer and its number.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogMetrics {
    /// A text that is unique to the writing process.
    pub writer: String,
    /// The number of the first point; the others follow on.
    pub first: u64,
    /// The points, in the order they were logged. At most 10,000.
    pub points: Vec<MetricPoint>,
}

/// One logged value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricPoint {
    /// The metric's name.
    pub name: String,
    /// How to read the value.
    pub kind: MetricKind,
    /// A number or text for `scalar`; a list for `list`; an object of columns for `row` and
    /// `table`; `{"path": …}` for `image`; any JSON for `json`. NaN and the infinities are the
    /// texts `NaN`, `Infinity` and `-Infinity`.
    pub value: Value,
    /// The step of training it belongs to.
    #[serde(default)]
    pub step: Option<i64>,
    /// When it was logged, in milliseconds since 1970.
    pub at_ms: i64,
    /// A description for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// How a value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// `log`
    Scalar,
    /// `log_list`
    List,
    /// `log_row`
    Row,
    /// `log_table`
    Table,
    /// `log_image`
    Image,
    /// `log_confusion_matrix` and its like
    Json,
}

/// All points of a run, by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    /// One series a name, sorted by the time of the first point.
    pub series: Vec<MetricSeries>,
}

/// The points of one name, in the order they were logged.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MetricSeries {
    /// The name.
    pub name: String,
    /// The points.
    pub points: Vec<MetricPoint>,
}
