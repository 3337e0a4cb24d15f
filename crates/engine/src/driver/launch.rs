//! From a step of a graph to a job that an executor can start: places, arguments, variables.
//!
//! A function of its arguments; it touches no file.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use camino::Utf8PathBuf;
use stepwell_compute::{Attempt, InputPlace, Job, OutputPlace};
use stepwell_data::folder::DataFolder;
use stepwell_datastore::Registry;
use stepwell_model::{
    Arg, AttemptId, EnvironmentSpec, Graph, Input, Output, ParallelTask, ProcessTask, Program,
    RunId, RunSpec, Step, StepIndex, Task,
};
use stepwell_parallel::ParallelJob;

use super::remote;

/// What steps are told of the server and the workspace.
#[derive(Debug, Clone)]
pub struct Site {
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
    /// The subscription id that programs are told.
    pub subscription_id: String,
    /// The resource group that programs are told.
    pub resource_group: String,
    /// The `stepwell` program, so that the SDK in a step can find or start the server again.
    pub program: Utf8PathBuf,
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

impl Site {
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
        let task = step.spec.task.process();
        let places = self.places(graph, sources, step, attempt);
        let argument = |argument: &Arg| match argument {
            Arg::Literal(text) => text.clone(),
            Arg::Input(name) => places
                .inputs
                .get(name.as_str())
                .cloned()
                .unwrap_or_default(),
            Arg::Output(name) => places
                .outputs
                .get(name.as_str())
                .cloned()
                .unwrap_or_default(),
            Arg::Parameter(name) => spec.parameters.get(name).cloned().unwrap_or_default(),
        };
        let mut arguments: Vec<String> = task.arguments.iter().map(argument).collect();
        let mut variables = self.variables(spec, step, task, &places);
        let mut program = task.program.clone();
        if let Task::Parallel(task) = &step.spec.task {
            // The workers' program and arguments are told to the driver that starts them.
            let job = self.parallel(spec, step, task, &places, std::mem::take(&mut arguments));
            variables.insert(stepwell_parallel::JOB.to_owned(), job.to_json());
            program = Program::Command(self.program.to_string());
            arguments.push(stepwell_parallel::COMMAND.to_owned());
        }
        Job {
            attempt,
            folder: self.folder.run(step.run),
            program,
            arguments,
            environment: task.environment.clone(),
            snapshot: task.snapshot,
            variables,
            inputs: step
                .spec
                .inputs
                .iter()
                .filter_map(|port| self.put(graph, sources, port, attempt))
                .collect(),
            outputs: step
                .spec
                .outputs
                .iter()
                .map(|out| self.output(attempt, out))
                .collect(),
            data: self.step_data(graph, sources, step, attempt),
            timeout_s: task.timeout_s,
        }
    }

    /// What the driver of a parallel step is told. Its state is beside the attempts, so that the
    /// next attempt goes on from it.
    fn parallel(
        &self,
        spec: &RunSpec,
        step: &Step,
        task: &ParallelTask,
        places: &Places<'_>,
        arguments: Vec<String>,
    ) -> ParallelJob {
        let entry_script = match &task.worker.program {
            Program::Script(name) | Program::Command(name) => name.clone(),
        };
        let input = |input: &stepwell_model::ParallelInput| stepwell_parallel::JobInput {
            name: input.port.clone(),
            form: input.form,
            place: places.inputs.get(input.port.as_str()).cloned(),
            dataset: input.dataset.clone(),
        };
        let setting = |(name, setting): (&String, &stepwell_model::Setting)| {
            let text = setting.resolve(&spec.parameters)?;
            Some((name.clone(), text.to_owned()))
        };
        let output = task.output.as_deref();
        ParallelJob {
            entry_script,
            arguments,
            inputs: task.inputs.iter().map(input).collect(),
            output: output.and_then(|port| places.outputs.get(port).cloned()),
            settings: task.settings.iter().filter_map(setting).collect(),
            state: self.folder.parallel(step.run),
            files: self.folder.run_files(step.run),
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

    fn output(&self, attempt: AttemptId, output: &Output) -> OutputPlace {
        let here = self.is_here(&output.datastore);
        let path = match here {
            true => self.output_place(attempt.run, output),
            false => self.written(attempt, output),
        };
        // Others may read a place that is not this run's own: it is written aside and moved there.
        // What is uploaded to another machine is written aside anyway.
        let is_shared = here && (!output.has_own_place() || output.keep_existing);
        let aside = output.upload_from.is_none() && (is_shared || !output.source_globs.is_empty());
        let staged = || self.folder.staged(attempt.run, &output.name);
        OutputPlace {
            path,
            make_folder: output.make_folder,
            upload_from: output.upload_from.clone(),
            staged: aside.then(staged),
            keep_existing: output.keep_existing,
            source_globs: output.source_globs.clone(),
        }
    }

    /// Where an attempt finds the data of an input on this machine.
    fn input_place(
        &self,
        graph: &Graph,
        sources: &HashMap<StepIndex, RunId>,
        port: &Input,
        attempt: AttemptId,
    ) -> Option<Utf8PathBuf> {
        let origin = remote::origin(graph, sources, &port.source)?;
        Some(match self.is_here(origin.datastore) {
            true => self.local(origin.datastore, &origin.path),
            false => self.fetched(attempt, &port.name, &origin),
        })
    }

    /// What has to be put into the step's working directory for an input; `None` for one that is
    /// read where it is.
    fn put(
        &self,
        graph: &Graph,
        sources: &HashMap<StepIndex, RunId>,
        port: &Input,
        attempt: AttemptId,
    ) -> Option<InputPlace> {
        let from = self.input_place(graph, sources, port, attempt)?;
        Some(InputPlace {
            to: put_path(port, &from)?,
            from,
            copy: port.download,
        })
    }

    /// Where each port of a step is, for its arguments and variables.
    fn places<'a>(
        &self,
        graph: &'a Graph,
        sources: &HashMap<StepIndex, RunId>,
        step: &'a Step,
        attempt: AttemptId,
    ) -> Places<'a> {
        let input = |port: &Input| {
            let Some(place) = self.input_place(graph, sources, port, attempt) else {
                return String::new();
            };
            let place = match put_path(port, &place) {
                Some(path) => {
                    let attempt = Attempt::of_run(&self.folder.run(attempt.run), attempt.number);
                    attempt.work_dir().join(path)
                }
                None => place,
            };
            place.into_string()
        };
        let inputs = step.spec.inputs.iter();
        let outputs = step.spec.outputs.iter();
        Places {
            inputs: inputs
                .map(|port| (port.name.as_str(), input(port)))
                .collect(),
            outputs: outputs
                .map(|port| {
                    // What is uploaded afterwards is written in the working directory.
                    let written = port.upload_from.clone().map(Utf8PathBuf::from);
                    let place = || {
                        let OutputPlace { path, staged, .. } = self.output(attempt, port);
                        staged.unwrap_or(path)
                    };
                    let place = written.unwrap_or_else(place);
                    (port.name.as_str(), place.into_string())
                })
                .collect(),
        }
    }

