//! From what a client sends to a run that can be scheduled: everything is checked here, before
//! anything is stored or started, and each refusal names the step and what to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_api as api;
use stepwell_data::cas::Cas;
use stepwell_datastore::Registry;
use stepwell_engine::driver::{About, EngineError, Submission};
use stepwell_model as model;
use stepwell_model::{
    Digest, Graph, OpenInput, Parameter, RunId, RunKind, RunSpec, StepIndex, TargetName, Template,
    Value,
};
use uuid::Uuid;

use super::ports::{OpenPort, Source, convert_input, convert_output, is_relative};
use super::template;

use crate::error::{ApiError, Result};

/// What a submission is checked against.
pub(crate) struct Known<'a> {
    /// The snapshots there are.
    pub(crate) cas: &'a Cas,
    /// The datastores there are.
    pub(crate) datastores: &'a Registry,
    /// The compute targets there are; `None` where any name will do.
    pub(crate) targets: Option<Vec<String>>,
}

/// Checks and converts a pipeline that is started at once: a template that is settled on the spot.
pub(crate) fn submission(
    mut body: api::SubmitRun,
    idempotency_key: Option<String>,
    known: &Known<'_>,
) -> Result<Submission> {
    experiment_name(&body.experiment)?;
    let kind = match body.kind.as_str() {
        "pipeline" => RunKind::Pipeline,
        "script" if body.steps.len() == 1 => RunKind::Script,
        "script" => return Err(ApiError::invalid("a script run has exactly one step")),
        other => {
            return Err(ApiError::invalid(format!("`kind` is `{other}`"))
                .hint("it must be `pipeline` or `script`"));
        }
    };
    let wanted = Wanted {
        kind,
        experiment: std::mem::take(&mut body.experiment),
        parent: body.parent.map(RunId::new),
        continue_on_step_failure: body.continue_on_step_failure,
        regenerate_outputs: body.regenerate_outputs,
        about: About {
            display_name: body.display_name.take(),
            description: body.description.take().unwrap_or_default(),
            tags: std::mem::take(&mut body.tags),
            properties: std::mem::take(&mut body.properties),
            user: body.client.user.take().unwrap_or_default(),
            idempotency_key,
            published: None,
            outputs: Vec::new(),
            new_experiment: Uuid::now_v7(),
        },
    };
    let (template, values) = open(body, known)?;
    start(&template, &values, wanted)
}

/// A run as it is wanted, beside its pipeline and the values of its parameters.
pub(crate) struct Wanted {
    pub(crate) kind: RunKind,
    pub(crate) experiment: String,
    pub(crate) parent: Option<RunId>,
    pub(crate) continue_on_step_failure: bool,
    pub(crate) regenerate_outputs: bool,
    pub(crate) about: About,
}

