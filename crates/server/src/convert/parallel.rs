//! Parallel steps: from what a client sends to a task whose settings are known to be good.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_model as model;
use stepwell_model::{InputForm, OutputAction, ParallelSettings};

use crate::error::{ApiError, Result};

/// What a parallel task says beside the program of its workers.
pub(super) struct Rest {
    inputs: Vec<api::ParallelInput>,
    output: Option<String>,
    settings: BTreeMap<String, api::Setting>,
}

/// What a task may name.
pub(super) struct Ports<'a> {
    pub(super) is_input: &'a dyn Fn(&str) -> bool,
    pub(super) outputs: &'a [model::Output],
    pub(super) parameters: &'a BTreeMap<String, model::Parameter>,
}

/// The program of the workers, which is checked like any other, and the rest.
pub(super) fn split(task: api::ParallelTask) -> (api::ProcessTask, Rest) {
    let worker = api::ProcessTask {
        program: api::Program::Script(task.entry_script),
        arguments: task.arguments,
        snapshot: task.snapshot,
        environment: task.environment,
        variables: task.variables,
        parameter_variables: task.parameter_variables,
        timeout_seconds: task.timeout_seconds,
    };
    let rest = Rest {
        inputs: task.inputs,
        output: task.output,
        settings: task.settings,
    };
    (worker, rest)
}

/// A parallel task as clients see it.
pub(super) fn shown(task: &model::ParallelTask, worker: api::ProcessTask) -> api::ParallelTask {
    let input = |input: &model::ParallelInput| api::ParallelInput {
        port: input.port.clone(),
        form: match input.form {
            InputForm::Files => api::ParallelForm::Files,
            InputForm::Table => api::ParallelForm::Table,
        },
        dataset: input.dataset.clone(),
    };
    let setting = |(name, setting): (&String, &model::Setting)| {
        let setting = match setting {
            model::Setting::Literal(text) => api::Setting::Literal(text.clone()),
            model::Setting::Parameter(name) => api::Setting::Parameter(name.clone()),
        };
        (name.clone(), setting)
    };
    let (api::Program::Script(entry_script) | api::Program::Command(entry_script)) = worker.program;
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

/// Checks the rest and puts both together.
pub(super) fn task(
    worker: model::ProcessTask,
    rest: Rest,
    ports: &Ports<'_>,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::ParallelTask> {
    let settings: BTreeMap<String, model::Setting> = rest
        .settings
        .into_iter()
        .map(|(name, setting)| (name, convert_setting(setting)))
        .collect();
    let known = understood(&settings, ports, refuse)?;
    let inputs = rest.inputs.into_iter();
    let inputs = inputs
        .map(|input| convert_input(input, &known, ports, refuse))
        .collect::<Result<Vec<_>>>()?;
    let Some(first) = inputs.first() else {
        return Err(refuse(
            "it has no input to be cut into mini-batches".to_owned(),
        ));
    };
    if inputs.iter().any(|input| input.form != first.form) {
        return Err(
            refuse("some of its inputs are files and some are tables".to_owned())
                .hint("cut either files or tables; pass the others as side inputs"),
        );
    }
    match &rest.output {
        Some(port) if !ports.outputs.iter().any(|output| output.name == *port) => {
            return Err(refuse(format!(
                "its rows go to the output `{port}`, which there is not"
            )));
        }
        None if known.output_action == OutputAction::AppendRow => {
            return Err(refuse("its rows go to no output".to_owned())
                .hint("name an output, or set `output_action` to `summary_only`"));
        }
        _ => {}
    }
    Ok(model::ParallelTask {
        worker,
        inputs,
        output: rest.output,
        settings,
    })
}

fn convert_setting(setting: api::Setting) -> model::Setting {
    match setting {
        api::Setting::Literal(text) => model::Setting::Literal(text),
        api::Setting::Parameter(name) => model::Setting::Parameter(name),
    }
}

/// The settings with the defaults of the pipeline's parameters; other values are looked at when
/// they are given.
fn understood(
    settings: &BTreeMap<String, model::Setting>,
    ports: &Ports<'_>,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<ParallelSettings> {
    let parameters = ports.parameters.iter();
    let parameters = parameters.map(|(name, value)| (name.clone(), value.text()));
    let parameters: BTreeMap<String, String> = parameters.collect();
    let mut texts = BTreeMap::new();
    for (name, setting) in settings {
        let Some(text) = setting.resolve(&parameters) else {
            return Err(refuse(format!(
                "the setting `{name}` names a pipeline parameter which there is not"
            )));
        };
        texts.insert(name.clone(), text.to_owned());
    }
    ParallelSettings::parse(&texts).map_err(|error| refuse(error.to_string()))
}

fn convert_input(
    input: api::ParallelInput,
    known: &ParallelSettings,
    ports: &Ports<'_>,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::ParallelInput> {
    let port = &input.port;
    let is_there = (ports.is_input)(port);
    let form = match input.form {
        api::ParallelForm::Files => InputForm::Files,
        api::ParallelForm::Table => InputForm::Table,
    };
    let needs_dataset = form == InputForm::Table || !known.partition_keys.is_empty();
    if needs_dataset && input.dataset.is_none() {
        return Err(refuse(format!(
            "the input `{port}` does not say which dataset it is"
        ))
        .hint("a table, and whatever is cut by `partition_keys`, is read as a saved dataset"));
    }
    // A table may be behind URLs, on no datastore.
    if !is_there && form == InputForm::Files {
        return Err(refuse(format!(
            "it cuts the input `{port}`, which there is not"
        )));
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
    use stepwell_model::{EnvironmentSpec, Output, Parameter, ProcessTask, Program};

    use super::*;

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
        let (program, rest) = split(serde_json::from_value(body).expect("a task"));
        assert!(matches!(program.program, api::Program::Script(name) if name == "score.py"));
        let worker = ProcessTask {
            program: Program::Script("score.py".to_owned()),
            arguments: Vec::new(),
            snapshot: None,
            environment: EnvironmentSpec::Interpreter {
                python: "/usr/bin/python3".to_owned(),
            },
            variables: BTreeMap::new(),
            parameter_variables: BTreeMap::new(),
            timeout_s: None,
        };
        let outputs = [Output {
            name: "scores".to_owned(),
            datastore: "workspaceblobstore".to_owned(),
            path: None,
            upload_from: None,
            make_folder: false,
            keep_existing: false,
            source_globs: Vec::new(),
            register: None,
        }];
        let five = Parameter::Int("5".to_owned());
        let parameters = BTreeMap::from([("size".to_owned(), five)]);
        let ports = Ports {
            is_input: &|port| port == "input_ds_0",
            outputs: &outputs,
            parameters: &parameters,
        };
        task(worker, rest, &ports, &ApiError::invalid)
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
