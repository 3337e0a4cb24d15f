//! From a job to what its supervisor and its worker are asked to do. Pure, but for the look for the
//! worker's program.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use stepwell_data::folder::DataFolder;
use stepwell_model::{Arg, ComputeKind, Failure, PortLocation, Program, WorkerRequest, is_module};
use stepwell_supervise::{Launcher, RecordForm, Several, Spec, View, Warm, Workers};

use super::layout::{Layout, Ports};
use super::{Staged, Stager, command_line, mlflow, start_hook, view};
use crate::worker::Surroundings;
use crate::{Job, Prepared, Work, Worker};

/// The variable that names the interpreter of the step's environment.
const PYTHON: &str = "STEPWELL_PYTHON";

/// The variable by which the start hook knows the step's script (`start/sitecustomize.py`).
const SCRIPT: &str = "STEPWELL_SCRIPT";

/// The variable that keeps a step, or all of a server, from starting in loaded interpreters.
const WARM: &str = "STEPWELL_WARM";

/// The variable that names modules to be loaded ahead, beside those of the target.
const WARM_IMPORTS: &str = "STEPWELL_WARM_IMPORTS";

/// What the supervisor and the worker of this job do; `path` is the server's own `PATH`.
///
/// # Errors
/// When the program of a native worker is not to be had.
pub(super) fn staged(
    stager: &Stager,
    layout: &Layout<'_>,
    prepared: Option<&Prepared>,
    path: &str,
    grace_ms: u64,
) -> Result<Staged, Failure> {
    let (job, attempt, run) = (layout.job, &layout.attempt, layout.job.attempt.run);
    let ports = layout.ports();
    let view = view::of(stager, layout, prepared)?;
    let variables = variables(stager, layout, &ports, prepared, path);
    let argv = match &job.work {
        Work::Program {
            program, arguments, ..
        } => {
            let variable = |name: &str| {
                let own = variables.get(name).cloned();
                let is_made = view.is_some() && View::VARIABLES.contains(&name);
                own.or_else(|| std::env::var(name).ok().filter(|_| !is_made))
            };
            let value = |part: &Arg| text(part, &ports);
            let mut argv = started_with(program, prepared);
            argv.extend(command_line::words(program, arguments, value, variable));
            argv
        }
        Work::Native { worker, .. } => worker.command_line(&Surroundings {
            stepwell: &stager.program,
            prepared,
            path: variables.get("PATH").map_or(path, String::as_str),
            placed_by: placed_by(job),
        })?,
    };
    let spec = Spec {
        warm: warm(job, &variables),
        warm_imports: warm_imports(job, &variables),
        attempt: job.attempt,
        argv,
        variables,
        work_dir: attempt.work_dir(),
        files_dir: stager.folder.run_files(run),
        log: layout.log.clone(),
        objects: stager.folder.objects(),
        snapshot: job.work.snapshot(),
        inputs: layout.inputs(),
        outputs: layout.outputs(),
        timeout_s: job.timeout_s,
        grace_ms,
        failure: match &job.work {
            Work::Program {
                distribution: None, ..
            } => None,
            // The launcher of several processes says which of them failed.
            Work::Program { .. } | Work::Native { .. } => Some(attempt.failure_path()),
        },
        several: several(stager, job),
        workers: workers(stager, job, prepared),
        view,
        record: RecordForm::Lines,
    };
    let request = request(stager, layout, ports);
    Ok(Staged { spec, request })
}

/// What places the processes of a driver on the nodes of its job.
fn placed_by(job: &Job) -> Option<&'static str> {
    match &job.compute {
        ComputeKind::Slurm(_) => Some("slurm"),
        ComputeKind::Ray(_) if job.places_workers() => Some("ray"),
        ComputeKind::Local(_) | ComputeKind::Isolated(_) | ComputeKind::Ray(_) => None,
    }
}

/// The processes of a program that is several.
fn several(stager: &Stager, job: &Job) -> Option<Several> {
    let Work::Program {
        program,
        distribution: Some(distribution),
        ..
    } = &job.work
    else {
        return None;
    };
    let (launcher, mpi) = match &job.compute {
        ComputeKind::Slurm(target) => (Launcher::Slurm, target.mpi.clone()),
        ComputeKind::Ray(_) if job.resources.nodes > 1 => (Launcher::Ray, None),
        _ => (Launcher::Here, None),
    };
    Some(Several {
        distribution: distribution.clone(),
        nodes: job.resources.nodes,
        processes_per_node: job.resources.processes_per_node,
        launcher,
        mpi,
        logs: stager.folder.run_files(job.attempt.run).join("user_logs"),
        // A shell fills in variables itself.
        expands: !matches!(program, Program::Shell(_)),
    })
}

