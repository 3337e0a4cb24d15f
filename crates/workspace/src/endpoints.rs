//! Endpoints: a name for one of several published pipelines, its versions.

use std::sync::Arc;

use stepwell_engine::driver::Accepted;
use stepwell_model::Assignments;
use stepwell_store::endpoints::{self as store, Change, Endpoint};
use stepwell_store::runs;
use uuid::Uuid;

use crate::core::Core;
use crate::page::{Page, Part};
use crate::published::{PublishedPipelines, Started, Unknown, earlier};
use crate::{Error, Result};

/// What to change of an endpoint; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointUpdate {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// Whether it can be started.
    pub active: Option<bool>,
    /// The version that is started when none is named.
    pub default_version: Option<String>,
}

/// What can be done with endpoints; cheap to clone.
#[derive(Clone)]
pub struct Endpoints {
    core: Arc<Core>,
    published: PublishedPipelines,
}

impl Endpoints {
    pub(crate) fn new(core: Arc<Core>, published: PublishedPipelines) -> Self {
        Self { core, published }
    }

    /// Makes an endpoint; its version `0` is the pipeline.
    ///
    /// # Errors
    /// When there is no such pipeline, or the name is none or is taken.
    pub async fn create(
        &self,
        name: String,
        description: String,
        pipeline: Uuid,
    ) -> Result<Endpoint> {
        check_name(&name)?;
        self.published.get(pipeline).await?;
        let (id, at) = (Uuid::new_v4(), self.core.now());
        let create = move |db: &stepwell_store::Connection| {
            store::create(db, id, &name, &description, pipeline, at)?;
            store::find(db, id)
        };
        let made = self.core.store.write_durable(create).await?;
        made.ok_or_else(|| no_endpoint(&id))
    }

    /// Endpoints, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, active_only: bool, part: Part) -> Result<Page<Endpoint>> {
        let limit = part.limit();
        let read = move |db: &_| store::list(db, active_only, part.after, limit + 1);
        let rows = self.core.store.read(read).await?;
        Ok(Page::cut(rows, limit, |row| row.seq))
    }

    /// The endpoint of an id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, id: Uuid) -> Result<Endpoint> {
        let found = self.core.store.read(move |db| store::find(db, id)).await?;
        found.ok_or_else(|| no_endpoint(&id))
    }

    /// The endpoint of a name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get_named(&self, name: &str) -> Result<Endpoint> {
        let wanted = name.to_owned();
        let read = move |db: &_| store::find_named(db, &wanted);
        let found = self.core.store.read(read).await?;
        found.ok_or_else(|| no_endpoint(&format_args!("`{name}`")))
    }

    /// Changes an endpoint.
    ///
    /// # Errors
    /// When there is none, it has no such version, or the name is none or is taken.
    pub async fn update(&self, id: Uuid, update: EndpointUpdate) -> Result<Endpoint> {
        if let Some(name) = &update.name {
            check_name(name)?;
        }
        let parse = |text: String| {
            let refuse = |_| Error::invalid(format!("`{text}` is no version"));
            text.trim().parse::<u64>().map_err(refuse)
        };
        let change = Change {
            name: update.name,
            description: update.description,
            active: update.active,
            default_version: update.default_version.map(parse).transpose()?,
        };
        let at = self.core.now();
        let write = move |db: &_| store::change(db, id, change, at);
        let changed = self.core.store.write_durable(write).await?;
        changed.ok_or_else(|| no_endpoint(&id))
    }

    /// Adds a published pipeline as the next version of an endpoint.
    ///
    /// # Errors
    /// When there is no such endpoint or pipeline.
    pub async fn add_version(
        &self,
        id: Uuid,
        pipeline: Uuid,
        make_default: bool,
    ) -> Result<Endpoint> {
        self.published.get(pipeline).await?;
        let at = self.core.now();
        let write = move |db: &_| store::add(db, id, pipeline, make_default, at);
        let changed = self.core.store.write_durable(write).await?;
        changed.ok_or_else(|| no_endpoint(&id))
    }

    /// Starts a run of an endpoint's pipeline: of a version, or of the default one.
    ///
    /// # Errors
    /// When there is no such endpoint or version, it is disabled, or as
    /// [`PublishedPipelines::start`].
    pub async fn start(
        &self,
        endpoint: Uuid,
        version: Option<&str>,
        assignments: Assignments,
        unknown: Unknown,
        idempotency_key: Option<String>,
    ) -> Result<Started> {
        let endpoint = self.get(endpoint).await?;
        if let Some(started) = self
            .started_before(&endpoint, idempotency_key.clone())
            .await?
        {
            return Ok(started);
        }
        if !endpoint.active {
            let Endpoint { name, id, .. } = &endpoint;
            return Err(
                Error::conflict(format!("endpoint `{name}` ({id}) is disabled")).hint(
                    "`endpoint.enable()`, or `reactivate` if it was archived, lets it be started",
                ),
            );
        }
        let pipeline = pipeline_of(&endpoint, version)?;
        self.published
            .start(pipeline, assignments, unknown, idempotency_key)
            .await
    }

    /// The run that a key has started already, whichever version was the default then.
    async fn started_before(
        &self,
        endpoint: &Endpoint,
        key: Option<String>,
    ) -> Result<Option<Started>> {
        let Some(run) = earlier(&self.core, key).await? else {
            return Ok(None);
        };
        let record = self.core.store.read(move |db| runs::find(db, run)).await?;
        let known = record.and_then(|record| record.published);
        let mut pipelines = endpoint.versions.iter().map(|(_, pipeline)| *pipeline);
        match known.filter(|known| pipelines.any(|pipeline| pipeline == *known)) {
            Some(pipeline) => Ok(Some(Started {
                accepted: Accepted::Before(run),
                pipeline: self.published.get(pipeline).await?,
            })),
            None => Ok(None),
        }
    }
}

/// The answer that there is no such endpoint.
fn no_endpoint(named: &dyn std::fmt::Display) -> Error {
    Error::not_found(format!("there is no pipeline endpoint {named}"))
        .hint("`stepwell published endpoints` lists them")
}

fn check_name(name: &str) -> Result<()> {
    let is_forbidden = |c: char| c.is_control() || c == '/';
    match name.trim().is_empty() || name.chars().count() > 255 || name.contains(is_forbidden) {
        true => Err(Error::invalid(format!("`{name}` cannot name an endpoint"))
            .hint("use 1 to 255 characters without slashes and line breaks")),
        false => Ok(()),
    }
}

/// The published pipeline of a version, or of the default one.
fn pipeline_of(endpoint: &Endpoint, version: Option<&str>) -> Result<Uuid> {
    let number = match version {
        None => Some(endpoint.default_version),
        Some(text) => text.trim().parse().ok(),
    };
    let found = number.and_then(|number| endpoint.pipeline(number));
    found.ok_or_else(|| {
        let versions = endpoint.versions.iter();
        let versions: Vec<_> = versions.map(|(version, _)| version.to_string()).collect();
        let (name, version) = (&endpoint.name, version.unwrap_or_default());
        Error::not_found(format!("endpoint `{name}` has no version `{version}`"))
            .hint(format!("its versions: {}", versions.join(", ")))
    })
}
