//! Published pipelines: how one is kept, and how it is started.
//!
//! [`PublishedPipelines::start`] is the one way to start a published pipeline, whoever asks: a
//! client, an endpoint or a schedule. What is asked is checked before anything is stored, and a
//! repeated idempotency key gives the run of the first.

mod datasets;
mod gather;
mod templates;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use stepwell_engine::driver::{About, Accepted, Submission};
use stepwell_model::{
    Assignments, Digest, Parameter, RunId, RunKind, Template, Value, properties_of_pipeline,
};
use stepwell_store::published::{self as store, Published, References};
use stepwell_store::{journal, runs};
use uuid::Uuid;

pub(crate) use datasets::look_up;
pub use templates::Ready;
pub(crate) use templates::Templates;
use templates::no_pipeline;

use crate::core::Core;
use crate::names::{check_experiment, check_label};
use crate::page::{Page, Part};
use crate::runs::scheduled;
use crate::submission::{self, Details, check_place_of};
use crate::{Error, Result};

/// What becomes of values of parameters that the pipeline does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They are refused.
    Refuse,
    /// They are left out, as the original service does; the run names them in a property.
    Ignore,
}

/// The property that names the parameters that were left out.
pub const IGNORED: &str = "stepwell.ignored_parameters";

/// A pipeline that is to be published, beside its steps.
#[derive(Debug, Clone)]
pub struct NewPublished {
    /// A name for people; several pipelines may share one.
    pub name: String,
    /// A description for people.
    pub description: String,
    /// A version for people.
    pub version: Option<String>,
    /// Whether steps that do not depend on a failed step still run; as the pipeline says when
    /// absent.
    pub continue_on_step_failure: Option<bool>,
    /// Who publishes it.
    pub user: String,
}

/// Where the steps of a pipeline come from.
#[derive(Debug, Clone)]
pub enum PipelineSource {
    /// A template, with values that become its defaults.
    Sent(Box<Template>, BTreeMap<String, Value>),
    /// A pipeline run, whose values become the defaults.
    Run(RunId),
    /// A template that was checked when it was kept.
    Kept(Box<Template>),
}

/// A run of a published pipeline that was started, now or before.
#[derive(Debug, Clone)]
pub struct Started {
    /// The run, and whether it is new.
    pub accepted: Accepted,
    /// The pipeline.
    pub pipeline: Arc<Ready>,
}

/// What can be done with published pipelines; cheap to clone.
#[derive(Clone)]
pub struct PublishedPipelines(Arc<Core>);

impl PublishedPipelines {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Publishes a pipeline. It never changes but for its status, and is never deleted. It
    /// survives the loss of power.
    ///
    /// # Errors
    /// When it could not run, or its name is no name.
    pub async fn publish(&self, about: NewPublished, source: PipelineSource) -> Result<Published> {
        let run = match &source {
            PipelineSource::Run(run) => Some(*run),
            PipelineSource::Sent(..) | PipelineSource::Kept(_) => None,
        };
        let template = self.template(source).await?;
        check_label("a published pipeline", &about.name)?;
        if template.steps.is_empty() {
            return Err(Error::invalid("the pipeline has no steps"));
        }
        let now = self.0.now();
        let published = Published {
            seq: 0,
            id: Uuid::new_v4(),
            name: about.name,
            description: about.description,
            version: about.version,
            active: true,
            continue_on_failure: about.continue_on_step_failure,
            steps: u32::try_from(template.steps.len()).unwrap_or(u32::MAX),
            parameters: template.parameters.clone(),
            run,
            user: about.user,
            created: now,
            changed: now,
        };
        self.keep(published, template).await
    }

    /// The template that a source stands for, checked.
    ///
    /// # Errors
    /// When it could not run, or there is no such pipeline run.
    pub async fn template(&self, source: PipelineSource) -> Result<Template> {
        match source {
            PipelineSource::Sent(mut template, mut values) => {
                submission::check(&self.0, &mut template, &mut values).await?;
                Ok(template.with_defaults(&values)?)
            }
            PipelineSource::Run(run) => self.template_of_run(run).await,
            PipelineSource::Kept(template) => Ok(*template),
        }
    }

    /// What a run was started with: its steps, or the one script that it is.
    ///
    /// # Errors
    /// When there is no such run, or a program opened it.
    pub async fn submitted(&self, run: RunId) -> Result<Template> {
        let read = move |db: &stepwell_store::Connection| {
            let record = runs::find(db, run)?;
            let scheduled = record.as_ref().map_or(run, scheduled);
            Ok((record, journal::find_graph(db, scheduled)?))
        };
        let (record, graph) = self.0.store.read(read).await?;
        let record = record.ok_or_else(|| Error::no_run(run))?;
        let (spec, graph) = graph.ok_or_else(|| {
            Error::not_found(format!(
                "run {run} was opened by a program, and has no steps"
            ))
        })?;
        Ok(Template {
            properties: properties_of_pipeline(&record.properties),
            ..Template::of_run(spec, &graph)
        })
    }

