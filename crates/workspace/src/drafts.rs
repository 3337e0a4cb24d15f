//! Drafts: pipelines that are kept to be changed, run and published.

use std::collections::BTreeMap;
use std::sync::Arc;

use stepwell_engine::driver::{About, Accepted};
use stepwell_model::{Assignments, DatasetValue, Place, RunId, RunKind, Template, Timestamp};
use stepwell_store::drafts::{self as store, Draft, Origin};
use stepwell_store::published::{Published, References};
use stepwell_store::runs;
use uuid::Uuid;

use crate::core::Core;
use crate::names::check_experiment;
use crate::page::{Page, Part};
use crate::published::{
    NewPublished, PipelineSource, PublishedPipelines, check_snapshots, properties, values,
};
use crate::submission::{self, Details};
use crate::{Error, Result, sdk};

/// What a draft is made of.
#[derive(Debug, Clone)]
pub enum Beginning {
    /// A pipeline.
    Pipeline(PipelineSource),
    /// A published pipeline.
    Published(Uuid),
    /// Another draft.
    Draft(Uuid),
}

/// A draft to make.
#[derive(Debug, Clone)]
pub struct NewDraft {
    /// What it is made of.
    pub from: Beginning,
    /// Its name, unless it has that of what it is made of.
    pub name: Option<String>,
    /// Its experiment, unless it has that of what it is made of.
    pub experiment: Option<String>,
    /// Who makes it.
    pub user: String,
    /// What differs from what it is made of.
    pub update: DraftUpdate,
}

/// What to change of a draft; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct DraftUpdate {
    /// Other steps.
    pub pipeline: Option<PipelineSource>,
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Another experiment.
    pub experiment: Option<String>,
    /// All tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// All properties.
    pub properties: Option<BTreeMap<String, String>>,
    /// New defaults of parameters that are texts, numbers or truth values.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// New defaults of data paths.
    pub data_paths: BTreeMap<String, Place>,
    /// New defaults of datasets.
    pub datasets: BTreeMap<String, DatasetValue>,
    /// Whether steps that do not depend on a failed step still run.
    pub continue_on_step_failure: Option<bool>,
}

/// What can be done with drafts; cheap to clone.
#[derive(Clone)]
pub struct Drafts {
    core: Arc<Core>,
    published: PublishedPipelines,
}

impl Drafts {
    pub(crate) fn new(core: Arc<Core>, published: PublishedPipelines) -> Self {
        Self { core, published }
    }

    /// Makes a draft of a pipeline, a published pipeline, a run or another draft.
    ///
    /// # Errors
    /// When what it is made of is not there or could not run, or it has no name or experiment.
    pub async fn create(&self, new: NewDraft) -> Result<Draft> {
        let mut draft = self.begin(new.from).await?;
        if let Some(name) = new.name {
            draft.name = name;
        }
        if let Some(experiment) = new.experiment {
            draft.experiment = experiment;
        }
        if draft.name.is_empty() && new.update.name.is_none() {
            return Err(Error::invalid("the draft has no `name`"));
        }
        if draft.experiment.is_empty() && new.update.experiment.is_none() {
            return Err(Error::invalid("the draft has no `experiment`"));
        }
        draft.user = new.user;
        let draft = self.changed(draft, new.update).await?;
        self.save(draft).await
    }

    /// The draft that something begins as.
    async fn begin(&self, from: Beginning) -> Result<Draft> {
        let empty = empty(self.core.now());
        match from {
            Beginning::Pipeline(PipelineSource::Run(run)) => {
                let template = self.published.template(PipelineSource::Run(run)).await?;
                let record = self.core.store.read(move |db| runs::find(db, run)).await?;
                let record = record.ok_or_else(|| Error::no_run(run))?;
                Ok(Draft {
                    name: record.display_name,
                    description: record.description,
                    experiment: record.experiment,
                    tags: record.tags,
                    template,
                    origin: Origin {
                        run: Some(run),
                        ..Origin::default()
                    },
                    ..empty
                })
            }
            Beginning::Pipeline(source) => Ok(Draft {
                template: self.published.template(source).await?,
                ..empty
            }),
            Beginning::Published(pipeline) => {
                let ready = self.published.get(pipeline).await?;
                Ok(Draft {
                    name: ready.published.name.clone(),
                    description: ready.published.description.clone(),
                    template: ready.template.clone(),
                    origin: Origin {
                        pipeline: Some(pipeline),
                        ..Origin::default()
                    },
                    ..empty
                })
            }
            Beginning::Draft(draft) => {
                let known = self.get(draft).await?;
                Ok(Draft {
                    name: known.name,
                    description: known.description,
                    experiment: known.experiment,
                    tags: known.tags,
                    properties: known.properties,
                    template: known.template,
                    origin: Origin {
                        draft: Some(draft),
                        ..Origin::default()
                    },
                    ..empty
                })
            }
        }
    }

