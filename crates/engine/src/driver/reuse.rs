//! Finds out whether an equal step has run: reads what goes into a step, makes its key, looks it
//! up, and says in words why it hits or misses.
//!
//! Invariant: a hit is a step that ended well and whose outputs have not been touched since.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stepwell_data::cas::Cas;
use stepwell_data::content::{self, Contents};
use stepwell_data::{snapshot, stamp};
use stepwell_model::{
    Arg, Digest, EnvironmentSpec, Graph, InputForm, ParallelTask, ProcessTask, Program, RunId,
    RunSpec, StepIndex, Task, Timestamp,
};
use stepwell_store::{Connection, reuse, runs};

use super::launch::{self, Site};
use super::remote::{self, Seen};
use crate::core::key::{self, Part};
use crate::core::{Resolution, Topology};

/// Why a step runs or does not. Stored with its run, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Whether an equal step stands in for it.
    pub outcome: Outcome,
    /// One line each: what hits, or what differs from the step it was compared with.
    pub reasons: Vec<String>,
    /// The step that stands in, or that it was compared with.
    pub compared_with: Option<RunId>,
    /// What it may be reused by.
    pub key: Option<Digest>,
    /// What the key is made of. Of a hit, nothing: the step that stands in has the same.
    pub parts: Vec<Part>,
}

/// Whether an equal step stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It does.
    Hit,
    /// None has run, or its outputs are gone.
    Miss,
    /// What goes into the step could not be read.
    Unknown,
}

/// A step that could start.
pub(super) struct Question {
    pub(super) spec: Arc<RunSpec>,
    pub(super) graph: Arc<Graph>,
    pub(super) step: StepIndex,
    /// The runs whose outputs stand in for those of steps of this graph.
    pub(super) sources: Arc<HashMap<StepIndex, RunId>>,
    pub(super) topology: Topology,
}

impl Question {
    /// The same about another step.
    pub(super) fn about(&self, step: StepIndex) -> Self {
        Self {
            spec: Arc::clone(&self.spec),
            graph: Arc::clone(&self.graph),
            step,
            sources: Arc::default(),
            topology: self.topology.clone(),
        }
    }
}

/// What is found out once for all questions that are answered together.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// The parts of each interpreter that was looked at.
    interpreters: HashMap<String, Vec<Part>>,
}

/// Answers questions; keeps digests of unchanged files.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) site: Site,
    pub(super) cas: Cas,
    pub(super) contents: Contents,
}

/// What outputs look like when their step has ended, by name, as JSON.
pub(super) fn stamps(site: &Site, graph: &Graph, step: StepIndex) -> stepwell_data::Result<String> {
    let step = graph.step(step);
    let stamp = |output: &stepwell_model::Output| {
        if !site.is_here(&output.datastore) {
            let stamp = site.delivered_stamp(step.run, output);
            return Ok(Part::new(&output.name, stamp.unwrap_or_default()));
        }
        let place = site.output_place(step.run, output);
        Ok(Part::new(&output.name, content::stamp(&place)?.to_string()))
    };
    let stamps = step
        .spec
        .outputs
        .iter()
        .map(stamp)
        .collect::<stepwell_data::Result<Vec<_>>>()?;
    Ok(serde_json::to_string(&stamps).unwrap_or_default())
}

/// The answer when something that goes into a step cannot be read: it runs, and is not reused.
pub(super) fn unknown(error: &dyn std::fmt::Display) -> (Resolution, Explanation) {
    let explanation = Explanation {
        outcome: Outcome::Unknown,
        reasons: vec![format!("what goes into it cannot be read: {error}")],
        compared_with: None,
        key: None,
        parts: Vec::new(),
    };
    (Resolution::Unknown, explanation)
}

