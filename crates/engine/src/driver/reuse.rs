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
use stepwell_model::{Digest, EnvironmentSpec, Graph, RunId, RunSpec, StepIndex, Timestamp};
use stepwell_store::{Connection, reuse, runs};

use super::launch::{self, StepContext};
use super::remote::{self, Seen};
use crate::core::key::{self, Part};
use crate::core::{Resolution, Topology};
use crate::kinds::{self, KeyContext, SNAPSHOT};

/// Why a step runs or does not. Stored with its run, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Whether an identical earlier step is reused.
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
pub(super) struct CacheQuery {
    pub(super) spec: Arc<RunSpec>,
    pub(super) graph: Arc<Graph>,
    pub(super) step: StepIndex,
    /// The runs whose outputs the reused steps of this graph have.
    pub(super) sources: Arc<HashMap<StepIndex, RunId>>,
    pub(super) topology: Topology,
}

impl CacheQuery {
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

/// What is found out once for all queries that are answered together.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// The parts of each interpreter that was looked at.
    interpreters: HashMap<String, Vec<Part>>,
}

/// Answers queries; keeps digests of unchanged files.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) site: StepContext,
    pub(super) cas: Cas,
    pub(super) contents: Contents,
}

/// What outputs look like when their step has ended, by name, as JSON.
pub(super) fn stamps(
    site: &StepContext,
    graph: &Graph,
    step: StepIndex,
) -> stepwell_data::Result<String> {
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

/// The answer for a step that keeps what it made in the run that is continued.
fn kept(source: RunId, parts: &Result<Vec<Part>, String>) -> (Resolution, Explanation) {
    let key = match parts {
        Ok(parts) => stamp::digest_of(&key::canonical(parts)),
        Err(_) => stamp::digest_of(source.to_string().as_bytes()),
    };
    let reason = format!("it had succeeded in the run that this one continues, as {source}");
    let explanation = Explanation {
        outcome: Outcome::Hit,
        reasons: vec![reason],
        compared_with: Some(source),
        key: Some(key),
        parts: Vec::new(),
    };
    (Resolution::Hit { source, key }, explanation)
}

/// The answer for a step that cannot keep what it made, and may not reuse anything else.
fn gone(source: RunId) -> (Resolution, Explanation) {
    let explanation = Explanation {
        outcome: Outcome::Miss,
        reasons: vec![format!("the outputs of run {source} were removed")],
        compared_with: Some(source),
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
    /// Finds out about one step, of which it is known what goes into it.
    pub(super) fn resolve(
        &self,
        db: &Connection,
        query: &CacheQuery,
        parts: Result<Vec<Part>, String>,
    ) -> stepwell_store::Result<(Resolution, Explanation)> {
        if let Some(source) = query.spec.kept.get(&query.step) {
            if self.is_kept(query, *source) {
                return Ok(kept(*source, &parts));
            }
            if !query.graph.step(query.step).spec.allow_reuse {
                return Ok(gone(*source));
            }
        }
        let parts = match parts {
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
        if query.spec.regenerate_outputs {
            // It runs whatever ran before, and later runs may reuse it.
            let reasons = vec!["regenerate_outputs is set for this run".to_owned()];
            let (_, explanation) = miss(reasons, None, parts);
            return Ok((Resolution::Unknown, explanation));
        }
        match reuse::find(db, &key)? {
            Some(found) if self.is_untouched(query, &found) => {
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
                let name = &query.graph.step(query.step).spec.name;
                let newest = reuse::newest_of(db, name)?;
                let reasons = match &newest {
                    None => vec![format!(
                        "no earlier run of a step named `{name}` is known that could be reused"
                    )],
                    Some(newest) => self.differences(&newest.parts_json, &parts),
                };
                Ok(miss(reasons, newest.map(|newest| newest.run), parts))
            }
        }
    }

    /// The answer, once it is known whether outputs on other machines are still there.
    pub(super) async fn confirm(
        &self,
        query: &CacheQuery,
        answer: (Resolution, Explanation),
    ) -> (Resolution, Explanation) {
        let (Resolution::Hit { source, key }, mut explanation) = answer else {
            return answer;
        };
        let spec = &query.graph.step(query.step).spec;
        if self.site.is_still_there(source, &spec.outputs).await {
            return (Resolution::Hit { source, key }, explanation);
        }
        if !spec.allow_reuse {
            // It was kept from a run that is continued.
            return gone(source);
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
            let part = parts.iter().find(|part| part.name == SNAPSHOT)?;
            let manifest = snapshot::load(&self.cas, &part.value.parse().ok()?).ok()?;
            let file = |entry: &snapshot::Entry| {
                Part::new(format!("file {}", entry.path), entry.digest.to_string())
            };
            Some(manifest.entries.iter().map(file).collect::<Vec<_>>())
        };
        let without = |parts: &[Part]| {
            parts
                .iter()
                .filter(|part| part.name != SNAPSHOT)
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
    fn is_untouched(&self, query: &CacheQuery, found: &reuse::Reusable) -> bool {
        let stamps: Vec<Part> = serde_json::from_str(&found.outputs_json).unwrap_or_default();
        let outputs = &query.graph.step(query.step).spec.outputs;
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

    /// Whether the outputs that a step keeps from an earlier run are there. Those on other machines
    /// are asked about afterwards.
    fn is_kept(&self, query: &CacheQuery, source: RunId) -> bool {
        let outputs = &query.graph.step(query.step).spec.outputs;
        let mut here = outputs
            .iter()
            .filter(|output| self.site.is_here(&output.datastore));
        here.all(|output| self.site.output_place(source, output).exists())
    }

    /// Everything that the outputs of a step depend on.
    pub(super) fn parts(
        &self,
        query: &CacheQuery,
        seen: &Seen,
        memo: &mut Memo,
    ) -> Result<Vec<Part>, String> {
        let step = query.graph.step(query.step);
        let mut parts = vec![Part::new("kind", &step.spec.kind)];
        parts.extend(kinds::of(&step.spec.task).key_parts(&mut KeyContext {
            spec: &query.spec,
            environment: &mut |environment| memo.environment_parts(environment),
        }));
        for input in &step.spec.inputs {
            let origin = remote::origin(&query.graph, &query.sources, &input.source);
            let Some(origin) = origin else { continue };
            if !step.spec.task.kind().reads(&input.name) {
                // Where it is goes in with the outputs.
                continue;
            }
            let files = match self.site.is_here(origin.datastore) {
                true => {
                    let place = self.site.local(origin.datastore, &origin.path);
                    self.contents
                        .files(&place)
                        .map_err(|error| error.to_string())?
                }
                false => {
                    let asked = (input, step.spec.task.kind());
                    let files = self.site.remote_files(&origin, asked, seen);
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

impl Memo {
    /// An environment to build is what was asked for. One that exists is its interpreter and the
    /// packages that are installed beside it, by name and version.
    fn environment_parts(&mut self, environment: &EnvironmentSpec) -> Vec<Part> {
        let spec = match environment {
            EnvironmentSpec::Interpreter { python } => {
                let known = self.interpreters.entry(python.clone());
                return known.or_insert_with(|| interpreter_parts(python)).clone();
            }
            EnvironmentSpec::Python(spec) => spec,
        };
        let stated = spec.python_version.as_ref();
        let stated = stated.or(spec.python_preferred.as_ref()).cloned();
        let version = stated.unwrap_or_else(|| version_of(&spec.base_python));
        let mut parts = vec![Part::new("python", version)];
        if let Some(digest) = stepwell_compute::digest_of_named_files(spec) {
            parts.push(Part::new("files that the packages name", digest));
        }
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
        parts
    }
}

/// The version in an interpreter's own name, such as `3.12`, whatever link leads there; else where it
/// is. An environment is built with that version, by whichever name its program was started.
fn version_of(python: &str) -> String {
    let real = camino::Utf8Path::new(python).canonicalize_utf8();
    let real = real.as_deref().unwrap_or(camino::Utf8Path::new(python));
    let version = real
        .file_name()
        .and_then(|name| name.strip_prefix("python"));
    match version.filter(|version| version.contains('.')) {
        Some(version) => version.to_owned(),
        None => real.to_string(),
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
