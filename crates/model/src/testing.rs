//! The smallest valid tasks, steps and runs, for the tests and benches of all crates: each changes
//! only what it is about.
//!
//! Not part of the product: it is compiled for this crate's own tests, and with the feature `testing`.

use std::collections::BTreeMap;

use crate::{
    EnvironmentSpec, Output, ProcessTask, Program, Resources, RunId, RunKind, RunSpec, StepSpec,
    TargetName, Task,
};

/// A program without arguments, in the machine's own interpreter.
#[must_use]
pub fn process(program: Program) -> ProcessTask {
    ProcessTask {
        program,
        arguments: Vec::new(),
        snapshot: None,
        environment: EnvironmentSpec::Interpreter {
            python: "python3".to_owned(),
        },
        variables: BTreeMap::new(),
        parameter_variables: BTreeMap::new(),
        timeout_s: None,
        distribution: None,
    }
}

/// A step named `step` on the target `t`, which waits for nothing, has no data and is not reused.
#[must_use]
pub fn step(task: ProcessTask) -> StepSpec {
    StepSpec {
        name: "step".to_owned(),
        kind: "PythonScriptStep".to_owned(),
        target: TargetName::new("t"),
        task: Task::Process(task),
        inputs: Vec::new(),
        outputs: Vec::new(),
        after: Vec::new(),
        allow_reuse: false,
        resources: Resources::default(),
    }
}

/// An output at a path of its own, in a datastore.
#[must_use]
pub fn output(name: &str, datastore: &str) -> Output {
    Output {
        name: name.to_owned(),
        datastore: datastore.to_owned(),
        path: None,
        upload_from: None,
        make_folder: false,
        keep_existing: false,
        source_globs: Vec::new(),
        register: None,
    }
}

/// A pipeline run without parameters, of the experiment `e`.
#[must_use]
pub fn run(id: RunId) -> RunSpec {
    RunSpec {
        id,
        kind: RunKind::Pipeline,
        experiment: "e".to_owned(),
        parent: None,
        sdk_path: None,
        parameters: BTreeMap::new(),
        declared: BTreeMap::new(),
        open_inputs: Vec::new(),
        continue_on_step_failure: false,
        regenerate_outputs: false,
        kept: BTreeMap::new(),
    }
}