/// Closes a template's parameters and gives its steps their runs.
pub(crate) fn start(
    template: &Template,
    values: &BTreeMap<String, Value>,
    wanted: Wanted,
) -> Result<Submission> {
    let settled = template.settle(values)?;
    let id = RunId::new(Uuid::now_v7());
    let step = |spec| model::Step {
        run: match wanted.kind {
            RunKind::Script => id,
            _ => RunId::new(Uuid::now_v7()),
        },
        spec,
    };
    let graph = Graph::new(settled.steps.into_iter().map(step).collect());
    let spec = RunSpec {
        id,
        kind: wanted.kind,
        experiment: wanted.experiment,
        parent: wanted.parent,
        sdk_path: template.sdk_path.clone(),
        parameters: settled.texts,
        declared: settled.parameters,
        open_inputs: template.open_inputs.clone(),
        continue_on_step_failure: wanted.continue_on_step_failure,
        regenerate_outputs: wanted.regenerate_outputs,
    };
    Ok(Submission {
        spec,
        graph: Arc::new(graph.map_err(EngineError::Graph)?),
        about: About {
            outputs: template.outputs.clone(),
            ..wanted.about
        },
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

/// Checks a pipeline; its template, and the values that the body gives its parameters.
pub(crate) fn open(
    body: api::SubmitRun,
    known: &Known<'_>,
) -> Result<(Template, BTreeMap<String, Value>)> {
    let mut declared: BTreeMap<String, Parameter> = BTreeMap::new();
    for (name, parameter) in body.declared {
        declared.insert(
            name.clone(),
            template::parameter(known.datastores, &name, parameter)?,
        );
    }
    let mut values = BTreeMap::new();
    for (name, text) in body.parameters {
        declared
            .entry(name.clone())
            .or_insert_with(|| Parameter::String(text.clone()));
        values.insert(name, Value::Text(text));
    }
    for (name, place) in body.data_paths {
        values.insert(
            name.clone(),
            Value::Place(template::place(known.datastores, &name, place)?),
        );
    }
    for (name, dataset) in body.datasets {
        values.insert(
            name.clone(),
            Value::Dataset(template::dataset(known.datastores, &name, dataset)?),
        );
    }
    let (mut steps, mut open_inputs) = (Vec::with_capacity(body.steps.len()), Vec::new());
    for (index, step) in body.steps.into_iter().enumerate() {
        let (spec, open) = step_spec(step, &declared, known)?;
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
    };
    Ok((template, values))
}

/// An experiment's name: 1 to 255 characters, none of them a control character or a slash.
pub(crate) fn experiment_name(name: &str) -> Result<()> {
    let odd = |c: char| c.is_control() || c == '/' || c == '\\';
    if name.trim().is_empty() || name.chars().count() > 255 || name.contains(odd) {
        return Err(
            ApiError::invalid(format!("`{name}` cannot name an experiment"))
                .hint("use 1 to 255 characters without slashes and line breaks"),
        );
    }
    Ok(())
}

/// A step, and its open inputs: the name of each with its parameter.
fn step_spec(
    step: api::SubmitStep,
    declared: &BTreeMap<String, Parameter>,
    known: &Known<'_>,
) -> Result<(model::StepSpec, Vec<OpenPort>)> {
    let name = step.name;
    let refuse = |what: String| ApiError::invalid(format!("step `{name}`: {what}"));
    if let Some(targets) = &known.targets
        && !targets.contains(&step.target)
    {
        return Err(
            refuse(format!("there is no compute target `{}`", step.target))
                .hint(format!("known compute targets: {}", targets.join(", "))),
        );
    }
    let (mut inputs, mut open) = (Vec::new(), Vec::new());
    for input in step.inputs {
        match convert_input(input, declared, known.datastores, &refuse)? {
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
        .map(|output| convert_output(output, known.datastores, &refuse));
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    let (task, parallel) = match step.task {
        api::Task::Process(task) => (task, None),
        api::Task::Parallel(task) => {
            let (worker, rest) = super::parallel::split(task);
            (worker, Some(rest))
        }
    };
    let missing = |kind: &str, name: &str| {
        refuse(format!(
            "an argument names the {kind} `{name}`, which there is not"
        ))
    };
    for argument in &task.arguments {
        match argument {
            api::Argument::Input(port) if !is_input(port) => return Err(missing("input", port)),
            api::Argument::Output(port) if !outputs.iter().any(|output| output.name == *port) => {
                return Err(missing("output", port));
            }
            api::Argument::Parameter(name) if !declared.contains_key(name) => {
                return Err(missing("pipeline parameter", name));
            }
            _ => {}
        }
    }
    let mut carried = task.parameter_variables.iter();
    if let Some((variable, name)) = carried.find(|(_, name)| !declared.contains_key(*name)) {
        return Err(refuse(format!(
            "variable `{variable}` names the pipeline parameter `{name}`, which there is not"
        )));
    }
    let worker = process_task(task, known, &refuse)?;
    let task = match parallel {
        None => model::Task::Process(worker),
        Some(rest) => {
            let ports = super::parallel::Ports {
                is_input: &is_input,
                outputs: &outputs,
                parameters: declared,
            };
            model::Task::Parallel(super::parallel::task(worker, rest, &ports, &refuse)?)
        }
    };
    let spec = model::StepSpec {
        kind: step.kind,
        target: TargetName::new(step.target),
        task,
        inputs,
        outputs,
        after: step.after.into_iter().map(StepIndex).collect(),
        allow_reuse: step.allow_reuse,
        name,
    };
    Ok((spec, open))
}

fn process_task(
    task: api::ProcessTask,
    known: &Known<'_>,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::ProcessTask> {
    let snapshot = match task.snapshot {
        None => None,
        Some(text) => {
            let digest: Digest = text
                .parse()
                .map_err(|error: model::ParseIdError| refuse(error.to_string()))?;
            if !known.cas.has(&digest) {
                return Err(
                    refuse(format!("the server does not have snapshot {digest}"))
                        .hint("send it first: `stepwell snapshot DIR`"),
                );
            }
            Some(digest)
        }
    };
    let program = match task.program {
        api::Program::Script(path) if !is_relative(&path) => {
            return Err(refuse(format!(
                "the script `{path}` is not inside the source directory"
            )));
        }
        api::Program::Script(path) => model::Program::Script(path),
        api::Program::Command(name) => model::Program::Command(name),
    };
    let argument = |argument| match argument {
        api::Argument::Literal(text) => model::Arg::Literal(text),
        api::Argument::Input(name) => model::Arg::Input(name),
        api::Argument::Output(name) => model::Arg::Output(name),
        api::Argument::Parameter(name) => model::Arg::Parameter(name),
    };
    let mut variables = task.variables.iter().chain(&task.parameter_variables);
    if let Some((name, _)) = variables
        .find(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0'))
    {
        return Err(refuse(format!(
            "`{name}` cannot be an environment variable"
        )));
    }
    Ok(model::ProcessTask {
        program,
        arguments: task.arguments.into_iter().map(argument).collect(),
        snapshot,
        environment: environment(task.environment),
        variables: task.variables,
        parameter_variables: task.parameter_variables,
        timeout_s: task.timeout_seconds,
    })
}

fn environment(environment: api::Environment) -> model::EnvironmentSpec {
    match environment {
        api::Environment::Interpreter { python } => model::EnvironmentSpec::Interpreter { python },
        api::Environment::Python(spec) => model::EnvironmentSpec::Python(model::PythonSpec {
            name: spec.name,
            python_version: spec.python_version,
            base_python: spec.base_python,
            pip: spec.pip,
            conda: spec.conda,
            pip_options: spec.pip_options,
        }),
    }
}
