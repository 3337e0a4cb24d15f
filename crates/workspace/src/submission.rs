//! A pipeline that is to be started: checked against what the workspace has, its parameters bound,
//! its steps given their runs. Nothing is stored here.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use stepwell_data::cas::Cas;
use stepwell_data::snapshot;
use stepwell_engine::driver::{About, EngineError, Submission};
use stepwell_model::{
    ComputeKind, Digest, Graph, InputSource, Parameter, Place, RunId, RunKind, RunSpec, Step,
    StepIndex, StepSpec, Template, Value,
};
use stepwell_store::catalog::{self, Compute};
use stepwell_store::runs;
use uuid::Uuid;

use crate::core::{Core, blocking};
use crate::names::{check_experiment, is_relative};
use crate::published::look_up;
use crate::{Error, Result};

/// A run as it is asked for. A repeated `idempotency_key` starts nothing and gives the run of the
/// first request.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// [`RunKind::Pipeline`], or [`RunKind::Script`] for a run of exactly one step.
    pub kind: RunKind,
    /// The experiment; made if it does not exist.
    pub experiment: String,
    /// A name for people; the experiment's when absent.
    pub display_name: Option<String>,
    /// A description for people.
    pub description: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Properties; they cannot be changed later.
    pub properties: BTreeMap<String, String>,
    /// The run it belongs to.
    pub parent: Option<RunId>,
    /// Who asks.
    pub user: String,
    /// Whether steps run although their outputs could be reused.
    pub regenerate_outputs: bool,
    /// The steps that keep the outputs of an earlier run, see [`stepwell_model::RunSpec::kept`].
    pub kept: BTreeMap<StepIndex, RunId>,
    /// The pipeline.
    pub template: Template,
    /// The values of its parameters; those that are absent have their defaults.
    pub values: BTreeMap<String, Value>,
    /// A text that makes a repeated request the same run.
    pub idempotency_key: Option<String>,
}

impl RunRequest {
    /// Checks everything and gives the steps their runs.
    pub(crate) async fn submission(self, core: &Core) -> Result<Submission> {
        let mut made = submissions(core, vec![self]).await?;
        made.pop()
            .ok_or_else(|| Error::internal(&"a request came to nothing"))
    }

    /// Checks all of it but its steps.
    async fn check(&mut self, core: &Core) -> Result<()> {
        check_experiment(&self.experiment)?;
        if self.kind == RunKind::Script && self.template.steps.len() != 1 {
            return Err(Error::invalid("a script run has exactly one step"));
        }
        check_values(core, &mut self.template, &mut self.values).await
    }

    /// Binds its parameters and gives its steps their runs.
    fn bind(self) -> Result<Submission> {
        let details = Details {
            kind: self.kind,
            experiment: self.experiment,
            parent: self.parent,
            continue_on_step_failure: self.template.continue_on_step_failure,
            regenerate_outputs: self.regenerate_outputs,
            about: About {
                display_name: self.display_name,
                description: self.description,
                tags: self.tags,
                properties: self.properties,
                user: self.user,
                idempotency_key: self.idempotency_key,
                new_experiment: Uuid::now_v7(),
                ..About::default()
            },
        };
        let mut submission = start(&self.template, &self.values, details)?;
        submission.spec.kept = self.kept;
        Ok(submission)
    }
}

/// The submissions of requests that are made together. What they are checked against is read once
/// for all of them.
pub(crate) async fn submissions(
    core: &Core,
    mut requests: Vec<RunRequest>,
) -> Result<Vec<Submission>> {
    let is_one = requests.len() == 1;
    for (number, request) in requests.iter_mut().enumerate() {
        request.check(core).await.map_err(|refusal| match is_one {
            true => refusal,
            false => refusal.of_number(number),
        })?;
    }
    let parents: BTreeSet<RunId> = requests.iter().filter_map(|one| one.parent).collect();
    let all = requests.iter().flat_map(|request| &request.template.steps);
    check_steps(core, &all.collect::<Vec<_>>(), parents).await?;
    let mut made = Vec::with_capacity(requests.len());
    for request in requests {
        let submission = request.bind()?;
        check_resources(core, &submission.graph).await?;
        made.push(submission);
    }
    Ok(made)
}

/// A run beside its pipeline and the values of its parameters.
pub(crate) struct Details {
    pub(crate) kind: RunKind,
    pub(crate) experiment: String,
    pub(crate) parent: Option<RunId>,
    pub(crate) continue_on_step_failure: bool,
    pub(crate) regenerate_outputs: bool,
    pub(crate) about: About,
}