/// Makes a step that ended well available to later ones, if its key is known.
pub(super) fn remember(
    db: &Connection,
    step_run: RunId,
    stamps: &str,
    at: Timestamp,
) -> stepwell_store::Result<()> {
    let Some(text) = reuse::explanation(db, step_run)? else {
        return Ok(());
    };
    let Ok(Explanation {
        key: Some(key),
        parts,
        ..
    }) = serde_json::from_str(&text)
    else {
        return Ok(());
    };
    let Some(run) = runs::find(db, step_run)? else {
        return Ok(());
    };
    let parts_json = serde_json::to_string(&parts).unwrap_or_default();
    let outputs_json = stamps.to_owned();
    let reusable = reuse::Reusable {
        run: step_run,
        parts_json,
        outputs_json,
        at,
    };
    reuse::remember(db, &key, &run.display_name, &reusable)
}

impl Resolver {
    /// Finds out about one step.
    pub(super) fn resolve(
        &self,
        db: &Connection,
        question: &Question,
        seen: &Seen,
        memo: &mut Memo,
    ) -> stepwell_store::Result<(Resolution, Explanation)> {
        let parts = match self.parts(question, seen, memo) {
            Ok(parts) => parts,
            Err(error) => return Ok(unknown(&error)),
        };
        let key = stamp::digest_of(&key::canonical(&parts));
        let miss = |reasons, compared_with, parts| {
            let outcome = Outcome::Miss;
            let explanation = Explanation {
                outcome,
                reasons,
                compared_with,
                key: Some(key),
                parts,
            };
            (Resolution::Miss(key), explanation)
        };
        match reuse::find(db, &key)? {
            Some(found) if self.is_untouched(question, &found) => {
                let reasons = vec![format!("nothing differs from run {}", found.run)];
                let outcome = Outcome::Hit;
                let compared_with = Some(found.run);
                let explanation = Explanation {
                    outcome,
                    reasons,
                    compared_with,
                    key: Some(key),
                    parts: Vec::new(),
                };
                Ok((
                    Resolution::Hit {
                        source: found.run,
                        key,
                    },
                    explanation,
                ))
            }
            Some(found) => {
                let reasons = vec![format!(
                    "the outputs of run {} were changed or removed",
                    found.run
                )];
                Ok(miss(reasons, Some(found.run), parts))
            }
            None => {
                let name = &question.graph.step(question.step).spec.name;
                let newest = reuse::newest_of(db, name)?;
                let reasons = match &newest {
                    None => vec![format!("no step named `{name}` has run here before")],
                    Some(newest) => self.differences(&newest.parts_json, &parts),
                };
                Ok(miss(reasons, newest.map(|newest| newest.run), parts))
            }
        }
    }

    /// The answer, once it is known whether outputs on other machines are still there.
    pub(super) async fn confirm(
        &self,
        question: &Question,
        answer: (Resolution, Explanation),
    ) -> (Resolution, Explanation) {
        let (Resolution::Hit { source, key }, mut explanation) = answer else {
            return answer;
        };
        let outputs = &question.graph.step(question.step).spec.outputs;
        if self.site.is_still_there(source, outputs).await {
            return (Resolution::Hit { source, key }, explanation);
        }
        explanation.outcome = Outcome::Miss;
        explanation.reasons = vec![format!(
            "the outputs of run {source} were changed or removed"
        )];
        (Resolution::Miss(key), explanation)
    }

    /// How the parts differ; for a snapshot, which files do.
    fn differences(&self, earlier_json: &str, now: &[Part]) -> Vec<String> {
        let earlier: Vec<Part> = serde_json::from_str(earlier_json).unwrap_or_default();
        let snapshot = |parts: &[Part]| {
            let part = parts.iter().find(|part| part.name == SOURCE)?;
            let manifest = snapshot::load(&self.cas, &part.value.parse().ok()?).ok()?;
            let file = |entry: &snapshot::Entry| {
                Part::new(format!("file {}", entry.path), entry.digest.to_string())
            };
            Some(manifest.entries.iter().map(file).collect::<Vec<_>>())
        };
        let without = |parts: &[Part]| {
            parts
                .iter()
                .filter(|part| part.name != SOURCE)
                .cloned()
                .collect::<Vec<_>>()
        };
        match (snapshot(&earlier), snapshot(now)) {
            (Some(before), Some(after)) => {
                let mut lines = key::differences(&before, &after);
                lines.extend(key::differences(&without(&earlier), &without(now)));
                lines
            }
            _ => key::differences(&earlier, now),
        }
    }

