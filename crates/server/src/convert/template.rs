//! Parameters and templates between the wire and the model.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_datastore::Registry;
use stepwell_model::{
    Arg, AssignmentError, DatasetValue, EnvironmentSpec, Input, InputSource, Output, Parameter,
    Place, ProcessTask, Program, Registration, StepIndex, StepSpec, Task, Template, Value,
};

use super::ports::data_place;
use crate::error::{ApiError, Result};

/// A declaration; a default that is not of its own type is refused.
pub(super) fn parameter(
    datastores: &Registry,
    name: &str,
    declared: api::Parameter,
) -> Result<Parameter> {
    let scalar = |parameter: Parameter| {
        let text = Value::Text(parameter.text());
        parameter.with(&text).ok_or_else(|| {
            let (expected, given) = (parameter.expected(), parameter.text());
            ApiError::invalid(format!(
                "the default of parameter `{name}` is `{given}`, which is not {expected}"
            ))
        })
    };
    match declared {
        api::Parameter::String(text) => Ok(Parameter::String(text)),
        api::Parameter::Int(text) => scalar(Parameter::Int(text)),
        api::Parameter::Float(text) => scalar(Parameter::Float(text)),
        api::Parameter::Bool(text) => scalar(Parameter::Bool(text)),
        api::Parameter::DataPath(value) => Ok(Parameter::DataPath(place(datastores, name, value)?)),
        api::Parameter::Dataset(value) => Ok(Parameter::Dataset(dataset(datastores, name, value)?)),
    }
}

/// A place that a parameter names; one that leads out of its datastore is refused.
pub(crate) fn place(
    datastores: &Registry,
    parameter: &str,
    place: api::PlaceOnDatastore,
) -> Result<Place> {
    let api::PlaceOnDatastore { datastore, path } = place;
    let refuse = |what: String| ApiError::invalid(format!("parameter `{parameter}`: {what}"));
    data_place(datastores, &datastore, &path, &refuse)?;
    Ok(Place { datastore, path })
}

/// A dataset that a parameter names.
pub(crate) fn dataset(
    datastores: &Registry,
    parameter: &str,
    value: api::DatasetValue,
) -> Result<DatasetValue> {
    Ok(DatasetValue {
        id: value.id.to_string(),
        place: value
            .place
            .map(|found| place(datastores, parameter, found))
            .transpose()?,
    })
}

/// A declaration as clients see it.
pub(crate) fn shown(parameter: &Parameter) -> api::Parameter {
    let shown_place = |Place { datastore, path }: &Place| api::PlaceOnDatastore {
        datastore: datastore.clone(),
        path: path.clone(),
    };
    match parameter {
        Parameter::String(text) => api::Parameter::String(text.clone()),
        Parameter::Int(text) => api::Parameter::Int(text.clone()),
        Parameter::Float(text) => api::Parameter::Float(text.clone()),
        Parameter::Bool(text) => api::Parameter::Bool(text.clone()),
        Parameter::DataPath(place) => api::Parameter::DataPath(shown_place(place)),
        Parameter::Dataset(dataset) => api::Parameter::Dataset(api::DatasetValue {
            id: dataset.id.parse().unwrap_or_default(),
            place: dataset.place.as_ref().map(shown_place),
        }),
    }
}

/// A template as the body that would publish it again.
pub(crate) fn pipeline(template: &Template) -> api::SubmitRun {
    let parameters = template.parameters.iter();
    let mut steps: Vec<api::SubmitStep> = template.steps.iter().map(step).collect();
    for open in &template.open_inputs {
        if let Some(step) = steps.get_mut(open.step.get()) {
            step.inputs.push(api::StepInput {
                name: open.name.clone(),
                source: api::DataPlace::Parameter(open.parameter.clone()),
                download: open.download,
                path_on_compute: open.path_on_compute.clone(),
            });
        }
    }
    api::SubmitRun {
        experiment: String::new(),
        kind: "pipeline".to_owned(),
        display_name: None,
        description: None,
        tags: BTreeMap::new(),
        properties: BTreeMap::new(),
        parent: None,
        declared: parameters
            .map(|(name, parameter)| (name.clone(), shown(parameter)))
            .collect(),
        parameters: BTreeMap::new(),
        data_paths: BTreeMap::new(),
        datasets: BTreeMap::new(),
        continue_on_step_failure: template.continue_on_step_failure,
        regenerate_outputs: false,
        client: api::ClientInfo {
            sdk_path: template.sdk_path.clone(),
            ..api::ClientInfo::default()
        },
        steps,
        outputs: template.outputs.iter().map(named_output).collect(),
    }
}

