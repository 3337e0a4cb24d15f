//! Wire types of MLflow's tracking interface: what its clients are answered, and what they send in
//! lists.
//!
//! Names and spelling are MLflow's own. Numbers that JSON cannot hold are texts (`"NaN"`,
//! `"Infinity"`); whole numbers are taken as numbers or texts. What a request says beyond these fields
//! is ignored, as MLflow's server does.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name with a value: a tag, or a parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pair {
    /// The name.
    pub key: String,
    /// The value.
    pub value: String,
}

/// A number that was logged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metric {
    /// The metric's name.
    pub key: String,
    /// The number.
    #[serde(serialize_with = "number_out", deserialize_with = "number_in")]
    pub value: f64,
    /// When, in milliseconds since 1970.
    #[serde(deserialize_with = "whole")]
    pub timestamp: i64,
    /// The step of training.
    #[serde(deserialize_with = "whole")]
    pub step: i64,
}

/// An error, as every client of MLflow understands it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReply {
    /// Which sort, such as `RESOURCE_DOES_NOT_EXIST`.
    pub error_code: &'static str,
    /// What was wrong.
    pub message: String,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Experiment {
    /// Its id.
    pub experiment_id: String,
    /// Its name.
    pub name: String,
    /// Where its artifacts are.
    pub artifact_location: String,
    /// `active`.
    pub lifecycle_stage: &'static str,
    /// When it was made, in milliseconds since 1970.
    pub creation_time: i64,
    /// The same.
    pub last_update_time: i64,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// What it is.
    pub info: RunInfo,
    /// What was recorded of it.
    pub data: RunData,
    /// What it has read.
    pub inputs: RunInputs,
    /// What it has made.
    pub outputs: RunOutputs,
}

/// What a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunInfo {
    /// Its id.
    pub run_id: String,
    /// The same, for old clients.
    pub run_uuid: String,
    /// Its name for people.
    pub run_name: String,
    /// The id of its experiment.
    pub experiment_id: String,
    /// Who started it.
    pub user_id: String,
    /// How far it is: `SCHEDULED`, `RUNNING`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: &'static str,
    /// When it started, in milliseconds since 1970.
    pub start_time: i64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// `active`.
    pub lifecycle_stage: &'static str,
}

/// What was recorded of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunData {
    /// The number of each metric that was logged last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// Its parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Pair>,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// What a run has read.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunInputs {
    /// Datasets with their tags, as the client described them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dataset_inputs: Vec<serde_json::Value>,
}

/// A file or folder among the artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileInfo {
    /// Its path.
    pub path: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Its size in bytes, of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
}

/// A registered model: a name with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegisteredModel {
    /// The name.
    pub name: String,
    /// When it was first used, in milliseconds since 1970.
    pub creation_timestamp: i64,
    /// When it was last changed.
    pub last_updated_timestamp: i64,
    /// A description.
    pub description: String,
    /// The newest version of each stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub latest_versions: Vec<ModelVersion>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
    /// Other names of versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
}

/// Another name of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// The name.
    pub alias: String,
    /// The version.
    pub version: String,
}

/// A version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// The version.
    pub version: String,
    /// When it was registered, in milliseconds since 1970.
    pub creation_timestamp: i64,
    /// When it was last changed.
    pub last_updated_timestamp: i64,
    /// Who registered it.
    pub user_id: String,
    /// Its stage.
    pub current_stage: String,
    /// A description.
    pub description: String,
    /// What it was made from.
    pub source: String,
    /// The run that made it; empty when none is known.
    pub run_id: String,
    /// `READY`.
    pub status: &'static str,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
    /// Its other names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A model that a run has logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedModel {
    /// What it is.
    pub info: LoggedModelInfo,
    /// What was recorded of it.
    pub data: LoggedModelData,
}

/// What a logged model is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedModelInfo {
    /// Its id.
    pub model_id: String,
    /// The id of its experiment.
    pub experiment_id: String,
    /// Its name.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub creation_timestamp_ms: i64,
    /// When it was last changed.
    pub last_updated_timestamp_ms: i64,
    /// Where its files are.
    pub artifact_uri: String,
    /// How far it is, such as `LOGGED_MODEL_READY`.
    pub status: String,
    /// The client's word for its kind.
    pub model_type: String,
    /// The run that logged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_run_id: Option<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// What was recorded of a logged model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoggedModelData {
    /// Parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Pair>,
}

/// What a run has made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunOutputs {
    /// The models that it has logged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub model_outputs: Vec<ModelOutput>,
}

/// A model that a run has logged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelOutput {
    /// Its id.
    pub model_id: String,
    /// The step of training.
    #[serde(deserialize_with = "whole")]
    pub step: i64,
}

/// Writes a number; those that JSON has not as texts.
fn number_out<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        value if value.is_nan() => serializer.serialize_str("NaN"),
        value if value.is_infinite() && *value > 0.0 => serializer.serialize_str("Infinity"),
        value if value.is_infinite() => serializer.serialize_str("-Infinity"),
        value => serializer.serialize_f64(*value),
    }
}

/// Reads a number, or the text of one.
fn number_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    use serde::de::Error;
    let value = serde_json::Value::deserialize(deserializer)?;
    let number = match &value {
        serde_json::Value::Number(number) => number.as_f64(),
        // Rust reads all of MLflow's words for numbers that JSON has not.
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| D::Error::custom(format!("{value} is no number")))
}

/// Reads a whole number, or the text of one; nothing is 0.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    use serde::de::Error;
    let value = serde_json::Value::deserialize(deserializer)?;
    match value {
        serde_json::Value::Null => Ok(0),
        _ => {
            whole_of(&value).ok_or_else(|| D::Error::custom(format!("{value} is no whole number")))
        }
    }
}

/// The whole number that a value is, or is the text of.
#[must_use]
pub fn whole_of(value: &serde_json::Value) -> Option<i64> {
    match value {
        serde_json::Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            let is_whole = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
            is_whole.then_some(float as i64)
        }),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_has_not_are_texts() {
        for (text, words) in [
            ("NaN", "\"NaN\""),
            ("-Infinity", "\"-Infinity\""),
            ("1.5", "1.5"),
        ] {
            let sent = format!(r#"{{"key": "k", "value": "{text}", "timestamp": "7"}}"#);
            let metric: Metric = serde_json::from_str(&sent).expect("a metric");
            assert_eq!((metric.timestamp, metric.step), (7, 0));
            let answered = serde_json::to_string(&metric).expect("JSON");
            assert!(
                answered.contains(&format!(r#""value":{words}"#)),
                "{answered}"
            );
        }
        assert!(serde_json::from_str::<Metric>(r#"{"value": "much"}"#).is_err());
    }
}
