//! Parallel steps: from what a client sends to a task whose settings are known to be good.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_model as model;
use stepwell_model::{InputForm, OutputAction, ParallelSettings};

use super::process;
use super::task::TaskContext;
use crate::error::Result;

/// A parallel task as clients see it.
pub(super) fn shown(task: &model::ParallelTask) -> api::ParallelTask {
    let worker = process::shown(&task.worker);
    let input = |input: &model::ParallelInput| api::ParallelInput {
        port: input.port.clone(),
        form: match input.form {
            InputForm::Files => api::ParallelForm::Files,
            InputForm::Table => api::ParallelForm::Table,
        },
        dataset: input.dataset.clone(),
    };
    let setting =
        |(name, setting): (&String, &model::Setting)| (name.clone(), shown_setting(setting));
    let (api::Program::Script(entry_script)
    | api::Program::Command(entry_script)
    | api::Program::Shell(entry_script)) = worker.program;
    api::ParallelTask {
        entry_script,
        arguments: worker.arguments,
        snapshot: worker.snapshot,
        environment: worker.environment,
        variables: worker.variables,
        parameter_variables: worker.parameter_variables,
        timeout_seconds: worker.timeout_seconds,
        inputs: task.inputs.iter().map(input).collect(),
        output: task.output.clone(),
        settings: task.settings.iter().map(setting).collect(),
    }
}

/// Checks and converts a parallel task.
pub(super) fn task(task: api::ParallelTask, cx: &TaskContext<'_>) -> Result<model::ParallelTask> {
    let worker = api::ProcessTask {
        program: api::Program::Script(task.entry_script),
        arguments: task.arguments,
        snapshot: task.snapshot,
        environment: task.environment,
        variables: task.variables,
        parameter_variables: task.parameter_variables,
        timeout_seconds: task.timeout_seconds,
        distribution: None,
    };
    let worker = process::task(worker, cx)?;
    let settings = task.settings.into_iter();
    let settings: BTreeMap<String, model::Setting> = settings
        .map(|(name, setting)| (name, convert_setting(setting)))
        .collect();
    let known = understood(&settings, cx)?;
    let inputs = task.inputs.into_iter();
    let inputs = inputs
        .map(|input| convert_input(input, &known, cx))
        .collect::<Result<Vec<_>>>()?;
    let Some(first) = inputs.first() else {
        return Err(cx.refuse("it has no input to be cut into mini-batches"));
    };
    if inputs.iter().any(|input| input.form != first.form) {
        return Err(cx
            .refuse("some of its inputs are files and some are tables")
            .hint("cut either files or tables; pass the others as side inputs"));
    }
    match &task.output {
        Some(port) if !cx.is_output(port) => {
            return Err(cx.refuse(format!(
                "its rows go to the output `{port}`, which there is not"
            )));
        }
        None if known.output_action == OutputAction::AppendRow => {
            return Err(cx
                .refuse("its rows go to no output")
                .hint("name an output, or set `output_action` to `summary_only`"));
        }
        _ => {}
    }
    Ok(model::ParallelTask {
        worker,
        inputs,
        output: task.output,
        settings,
    })
}

/// A setting as clients see it.
pub(super) fn shown_setting(setting: &model::Setting) -> api::Setting {
    match setting {
        model::Setting::Literal(text) => api::Setting::Literal(text.clone()),
        model::Setting::Parameter(name) => api::Setting::Parameter(name.clone()),
    }
}

/// Converts a setting.
pub(super) fn convert_setting(setting: api::Setting) -> model::Setting {
    match setting {
        api::Setting::Literal(text) => model::Setting::Literal(text),
        api::Setting::Parameter(name) => model::Setting::Parameter(name),
    }
}

/// The settings with the defaults of the pipeline's parameters; other values are looked at when
/// they are given.
fn understood(
    settings: &BTreeMap<String, model::Setting>,
    cx: &TaskContext<'_>,
) -> Result<ParallelSettings> {
    let parameters = cx.parameters.iter();
    let parameters = parameters.map(|(name, value)| (name.clone(), value.text()));
    let parameters: BTreeMap<String, String> = parameters.collect();
    let mut texts = BTreeMap::new();
    for (name, setting) in settings {
        let Some(text) = setting.resolve(&parameters) else {
            return Err(cx.refuse(format!(
                "the setting `{name}` names a pipeline parameter which there is not"
            )));
        };
        texts.insert(name.clone(), text.to_owned());
    }
    ParallelSettings::parse(&texts).map_err(|error| cx.refuse(error.to_string()))
}

fn convert_input(
    input: api::ParallelInput,
    known: &ParallelSettings,
    cx: &TaskContext<'_>,
) -> Result<model::ParallelInput> {
    let port = &input.port;
    let is_there = (cx.is_input)(port);
    let form = match input.form {
        api::ParallelForm::Files => InputForm::Files,
        api::ParallelForm::Table => InputForm::Table,
    };
    let needs_dataset = form == InputForm::Table || !known.partition_keys.is_empty();
    if needs_dataset && input.dataset.is_none() {
        return Err(cx
            .refuse(format!(
                "the input `{port}` does not say which dataset it is"
            ))
            .hint("a table, and whatever is cut by `partition_keys`, is read as a saved dataset"));
    }
    // A table may be behind URLs, on no datastore.
    if !is_there && form == InputForm::Files {
        return Err(cx.refuse(format!("it cuts the input `{port}`, which there is not")));
    }
    Ok(model::ParallelInput {
        form,
        dataset: input.dataset,
        port: input.port,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stepwell_model::{Parameter, testing};

    use super::*;
    use crate::error::ApiError;

    fn convert(change: &[(&str, serde_json::Value)]) -> std::result::Result<(), String> {
        let mut body = json!({
            "entry_script": "score.py",
            "environment": {"kind": "interpreter", "python": "/usr/bin/python3"},
            "inputs": [{"port": "input_ds_0", "form": "files"}],
            "output": "scores",
            "settings": {"mini_batch_size": {"parameter": "size"}},
        });
        for (name, value) in change {
            body[name] = value.clone();
        }
        let outputs = [testing::output("scores", "workspaceblobstore")];
        let five = Parameter::Int("5".to_owned());
        let parameters = BTreeMap::from([("size".to_owned(), five)]);
        let cx = TaskContext {
            is_input: &|port| port == "input_ds_0",
            outputs: &outputs,
            parameters: &parameters,
            refuse: &ApiError::invalid,
        };
        task(serde_json::from_value(body).expect("a task"), &cx)
            .map(|_| ())
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn what_cannot_run_is_refused_before_it_is_stored() {
        assert_eq!(convert(&[]), Ok(()));
        let table = json!([{"port": "elsewhere", "form": "table", "dataset": "1"}]);
        assert_eq!(convert(&[("inputs", table)]), Ok(()));
        for (name, value) in [
            ("inputs", json!([])),
            ("inputs", json!([{"port": "other", "form": "files"}])),
            ("inputs", json!([{"port": "input_ds_0", "form": "table"}])),
            ("output", json!("other")),
            ("output", json!(null)),
            (
                "settings",
                json!({"mini_batch_size": {"parameter": "absent"}}),
            ),
            ("settings", json!({"mini_batch_size": {"literal": "none"}})),
            (
                "settings",
                json!({"partition_keys": {"literal": "[\"key\"]"}}),
            ),
        ] {
            assert!(
                convert(&[(name, value.clone())]).is_err(),
                "{name}: {value}"
            );
        }
    }
}