    /// The draft with what is set anew, checked.
    async fn changed(&self, mut draft: Draft, update: DraftUpdate) -> Result<Draft> {
        if let Some(pipeline) = update.pipeline {
            draft.template = self.published.template(pipeline).await?;
        }
        let mut given = Assignments {
            parameters: update.parameters,
            data_paths: update.data_paths,
            datasets: update.datasets,
            ..Assignments::default()
        };
        let values = values(&self.core, &mut given).await?;
        draft.template = draft.template.with_defaults(&values)?;
        if let Some(continues) = update.continue_on_step_failure {
            draft.template.continue_on_step_failure = continues;
        }
        draft.name = update.name.unwrap_or(draft.name);
        draft.description = update.description.unwrap_or(draft.description);
        draft.experiment = update.experiment.unwrap_or(draft.experiment);
        draft.tags = update.tags.unwrap_or(draft.tags);
        draft.properties = update.properties.unwrap_or(draft.properties);
        draft.changed = self.core.now();
        check_experiment(&draft.experiment)?;
        if draft.name.trim().is_empty() || draft.name.chars().count() > 255 {
            return Err(Error::invalid("a draft's name has 1 to 255 characters"));
        }
        Ok(draft)
    }

    async fn save(&self, draft: Draft) -> Result<Draft> {
        check_snapshots(&self.core, &References::of(&draft.template))?;
        let write = move |db: &_| {
            store::save(db, &draft)?;
            Ok(draft)
        };
        Ok(self.core.store.write_durable(write).await?)
    }

    /// The draft of an id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, id: Uuid) -> Result<Draft> {
        let found = self.core.store.read(move |db| store::find(db, id)).await?;
        found.ok_or_else(|| no_draft(id))
    }

    /// Drafts with all of these tags, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, tags: BTreeMap<String, String>, part: Part) -> Result<Page<Draft>> {
        let limit = part.limit();
        let read = move |db: &_| store::list(db, &tags, part.after, limit + 1);
        let rows = self.core.store.read(read).await?;
        Ok(Page::cut(rows, limit, |row| row.seq))
    }

    /// Changes a draft.
    ///
    /// # Errors
    /// When there is none, or what it becomes could not run.
    pub async fn update(&self, id: Uuid, update: DraftUpdate) -> Result<Draft> {
        let draft = self.get(id).await?;
        let draft = self.changed(draft, update).await?;
        self.save(draft).await
    }

    /// Takes a draft away; its runs stay.
    ///
    /// # Errors
    /// When there is none.
    pub async fn delete(&self, id: Uuid) -> Result<()> {
        let delete = move |db: &_| store::delete(db, id);
        match self.core.store.write_durable(delete).await? {
            true => Ok(()),
            false => Err(no_draft(id)),
        }
    }

    /// Starts a run of a draft as it is now.
    ///
    /// # Errors
    /// When there is no such draft, or the run cannot be stored.
    pub async fn start(&self, id: Uuid, idempotency_key: Option<String>) -> Result<Accepted> {
        let draft = self.get(id).await?;
        let details = Details {
            kind: RunKind::Pipeline,
            experiment: draft.experiment.clone(),
            parent: None,
            continue_on_step_failure: draft.template.continue_on_step_failure,
            regenerate_outputs: false,
            about: About {
                display_name: Some(draft.name.clone()),
                description: draft.description.clone(),
                tags: draft.tags.clone(),
                user: draft.user.clone(),
                idempotency_key,
                new_experiment: Uuid::now_v7(),
                ..About::default()
            },
        };
        let mut submission = submission::start(&draft.template, &BTreeMap::new(), details)?;
        submission::check_resources(&self.core, &submission.graph).await?;
        let assignments = Assignments {
            properties: draft.properties.clone(),
            run_source: Some("SDK".to_owned()),
            ..Assignments::default()
        };
        let subject = ("azureml.pipelinedraftid", draft.id);
        let own = properties(subject, &submission.spec.declared, assignments);
        submission.about.properties.extend(own);
        if let Some(path) = &draft.template.sdk_path {
            sdk::link(&self.core.folder, path)?;
        }
        let accepted = self.core.engine.submit(submission).await?;
        let run: RunId = accepted.run();
        let remember = move |db: &_| store::set_last_run(db, id, run);
        self.core.store.write(remember).await?;
        Ok(accepted)
    }

    /// Publishes a draft as it is now.
    ///
    /// # Errors
    /// When there is no such draft, or it could not run any more.
    pub async fn publish(&self, id: Uuid) -> Result<Published> {
        let draft = self.get(id).await?;
        let about = NewPublished {
            name: draft.name,
            description: draft.description,
            version: None,
            continue_on_step_failure: Some(draft.template.continue_on_step_failure),
            user: draft.user,
        };
        let source = PipelineSource::Kept(Box::new(draft.template));
        self.published.publish(about, source).await
    }
}

/// A draft of nothing yet.
fn empty(now: Timestamp) -> Draft {
    Draft {
        seq: 0,
        id: Uuid::new_v4(),
        name: String::new(),
        description: String::new(),
        experiment: String::new(),
        tags: BTreeMap::new(),
        properties: BTreeMap::new(),
        template: Template::default(),
        origin: Origin::default(),
        last_run: None,
        user: String::new(),
        created: now,
        changed: now,
    }
}

fn no_draft(id: Uuid) -> Error {
    Error::not_found(format!("there is no pipeline draft {id}"))
        .hint("`PipelineDraft.list(workspace)` lists them")
}
