//! Finds out whether an equal step has run: reads what goes into a step, makes its key, looks it
//! up, and says in words why it hits or misses.
//!
//! Invariant: a hit is a step that ended well and whose outputs have not been touched since.

use std::collections::HashMap;
use std::sync::Arc;

use stepwell_data::cas::Cas;
use stepwell_data::content::{self, Contents};
use stepwell_data::{snapshot, stamp};
use stepwell_model::{Graph, Input, Output, RunId, RunSpec, StepIndex, Timestamp};
use stepwell_store::{Connection, reuse, runs};

use super::environment_parts::Memo;
use super::explanation::{Explanation, Outcome, gone, hit, kept, miss, touched, unknown};
use super::launch::{self, StepContext};
use super::remote::{self, Seen};
use crate::core::key::{self, Part};
use crate::core::{Resolution, Topology};
use crate::kinds::{self, KeyContext, SNAPSHOT};

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
    let stamp = |output: &Output| {
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
        if let Some(answer) = self.continued(query, &parts) {
            return Ok(answer);
        }
        let parts = match parts {
            Ok(parts) => parts,
            Err(error) => return Ok(unknown(&error)),
        };
        let key = stamp::digest_of(&key::canonical(&parts));
        if query.spec.regenerate_outputs {
            // It runs whatever ran before, and later runs may reuse it.
            let reasons = vec!["regenerate_outputs is set for this run".to_owned()];
            return Ok((Resolution::Unknown, miss(key, reasons, None, parts)));
        }
        let (reasons, compared_with) = match reuse::find(db, &key)? {
            Some(found) if self.is_untouched(query, &found) => {
                let reason = format!("nothing differs from run {}", found.run);
                return Ok(hit(found.run, key, reason));
            }
            Some(found) => (vec![touched(found.run)], Some(found.run)),
            None => self.unlike(db, query, &parts)?,
        };
        let explanation = miss(key, reasons, compared_with, parts);
        Ok((Resolution::Miss(key), explanation))
    }

    /// The answer for a step of a run that continues another one, if that decides it.
    fn continued(
        &self,
        query: &CacheQuery,
        parts: &Result<Vec<Part>, String>,
    ) -> Option<(Resolution, Explanation)> {
        let source = *query.spec.kept.get(&query.step)?;
        if self.is_kept(query, source) {
            return Some(kept(source, parts));
        }
        let may_reuse = query.graph.step(query.step).spec.allow_reuse;
        (!may_reuse).then(|| gone(source))
    }

    /// How a step differs from the newest one of its name, and which that is.
    fn unlike(
        &self,
        db: &Connection,
        query: &CacheQuery,
        parts: &[Part],
    ) -> stepwell_store::Result<(Vec<String>, Option<RunId>)> {
        let name = &query.graph.step(query.step).spec.name;
        let Some(newest) = reuse::newest_of(db, name)? else {
            let reason =
                format!("no earlier run of a step named `{name}` is known that could be reused");
            return Ok((vec![reason], None));
        };
        let reasons = self.differences(&newest.parts_json, parts);
        Ok((reasons, Some(newest.run)))
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
        explanation.reasons = vec![touched(source)];
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
            parts.extend(self.input_parts(query, seen, input)?);
        }
        parts.extend(step.spec.outputs.iter().map(output_part));
        Ok(parts)
    }

    /// What an input holds and how a step reaches it; nothing of one that the step does not read.
    fn input_parts(
        &self,
        query: &CacheQuery,
        seen: &Seen,
        input: &Input,
    ) -> Result<Vec<Part>, String> {
        let kind = query.graph.step(query.step).spec.task.kind();
        let Some(origin) = remote::origin(&query.graph, &query.sources, &input.source) else {
            return Ok(Vec::new());
        };
        if !kind.reads(&input.name) {
            // Where it is goes in with the outputs.
            return Ok(Vec::new());
        }
        let files = if self.site.is_here(origin.datastore) {
            let place = self.site.local(origin.datastore, &origin.path);
            let files = self.contents.files(&place);
            files.map_err(|error| error.to_string())?
        } else {
            let files = self.site.remote_files(&origin, (input, kind), seen);
            files.map_err(|error| error.to_string())?
        };
        let part = |file: &content::File| {
            let name = format!("input {} {}", input.name, file.path);
            Part::new(name.trim_end(), file.digest.to_string())
        };
        let mut parts: Vec<Part> = files.iter().map(part).collect();
        let reached = match (&input.path_on_compute, input.download) {
            (None, false) => "connected".to_owned(),
            (None, true) => "copied".to_owned(),
            (Some(path), false) => format!("linked to {path}"),
            (Some(path), true) => format!("copied to {path}"),
        };
        parts.push(Part::new(format!("input {}", input.name), reached));
        Ok(parts)
    }
}

/// Where an output goes, and how.
fn output_part(output: &Output) -> Part {
    let path = launch::path_template(output);
    let upload = output.upload_from.as_deref().unwrap_or("in place");
    let mut value = format!("{path} on {}, {upload}", output.datastore);
    if !output.source_globs.is_empty() {
        value.push_str(&format!(", only {}", output.source_globs.join(" ")));
    }
    Part::new(format!("output {}", output.name), value)
}