/// Whether the work may start in a loaded interpreter.
fn warm(job: &Job, variables: &BTreeMap<String, String>) -> Warm {
    let switch = variables.get(WARM).cloned();
    let switch = switch.or_else(|| std::env::var(WARM).ok());
    let cold = |reason: &str| Warm::Cold {
        reason: reason.to_owned(),
    };
    let off = ["off", "0", "false", "no"];
    if switch.is_some_and(|switch| off.contains(&switch.as_str())) {
        return cold("`STEPWELL_WARM` is off");
    }
    if job.compute.isolation().is_some() {
        return cold("its target is isolated");
    }
    if job.compute.warm_starts().is_some_and(|warm| warm.off) {
        return cold("warm starts are off for its target");
    }
    match &job.work {
        Work::Program {
            distribution: Some(_),
            ..
        } => cold("it is several processes"),
        Work::Program {
            program: Program::Script(_),
            ..
        } => Warm::Allowed,
        Work::Program { .. } => cold("it runs a command"),
        Work::Native {
            worker: Worker::Driver { .. },
            python: Some(_),
            ..
        } => Warm::Allowed,
        Work::Native { .. } => cold("it runs a program of Stepwell's own"),
    }
}

/// The processes that the program of a step starts itself, of which those of a parallel step may start
/// warm.
fn workers(stager: &Stager, job: &Job, prepared: Option<&Prepared>) -> Option<Workers> {
    let Work::Native {
        worker: Worker::Driver { script, .. },
        ..
    } = &job.work
    else {
        return None;
    };
    let program = start_hook::folder(&stager.folder).join(start_hook::WORKER);
    Some(Workers {
        python: prepared?.python.to_string(),
        script: script.clone(),
        program: program.into_string(),
    })
}

/// The modules that the user names to be loaded ahead: for the target, and for the step or else
/// for all of a server.
fn warm_imports(job: &Job, variables: &BTreeMap<String, String>) -> Vec<String> {
    let named = variables.get(WARM_IMPORTS).cloned();
    let named = named.or_else(|| std::env::var(WARM_IMPORTS).ok());
    let named = named.unwrap_or_default();
    let own = named
        .split(',')
        .map(str::trim)
        .filter(|name| is_module(name));
    let target = job.compute.warm_starts().map(|warm| warm.imports.iter());
    let targets = target.into_iter().flatten().cloned();
    let all: BTreeSet<String> = own.map(str::to_owned).chain(targets).collect();
    all.into_iter().collect()
}

/// What a program of the user's is started with, before its arguments.
fn started_with(program: &Program, prepared: Option<&Prepared>) -> Vec<String> {
    let python = || prepared.map_or_else(String::new, |prepared| prepared.python.to_string());
    match program {
        // A name that begins with a dash would be an option of the interpreter.
        Program::Script(script) if script.starts_with('-') => vec![python(), format!("./{script}")],
        Program::Script(script) => vec![python(), script.clone()],
        Program::Command(command) => vec![command.clone()],
        Program::Shell(shell) => vec![shell.clone(), "-c".to_owned()],
    }
}

/// What a native worker is asked to do; `None` for a program of the user's.
fn request(stager: &Stager, layout: &Layout<'_>, ports: Ports) -> Option<WorkerRequest> {
    let Work::Native { request, .. } = &layout.job.work else {
        return None;
    };
    let (run, work_dir) = (layout.job.attempt.run, layout.attempt.work_dir());
    let absolute = |mut port: PortLocation| {
        port.local = port.local.map(|local| work_dir.join(local).into_string());
        port
    };
    let absolute = |ports: BTreeMap<String, PortLocation>| {
        let ports = ports.into_iter();
        ports.map(|(name, port)| (name, absolute(port))).collect()
    };
    Some(WorkerRequest {
        version: WorkerRequest::VERSION,
        run,
        task: request.clone(),
        inputs: absolute(ports.inputs),
        outputs: absolute(ports.outputs),
        state: stager.folder.state(run).into_string(),
        files: stager.folder.run_files(run).into_string(),
        record: stager.folder.delivered(run).into_string(),
    })
}