    async fn template_of_run(&self, run: RunId) -> Result<Template> {
        let record = self.0.store.read(move |db| runs::find(db, run)).await?;
        let record = record.ok_or_else(|| Error::no_run(run))?;
        if record.kind != RunKind::Pipeline {
            return Err(Error::invalid(format!(
                "run {run} is a {} run; only a pipeline can be published",
                record.kind.as_str()
            )));
        }
        self.submitted(run).await
    }

    async fn keep(&self, published: Published, template: Template) -> Result<Published> {
        let needs = References::of(&template);
        check_snapshots(&self.0, &needs)?;
        let text = serde_json::to_string(&template).map_err(|error| Error::internal(&error))?;
        let insert = move |db: &_| {
            store::insert(db, &published, &text, &needs)?;
            Ok(published)
        };
        Ok(self.0.store.write_durable(insert).await?)
    }

    /// The published pipeline with its template.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn get(&self, pipeline: Uuid) -> Result<Arc<Ready>> {
        self.0.templates.get(&self.0, pipeline).await
    }

    /// Published pipelines, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, active_only: bool, part: Part) -> Result<Page<Published>> {
        let limit = part.limit();
        let read = move |db: &_| store::list(db, active_only, part.after, limit + 1);
        let rows = self.0.store.read(read).await?;
        Ok(Page::cut(rows, limit, |row| row.seq))
    }

    /// Lets a published pipeline be started, or not.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn set_active(&self, pipeline: Uuid, active: bool) -> Result<Arc<Ready>> {
        let at = self.0.now();
        let change = move |db: &_| store::set_active(db, pipeline, active, at);
        let found = self.0.store.write_durable(change).await?;
        self.0.templates.forget(pipeline);
        match found {
            true => self.get(pipeline).await,
            false => Err(no_pipeline(pipeline)),
        }
    }

    /// The runs of a published pipeline, newest first.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn runs(&self, pipeline: Uuid, part: Part) -> Result<Page<runs::Record>> {
        self.get(pipeline).await?;
        let limit = part.limit();
        let read = move |db: &_| store::runs_of(db, pipeline, part.after, limit + 1);
        let rows = self.0.store.read(read).await?;
        Ok(Page::cut(rows, limit, |row| row.seq))
    }

    /// Starts a run of a published pipeline. A repeated idempotency key starts nothing and gives
    /// the run of the first request.
    ///
    /// # Errors
    /// When there is no such pipeline, it is disabled, or a value does not fit; the message says
    /// which.
    pub async fn start(
        &self,
        pipeline: Uuid,
        mut assignments: Assignments,
        unknown: Unknown,
        idempotency_key: Option<String>,
    ) -> Result<Started> {
        let ready = self.get(pipeline).await?;
        if unknown == Unknown::Ignore {
            leave_out_unknown(&ready.published, &mut assignments);
        }
        let accepted = match self
            .check(&ready, assignments, idempotency_key.clone())
            .await
        {
            Ok(submission) => self.0.engine.submit(submission).await?,
            // What was accepted once stays accepted, whatever was changed since.
            Err(refusal) => {
                let earlier = earlier(&self.0, idempotency_key).await?;
                Accepted::Before(earlier.ok_or(refusal)?)
            }
        };
        Ok(Started {
            accepted: self.of_pipeline(accepted, pipeline).await?,
            pipeline: ready,
        })
    }

    /// A key that was used for something else is no promise of ours.
    async fn of_pipeline(&self, accepted: Accepted, pipeline: Uuid) -> Result<Accepted> {
        let Accepted::Before(run) = accepted else {
            return Ok(accepted);
        };
        let record = self.0.store.read(move |db| runs::find(db, run)).await?;
        match record.and_then(|record| record.published) == Some(pipeline) {
            true => Ok(accepted),
            false => Err(Error::conflict(
                "the Idempotency-Key was used for another request before",
            )
            .hint("use a new key for each run that is wanted, such as a UUID")),
        }
    }

    async fn check(
        &self,
        ready: &Ready,
        mut assignments: Assignments,
        idempotency_key: Option<String>,
    ) -> Result<Submission> {
        let Published { id, name, .. } = &ready.published;
        if !ready.published.active {
            return Err(
                Error::conflict(format!("published pipeline `{name}` ({id}) is disabled"))
                    .hint("`published.enable()` lets it be started again"),
            );
        }
        check_experiment(&assignments.experiment)?;
        gather::gather(&self.0, &ready.template, &mut assignments.datasets).await?;
        let values = values(&self.0, &mut assignments).await?;
        if let Some(parent) = assignments.parent {
            let found = self.0.store.read(move |db| runs::find(db, parent)).await?;
            found.ok_or_else(|| Error::no_run(parent))?;
        }
        let continues = assignments
            .continue_on_step_failure
            .or(ready.published.continue_on_failure);
        let description = assignments.description.take();
        let details = Details {
            kind: RunKind::Pipeline,
            experiment: std::mem::take(&mut assignments.experiment),
            parent: assignments.parent,
            continue_on_step_failure: continues.unwrap_or(ready.template.continue_on_step_failure),
            regenerate_outputs: false,
            about: About {
                display_name: assignments.display_name.take().or(Some(name.clone())),
                description: description.unwrap_or_else(|| ready.published.description.clone()),
                tags: std::mem::take(&mut assignments.tags),
                user: assignments.user.take().unwrap_or_default(),
                idempotency_key,
                published: Some(*id),
                new_experiment: Uuid::now_v7(),
                ..About::default()
            },
        };
        let mut submission = submission::start(&ready.template, &values, details)?;
        submission::check_resources(&self.0, &submission.graph).await?;
        let own = properties(
            ("azureml.pipelineid", *id),
            &submission.spec.declared,
            assignments,
        );
        submission.about.properties.extend(own);
        Ok(submission)
    }
}