    /// The variables of `azureml-v1` programs, those of our own SDK, then the user's, which win.
    fn variables(
        &self,
        spec: &RunSpec,
        step: &Step,
        task: &ProcessTask,
        places: &Places<'_>,
    ) -> BTreeMap<String, String> {
        let run = step.run.to_string();
        let root = spec.id.to_string();
        let token = (self.token.0)(step.run);
        let spool = self.folder.spool(step.run).into_string();
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
            ("AZUREML_SERVICE_ENDPOINT", &self.url),
            ("AZUREML_DISCOVERY_SERVICE_ENDPOINT", &self.url),
            ("AZUREML_SCRIPT_DIRECTORY_NAME", "."),
            ("AZUREML_OUTPUT_DIRECTORY", "outputs"),
            ("AZUREML_LOGDIRECTORY_PATH", "logs"),
            ("AZUREML_NODE_COUNT", "1"),
            ("PYTHONUNBUFFERED", "1"),
            ("STEPWELL_URL", &self.url),
            ("STEPWELL_TOKEN", &token),
            ("STEPWELL_DATA", self.folder.root().as_str()),
            ("STEPWELL_BIN", self.program.as_str()),
            ("STEPWELL_SPOOL", &spool),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        for (name, place) in places.inputs.iter().chain(&places.outputs) {
            variables.insert(format!("AZUREML_DATAREFERENCE_{name}"), place.clone());
        }
        variables.extend(task.variables.clone());
        for (variable, parameter) in &task.parameter_variables {
            let value = spec.parameters.get(parameter).cloned();
            variables.insert(variable.clone(), value.unwrap_or_default());
        }
        if let Some(path) = self.sdk_path(spec, task) {
            let users = variables
                .get("PYTHONPATH")
                .filter(|users| !users.is_empty());
            let path = users.map_or(path.clone(), |users| format!("{path}:{users}"));
            variables.insert("PYTHONPATH".to_owned(), path);
        }
        variables
    }

    /// The folder that makes the SDK importable in an environment that does not hold it. The
    /// submitting interpreter needs none, and gets none: a longer path is a slower start.
    fn sdk_path(&self, spec: &RunSpec, task: &ProcessTask) -> Option<String> {
        let sdk = spec.sdk_path.as_ref()?;
        match &task.environment {
            EnvironmentSpec::Interpreter { python } if holds(python, sdk) => None,
            _ => Some(
                self.folder
                    .sdk()
                    .join(stepwell_data::folder::sdk_name(sdk))
                    .into_string(),
            ),
        }
    }
}

/// Where an input is put in the step's working directory; `None` if it is read where it is. A copy
/// keeps its name, as programs look at the ends of names.
fn put_path(port: &Input, from: &Utf8PathBuf) -> Option<String> {
    match (&port.path_on_compute, port.download) {
        (Some(path), _) => Some(path.trim_matches('/').to_owned()),
        (None, true) => {
            let name = from.file_name().unwrap_or("data");
            Some(format!(".inputs/{}/{name}", port.name))
        }
        (None, false) => None,
    }
}

/// Whether an interpreter has a folder of packages on its path, by the usual layout of a prefix.
fn holds(python: &str, packages: &str) -> bool {
    let prefix = python.rsplit_once("/bin/").map(|(prefix, _)| prefix);
    prefix.is_some_and(|prefix| packages.starts_with(&format!("{prefix}/lib/")))
}

struct Places<'a> {
    inputs: BTreeMap<&'a str, String>,
    outputs: BTreeMap<&'a str, String>,
}