fn text(argument: &Arg, ports: &Ports) -> String {
    let local = |ports: &BTreeMap<String, PortLocation>, name: &str| {
        let port = ports.get(name);
        port.and_then(|port| port.local.clone()).unwrap_or_default()
    };
    match argument {
        Arg::Literal(text) | Arg::Value(text) => text.clone(),
        Arg::Input(name) => local(&ports.inputs, name),
        Arg::Output(name) => local(&ports.outputs, name),
        // The engine has put its value in its place; of a text, the parts are asked for.
        Arg::Parameter(_) | Arg::Text(_) => String::new(),
    }
}

/// The job's variables, on top of those that say where things are; and on top of both what the
/// environment needs. Python does not buffer its output: a log is of use while the step
/// runs. A program that is no Python script gets the path of its interpreter.
fn variables(
    stager: &Stager,
    layout: &Layout<'_>,
    ports: &Ports,
    prepared: Option<&Prepared>,
    path: &str,
) -> BTreeMap<String, String> {
    let (job, folder) = (layout.job, &stager.folder);
    let spool = folder.spool(job.attempt.run).into_string();
    let mut variables: BTreeMap<String, String> = [
        ("AZUREML_SERVICE_ENDPOINT", stager.url.as_str()),
        ("AZUREML_DISCOVERY_SERVICE_ENDPOINT", &stager.url),
        ("PYTHONUNBUFFERED", "1"),
        ("STEPWELL_URL", &stager.url),
        ("STEPWELL_BIN", stager.program.as_str()),
        ("STEPWELL_SPOOL", &spool),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    if let Some(socket) = &stager.socket {
        variables.extend(of_this_machine(socket, folder));
    }
    for (name, port) in ports.inputs.iter().chain(&ports.outputs) {
        let local = port.local.clone().unwrap_or_default();
        variables.insert(format!("AZUREML_DATAREFERENCE_{name}"), local);
    }
    // Whoever logs to another server of MLflow's means none of these.
    if !job.variables.contains_key(mlflow::TRACKING_URI) {
        variables.extend(mlflow::variables(job, &stager.url));
    }
    variables.extend(job.variables.clone());
    if let Some(sdk) = &job.sdk {
        let sdk = folder.sdk().join(sdk).into_string();
        prepend(&mut variables, "PYTHONPATH", &sdk, "");
    }
    if let Work::Native { .. } = job.work {
        let attempt = &layout.attempt;
        for (name, path) in [
            (WorkerRequest::VARIABLE, attempt.request_path()),
            (WorkerRequest::FAILURE_VARIABLE, attempt.failure_path()),
        ] {
            variables.insert(name.to_owned(), path.into_string());
        }
    }
    let Some(prepared) = prepared else {
        return variables;
    };
    let hook = start_hook::folder(folder).into_string();
    prepend(&mut variables, "PYTHONPATH", &hook, "");
    if let Work::Program {
        program: Program::Script(script),
        ..
    } = &job.work
    {
        variables.insert(SCRIPT.to_owned(), script.clone());
    }
    variables.insert(PYTHON.to_owned(), prepared.python.to_string());
    if let Some(bin) = prepared.bin.as_deref() {
        prepend(&mut variables, "PATH", bin.as_str(), path);
    }
    variables
}

/// Where the server and its folder are, for work on the server's machine.
fn of_this_machine(socket: &Utf8Path, folder: &DataFolder) -> [(String, String); 2] {
    let text = |name: &str, path: &Utf8Path| (name.to_owned(), path.to_string());
    [
        text("STEPWELL_SOCKET", socket),
        text("STEPWELL_DATA", folder.root()),
    ]
}

/// Puts a folder in front of a list of folders; `inherited` is the list unless the job has one.
fn prepend(variables: &mut BTreeMap<String, String>, name: &str, folder: &str, inherited: &str) {
    let rest = variables.get(name).map_or(inherited, String::as_str);
    let list = match rest {
        "" => folder.to_owned(),
        rest => format!("{folder}:{rest}"),
    };
    variables.insert(name.to_owned(), list);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stepwell_datastore::Registry;
    use stepwell_model::{ComputeKind, Resources, TargetName};

    use super::*;
    use crate::{JobInput, JobOutput};

    const RUN: &str = "0192f5c4-1111-7222-8333-444455556666";

    fn job(work: Work, variables: &[(&str, &str)]) -> Job {
        let variables = variables.iter();
        Job {
            attempt: format!("{RUN}#2").parse().expect("an id"),
            target: TargetName::new("local"),
            compute: ComputeKind::default(),
            resources: Resources::default(),
            work,
            stages_data: true,
            inputs: Vec::new(),
            outputs: Vec::new(),
            variables: variables
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            sdk: None,
            timeout_s: None,
        }
    }

    fn program(program: Program, arguments: &[Arg]) -> Work {
        Work::Program {
            program,
            arguments: arguments.to_vec(),
            environment: stepwell_model::EnvironmentSpec::Interpreter {
                python: "/env/bin/python".to_owned(),
            },
            snapshot: None,
            distribution: None,
        }
    }

    fn native(stages_data: bool) -> Job {
        let input = JobInput {
            name: "raw".to_owned(),
            datastore: "elsewhere".to_owned(),
            path: "a/b".to_owned(),
            must_exist: true,
            download: false,
            path_on_compute: None,
        };
        let output = JobOutput {
            name: "rows".to_owned(),
            datastore: "workspaceblobstore".to_owned(),
            path: "c".to_owned(),
            is_own: true,
            make_folder: false,
            upload_from: Some("made/rows".to_owned()),
            keep_existing: false,
            source_globs: Vec::new(),
        };
        let work = Work::Native {
            worker: Worker::Command("drive-parallel".to_owned()),
            request: serde_json::json!({"entry_script": "s.py"}),
            python: None,
            snapshot: None,
        };
        Job {
            stages_data,
            inputs: vec![input],
            outputs: vec![output],
            ..job(work, &[])
        }
    }

    fn planned(job: &Job) -> (Staged, String) {
        planned_for(job, true)
    }

    fn planned_for(job: &Job, is_here: bool) -> (Staged, String) {
        let root = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::new(root.path().to_str().expect("UTF-8"));
        let stager = Stager {
            datastores: Arc::new(Registry::open(&folder, 0).expect("datastores")),
            environments: Arc::new(crate::Environments::new(folder.environments(), None)),
            url: "http://localhost:1".to_owned(),
            socket: is_here.then(|| "/run/1.sock".into()),
            program: "/bin/stepwell".into(),
            folder,
        };
        let prepared = Prepared {
            python: "/env/bin/python".into(),
            bin: Some("/env/bin".into()),
            notice: None,
        };
        let layout = stager.layout(job);
        let staged = staged(&stager, &layout, Some(&prepared), "/usr/bin:/bin", 10);
        let staged = staged.expect("a program that needs no search");
        (staged, stager.folder.root().to_string())
    }

    #[test]
    fn a_script_runs_in_the_prepared_python_with_its_programs_first_on_the_path() {
        let arguments = ["--rate", "0.1"].map(|text| Arg::Literal(text.to_owned()));
        let script = Program::Script("train.py".to_owned());
        let (staged, root) = planned(&job(program(script, &arguments), &[]));
        let spec = staged.spec;
        assert_eq!(spec.argv, ["/env/bin/python", "train.py", "--rate", "0.1"]);
        assert_eq!(spec.variables["PATH"], "/env/bin:/usr/bin:/bin");
        assert_eq!(spec.variables["PYTHONUNBUFFERED"], "1");
        assert_eq!(spec.variables["STEPWELL_URL"], "http://localhost:1");
        assert_eq!(spec.work_dir, format!("{root}/runs/{RUN}/attempt-2/work"));
        let log = format!("{root}/runs/{RUN}/log");
        assert_eq!(spec.log, log);
        assert_eq!((spec.failure, staged.request), (None, None));
    }

    #[test]
    fn on_another_machine_the_server_is_known_by_its_url_alone() {
        let job = job(program(Program::Script("train.py".to_owned()), &[]), &[]);
        for is_here in [true, false] {
            let variables = planned_for(&job, is_here).0.spec.variables;
            assert_eq!(variables["STEPWELL_URL"], "http://localhost:1");
            for name in ["STEPWELL_SOCKET", "STEPWELL_DATA"] {
                assert_eq!(variables.contains_key(name), is_here, "{name}");
            }
        }
    }

    #[test]
    fn mlflow_finds_the_run_unless_the_user_logs_elsewhere() {
        let script = || program(Program::Script("train.py".to_owned()), &[]);
        let named = [("AZUREML_ARM_PROJECT_NAME", "my experiment")];
        let variables = planned(&job(script(), &named)).0.spec.variables;
        assert_eq!(variables["MLFLOW_RUN_ID"], RUN);
        assert_eq!(variables["MLFLOW_EXPERIMENT_NAME"], "my experiment");
        let uri = &variables["MLFLOW_TRACKING_URI"];
        assert!(
            uri.starts_with("azureml://localhost:1/mlflow/v1.0/"),
            "{uri}"
        );

        let elsewhere = [("MLFLOW_TRACKING_URI", "http://mlflow:5000")];
        let variables = planned(&job(script(), &elsewhere)).0.spec.variables;
        assert_eq!(variables["MLFLOW_TRACKING_URI"], "http://mlflow:5000");
        assert!(!variables.contains_key("MLFLOW_RUN_ID"));
    }

    #[test]
    fn what_the_user_sets_is_kept() {
        let command = program(Program::Command("make".to_owned()), &[]);
        let set = [
            ("PATH", "/mine"),
            ("PYTHONUNBUFFERED", ""),
            ("PYTHONPATH", "/lib"),
        ];
        let job = Job {
            sdk: Some("v1".to_owned()),
            ..job(command, &set)
        };
        let (Staged { spec, .. }, root) = planned(&job);
        assert_eq!(spec.argv[0], "make");
        assert_eq!(spec.variables["PATH"], "/env/bin:/mine");
        assert_eq!(spec.variables["PYTHONUNBUFFERED"], "");
        let modules = format!("{root}/sdk/start:{root}/sdk/v1:/lib");
        assert_eq!(spec.variables["PYTHONPATH"], modules);
        assert!(!spec.variables.contains_key("STEPWELL_SCRIPT"));
    }

    #[test]
    fn a_script_whose_name_begins_with_a_dash_is_no_option() {
        let script = program(Program::Script("-a.py".to_owned()), &[]);
        let (Staged { spec, .. }, root) = planned(&job(script, &[]));
        assert_eq!(spec.argv[1], "./-a.py");
        assert_eq!(spec.variables["STEPWELL_SCRIPT"], "-a.py");
        assert_eq!(spec.variables["PYTHONPATH"], format!("{root}/sdk/start"));
    }

    #[test]
    fn a_shell_is_given_the_text_of_its_command() {
        let words = ["a &&", "b"].map(|text| Arg::Literal(text.to_owned()));
        let shell = program(Program::Shell("bash".to_owned()), &words);
        let (Staged { spec, .. }, _) = planned(&job(shell, &[]));
        assert_eq!(spec.argv, ["bash", "-c", "a && b"]);
    }

    #[test]
    fn a_native_worker_is_told_its_request_and_where_it_says_why_it_failed() {
        let job = native(true);
        let (staged, root) = planned(&job);
        let (spec, attempt) = (&staged.spec, format!("{root}/runs/{RUN}/attempt-2"));
        assert_eq!(spec.argv, ["/bin/stepwell", "drive-parallel"]);
        let failure = format!("{attempt}/failure.json");
        assert_eq!(spec.variables["STEPWELL_FAILURE"], failure);
        assert_eq!(
            spec.failure.as_ref().map(|path| path.as_str()),
            Some(failure.as_str())
        );
        let request = format!("{attempt}/request.json");
        assert_eq!(spec.variables["STEPWELL_REQUEST"], request);
        let run = format!("{root}/runs/{RUN}");
        let raw = format!("{run}/data-2/inputs/raw/b");
        let rows = format!("{attempt}/work/made/rows");
        let expected = serde_json::json!({
            "version": 1,
            "run": RUN,
            "task": {"entry_script": "s.py"},
            "inputs": {"raw": {"datastore": "elsewhere", "path": "a/b", "local": raw}},
            "outputs": {
                "rows": {"datastore": "workspaceblobstore", "path": "c", "local": rows},
            },
            "state": format!("{run}/state"),
            "files": format!("{run}/files"),
            "record": format!("{run}/delivered.json"),
        });
        let request = serde_json::to_value(&staged.request).expect("JSON");
        assert_eq!(request, expected);
        assert_eq!(spec.outputs.len(), 1);
    }

    #[test]
    fn a_worker_that_does_the_transfers_itself_is_told_what_is_here() {
        let (staged, root) = planned(&native(false));
        let request = staged.request.expect("a request");
        assert_eq!(request.inputs["raw"].local, None);
        let place = format!("{root}/data/workspaceblobstore/c");
        assert_eq!(request.outputs["rows"].local, Some(place));
        assert!(staged.spec.inputs.is_empty() && staged.spec.outputs.is_empty());
    }
}
