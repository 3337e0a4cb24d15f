//! From a step of a graph to a job that an executor can start: ports, variables, work.
//!
//! A function of its arguments; it touches no file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use camino::Utf8PathBuf;
use stepwell_compute::{Job, JobInput, JobOutput};
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_model::{
    AttemptId, ComputeKind, EnvironmentSpec, Graph, Input, Output, RunId, RunSpec, Step, StepIndex,
};

use super::remote;
use crate::kinds::{self, LaunchContext};

/// What is around every step: where its data is kept, and what it knows of the workspace.
#[derive(Debug, Clone)]
pub struct StepContext {
    /// The server's data folder.
    pub folder: DataFolder,
    /// The datastores of the workspace.
    pub datastores: Arc<Registry>,
    /// The server's URL.
    pub url: String,
    /// The token of each step.
    pub token: TokenOf,
    /// The workspace's name.
    pub workspace: String,
    /// The workspace's id.
    pub workspace_id: String,
    /// The subscription id that programs see.
    pub subscription_id: String,
    /// The resource group that programs see.
    pub resource_group: String,
}

/// Makes the token with which a step's program speaks to the server. It is a function of the run
/// alone, so that a step that is found again has the one it was given.
#[derive(Clone)]
pub struct TokenOf(Arc<dyn Fn(RunId) -> String + Send + Sync>);

impl TokenOf {
    /// Tokens as `make` makes them.
    pub fn new(make: impl Fn(RunId) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

impl fmt::Debug for TokenOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenOf")
    }
}

/// Where an output is kept, before the placeholders are replaced.
pub(super) fn path_template(output: &Output) -> &str {
    let default = "azureml/{run-id}/{output-name}";
    output.path.as_deref().unwrap_or(default)
}

/// The path of an output below its datastore's root.
pub(super) fn output_path(run: RunId, output: &Output) -> String {
    let path = path_template(output).replace("{run-id}", &run.to_string());
    path.replace("{output-name}", &output.name)
        .trim_matches('/')
        .to_owned()
}

/// The datastores that a step's task and ports name.
pub(super) fn named_datastores(graph: &Graph, step: StepIndex) -> BTreeSet<String> {
    let spec = &graph.step(step).spec;
    let none = HashMap::new();
    let inputs = spec.inputs.iter().filter_map(|port| {
        let origin = remote::origin(graph, &none, &port.source)?;
        Some(origin.datastore.to_owned())
    });
    let outputs = spec.outputs.iter().map(|port| port.datastore.clone());
    let named = spec.task.kind().references().datastores;
    inputs.chain(outputs).chain(named).collect()
}

impl StepContext {
    /// The job of one attempt at a step.
    pub(super) fn job(
        &self,
        spec: &RunSpec,
        graph: &Graph,
        sources: &HashMap<StepIndex, RunId>,
        index: StepIndex,
        attempt: AttemptId,
    ) -> Job {
        let step = graph.step(index);
        let kind = kinds::of(&step.spec.task);
        let cx = LaunchContext { spec };
        let work = kind.work(&cx);
        let inputs = step.spec.inputs.iter();
        let outputs = step.spec.outputs.iter();
        Job {
            attempt,
            target: step.spec.target.clone(),
            compute: ComputeKind::default(),
            resources: step.spec.resources,
            stages_data: kind.stages_data(),
            inputs: inputs
                .filter_map(|port| job_input(graph, sources, port))
                .collect(),
            outputs: outputs.map(|port| job_output(step.run, port)).collect(),
            variables: self.variables(spec, step, kind.variables(&cx)),
            sdk: work.python().and_then(|python| missing_sdk(spec, python)),
            timeout_s: kind.timeout_s(),
            work,
        }
    }

    pub(super) fn local(&self, datastore: &str, path: &str) -> Utf8PathBuf {
        let folder = || {
            self.folder
                .datastore(datastore)
                .join(path.trim_matches('/'))
        };
        self.datastores
            .local(datastore, path)
            .unwrap_or_else(folder)
    }

    /// Where an output of a step's run is kept, on a local datastore.
    pub(super) fn output_place(&self, run: RunId, output: &Output) -> Utf8PathBuf {
        self.local(&output.datastore, &output_path(run, output))
    }

