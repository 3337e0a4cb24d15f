//! Parameters and templates between the wire and the model.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_model::{
    Assignments, DatasetValue, Input, InputSource, Output, Parameter, Place, Registration, RunId,
    StepIndex, StepSpec, Template, Value,
};

use super::resources;
use crate::error::{ApiError, Result};

/// A declaration; a default that is not of its own type is refused.
pub(super) fn parameter(name: &str, declared: api::Parameter) -> Result<Parameter> {
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
        api::Parameter::DataPath(value) => Ok(Parameter::DataPath(place(value))),
        api::Parameter::Dataset(value) => Ok(Parameter::Dataset(dataset(value))),
    }
}

/// A place on a datastore.
pub(crate) fn place(place: api::PlaceOnDatastore) -> Place {
    Place {
        datastore: place.datastore,
        path: place.path,
    }
}

/// A dataset that a parameter names.
pub(crate) fn dataset(value: api::DatasetValue) -> DatasetValue {
    DatasetValue {
        id: value.id.to_string(),
        place: value.place.map(place),
    }
}

/// A place as clients see it.
pub(crate) fn shown_place(place: &Place) -> api::PlaceOnDatastore {
    api::PlaceOnDatastore {
        datastore: place.datastore.clone(),
        path: place.path.clone(),
    }
}

/// A dataset as clients see it.
pub(crate) fn shown_dataset(dataset: &DatasetValue) -> api::DatasetValue {
    api::DatasetValue {
        id: dataset.id.parse().unwrap_or_default(),
        place: dataset.place.as_ref().map(shown_place),
    }
}

/// What a run of a published pipeline is to be.
pub(crate) fn assignments(body: api::SubmitPublished) -> Assignments {
    Assignments {
        experiment: body.experiment,
        description: body.description,
        display_name: body.display_name,
        parameters: body.parameters,
        data_paths: places(body.data_paths),
        datasets: datasets(body.datasets),
        continue_on_step_failure: body.continue_on_step_failure,
        tags: body.tags,
        properties: body.properties,
        run_source: body.run_source,
        parent: body.parent.map(RunId::new),
        user: body.user,
    }
}

/// The same as clients see it.
pub(crate) fn shown_assignments(assignments: Assignments) -> api::SubmitPublished {
    let data_paths = assignments.data_paths.iter();
    let datasets = assignments.datasets.iter();
    api::SubmitPublished {
        data_paths: data_paths
            .map(|(name, place)| (name.clone(), shown_place(place)))
            .collect(),
        datasets: datasets
            .map(|(name, dataset)| (name.clone(), shown_dataset(dataset)))
            .collect(),
        experiment: assignments.experiment,
        description: assignments.description,
        display_name: assignments.display_name,
        parameters: assignments.parameters,
        continue_on_step_failure: assignments.continue_on_step_failure,
        tags: assignments.tags,
        properties: assignments.properties,
        run_source: assignments.run_source,
        parent: assignments.parent.map(RunId::uuid),
        user: assignments.user,
    }
}

/// Values of data paths, by parameter.
pub(crate) fn places(places: BTreeMap<String, api::PlaceOnDatastore>) -> BTreeMap<String, Place> {
    let named = places.into_iter();
    named.map(|(name, value)| (name, place(value))).collect()
}

/// Values of datasets, by parameter.
pub(crate) fn datasets(
    datasets: BTreeMap<String, api::DatasetValue>,
) -> BTreeMap<String, DatasetValue> {
    let named = datasets.into_iter();
    named.map(|(name, value)| (name, dataset(value))).collect()
}

/// A declaration as clients see it.
pub(crate) fn shown(parameter: &Parameter) -> api::Parameter {
    match parameter {
        Parameter::String(text) => api::Parameter::String(text.clone()),
        Parameter::Int(text) => api::Parameter::Int(text.clone()),
        Parameter::Float(text) => api::Parameter::Float(text.clone()),
        Parameter::Bool(text) => api::Parameter::Bool(text.clone()),
        Parameter::DataPath(place) => api::Parameter::DataPath(shown_place(place)),
        Parameter::Dataset(dataset) => api::Parameter::Dataset(shown_dataset(dataset)),
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
        task: super::task::shown(&step.task),
        inputs: step.inputs.iter().map(input).collect(),
        outputs: step.outputs.iter().map(output).collect(),
        after: step.after.iter().map(|step| step.0).collect(),
        allow_reuse: step.allow_reuse,
        resources: resources::shown(&step.resources),
    }
}

fn registration(registration: &Registration) -> api::RegisterOutput {
    api::RegisterOutput {
        name: registration.name.clone(),
        kind: super::dataset::wire_kind(registration.kind),
        definition: serde_json::from_str(registration.definition.text()).unwrap_or_default(),
        description: registration.description.clone(),
        tags: registration.tags.clone(),
        create_new_version: registration.new_version,
    }
}