/// Leaves out values of parameters that the pipeline does not have, and says so in the log and in a
/// property of the run.
fn leave_out_unknown(published: &Published, assignments: &mut Assignments) {
    let known = &published.parameters;
    let mut left_out = Vec::new();
    let mut keep = |name: &String| {
        let is_known = known.contains_key(name);
        if !is_known {
            left_out.push(name.clone());
        }
        is_known
    };
    assignments.parameters.retain(|name, _| keep(name));
    assignments.data_paths.retain(|name, _| keep(name));
    assignments.datasets.retain(|name, _| keep(name));
    if left_out.is_empty() {
        return;
    }
    let names = left_out.join(", ");
    let pipeline = &published.name;
    tracing::warn!(
        "published pipeline `{pipeline}` has no parameter {names}; its run starts without"
    );
    assignments.properties.insert(IGNORED.to_owned(), names);
}

/// The run that was submitted with a key; it is made sure that it survives the loss of power.
pub(crate) async fn earlier(core: &Core, key: Option<String>) -> Result<Option<RunId>> {
    let Some(key) = key else { return Ok(None) };
    let find = move |db: &stepwell_store::Connection| runs::id_by_key(db, &key);
    Ok(core.store.write_durable(find).await?)
}

/// The values that parameters are given, with the datasets looked up.
pub(crate) async fn values(
    core: &Core,
    assignments: &mut Assignments,
) -> Result<BTreeMap<String, Value>> {
    let mut values = BTreeMap::new();
    for (name, value) in std::mem::take(&mut assignments.parameters) {
        let text = text_of(&name, value)?;
        values.insert(name, Value::Text(text));
    }
    for (name, place) in std::mem::take(&mut assignments.data_paths) {
        check_place_of(core, &name, &place)?;
        values.insert(name, Value::Place(place));
    }
    for (name, dataset) in std::mem::take(&mut assignments.datasets) {
        let dataset = look_up(core, &name, dataset).await?;
        values.insert(name, Value::Dataset(dataset));
    }
    Ok(values)
}

/// The text of a JSON value: programs send numbers as such or as text.
fn text_of(name: &str, value: Json) -> Result<String> {
    match value {
        Json::String(text) => Ok(text),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(truth) => Ok(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => Err(Error::invalid(format!(
            "parameter `{name}` is given `{value}`"
        ))
        .hint(
            "give a text, a number, true or false; data paths and datasets have fields of their \
             own",
        )),
    }
}

/// The properties that v1 writes on every run of a pipeline and that programs read.
pub(crate) fn properties(
    (subject, id): (&str, Uuid),
    declared: &BTreeMap<String, Parameter>,
    assignments: Assignments,
) -> BTreeMap<String, String> {
    let scalars: BTreeMap<&str, String> = declared
        .iter()
        .filter(|(_, parameter)| {
            !matches!(parameter, Parameter::DataPath(_) | Parameter::Dataset(_))
        })
        .map(|(name, parameter)| (name.as_str(), parameter.text()))
        .collect();
    let source = assignments.run_source.unwrap_or_else(|| "API".to_owned());
    let kind = match source.as_str() {
        "SDK" | "Schedule" => source.clone(),
        _ => "HTTP".to_owned(),
    };
    let own = [
        ("azureml.runsource", "azureml.PipelineRun".to_owned()),
        ("runSource", source),
        ("runType", kind),
        (
            "azureml.parameters",
            serde_json::to_string(&scalars).unwrap_or_default(),
        ),
        (subject, id.to_string()),
    ];
    let mut properties = assignments.properties;
    properties.extend(own.map(|(name, value)| (name.to_owned(), value)));
    properties
}

/// What is kept must be able to run.
pub(crate) fn check_snapshots(core: &Core, needs: &References) -> Result<()> {
    for snapshot in &needs.snapshots {
        let digest: Digest = snapshot.parse().map_err(|error| Error::internal(&error))?;
        if !core.cas.has(&digest) {
            return Err(Error::conflict(format!(
                "snapshot {digest} of the pipeline is not there any more"
            ))
            .hint("publish the pipeline from its program, which sends it again"));
        }
    }
    Ok(())
}