    /// The variables of `azureml-v1` programs, then the user's, which win. Those that say where
    /// things are on the machine of the step come with the staging.
    fn variables(
        &self,
        spec: &RunSpec,
        step: &Step,
        users: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let run = step.run.to_string();
        let root = spec.id.to_string();
        let token = (self.token.0)(step.run);
        let nodes = step.spec.resources.nodes.to_string();
        let mut variables: BTreeMap<String, String> = [
            ("AZUREML_RUN_ID", run.as_str()),
            ("AZUREML_ROOT_RUN_ID", &root),
            ("AZUREML_ARM_SUBSCRIPTION", &self.subscription_id),
            ("AZUREML_ARM_RESOURCEGROUP", &self.resource_group),
            ("AZUREML_ARM_WORKSPACE_NAME", &self.workspace),
            ("AZUREML_ARM_PROJECT_NAME", &spec.experiment),
            ("AZUREML_EXPERIMENT_ID", &spec.experiment),
            ("AZUREML_WORKSPACE_ID", &self.workspace_id),
            ("AZUREML_RUN_TOKEN", &token),
            ("AZUREML_RUN_TOKEN_EXPIRY", "2100-01-01T00:00:00Z"),
            ("AZUREML_SCRIPT_DIRECTORY_NAME", "."),
            ("AZUREML_OUTPUT_DIRECTORY", "outputs"),
            ("AZUREML_LOGDIRECTORY_PATH", "logs"),
            ("AZUREML_NODE_COUNT", &nodes),
            ("STEPWELL_TOKEN", &token),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        variables.extend(users);
        variables
    }
}

/// An input of a job; nothing when its producer has no such output.
fn job_input(graph: &Graph, sources: &HashMap<StepIndex, RunId>, port: &Input) -> Option<JobInput> {
    let origin = remote::origin(graph, sources, &port.source)?;
    Some(JobInput {
        name: port.name.clone(),
        datastore: origin.datastore.to_owned(),
        must_exist: origin.maker.is_none(),
        path: origin.path,
        download: port.download,
        path_on_compute: port.path_on_compute.clone(),
    })
}

fn job_output(run: RunId, port: &Output) -> JobOutput {
    JobOutput {
        name: port.name.clone(),
        datastore: port.datastore.clone(),
        path: output_path(run, port),
        is_own: port.has_own_place(),
        make_folder: port.make_folder,
        upload_from: port.upload_from.clone(),
        keep_existing: port.keep_existing,
        source_globs: port.source_globs.clone(),
    }
}

/// The submitting SDK for an environment that does not hold it. The submitting interpreter needs
/// none, and gets none: a longer path is a slower start.
fn missing_sdk(spec: &RunSpec, environment: &EnvironmentSpec) -> Option<String> {
    let sdk = spec.sdk_path.as_ref()?;
    match environment {
        EnvironmentSpec::Interpreter { python } if holds(python, sdk) => None,
        _ => Some(stepwell_data::folder::sdk_name(sdk)),
    }
}

/// Whether an interpreter has a folder of packages on its path, by the usual layout of a prefix.
fn holds(python: &str, packages: &str) -> bool {
    let prefix = python.rsplit_once("/bin/").map(|(prefix, _)| prefix);
    prefix.is_some_and(|prefix| packages.starts_with(&format!("{prefix}/lib/")))
}

#[cfg(test)]
mod tests {
    use stepwell_model::{InputSource, Program, StepSpec, testing};
    use uuid::Uuid;

    use super::*;

    fn step(inputs: Vec<InputSource>, output: &str) -> Step {
        let input = |(number, source): (usize, InputSource)| Input {
            name: format!("in{number}"),
            source,
            download: false,
            path_on_compute: None,
        };
        Step {
            run: RunId::new(Uuid::nil()),
            spec: StepSpec {
                kind: "DataTransferStep".to_owned(),
                inputs: inputs.into_iter().enumerate().map(input).collect(),
                outputs: vec![testing::output("out", output)],
                ..testing::step(testing::process(Program::Command("true".to_owned())))
            },
        }
    }

    #[test]
    fn a_step_names_the_datastores_of_its_ports_and_no_others() {
        let made = InputSource::Step {
            step: StepIndex(0),
            output: "out".to_owned(),
        };
        let given = InputSource::Datastore {
            datastore: "given".to_owned(),
            path: "a".to_owned(),
        };
        let steps = vec![
            step(Vec::new(), "made"),
            step(vec![made, given], "written"),
            step(Vec::new(), "unrelated"),
        ];
        let graph = Graph::new(steps).expect("a graph");
        let named = named_datastores(&graph, StepIndex(1));
        assert_eq!(Vec::from_iter(named), ["given", "made", "written"]);
    }
}
