//! From a job to what its supervisor is told. Pure, but for the `PATH` it is given.

use std::collections::BTreeMap;

use stepwell_model::Program;
use stepwell_supervise::{Attempt, Spec};

use super::LocalConfig;
use crate::{Job, Prepared};

/// The name of the log among the files of a run, as Azure ML has it.
const LOG: &str = "user_logs/std_log.txt";

/// The variable that names the interpreter of the step's environment.
const PYTHON: &str = "STEPWELL_PYTHON";

/// What the supervisor of this job does; `path` is the server's own `PATH`.
pub(super) fn spec(
    config: &LocalConfig,
    job: &Job,
    attempt: &Attempt,
    prepared: &Prepared,
    path: &str,
) -> Spec {
    let files_dir = job.folder.join("files");
    let mut argv = match &job.program {
        Program::Script(script) => vec![prepared.python.to_string(), script.clone()],
        Program::Command(command) => vec![command.clone()],
    };
    argv.extend(job.arguments.iter().cloned());
    Spec {
        attempt: job.attempt,
        argv,
        variables: variables(job, prepared, path),
        work_dir: attempt.work_dir(),
        log: files_dir.join(LOG),
        files_dir,
        objects: config.objects.clone(),
        snapshot: job.snapshot,
        inputs: job.inputs.clone(),
        outputs: job.outputs.clone(),
        timeout_s: job.timeout_s,
        grace_ms: u64::try_from(config.grace.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Python is told not to keep its output back: a log is of use while the step runs. A program that
/// is no Python script is told which interpreter it has.
fn variables(job: &Job, prepared: &Prepared, path: &str) -> BTreeMap<String, String> {
    let mut variables = job.variables.clone();
    variables
        .entry("PYTHONUNBUFFERED".to_owned())
        .or_insert_with(|| "1".to_owned());
    variables.insert(PYTHON.to_owned(), prepared.python.to_string());
    if let Some(bin) = prepared.bin.as_deref() {
        let rest = variables.get("PATH").map_or(path, String::as_str);
        let path = match rest {
            "" => bin.to_string(),
            rest => format!("{bin}:{rest}"),
        };
        variables.insert("PATH".to_owned(), path);
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(program: Program, variables: &[(&str, &str)]) -> Job {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Job {
            attempt: "0192f5c4-1111-7222-8333-444455556666#2"
                .parse()
                .expect("an id"),
            folder: "/runs/r".into(),
            program,
            arguments: vec!["--rate".to_owned(), "0.1".to_owned()],
            environment: stepwell_model::EnvironmentSpec::Interpreter {
                python: "/env/bin/python".to_owned(),
            },
            snapshot: None,
            variables: variables.collect(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            data: None,
            timeout_s: None,
        }
    }

    fn planned(job: &Job) -> Spec {
        let config = LocalConfig {
            objects: "/objects".into(),
            supervisor_program: "/bin/stepwell-supervise".into(),
            grace: std::time::Duration::from_secs(10),
        };
        let prepared = Prepared {
            python: "/env/bin/python".into(),
            bin: Some("/env/bin".into()),
        };
        let attempt = Attempt::of_run(&job.folder, job.attempt.number);
        spec(&config, job, &attempt, &prepared, "/usr/bin:/bin")
    }

    #[test]
    fn a_script_runs_in_the_prepared_python_with_its_programs_first_on_the_path() {
        let spec = planned(&job(Program::Script("train.py".to_owned()), &[]));
        assert_eq!(spec.argv, ["/env/bin/python", "train.py", "--rate", "0.1"]);
        assert_eq!(spec.variables["PATH"], "/env/bin:/usr/bin:/bin");
        assert_eq!(spec.variables["PYTHONUNBUFFERED"], "1");
        assert_eq!(spec.work_dir, "/runs/r/attempt-2/work");
        assert_eq!(spec.log, "/runs/r/files/user_logs/std_log.txt");
    }

    #[test]
    fn what_the_user_sets_is_kept() {
        let command = Program::Command("make".to_owned());
        let spec = planned(&job(
            command,
            &[("PATH", "/mine"), ("PYTHONUNBUFFERED", "")],
        ));
        assert_eq!(spec.argv[0], "make");
        assert_eq!(spec.variables["PATH"], "/env/bin:/mine");
        assert_eq!(spec.variables["PYTHONUNBUFFERED"], "");
    }
}
