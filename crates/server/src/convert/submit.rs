//! From what a client sends to a run that can be scheduled: everything is checked here, before
//! anything is stored or started, and each refusal names the step and what to do.

use std::sync::Arc;

use stepwell_api as api;
use stepwell_data::cas::Cas;
use stepwell_data::folder::LOCAL_DATASTORES;
use stepwell_engine::driver::{About, EngineError, Submission};
use stepwell_model as model;
use stepwell_model::{Digest, Graph, RunId, RunKind, RunSpec, StepIndex, TargetName};
use uuid::Uuid;

use crate::error::{ApiError, Result};

/// What a submission is checked against.
pub(crate) struct Known<'a> {
    /// The snapshots there are.
    pub(crate) cas: &'a Cas,
    /// The compute targets there are; `None` where any name will do.
    pub(crate) targets: Option<Vec<String>>,
}

/// Checks and converts.
pub(crate) fn submission(
    body: api::SubmitRun,
    idempotency_key: Option<String>,
    known: &Known<'_>,
) -> Result<Submission> {
    experiment_name(&body.experiment)?;
    let id = RunId::new(Uuid::now_v7());
    let kind = match body.kind.as_str() {
        "pipeline" => RunKind::Pipeline,
        "script" if body.steps.len() == 1 => RunKind::Script,
        "script" => return Err(ApiError::invalid("a script run has exactly one step")),
        other => {
            return Err(ApiError::invalid(format!("`kind` is `{other}`"))
                .hint("it must be `pipeline` or `script`"));
        }
    };
    let mut steps = Vec::with_capacity(body.steps.len());
    for step in body.steps {
        let run = match kind {
            RunKind::Script => id,
            _ => RunId::new(Uuid::now_v7()),
        };
        let spec = step_spec(step, &body.parameters, known)?;
        steps.push(model::Step { run, spec });
    }
    let graph = Graph::new(steps).map_err(EngineError::Graph)?;
    let spec = RunSpec {
        id,
        kind,
        experiment: body.experiment,
        parent: body.parent.map(RunId::new),
        sdk_path: body.client.sdk_path,
        parameters: body.parameters,
        continue_on_step_failure: body.continue_on_step_failure,
        regenerate_outputs: body.regenerate_outputs,
    };
    let about = About {
        display_name: body.display_name,
        description: body.description.unwrap_or_default(),
        tags: body.tags,
        properties: body.properties,
        user: body.client.user.unwrap_or_default(),
        idempotency_key,
        new_experiment: Uuid::now_v7(),
    };
    Ok(Submission {
        spec,
        graph: Arc::new(graph),
        about,
    })
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

fn step_spec(
    step: api::SubmitStep,
    parameters: &std::collections::BTreeMap<String, String>,
    known: &Known<'_>,
) -> Result<model::StepSpec> {
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
    let inputs = step
        .inputs
        .into_iter()
        .map(|input| convert_input(input, &refuse));
    let inputs = inputs.collect::<Result<Vec<_>>>()?;
    let outputs = step
        .outputs
        .into_iter()
        .map(|output| convert_output(output, &refuse));
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
            api::Argument::Input(port) if !inputs.iter().any(|input| input.name == *port) => {
                return Err(missing("input", port));
            }
            api::Argument::Output(port) if !outputs.iter().any(|output| output.name == *port) => {
                return Err(missing("output", port));
            }
            api::Argument::Parameter(name) if !parameters.contains_key(name) => {
                return Err(missing("pipeline parameter", name));
            }
            _ => {}
        }
    }
    let worker = process_task(task, known, &refuse)?;
    let task = match parallel {
        None => model::Task::Process(worker),
        Some(rest) => {
            let ports = super::parallel::Ports {
                inputs: &inputs,
                outputs: &outputs,
                parameters,
            };
            model::Task::Parallel(super::parallel::task(worker, rest, &ports, &refuse)?)
        }
    };
    Ok(model::StepSpec {
        kind: step.kind,
        target: TargetName::new(step.target),
        task,
        inputs,
        outputs,
        after: step.after.into_iter().map(StepIndex).collect(),
        allow_reuse: step.allow_reuse,
        name,
    })
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
    if let Some((name, _)) = task
        .variables
        .iter()
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

fn convert_input(
    input: api::StepInput,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::Input> {
    port_name(&input.name, refuse)?;
    let source = match input.source {
        api::DataPlace::Step(place) => model::InputSource::Step {
            step: StepIndex(place.step),
            output: place.output,
        },
        api::DataPlace::Datastore { datastore, path } => {
            data_place(&datastore, &path, refuse)?;
            model::InputSource::Datastore { datastore, path }
        }
    };
    Ok(model::Input {
        name: input.name,
        source,
    })
}

fn convert_output(
    output: api::StepOutput,
    refuse: &dyn Fn(String) -> ApiError,
) -> Result<model::Output> {
    port_name(&output.name, refuse)?;
    let datastore = output
        .datastore
        .unwrap_or_else(|| LOCAL_DATASTORES[0].to_owned());
    data_place(
        &datastore,
        output.path.as_deref().unwrap_or_default(),
        refuse,
    )?;
    if let Some(source) = output.upload_from.as_deref()
        && !is_relative(source)
    {
        // What is uploaded is moved: it must be the step's own.
        return Err(refuse(format!(
            "the upload `{source}` is not inside the step's working folder"
        ))
        .hint("give a relative path without `..`, and let the script write there"));
    }
    Ok(model::Output {
        name: output.name,
        datastore,
        path: output.path,
        upload_from: output.upload_from,
        make_folder: output.make_folder,
    })
}

fn port_name(name: &str, refuse: &dyn Fn(String) -> ApiError) -> Result<()> {
    match !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => Ok(()),
        false => Err(refuse(format!("`{name}` cannot name an input or output"))
            .hint("use letters, digits and underscores")),
    }
}

fn data_place(datastore: &str, path: &str, refuse: &dyn Fn(String) -> ApiError) -> Result<()> {
    if !LOCAL_DATASTORES.contains(&datastore) {
        return Err(refuse(format!("there is no datastore `{datastore}`"))
            .hint(format!("known datastores: {}", LOCAL_DATASTORES.join(", "))));
    }
    // A leading slash means the datastore's root.
    let path = path.trim_matches('/');
    match path.is_empty() || is_relative(path) {
        true => Ok(()),
        false => Err(refuse(format!(
            "`{path}` leads out of datastore `{datastore}`"
        ))),
    }
}

/// Whether a path stays below the folder it is relative to.
pub(crate) fn is_relative(path: &str) -> bool {
    use camino::Utf8Component::{CurDir, Normal};
    !path.is_empty()
        && !path.contains('\0')
        && camino::Utf8Path::new(path)
            .components()
            .all(|part| matches!(part, Normal(_) | CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_the_working_folder_is_uploaded() {
        let allowed = |source: &str| {
            let output = api::StepOutput {
                name: "made".to_owned(),
                datastore: None,
                path: None,
                upload_from: Some(source.to_owned()),
                make_folder: false,
            };
            convert_output(output, &ApiError::invalid).is_ok()
        };
        assert!(allowed("made/here") && allowed("./outputs/report"));
        assert!(!allowed("/home/user/data") && !allowed("../up") && !allowed("a/../../up"));
    }
}
