//! Steps on Spark, between the wire and the model.

use serde::{Deserialize, Serialize};
use stepwell_api as api;
use stepwell_model::{SparkCode, SparkCodeKind, SparkStyle, SparkTask};

use super::parallel::{convert_setting, shown_setting};
use super::process::check_variables;
use super::task::{TaskContext, environment, shown_arguments, shown_environment};
use crate::error::Result;

/// What only the worker reads of a task, as it is stored.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Options {
    spark: api::SparkSettings,
    cluster: api::SparkCluster,
    libraries: Vec<api::SparkLibrary>,
}

/// Checks and converts a task.
pub(super) fn task(task: api::SparkTask, cx: &TaskContext<'_>) -> Result<SparkTask> {
    check_variables(&task.variables, &task.parameter_variables, cx)?;
    if let Some(library) = task.libraries.iter().find(|library| kinds(library) != 1) {
        let shown = serde_json::to_string(library).unwrap_or_default();
        return Err(cx
            .refuse(format!("the library {shown} is not of exactly one kind"))
            .hint("set one of `pypi`, `cran`, `maven`, `jar`, `egg`, `whl`"));
    }
    let options = Options {
        spark: task.spark,
        cluster: task.cluster,
        libraries: task.libraries,
    };
    let options_json = serde_json::to_string(&options)
        .map_err(|error| cx.refuse(format!("its options cannot be kept: {error}")))?;
    let parameters = task.code.parameters.into_iter();
    Ok(SparkTask {
        code: SparkCode {
            kind: match task.code.kind {
                api::SparkCodeKind::Notebook => SparkCodeKind::Notebook,
                api::SparkCodeKind::Script => SparkCodeKind::Script,
                api::SparkCodeKind::Jar => SparkCodeKind::Jar,
            },
            path: task.code.path,
            arguments: cx.arguments(task.code.arguments)?,
            parameters: parameters
                .map(|(name, setting)| (name, convert_setting(setting)))
                .collect(),
        },
        name: task.name,
        style: match task.style {
            api::SparkStyle::Databricks => SparkStyle::Databricks,
            api::SparkStyle::Synapse => SparkStyle::Synapse,
        },
        remote: task.remote,
        snapshot: cx.snapshot(task.snapshot)?,
        environment: environment(task.environment),
        variables: task.variables,
        parameter_variables: task.parameter_variables,
        options_json,
        timeout_s: task.timeout_seconds,
    })
}

/// How many kinds a library is of.
fn kinds(library: &api::SparkLibrary) -> usize {
    let kinds = [
        library.pypi.is_some(),
        library.cran.is_some(),
        library.maven.is_some(),
        library.jar.is_some(),
        library.egg.is_some(),
        library.whl.is_some(),
    ];
    kinds.into_iter().filter(|is_set| *is_set).count()
}

/// A task as clients see it.
pub(super) fn shown(task: &SparkTask) -> api::SparkTask {
    let options: Options = serde_json::from_str(&task.options_json).unwrap_or_default();
    let parameters = task.code.parameters.iter();
    api::SparkTask {
        code: api::SparkCode {
            kind: match task.code.kind {
                SparkCodeKind::Notebook => api::SparkCodeKind::Notebook,
                SparkCodeKind::Script => api::SparkCodeKind::Script,
                SparkCodeKind::Jar => api::SparkCodeKind::Jar,
            },
            path: task.code.path.clone(),
            arguments: shown_arguments(&task.code.arguments),
            parameters: parameters
                .map(|(name, setting)| (name.clone(), shown_setting(setting)))
                .collect(),
        },
        name: task.name.clone(),
        style: match task.style {
            SparkStyle::Databricks => api::SparkStyle::Databricks,
            SparkStyle::Synapse => api::SparkStyle::Synapse,
        },
        remote: task.remote,
        snapshot: task.snapshot.map(|digest| digest.to_string()),
        environment: shown_environment(&task.environment),
        variables: task.variables.clone(),
        parameter_variables: task.parameter_variables.clone(),
        spark: options.spark,
        cluster: options.cluster,
        libraries: options.libraries,
        timeout_seconds: task.timeout_s,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};
    use stepwell_model::Parameter;

    use super::*;
    use crate::error::ApiError;

    fn body() -> Value {
        json!({
            "code": {
                "kind": "notebook",
                "path": "/jobs/clean",
                "arguments": [{"input": "rows"}],
                "parameters": {"day": {"parameter": "day"}},
            },
            "name": "clean",
            "style": "databricks",
            "remote": false,
            "snapshot": null,
            "environment": {"kind": "interpreter", "python": "/usr/bin/python3"},
            "variables": {"A": "b"},
            "parameter_variables": {"AML_PARAMETER_day": "day"},
            "spark": {"driver_memory": "1g", "conf": {"spark.x": "1"}},
            "cluster": {"num_workers": 2, "spark_conf": {"spark.y": "2"}},
            "libraries": [{"jar": "a.jar", "sha256": "00"}, {"pypi": {"package": "scipy"}}],
            "timeout_seconds": 5,
        })
    }

    fn convert(body: Value) -> Result<SparkTask> {
        let day = Parameter::String("2024".to_owned());
        let cx = TaskContext {
            is_input: &|port| port == "rows",
            outputs: &[],
            parameters: &BTreeMap::from([("day".to_owned(), day)]),
            refuse: &ApiError::invalid,
        };
        task(serde_json::from_value(body).expect("a task"), &cx)
    }

    #[test]
    fn a_task_is_shown_as_it_was_sent() {
        let stored = convert(body()).expect("a good task");
        let again = serde_json::to_value(shown(&stored)).expect("JSON");
        assert_eq!(again, body());
    }

    #[test]
    fn what_cannot_run_is_refused_before_it_is_stored() {
        let two_kinds = json!([{"jar": "a.jar", "egg": "b.egg"}]);
        for (field, value) in [
            ("libraries", two_kinds),
            ("libraries", json!([{}])),
            ("variables", json!({"A=": "b"})),
            ("parameter_variables", json!({"A": "absent"})),
        ] {
            let mut changed = body();
            changed[field] = value;
            assert!(convert(changed).is_err(), "{field}");
        }
        let mut changed = body();
        changed["code"]["arguments"] = json!([{"output": "absent"}]);
        assert!(convert(changed).is_err(), "an argument names no port");
    }
}