    /// Whether the outputs of an earlier step are what they were when it ended.
    fn is_untouched(&self, question: &Question, found: &reuse::Reusable) -> bool {
        let stamps: Vec<Part> = serde_json::from_str(&found.outputs_json).unwrap_or_default();
        let outputs = &question.graph.step(question.step).spec.outputs;
        outputs.iter().all(|output| {
            if !self.site.is_here(&output.datastore) {
                // Whether it is still there is asked afterwards, off the database.
                return true;
            }
            let place = self.site.output_place(found.run, output);
            let now = content::stamp(&place).map(|stamp| stamp.to_string()).ok();
            stamps
                .iter()
                .any(|part| part.name == output.name && Some(&part.value) == now.as_ref())
        })
    }

    /// Everything that the outputs of a step depend on.
    fn parts(
        &self,
        question: &Question,
        seen: &Seen,
        memo: &mut Memo,
    ) -> Result<Vec<Part>, String> {
        let step = question.graph.step(question.step);
        let mut parts = vec![Part::new("kind", &step.spec.kind)];
        process_parts(step.spec.task.process(), &question.spec, memo, &mut parts);
        if let Task::Parallel(task) = &step.spec.task {
            parallel_parts(task, &question.spec, &mut parts);
        }
        for input in &step.spec.inputs {
            let origin = remote::origin(&question.graph, &question.sources, &input.source);
            let Some(origin) = origin else { continue };
            let files = match self.site.is_here(origin.datastore) {
                true => {
                    let place = self.site.local(origin.datastore, &origin.path);
                    self.contents
                        .files(&place)
                        .map_err(|error| error.to_string())?
                }
                false => {
                    let files = self.site.remote_files(&origin, seen);
                    files.map_err(|error| error.to_string())?
                }
            };
            for file in files {
                let name = format!("input {} {}", input.name, file.path);
                parts.push(Part::new(name.trim_end(), file.digest.to_string()));
            }
            let reached = match (&input.path_on_compute, input.download) {
                (None, false) => "connected".to_owned(),
                (None, true) => "copied".to_owned(),
                (Some(path), false) => format!("linked to {path}"),
                (Some(path), true) => format!("copied to {path}"),
            };
            parts.push(Part::new(format!("input {}", input.name), reached));
        }
        for output in &step.spec.outputs {
            let path = launch::path_template(output);
            let upload = output.upload_from.as_deref().unwrap_or("in place");
            let mut value = format!("{path} on {}, {upload}", output.datastore);
            if !output.source_globs.is_empty() {
                value.push_str(&format!(", only {}", output.source_globs.join(" ")));
            }
            parts.push(Part::new(format!("output {}", output.name), value));
        }
        Ok(parts)
    }
}

/// The name of the part that is a snapshot's digest.
const SOURCE: &str = "source directory";

fn process_parts(task: &ProcessTask, spec: &RunSpec, memo: &mut Memo, parts: &mut Vec<Part>) {
    let program = match &task.program {
        Program::Script(path) => Part::new("script", path),
        Program::Command(name) => Part::new("command", name),
    };
    parts.push(program);
    for (number, argument) in (1..).zip(&task.arguments) {
        let value = match argument {
            Arg::Literal(text) => text.clone(),
            Arg::Input(name) => format!("<input {name}>"),
            Arg::Output(name) => format!("<output {name}>"),
            Arg::Parameter(name) => spec.parameters.get(name).cloned().unwrap_or_default(),
        };
        parts.push(Part::new(format!("argument {number}"), value));
    }
    let mut variables = task.variables.clone();
    for (variable, parameter) in &task.parameter_variables {
        let value = spec.parameters.get(parameter).cloned();
        variables.insert(variable.clone(), value.unwrap_or_default());
    }
    for (name, value) in &variables {
        parts.push(Part::new(format!("variable {name}"), value));
    }
    if let Some(snapshot) = &task.snapshot {
        parts.push(Part::new(SOURCE, snapshot.to_string()));
    }
    environment_parts(&task.environment, memo, parts);
}