fn named_output((name, step, output): &(String, StepIndex, String)) -> (String, api::OutputRef) {
    let output = api::OutputRef {
        step: step.0,
        output: output.clone(),
    };
    (name.clone(), output)
}

fn step(step: &StepSpec) -> api::SubmitStep {
    let input = |input: &Input| api::StepInput {
        name: input.name.clone(),
        source: match &input.source {
            InputSource::Step { step, output } => api::DataPlace::Step(api::OutputRef {
                step: step.0,
                output: output.clone(),
            }),
            InputSource::Datastore { datastore, path } => api::DataPlace::Datastore {
                datastore: datastore.clone(),
                path: path.clone(),
            },
        },
        download: input.download,
        path_on_compute: input.path_on_compute.clone(),
    };
    let output = |output: &Output| api::StepOutput {
        name: output.name.clone(),
        datastore: Some(output.datastore.clone()),
        path: output.path.clone(),
        upload_from: output.upload_from.clone(),
        make_folder: output.make_folder,
        keep_existing: output.keep_existing,
        source_globs: output.source_globs.clone(),
        register: output.register.as_ref().map(registration),
    };
    api::SubmitStep {
        name: step.name.clone(),
        kind: step.kind.clone(),
        target: step.target.to_string(),
        task: task(&step.task),
        inputs: step.inputs.iter().map(input).collect(),
        outputs: step.outputs.iter().map(output).collect(),
        after: step.after.iter().map(|step| step.0).collect(),
        allow_reuse: step.allow_reuse,
    }
}

fn registration(registration: &Registration) -> api::RegisterOutput {
    api::RegisterOutput {
        name: registration.name.clone(),
        kind: match registration.kind.as_str() {
            "file" => api::DatasetKind::File,
            _ => api::DatasetKind::Tabular,
        },
        definition: serde_json::from_str(&registration.definition_json).unwrap_or_default(),
        description: registration.description.clone(),
        tags: registration.tags.clone(),
        create_new_version: registration.new_version,
    }
}

fn task(task: &Task) -> api::Task {
    match task {
        Task::Process(task) => api::Task::Process(process(task)),
        Task::Parallel(task) => {
            api::Task::Parallel(super::parallel::shown(task, process(&task.worker)))
        }
    }
}

fn process(task: &ProcessTask) -> api::ProcessTask {
    let argument = |argument: &Arg| match argument {
        Arg::Literal(text) => api::Argument::Literal(text.clone()),
        Arg::Input(name) => api::Argument::Input(name.clone()),
        Arg::Output(name) => api::Argument::Output(name.clone()),
        Arg::Parameter(name) => api::Argument::Parameter(name.clone()),
    };
    api::ProcessTask {
        program: match &task.program {
            Program::Script(path) => api::Program::Script(path.clone()),
            Program::Command(name) => api::Program::Command(name.clone()),
        },
        arguments: task.arguments.iter().map(argument).collect(),
        snapshot: task.snapshot.map(|digest| digest.to_string()),
        environment: environment(&task.environment),
        variables: task.variables.clone(),
        parameter_variables: task.parameter_variables.clone(),
        timeout_seconds: task.timeout_s,
    }
}

fn environment(environment: &EnvironmentSpec) -> api::Environment {
    match environment {
        EnvironmentSpec::Interpreter { python } => api::Environment::Interpreter {
            python: python.clone(),
        },
        EnvironmentSpec::Python(spec) => api::Environment::Python(api::PythonSpec {
            name: spec.name.clone(),
            python_version: spec.python_version.clone(),
            base_python: spec.base_python.clone(),
            pip: spec.pip.clone(),
            conda: spec.conda.clone(),
            pip_options: spec.pip_options.clone(),
        }),
    }
}

impl From<AssignmentError> for ApiError {
    fn from(error: AssignmentError) -> Self {
        let hint = match &error {
            AssignmentError::Unknown { known, .. } if known.is_empty() => {
                "it has no parameters".to_owned()
            }
            AssignmentError::Unknown { known, .. } => {
                format!("its parameters: {}", known.join(", "))
            }
            AssignmentError::WrongType { .. } => "a value has the type of the default".to_owned(),
            AssignmentError::Setting { .. } => {
                "give the pipeline parameter that it names another value".to_owned()
            }
            AssignmentError::NoPlace { .. } => {
                "give a dataset that is one folder or one file of a datastore, or submit with the \
                 SDK, which gathers the files"
                    .to_owned()
            }
        };
        Self::invalid(error.to_string()).hint(hint)
    }
}