/// Binds a template's parameters and gives its steps their runs.
pub(crate) fn start(
    template: &Template,
    values: &BTreeMap<String, Value>,
    details: Details,
) -> Result<Submission> {
    let bound = template.bind(values)?;
    let id = RunId::new(Uuid::now_v7());
    let step = |spec| Step {
        run: match details.kind {
            RunKind::Script => id,
            _ => RunId::new(Uuid::now_v7()),
        },
        spec,
    };
    let graph = Graph::new(bound.steps.into_iter().map(step).collect());
    let spec = RunSpec {
        id,
        kind: details.kind,
        experiment: details.experiment,
        parent: details.parent,
        sdk_path: template.sdk_path.clone(),
        parameters: bound.texts,
        declared: bound.parameters,
        open_inputs: template.open_inputs.clone(),
        continue_on_step_failure: details.continue_on_step_failure,
        regenerate_outputs: details.regenerate_outputs,
        kept: BTreeMap::new(),
    };
    let mut properties = template.properties.clone();
    properties.extend(details.about.properties);
    Ok(Submission {
        spec,
        graph: Arc::new(graph.map_err(EngineError::Graph)?),
        about: About {
            outputs: template.outputs.clone(),
            properties,
            ..details.about
        },
    })
}

/// What a registered target is. One of a kind that an older server accepted is this machine.
pub fn compute_kind(compute: &Compute) -> ComputeKind {
    let settings = serde_json::from_str(&compute.settings_json).unwrap_or_default();
    ComputeKind::parse(&compute.kind, &settings).unwrap_or_default()
}

/// Checks a pipeline against what the workspace has: compute targets, snapshots, datastores and
/// datasets. Datasets are given the places of their files.
pub(crate) async fn check(
    core: &Core,
    template: &mut Template,
    values: &mut BTreeMap<String, Value>,
) -> Result<()> {
    check_values(core, template, values).await?;
    let steps: Vec<_> = template.steps.iter().collect();
    check_steps(core, &steps, BTreeSet::new()).await
}

async fn check_values(
    core: &Core,
    template: &mut Template,
    values: &mut BTreeMap<String, Value>,
) -> Result<()> {
    for (name, parameter) in &mut template.parameters {
        match parameter {
            Parameter::Dataset(value) => *value = look_up(core, name, value.clone()).await?,
            Parameter::DataPath(place) => check_place_of(core, name, place)?,
            Parameter::String(_) | Parameter::Int(_) | Parameter::Float(_) | Parameter::Bool(_) => {
            }
        }
    }
    for (name, value) in values {
        match value {
            Value::Dataset(value) => *value = look_up(core, name, value.clone()).await?,
            Value::Place(place) => check_place_of(core, name, place)?,
            Value::Text(_) => {}
        }
    }
    Ok(())
}

/// Checks steps, and that the runs are there which are to be the parents of theirs.
async fn check_steps(core: &Core, steps: &[&StepSpec], parents: BTreeSet<RunId>) -> Result<()> {
    let any_target = core.any_target;
    let (computes, missing) = match any_target && parents.is_empty() {
        true => (Vec::new(), None),
        false => {
            let read = move |db: &stepwell_store::Connection| {
                let computes = match any_target {
                    true => Vec::new(),
                    false => catalog::list_computes(db)?,
                };
                for parent in parents {
                    if runs::root_of(db, parent)?.is_none() {
                        return Ok((computes, Some(parent)));
                    }
                }
                Ok((computes, None))
            };
            core.store.read(read).await?
        }
    };
    for step in steps {
        check_step(core, step, &computes)?;
    }
    check_scripts(core, steps).await?;
    missing.map_or(Ok(()), |parent| Err(Error::no_run(parent)))
}

/// Checks that each step's target can give what the step needs, as far as that is known now.
pub(crate) async fn check_resources(core: &Core, graph: &Graph) -> Result<()> {
    let asked = graph.steps().iter().flat_map(|step| {
        let spec = &step.spec;
        let kind = spec.task.kind();
        let own = (spec.target.as_str(), &spec.resources, kind.is_several());
        let starts = kind.starts().map(|asks| (asks, None));
        let all = [Some((own, kind.spread())), starts].into_iter().flatten();
        all.map(|asks| (&spec.name, asks))
    });
    let asked: Vec<_> = asked
        .filter(|(_, ((_, needs, _), spread))| !needs.is_default() || spread.is_some())
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let computes = core.store.read(catalog::list_computes).await?;
    for (name, ((target, resources, is_several), spread)) in asked {
        let compute = computes.iter().find(|compute| compute.name == target);
        let kind = compute.map(compute_kind).unwrap_or_default();
        let needs = kind.needs(*resources, spread);
        if needs.is_default() {
            continue;
        }
        if let Some(reason) = core.engine.refuses(&kind, &needs, is_several).await {
            let message = format!("step `{name}` can never run on `{target}`: {reason}");
            return Err(Error::invalid(message)
                .hint("let the step ask for less, or name another compute target"));
        }
    }
    Ok(())
}

