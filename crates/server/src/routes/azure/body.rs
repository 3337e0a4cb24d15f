//! What a program of the original service sends, in our own words.
//!
//! The service takes names in any case and ignores what it does not know; so does this.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};
use stepwell_api::azure::{AzureDataPath, DataSetDefinitionValue, PipelineSubmissionInfo};
use stepwell_model::{Assignments, DatasetValue, Place};
use stepwell_store::datasets;
use uuid::Uuid;

use crate::app::App;
use crate::error::{ApiError, Body, Result, run_id};
use crate::misfit;

/// The fields of a request.
const FIELDS: &[&str] = &[
    "ExperimentName",
    "Description",
    "DisplayName",
    "RunSource",
    "RunType",
    "ParameterAssignments",
    "DataPathAssignments",
    "DataSetDefinitionValueAssignments",
    "ScheduleId",
    "ContinueRunOnStepFailure",
    "EnableNotification",
    "tags",
    "Properties",
];

/// The fields of a value of a parameter.
const VALUE_FIELDS: &[&str] = &[
    "DataStoreName",
    "RelativePath",
    "LiteralValue",
    "DataSetReference",
    "SavedDataSetReference",
    "Id",
    "Name",
    "Version",
];

/// A request's body, its names spelt as ours are.
pub(super) struct Said(pub(super) PipelineSubmissionInfo);

impl<S: Send + Sync> FromRequest<S> for Said {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let Body(value) = Body::<Value>::from_request(request, state).await?;
        let Value::Object(fields) = value else {
            return Err(ApiError::invalid("the body is no JSON object")
                .hint("give at least {\"ExperimentName\": \"name\"}"));
        };
        let info = serde_json::from_value(Value::Object(spelt(fields)));
        let refuse = |error: serde_json::Error| {
            let fault = misfit::in_words(&error.to_string());
            ApiError::invalid(format!("the body does not fit: {fault}"))
        };
        info.map(Self).map_err(refuse)
    }
}

/// The fields of a request in our spelling. Names of parameters, tags and properties are the
/// program's own and stay.
fn spelt(fields: Map<String, Value>) -> Map<String, Value> {
    let field = |(name, value)| {
        let name = ours(FIELDS, name);
        let value = match (name.as_str(), value) {
            (
                "DataPathAssignments" | "DataSetDefinitionValueAssignments",
                Value::Object(parameters),
            ) => {
                let parameters = parameters.into_iter();
                Value::Object(
                    parameters
                        .map(|(name, value)| (name, spelt_value(value)))
                        .collect(),
                )
            }
            (_, value) => value,
        };
        (name, value)
    };
    fields.into_iter().map(field).collect()
}

fn spelt_value(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    let field = |(name, value)| (ours(VALUE_FIELDS, name), spelt_value(value));
    Value::Object(fields.into_iter().map(field).collect())
}

fn ours(known: &[&str], name: String) -> String {
    let found = known.iter().find(|ours| ours.eq_ignore_ascii_case(&name));
    found.map_or(name, |ours| (*ours).to_owned())
}

/// What is to be started.
///
/// # Errors
/// When there is no experiment's name, or a dataset is not there.
pub(super) async fn assignments(
    app: &App,
    said: PipelineSubmissionInfo,
    parent: Option<&str>,
) -> Result<Assignments> {
    let experiment = said.experiment_name.ok_or_else(|| {
        ApiError::invalid("`ExperimentName` is missing")
            .hint("name the experiment that the run belongs to; it is made if it does not exist")
    })?;
    let mut data_paths: BTreeMap<String, Place> = BTreeMap::new();
    for (name, path) in said.data_path_assignments.unwrap_or_default() {
        data_paths.insert(name, place(path));
    }
    let mut chosen = BTreeMap::new();
    for (name, value) in said
        .data_set_definition_value_assignments
        .unwrap_or_default()
    {
        match value.literal_value.clone() {
            Some(path) => drop(data_paths.insert(name, place(path))),
            None => {
                let id = dataset(app, &name, value).await?;
                let id = id.to_string();
                chosen.insert(name, DatasetValue { id, place: None });
            }
        }
    }
    Ok(Assignments {
        experiment,
        description: said.description,
        display_name: said.display_name,
        parameters: said.parameter_assignments.unwrap_or_default(),
        data_paths,
        datasets: chosen,
        continue_on_step_failure: said.continue_run_on_step_failure,
        tags: texts(said.tags),
        properties: texts(said.properties),
        run_source: said.run_source,
        parent: parent.map(run_id).transpose()?,
        user: None,
    })
}

fn place(path: AzureDataPath) -> Place {
    Place {
        datastore: path.data_store_name,
        path: path
            .relative_path
            .unwrap_or_default()
            .trim_matches('/')
            .to_owned(),
    }
}

/// Values as text; what is null is left out.
fn texts(values: Option<BTreeMap<String, Value>>) -> BTreeMap<String, String> {
    let text = |(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    };
    values
        .unwrap_or_default()
        .into_iter()
        .filter_map(text)
        .collect()
}

/// The id of the dataset that a value names.
async fn dataset(app: &App, parameter: &str, value: DataSetDefinitionValue) -> Result<Uuid> {
    let id = |text: &str| {
        text.parse().map_err(|_| {
            ApiError::invalid(format!(
                "parameter `{parameter}` is given `{text}`, which is not the id of a dataset"
            ))
        })
    };
    if let Some(saved) = value.saved_data_set_reference {
        return id(&saved.id);
    }
    let reference = value.data_set_reference.unwrap_or_default();
    if let Some(text) = &reference.id {
        return id(text);
    }
    let Some(name) = reference.name else {
        return Err(
            ApiError::invalid(format!("parameter `{parameter}` is given no dataset"))
                .hint("give {\"SavedDataSetReference\": {\"Id\": \"...\"}}"),
        );
    };
    let version = match reference.version {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) if text == "latest" => None,
        Some(other) => {
            let text = other.as_str().unwrap_or_default();
            let refuse = |_| ApiError::invalid(format!("`{other}` is no version of a dataset"));
            Some(text.parse().map_err(refuse)?)
        }
    };
    let wanted = name.clone();
    let read = move |db: &_| datasets::find_named(db, &wanted, version);
    let found = app.store.read(read).await?;
    found.map(|found| found.id).ok_or_else(|| {
        let version = version.map_or(String::new(), |version| format!(" version {version}"));
        ApiError::invalid(format!(
            "parameter `{parameter}` is given dataset `{name}`{version}, which there is not"
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_taken_in_any_case_and_the_programs_own_stay() {
        let said = json!({
            "experimentName": "e",
            "parameterAssignments": {"Rate": 1, "tags": true},
            "DATAPATHASSIGNMENTS": {"Where": {"dataStoreName": "s", "relativePath": "a"}},
            "DataSetDefinitionValueAssignments": {"id": {"savedDataSetReference": {"id": "7"}}},
            "Tags": {"Name": "n"},
            "Whatever": {}
        });
        let Value::Object(fields) = said else {
            unreachable!()
        };
        let expected = json!({
            "ExperimentName": "e",
            "ParameterAssignments": {"Rate": 1, "tags": true},
            "DataPathAssignments": {"Where": {"DataStoreName": "s", "RelativePath": "a"}},
            "DataSetDefinitionValueAssignments": {"id": {"SavedDataSetReference": {"Id": "7"}}},
            "tags": {"Name": "n"},
            "Whatever": {}
        });
        assert_eq!(Value::Object(spelt(fields)), expected);
    }
}
