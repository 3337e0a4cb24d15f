//! From what a client sends to a run as it is asked for: what the request itself must hold is
//! checked here, and each refusal names the step and what to do. Whether it fits the workspace is
//! for the workspace to say.

use std::collections::BTreeMap;

use stepwell_api as api;
use stepwell_model as model;
use stepwell_model::{
    OpenInput, Parameter, RunId, RunKind, StepIndex, TargetName, Template, Value,
    properties_of_pipeline,
};
use stepwell_workspace::RunRequest;

use super::ports::{OpenPort, Source, convert_input, convert_output};
use super::task::TaskContext;
use super::{resources, template};
use crate::error::{ApiError, Result};

/// A pipeline that is started at once.
pub(crate) fn request(
    mut body: api::SubmitRun,
    idempotency_key: Option<String>,
    default_datastore: &str,
) -> Result<RunRequest> {
    let kind = match body.kind.as_str() {
        "pipeline" => RunKind::Pipeline,
        "script" => RunKind::Script,
        other => {
            return Err(ApiError::invalid(format!("`kind` is `{other}`"))
                .hint("it must be `pipeline` or `script`"));
        }
    };
    let about = RunRequest {
        kind,
        experiment: std::mem::take(&mut body.experiment),
        display_name: body.display_name.take(),
        description: body.description.take().unwrap_or_default(),
        tags: std::mem::take(&mut body.tags),
        properties: std::mem::take(&mut body.properties),
        parent: body.parent.map(RunId::new),
        user: body.client.user.take().unwrap_or_default(),
        regenerate_outputs: body.regenerate_outputs,
        kept: BTreeMap::new(),
        template: Template::default(),
        values: BTreeMap::new(),
        idempotency_key,
    };
    let (template, values) = open(body, default_datastore)?;
    Ok(RunRequest {
        template,
        values,
        ..about
    })
}

/// The outputs that the pipeline itself names, each of which a step must have.
fn named_outputs(
    named: BTreeMap<String, api::OutputRef>,
    steps: &[model::StepSpec],
) -> Result<Vec<(String, StepIndex, String)>> {
    let checked = |(name, of): (String, api::OutputRef)| {
        let step = StepIndex(of.step);
        let known = steps.get(step.get()).is_some_and(|step| {
            let mut ports = step.outputs.iter();
            ports.any(|port| port.name == of.output)
        });
        match known {
            true => Ok((name, step, of.output)),
            false => Err(ApiError::invalid(format!(
                "the pipeline's output `{name}` is output `{}` of step number {}, which there is \
                 not",
                of.output, of.step
            ))),
        }
    };
    named.into_iter().map(checked).collect()
}

/// A pipeline's template, and the values that the body gives its parameters.
pub(crate) fn open(
    body: api::SubmitRun,
    default_datastore: &str,
) -> Result<(Template, BTreeMap<String, Value>)> {
    let mut declared: BTreeMap<String, Parameter> = BTreeMap::new();
    for (name, parameter) in body.declared {
        let parameter = template::parameter(&name, parameter)?;
        declared.insert(name, parameter);
    }
    let mut values = BTreeMap::new();
    for (name, text) in body.parameters {
        declared
            .entry(name.clone())
            .or_insert_with(|| Parameter::String(text.clone()));
        values.insert(name, Value::Text(text));
    }
    for (name, place) in body.data_paths {
        values.insert(name, Value::Place(template::place(place)));
    }
    for (name, dataset) in body.datasets {
        values.insert(name, Value::Dataset(template::dataset(dataset)));
    }
    let (mut steps, mut open_inputs) = (Vec::with_capacity(body.steps.len()), Vec::new());
    for (index, step) in body.steps.into_iter().enumerate() {
        let (spec, open) = step_spec(step, &declared, default_datastore)?;
        open_inputs.extend(open.into_iter().map(|port| OpenInput {
            step: StepIndex::from(index),
            name: port.name,
            parameter: port.parameter,
            download: port.download,
            path_on_compute: port.path_on_compute,
        }));
        steps.push(spec);
    }
    let template = Template {
        outputs: named_outputs(body.outputs, &steps)?,
        parameters: declared,
        steps,
        open_inputs,
        sdk_path: body.client.sdk_path,
        continue_on_step_failure: body.continue_on_step_failure,
        properties: properties_of_pipeline(&body.properties),
    };
    Ok((template, values))
}

/// A step, and its open inputs: the name of each with its parameter.
fn step_spec(
    step: api::SubmitStep,
    declared: &BTreeMap<String, Parameter>,
    default_datastore: &str,
) -> Result<(model::StepSpec, Vec<OpenPort>)> {
    let name = step.name;
    let refuse = |what: String| ApiError::invalid(format!("step `{name}`: {what}"));
    let (mut inputs, mut open) = (Vec::new(), Vec::new());
    for input in step.inputs {
        match convert_input(input, declared, &refuse)? {
            Source::Known(input) => inputs.push(input),
            Source::Open(port) => open.push(port),
        }
    }
    let is_input = |port: &str| {
        inputs
            .iter()
            .any(|input: &model::Input| input.name == *port)
            || open.iter().any(|open| open.name == port)
    };
    let outputs = step
        .outputs
        .into_iter()
        .map(|output| convert_output(output, default_datastore, &refuse));
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    let task = super::task::task(
        step.task,
        &TaskContext {
            is_input: &is_input,
            outputs: &outputs,
            parameters: declared,
            refuse: &refuse,
        },
    )?;
    let spec = model::StepSpec {
        kind: step.kind,
        target: TargetName::new(step.target),
        task,
        inputs,
        outputs,
        after: step.after.into_iter().map(StepIndex).collect(),
        allow_reuse: step.allow_reuse,
        resources: resources::resources(step.resources, &refuse)?,
        name,
    };
    Ok((spec, open))
}