/// Settings that say how much is done at once change nothing in what is done.
const PACE: [&str; 4] = [
    "node_count",
    "process_count_per_node",
    "logging_level",
    "progress_update_timeout",
];

fn parallel_parts(task: &ParallelTask, spec: &RunSpec, parts: &mut Vec<Part>) {
    for (name, setting) in &task.settings {
        if !PACE.contains(&name.as_str()) {
            let value = setting.resolve(&spec.parameters).unwrap_or_default();
            parts.push(Part::new(format!("setting {name}"), value));
        }
    }
    for input in &task.inputs {
        let form = match input.form {
            InputForm::Files => "files",
            InputForm::Table => "table",
        };
        // The id of a saved dataset follows from its definition.
        let dataset = input.dataset.as_deref().unwrap_or("whole");
        let name = format!("mini-batches of {}", input.port);
        parts.push(Part::new(name, format!("{form}, {dataset}")));
    }
    if let Some(output) = &task.output {
        parts.push(Part::new("rows", output));
    }
}

/// An environment to build is what was asked for. One that exists is its interpreter and the
/// packages that are installed beside it, by name and version.
fn environment_parts(environment: &EnvironmentSpec, memo: &mut Memo, parts: &mut Vec<Part>) {
    match environment {
        EnvironmentSpec::Interpreter { python } => {
            let known = memo.interpreters.entry(python.clone());
            parts.extend_from_slice(known.or_insert_with(|| interpreter_parts(python)));
        }
        EnvironmentSpec::Python(spec) => {
            let version = spec.python_version.as_deref().unwrap_or(&spec.base_python);
            parts.push(Part::new("python", version));
            for (section, lines) in [
                ("package", &spec.pip),
                ("conda package", &spec.conda),
                ("pip option", &spec.pip_options),
            ] {
                for line in lines {
                    let name = line.split(['=', '<', '>', '!', '~', '[', ';', ' ']).next();
                    let name = format!("{section} {}", name.unwrap_or(line));
                    parts.push(Part::new(name, line));
                }
            }
        }
    }
}

fn interpreter_parts(python: &str) -> Vec<Part> {
    // A virtual environment's python is a link; links of several names may lead there.
    let real = camino::Utf8Path::new(python).canonicalize_utf8();
    let real = real.as_ref().map_or(python, |path| path.as_str());
    let mut parts = vec![Part::new("python", real)];
    for package in installed(python) {
        let (name, version) = package.split_once('-').unwrap_or((&package, ""));
        parts.push(Part::new(format!("package {name}"), version));
    }
    parts
}

/// What is installed for an interpreter, as `name-version`, sorted. Stepwell itself is left out:
/// a new release does not change what a step does.
fn installed(python: &str) -> Vec<String> {
    let Some((prefix, _)) = python.rsplit_once("/bin/") else {
        return Vec::new();
    };
    let lib = camino::Utf8PathBuf::from(format!("{prefix}/lib"));
    let versions = lib.read_dir_utf8().into_iter().flatten().flatten();
    let versions = versions.filter(|entry| entry.file_name().starts_with("python3"));
    let packages = versions.map(|entry| entry.path().join("site-packages"));
    let entries = packages.flat_map(|path| path.read_dir_utf8().into_iter().flatten().flatten());
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry
                .file_name()
                .strip_suffix(".dist-info")
                .map(str::to_owned)
        })
        .filter(|name| !name.starts_with("stepwell-"))
        .collect();
    names.sort();
    names
}