/// Checks that each snapshot holds the scripts that are started from it. An ignore file may have
/// kept one out.
async fn check_scripts(core: &Core, steps: &[&StepSpec]) -> Result<()> {
    let scripts_of = |step: &&StepSpec| step.task.kind().references().scripts;
    let named: BTreeSet<_> = steps.iter().flat_map(scripts_of).collect();
    if named.is_empty() {
        return Ok(());
    }
    let cas = core.cas.clone();
    let missing = blocking(move || missing_scripts(&cas, named)).await?;
    let names_it = |step: &&&StepSpec| scripts_of(step).iter().any(|one| missing.contains(one));
    let Some(step) = steps.iter().find(names_it) else {
        return Ok(());
    };
    let scripts = scripts_of(step);
    let paths = scripts.iter().filter(|one| missing.contains(one));
    let paths: Vec<_> = paths.map(|(_, path)| format!("`{path}`")).collect();
    let paths = paths.join(", ");
    let message = format!(
        "step `{}`: its script {paths} is not among the files that were sent",
        step.name
    );
    let hint =
        "see that no line of `.amlignore` or `.gitignore` in the source directory leaves it out";
    Err(Error::invalid(message).hint(hint))
}

/// A path without the `.` that may be in it.
fn plain(path: &str) -> Utf8PathBuf {
    let parts = Utf8Path::new(path).components();
    parts
        .filter(|part| *part != Utf8Component::CurDir)
        .collect()
}

/// The scripts that their snapshots lack. One snapshot is read once.
fn missing_scripts(
    cas: &Cas,
    mut named: BTreeSet<(Digest, String)>,
) -> Result<BTreeSet<(Digest, String)>> {
    let snapshots: BTreeSet<_> = named.iter().map(|(digest, _)| *digest).collect();
    for digest in snapshots {
        let manifest = snapshot::load(cas, &digest).map_err(|error| match error {
            stepwell_data::Error::NotAManifest { .. } => Error::invalid(error.to_string()),
            error => error.into(),
        })?;
        let files: HashSet<_> = manifest
            .entries
            .into_iter()
            .map(|entry| entry.path)
            .collect();
        named.retain(|(of, path)| *of != digest || !files.contains(&plain(path)));
    }
    Ok(named)
}

fn check_step(core: &Core, step: &StepSpec, computes: &[Compute]) -> Result<()> {
    let refuse = |what: String| Error::invalid(format!("step `{}`: {what}", step.name));
    let compute = computes
        .iter()
        .find(|compute| compute.name == step.target.as_str());
    if compute.is_none() && !core.any_target {
        let names: Vec<_> = computes.iter().map(|known| known.name.as_str()).collect();
        return Err(
            refuse(format!("there is no compute target `{}`", step.target))
                .hint(format!("known compute targets: {}", names.join(", "))),
        );
    }
    for input in &step.inputs {
        if let InputSource::Datastore { datastore, path } = &input.source {
            check_place(core, datastore, path, &refuse)?;
        }
    }
    for output in &step.outputs {
        let path = output.path.as_deref().unwrap_or_default();
        check_place(core, &output.datastore, path, &refuse)?;
    }
    let named = step.task.kind().references();
    for datastore in &named.datastores {
        check_place(core, datastore, "", &refuse)?;
    }
    match named.snapshots.iter().find(|digest| !core.cas.has(digest)) {
        Some(digest) => Err(no_snapshot(&refuse, *digest)),
        None => Ok(()),
    }
}

fn no_snapshot(refuse: &dyn Fn(String) -> Error, digest: Digest) -> Error {
    refuse(format!("the server does not have snapshot {digest}"))
        .hint("send it first: `stepwell snapshot DIR`")
}

/// Checks a place that a parameter names.
pub(crate) fn check_place_of(core: &Core, parameter: &str, place: &Place) -> Result<()> {
    let refuse = |what: String| Error::invalid(format!("parameter `{parameter}`: {what}"));
    check_place(core, &place.datastore, &place.path, &refuse)
}

/// Checks that a datastore is there and that a path does not lead out of it.
fn check_place(
    core: &Core,
    datastore: &str,
    path: &str,
    refuse: &dyn Fn(String) -> Error,
) -> Result<()> {
    if let Err(error) = core.datastores.get(datastore) {
        let known = core.datastores.names().join(", ");
        return Err(refuse(error.to_string()).hint(format!("known datastores: {known}")));
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
